#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot kernels with examples/vmm under KVM, inside a machine whose CPU QEMU emulates with AMD's extensions.

One outer machine runs all inner ones, one after the other. Its userspace prints the lines of each between BEGIN and END.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from common import skip
from lab import LabError, bzimage, console, cpio, packages, qemu, userspace

BEGIN, END = "inner: begin", "inner: end"
APPEND = "console=ttyS0 panic=-1 reboot=t quiet"
KERNEL_OK = 0x10 << 1 | 1  # what examples/kernel writes to the exit port, as an exit status


@dataclass(frozen=True)
class Inner:
    """One run of vmm: its arguments, its exit status, and what happens in it."""

    arguments: str
    status: int
    kind: str  # kernel: examples/kernel; linux: Linux with the reporting userspace
    cmdline: str = ""


LINUX = f"--initrd initrd --append '{APPEND}'"
INNERS = {
    "kernel32": Inner("--debug-exit --kernel kernel32.elf --append 'first second' --module marker=hello --memory 256M", KERNEL_OK,
                      "kernel", "first second"),
    "kernel64-5G": Inner("--debug-exit --kernel kernel64.elf --append 'first second' --module marker --module marker=two --memory 5G",
                         KERNEL_OK, "kernel", "first second"),
    "vmlinux": Inner(f"--kernel vmlinux {LINUX}", 0, "linux", APPEND),
    "chainload-2-cpus": Inner(f"--kernel vmlinuz --via pvh-loader --loader chainload.elf --cpus 2 {LINUX}", 0, "linux",
                              APPEND),
    "linux32": Inner(f"--kernel vmlinuz --via linux32 {LINUX}", 0, "linux", APPEND),
    "linux64-5G": Inner(f"--kernel vmlinuz --via linux64 --memory 5G {LINUX}", 0, "linux", APPEND),
}

INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo 1 > /proc/sys/kernel/printk
for module in /modules/*; do insmod $module; done
echo
cd /files
while read -r name line; do
  echo "{BEGIN} $name"
  eval "/files/vmm $line" < /dev/null 2>&1
  echo
  echo "{END} $?"
done < /list
poweroff -f
"""


class Verdict:
    def __init__(self) -> None:
        self.failures = 0

    def check(self, what: str, ok: bool, detail: object = "") -> None:
        self.failures += not ok
        print(f"{'ok' if ok else 'NOT OK':<7}{what}{f': {detail}' if detail != '' else ''}", flush=True)


def outer(options: argparse.Namespace, names: list[str], scratch: Path) -> tuple[list[str], dict[str, dict], userspace.Initramfs]:
    """The lines of the outer machine, what vmm promises for each inner one, and the inner userspace."""
    kernel = packages.debian_kernel()
    inner = userspace.build(packages.busybox().read_bytes())
    files = {"vmm": options.vmm.read_bytes(), "vmlinuz": kernel.read_bytes(),
             "vmlinux": bzimage.vmlinux(kernel).read_bytes(), "initrd": inner.data, "marker": b"m" * 5000,
             "chainload.elf": (options.build / "examples/chainload/chainload.elf").read_bytes(),
             **{f"kernel{bits}.elf": (options.build / f"examples/kernel/kernel{bits}.elf").read_bytes() for bits in (32, 64)}}
    for name, data in files.items():
        (scratch / name).write_bytes(data)
    promised = {}
    for name in names:
        done = subprocess.run(f"{shlex.quote(str(options.vmm))} {INNERS[name].arguments} --describe", shell=True, cwd=scratch, text=True,
                              capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise LabError(f"vmm --describe {name}: {done.stderr}")
        promised[name] = json.loads(done.stdout)
    entries = [cpio.directory(name) for name in ("bin", "dev", "proc", "sys", "modules", "files")]
    entries += [cpio.character_device("dev/console", 5, 1),
                cpio.executable("bin/busybox", packages.busybox().read_bytes()),
                cpio.executable("init", INIT.replace(" $?\"", " $status\"").replace(
                    "2>&1\n", "2>&1\n  status=$?\n").encode()),
                cpio.Entry("list", "".join(f"{name} {INNERS[name].arguments}\n" for name in names).encode())]
    entries += [cpio.Entry(f"modules/{number}-{path.name}", path.read_bytes())
                for number, path in enumerate(packages.kvm_modules())]
    entries += [cpio.executable(f"files/{name}", data) for name, data in files.items()]
    initramfs = scratch / "outer"
    initramfs.write_bytes(cpio.archive(entries))
    machine = qemu.Machine(bzimage.vmlinux(kernel), initramfs, "console=ttyS0 panic=-1 quiet", "q35", "3000M",
                           debug_exit=False, extra=("-cpu", "max,-vmx,+svm,+npt"))

    def on_line(seconds: float, text: str) -> None:
        if text.startswith((BEGIN, END)):
            print(f"{seconds:6.1f} s  {text}", flush=True)

    run = qemu.start(machine, options.timeout, options.log, on_line)
    return run.lines, promised, inner


def parts_of(lines: list[str]) -> dict[str, tuple[list[str], int | None]]:
    """The lines and the exit status of each inner machine."""
    found: dict[str, tuple[list[str], int | None]] = {}
    name, began = "", 0
    for number, line in enumerate(lines):
        if line.startswith(BEGIN + " "):
            name, began = line.removeprefix(BEGIN + " "), number + 1
            found[name] = ([], None)
        elif line.startswith(END + " ") and name:
            found[name] = (lines[began:number], int(line.removeprefix(END + " ")))
            name = ""
    if name:
        found[name] = (lines[began:], None)
    return found


def ranges(promise: dict, kind: int) -> list[tuple[int, int]]:
    return sorted((r["address"], r["address"] + r["size"]) for r in promise["memory_map"] if r["type"] == kind)


def check_kernel(verdict: Verdict, lines: list[str], inner: Inner, promise: dict) -> None:
    printed = console.read("kernel", lines)
    verdict.check("result", printed.result == "ok", printed.result)
    verdict.check("start info", printed.start_info == promise["start_info"], hex(printed.start_info or 0))
    verdict.check("command line", printed.cmdline == inner.cmdline, printed.cmdline)
    verdict.check("modules", printed.modules == [(m["address"], m["size"]) for m in promise["modules"]], printed.modules)
    received = sorted((r.addr, r.end) for r in printed.received if r.type == 1)
    verdict.check("RAM of the map", received == ranges(promise, 1), received)
    # What the arguments force: several modules, and RAM that this kernel does not map.
    forced = ("more than one module", "RAM whose first or last byte")
    odd = [text for text in printed.oddities if not text.startswith(forced) or "5G" not in inner.arguments]
    verdict.check("lint finds nothing that the arguments do not force", not odd, printed.oddities)
    verdict.check("RSDP", printed.rsdp_state == "checksum ok", printed.rsdp_state)


def check_linux(verdict: Verdict, lines: list[str], inner: Inner, promise: dict, initramfs: userspace.Initramfs) -> None:
    report = userspace.read(lines)
    verdict.check("command line", report.cmdline == inner.cmdline, report.cmdline)
    verdict.check("initrd", (report.marker, report.marker_sha256) == (initramfs.token, initramfs.marker_sha256))
    usable = sorted((r.addr, r.end) for r, kind in report.firmware_map if kind == "System RAM")
    verdict.check("firmware map has the RAM of the plan", usable == ranges(promise, 1), usable)
    rsdp = next(piece["address"] for piece in promise["pieces"] if piece["what"] == "ACPI")
    verdict.check("Linux found the RSDP of the plan", any(f"RSDP 0x{rsdp:016X}" in line for line in report.dmesg), hex(rsdp))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--vmm", type=Path, required=True)
    parser.add_argument("--timeout", type=float, default=280)
    parser.add_argument("--log", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.vmm = options.vmm.resolve()
    names = options.names or list(INNERS)
    verdict = Verdict()
    try:
        with TemporaryDirectory(prefix="pvhboot-") as scratch:
            lines, promised, initramfs = outer(options, names, Path(scratch))
        parts = parts_of(lines)
        for name in names:
            print(f"\n== {name}")
            part, status = parts.get(name, ([], None))
            inner = INNERS[name]
            before = verdict.failures
            verdict.check("exit status", status == inner.status, f"{status}, expected {inner.status}")
            try:
                if inner.kind == "kernel":
                    check_kernel(verdict, part, inner, promised[name])
                else:
                    check_linux(verdict, part, inner, promised[name], initramfs)
            except LabError as why:
                verdict.check(name, False, why)
            for line in part:
                if re.match(r"vmm: .*(exits|first byte|powered|wrote)", line):
                    print(f"       {line}")
            if verdict.failures > before:
                print("\n".join(part[-40:]))
        if not parts:
            print("\n".join(lines[-40:]))
    except packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        verdict.check("outer machine", False, why)
    print(f"{verdict.failures} of the checks failed" if verdict.failures else "all checks passed")
    return 1 if verdict.failures else 0


if __name__ == "__main__":
    sys.exit(main())
