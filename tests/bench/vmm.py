#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""examples/vmm beside QEMU's microvm: how long they take to a kernel's first instruction, and how many bytes move.

The bytes are counted and compared with those that must move: at most 1.05 of them. The times are reported only. Both
programs run under KVM in one machine that QEMU emulates (lab/nested.py), with the same kernel of 32 MiB, whose first
instruction ends the machine. The two alternate in batches of runs. The time to write the handoff is that of this host.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import skip
from images import crafted
from lab import LabError, bzimage, nested, packages, releases

LIMIT = 1.05
BATCHES, RUNS = 7, 4
FIRMWARE = ("bios-microvm.bin", "qboot.rom", "pvh.bin", "linuxboot_dma.bin", "kvmvapic.bin")


def count_bytes(build: Path, scratch: Path) -> bool:
    root = Path(__file__).resolve().parents[2]
    sources = [root / "tests/bench/vmm_bytes.cpp", root / "examples/vmm/boot.cpp", root / "examples/vmm/acpi.cpp"]
    program = scratch / "vmm_bytes"
    subprocess.run(["g++", "-std=c++20", "-O2", "-DFMT_HEADER_ONLY", f"-I{root / 'include'}", *sources, "-o", program],
                   timeout=300, check=True)
    initrd = scratch / "initrd"
    initrd.write_bytes(os.urandom(1 << 20))
    good = True
    kernels = {"Debian's vmlinux": bzimage.vmlinux(packages.debian_kernel()),
               "examples/kernel": build / "examples/kernel/kernel64.elf"}
    for name, kernel in kernels.items():
        done = subprocess.run([program, kernel, initrd], capture_output=True, text=True, timeout=300, check=True)
        written, needed, handoff, nanoseconds = map(int, done.stdout.split())
        if nanoseconds == 0:
            raise LabError(f"{name}: the handoff cannot be written again")
        good = good and written <= LIMIT * needed
        print(f"{name} and an initrd of 1 MiB: {written} bytes written, {needed} needed: {written / needed:.3f}, allowed "
              f"{LIMIT}; {handoff} of them are the handoff, "
              f"which takes {nanoseconds} ns to write")
    return good


def exit_kernel() -> bytes:
    """Ends the machine with its first instructions; 32 MiB of noise have to be loaded."""
    noise = random.Random(1).randbytes(32 << 20)
    image = crafted.Image(64).load(crafted.PVH, crafted.END + bytes(64)).load(0x1000000, noise)
    return image.notes(crafted.entry()).written()


def qemu_files() -> tuple[dict[str, bytes], str]:
    """QEMU 10 of Debian 13 with its loader and libraries, and the words that run it in their folder."""
    room = releases.provide("qemu-system-x86", packages.TRIXIE)
    program = room / "usr/bin/qemu-system-x86_64"
    command = releases.command(room, "usr/bin/qemu-system-x86_64")
    listed = subprocess.run([*command[:-1], "--list", program], capture_output=True, text=True, timeout=60, check=True).stdout
    libraries = [Path(path) for path in re.findall(r"=> (\S+)", listed)]
    files = {path.name: path.read_bytes() for path in (*libraries, program, Path(command[0]))}
    for name in FIRMWARE:
        found = next((path for folder in ("qemu", "seabios") if (path := room / "usr/share" / folder / name).exists()), None)
        if found:
            files[name] = found.read_bytes()
    words = (f"./{Path(command[0]).name} --inhibit-cache --library-path . ./qemu-system-x86_64 -L . -machine microvm "
             "-accel kvm -m 256M -nodefaults -no-user-config -display none -no-reboot "
             "-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel exit")
    return files, words


def measure(build: Path) -> None:
    files, qemu = qemu_files()
    files |= {"vmm": (build / "examples/vmm/vmm").read_bytes(), "exit": exit_kernel()}
    programs = {"vmm": "./vmm --debug-exit --memory 256M --kernel exit", "QEMU": qemu}
    commands = {"first": f"{programs['vmm']}; {programs['QEMU']}"}  # brings the files into the cache
    for batch in range(BATCHES):
        for name, words in programs.items():
            runs = "; ".join([f"{words} > /dev/null 2> /dev/null"] * RUNS)
            commands[f"{name}-{batch}"] = (f"read a b < /proc/uptime; {runs}; status=$?; read c d < /proc/uptime; "
                                           "echo took $a $c status $status")
    parts, _ = nested.run(commands, files, 600)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for key, part in parts.items():
        match = re.search(r"took (\S+) (\S+) status (\d+)", "\n".join(part.lines))
        if not match:
            continue
        if match[3] != "3":  # 1 << 1 | 1
            raise LabError(f"{key}: status {match[3]} instead of 3:\n" + "\n".join(parts["first"].lines[-8:]))
        times[key.partition("-")[0]].append((float(match[2]) - float(match[1])) / RUNS)
    if min(map(len, times.values())) < BATCHES:
        raise LabError(f"the machine ended early: {times}")
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, seconds in times.items():
        print(f"{name:<5} start to first instruction and exit: median {medians[name] * 1000:.0f} ms of {BATCHES} batches "
              f"({min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f})")
    print(f"vmm takes {medians['vmm'] / medians['QEMU']:.2f} of QEMU's time (microvm, 256 MiB, kernel of 32 MiB, emulated CPU)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--bytes-only", action="store_true", help="no times")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
            good = count_bytes(options.build, Path(scratch))
        if not options.bytes_only:
            measure(options.build)
    except packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        print(f"NOT OK {why}")
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
