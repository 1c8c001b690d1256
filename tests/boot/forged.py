#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot chainload with a handoff that QEMU cannot make. Exit with 0, 1, or 77 (skipped).

forge/forge.cpp rewrites QEMU's handoff to have many map entries, several modules or a bad entry state, and enters
chainload. Userspace reports what Linux received.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from lab import LabError, boot, console, cpio, packages, qemu, userspace, wire
from run import Verdict

SLOTS = 128  # of the e820 table in the zero page


def run_forged(options: argparse.Namespace) -> tuple[qemu.Run, userspace.Initramfs]:
    made = userspace.build(packages.busybox().read_bytes())
    with tempfile.NamedTemporaryFile() as module:
        module.write(cpio.chainload_module(packages.kernel().read_bytes(), made.data, None, 4096))
        module.flush()
        machine = qemu.Machine(options.forged, Path(module.name), f"{options.change} {boot.DEFAULT_APPEND}", "q35",
                               options.memory)
        return qemu.start(machine, options.timeout, options.log), made


def check_boot(verdict: Verdict, run: qemu.Run, made: userspace.Initramfs) -> tuple[console.Facts, userspace.Report]:
    printed = console.read("chainload", run.lines)
    print("\n".join(line for line in run.lines if "chainload: " in line and " map " not in line))
    if printed.error or userspace.BEGIN not in run.lines:
        raise LabError(f"userspace was not reached; the last lines:\n{run.tail()}")
    report = userspace.read(run.lines)
    verdict.equal("command line", report.cmdline, boot.DEFAULT_APPEND)
    verdict.equal("initrd's marker", (report.marker, report.marker_sha256), (made.token, made.marker_sha256))
    verdict.equal("acpi_rsdp_addr", report.boot_params.acpi_rsdp_addr, printed.rsdp)
    return printed, report


def check_entries(verdict: Verdict, printed: console.Facts, report: userspace.Report, forged: int) -> None:
    params = report.boot_params
    count = len(printed.received)
    verdict.check("more entries than the zero page holds", count >= forged > SLOTS, count)
    verdict.equal("the table is full", params.e820_entries, SLOTS)
    verdict.check("a setup_data chain carries the rest", params.setup_data != 0, f"{params.setup_data:#x}")
    # /sys/firmware/memmap shows the entries of table and chain.
    seen = [wire.Range(entry.addr, entry.size, wire.RAM) for entry, kind in report.firmware_map if kind == "System RAM"]
    verdict.equal("Linux has exactly the RAM of the handoff", wire.coverage(seen, wire.RAM),
                  wire.coverage(printed.sanitised, wire.RAM))
    verdict.check("Linux has as many ranges", len(report.firmware_map) >= 2 * forged, len(report.firmware_map))


def check_modules(verdict: Verdict, printed: console.Facts, report: userspace.Report,
                  made: userspace.Initramfs) -> None:
    verdict.equal("modules", len(printed.modules), 3)
    verdict.equal("size of the joined initrd", report.boot_params.ramdisk_size, len(made.data))
    verdict.equal("offset of the initrd in its page", report.boot_params.ramdisk_image % 4096, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("forged", type=Path, help="the image made from forge/")
    parser.add_argument("change", help="entries=N, modules or state")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    verdict = Verdict()
    try:
        run, made = run_forged(options)
        printed, report = check_boot(verdict, run, made)
        if options.change.startswith("entries="):
            check_entries(verdict, printed, report, int(options.change.partition("=")[2]))
        elif options.change == "modules":
            check_modules(verdict, printed, report, made)
    except LabError as why:
        verdict.check(options.change, False, why)
    return verdict.status()


if __name__ == "__main__":
    sys.exit(main())
