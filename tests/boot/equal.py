#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare translate_as_linux with Linux's own PVH entry, byte for byte. Exit with 0, 1, or 77 (skipped).

A machine is started twice with the same module and command line. The first run enters examples/kernel, whose handoff is
read from guest memory and translated by equal/translate.cpp. The second enters a vmlinux, whose PVH entry makes a zero
page that userspace prints.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import LabError, boot, bzimage, console, packages, qemu, userspace, wire
from run import KERNELS, Verdict


class Recorder:
    """Guest memory that records what is read."""

    def __init__(self, memory: qemu.Memory) -> None:
        self.memory = memory
        self.pieces: list[tuple[int, bytes]] = []

    def read(self, paddr: int, size: int) -> bytes:
        data = self.memory.read(paddr, size)
        self.pieces.append((paddr, data))
        return data

    def string(self, paddr: int) -> bytes:
        text = self.memory.string(paddr)
        self.pieces.append((paddr, text + b"\0"))
        return text


def joined(pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Merge pieces that touch or overlap: a table is one extent, even if it was read in parts."""
    result: list[tuple[int, bytes]] = []
    for paddr, data in sorted(pieces):
        if result and paddr <= result[-1][0] + len(result[-1][1]):
            start, before = result[-1]
            result[-1] = (start, before[:paddr - start] + data + before[paddr - start + len(data):])
        else:
            result.append((paddr, data))
    return result


def capture(machine: qemu.Machine, timeout: float) -> tuple[int, list[tuple[int, bytes]]]:
    printed = console.read("kernel", qemu.start(machine, timeout).lines)
    if printed.start_info is None:
        raise LabError("examples/kernel did not print the address of its start_info")
    pieces: list[tuple[int, bytes]] = []

    def look(memory: qemu.Memory) -> None:
        recorder = Recorder(memory)
        wire.read_start_info(recorder, printed.start_info)
        pieces.extend(joined(recorder.pieces))

    qemu.inspect(machine, "kernel: result", look, timeout)
    return printed.start_info, pieces


def translated(program: Path, start_info: int, pieces: list[tuple[int, bytes]], mode: str) -> bytes:
    text = f"start_info {start_info:x} {mode} other\n"
    text += "".join(f"{paddr:x} {data.hex()}\n" for paddr, data in pieces)
    run = subprocess.run([program], input=text, capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        raise LabError(f"the translation was refused: {run.stderr.strip()}")
    return bytes.fromhex(run.stdout)


def compare(verdict: Verdict, ours: bytes, linux: bytes) -> None:
    """All bytes count: a vmlinux entered by PVH does not change its zero page before userspace reads it."""
    unequal = [f"{offset:#05x}: {ours[offset]:02x} here, {linux[offset]:02x} in Linux"
               for offset in range(4096) if ours[offset] != linux[offset]]
    verdict.equal("bytes that differ from Linux's zero page", unequal, [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("translate", type=Path, help="the program of equal/translate.cpp")
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder with the examples")
    parser.add_argument("--machine", default="q35", choices=qemu.MACHINES)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--timeout", type=float, default=120)
    options = parser.parse_args()
    verdict = Verdict()
    try:
        made = userspace.build(packages.busybox().read_bytes())
        with tempfile.NamedTemporaryFile() as module:
            module.write(made.data)
            module.flush()
            initrd = Path(module.name)
            kernel = qemu.Machine(options.build / KERNELS / "kernel32.elf", initrd, boot.DEFAULT_APPEND,
                                  options.machine, options.memory)
            start_info, pieces = capture(kernel, options.timeout)
            vmlinux = qemu.Machine(bzimage.vmlinux(packages.kernel()), initrd, boot.DEFAULT_APPEND, options.machine,
                                   options.memory)
            run = qemu.start(vmlinux, options.timeout)
        if userspace.BEGIN not in run.lines:
            raise LabError(f"userspace was not reached; the last lines:\n{run.tail()}")
        linux = userspace.read(run.lines).boot_params.page
        compare(verdict, translated(options.translate, start_info, pieces, "as-linux"), linux)
        strict = wire.BootParams(translated(options.translate, start_info, pieces, "strict"))
        theirs = wire.BootParams(linux)
        verdict.equal("strict: the same RAM as in Linux's table",
                      wire.coverage(strict.e820, wire.RAM), wire.coverage(theirs.e820, wire.RAM))
        verdict.check("strict: sorted and disjoint", wire.is_sorted_and_disjoint(strict.e820))
        verdict.check("strict: has the RSDP, which Linux does not write", strict.acpi_rsdp_addr != 0)
    except LabError as why:
        verdict.check("equal to Linux", False, why)
    return verdict.status()


if __name__ == "__main__":
    sys.exit(main())
