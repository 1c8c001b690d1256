#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot examples/conformance on QEMU or as dom0 of Xen, and compare each report with the table of docs/protocol.md.

The guests of a domain are judged by tests/boot/xen.py, in the boot of dom0 that it makes anyway. With PVHBOOT_WRITE_TABLE=1
the table gets the results.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tap
from common import skip
from lab import LabError, qemu, releases, xen, xen_packages

KERNELS = "examples/conformance"
GOOD = 0x10  # what the guest writes to the exit port
# Name of the producer, machine, memory and SeaBIOS.
MACHINES = (("q35", "q35", False), ("pc", "pc", False), ("microvm", "microvm", False), ("microvm with SeaBIOS", "microvm", True))
# Images that differ in how they are linked, and where they run. Their findings may differ, but no clause is broken.
# SeaBIOS uses the memory of an image below 640 KiB after QEMU has loaded it, so that one runs with qboot.
VARIANTS = {"low": ("microvm", "256M"), "16m": ("q35", "256M"), "1g": ("q35", "2G"), "reloc": ("pc", "256M"),
            "notes": ("microvm", "256M")}
PVH_DOM0 = "dom0=pvh dom0-iommu=none dom0_mem=128M"


def version() -> str:
    command, _ = releases.qemu()
    text = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return re.search(r"version (\d+\.\d+)", text)[1]


def boot(image: Path, machine: str, memory: str, seabios: bool, module: Path, timeout: float) -> tap.Report:
    try:
        run = qemu.start(qemu.Machine(image, module, tap.CMDLINE, machine, memory, seabios=seabios), timeout)
        report = tap.read(run.lines)
    except LabError as why:
        raise LabError(f"{image.name} on {machine}: {why}") from why
    if (run.debug_exit == GOOD) != (not report.broken):
        raise LabError(f"{image.name} on {machine}: exit status {run.debug_exit}, and broken clauses {report.broken}")
    return report


def on_qemu(options: argparse.Namespace) -> list[str]:
    found: list[str] = []
    with tempfile.NamedTemporaryFile() as module, ThreadPoolExecutor(2) as pool:
        module.write(tap.MODULE)
        module.flush()

        def run(name: str, machine: str, memory: str, seabios: bool) -> tap.Report:
            return boot(options.build / KERNELS / f"{name}.elf", machine, memory, seabios, Path(module.name), options.timeout)

        newer = releases.chosen("QEMU") is not None
        machines = [m for m in MACHINES if not (newer and m[2])]  # a newer QEMU takes SeaBIOS by itself
        plain = [(f"conformance{bits}", machine, "256M", seabios) for _, machine, seabios in machines for bits in (32, 64)]
        others = [(f"conformance-{name}{bits}", *where, False) for name, where in VARIANTS.items() for bits in (32, 64)
                  if not (newer and name == "low")]
        reports = list(pool.map(lambda words: run(*words), plain + others))
    for at, (name, _, _) in enumerate(machines):
        producer = f"QEMU {version()}, {name}"
        first, second = reports[2 * at], reports[2 * at + 1]
        print(first.row(producer))
        if first != second:
            found.append(f"{producer}: the ELF32 and the ELF64 image differ: {first} {second}")
        if "module_contents" not in first.held:
            found.append(f"{producer}: the module's contents were not compared")
        found += tap.problems(producer, first)
    for (name, *_), report in zip(others, reports[len(plain):]):
        print(f"{name}: {len(report.held)} hold, broken: {', '.join(report.broken) or 'none'}")
        found += [f"{name}: broken: {report.broken}"] if report.broken else []
    return found


def on_dom0(options: argparse.Namespace) -> list[str]:
    reports = []
    for bits in (32, 64):
        lines: list[str] = []
        image = (options.build / KERNELS / f"conformance{bits}.elf").read_bytes()
        xen.start([(image, tap.CMDLINE), (tap.MODULE, "")], PVH_DOM0, "512M", options.timeout,
                  lambda _seconds, line: lines.append(line), options.logs / f"conformance{bits}.log",
                  xen.Until(r"^1\.\.\d+\s*$"))
        reports.append(tap.read(lines))
    producer = f"Xen {xen_packages.XEN}, dom0"
    print(reports[0].row(producer))
    found = tap.problems(producer, reports[0])
    if reports[0] != reports[1]:
        found.append(f"{producer}: the ELF32 and the ELF64 image differ: {reports}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("where", choices=("qemu", "dom0"))
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--logs", type=Path, default=Path("build/conformance"))
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()
    try:
        found = on_qemu(options) if options.where == "qemu" else on_dom0(options)
    except xen_packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        found = [str(why)]
    print("\n".join(f"NOT OK {line}" for line in found) or "every report is that of the table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
