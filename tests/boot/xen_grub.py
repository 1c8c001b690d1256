#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot Linux on Xen by GRUB with examples/grub/pvh.c and by Debian's GRUB. Exit with 0, 1, or 77 (skipped).

GRUB is built from Debian's source package. One boot of a dom0 starts all guests. In another one GRUB is dom0, where the
start info has version 0 and no map.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import run as boots
import xen as domains
import xen_zero_pages as zero_pages
from common import skip
from lab import LabError, console, grub_source, packages, userspace, wire, xen, xen_packages

PVH_CMDLINE = "for grub: a=1 \"b c\" %s"
PATIENCE = 120  # seconds for a guest; the machine waits for all of them
DOM0_CMDLINE = "for grub as dom0"

# Fields of the zero page that may differ from those of Debian's GRUB.
DIFFERENCES = {
    "ramdisk_image": "the initrd lies below GRUB's heap, of which modules of another build take another size",
}


class Printed:
    """What pvh.c printed on Xen's debug port."""

    def __init__(self, lines: list[str], domid: int) -> None:
        prefix = f"(d{domid}) grub: "
        self.lines = [line[line.index(prefix) + len(prefix):] for line in lines if prefix in line]
        self.map = [wire.Range(int(match[1], 16), int(match[2], 16) - int(match[1], 16), int(match[3]))
                    for match in self.matches(r"map \[(0x\w+), (0x\w+)\) (\d+) \w+")]
        self.rsdp = next((int(match[1], 16) for match in self.matches(r"rsdp (0x\w+)")), None)
        self.cmdline = next((match[1] for match in self.matches(r'command line "(.*)"')), None)

    def matches(self, pattern: str) -> list[re.Match]:
        return [match for match in (re.fullmatch(pattern, line) for line in self.lines) if match]


def guests() -> list[xen.Guest]:
    return [
        xen.Guest("kernel32", "kernel32.elf", None, "first second", memory=domains.MEMORY, timeout=60),
        xen.Guest("stock", "stock", cmdline=PVH_CMDLINE, memory=domains.MEMORY, timeout=PATIENCE),
        xen.Guest("own", "own", cmdline=PVH_CMDLINE, memory=domains.MEMORY, timeout=PATIENCE),
        xen.Guest("no-cmdline", "own", memory=domains.MEMORY, timeout=PATIENCE),
    ]


def printed_by(lab: domains.Lab, name: str) -> Printed:
    return Printed(lab.session.xen, lab.session.guests[name].domid)


def check_linux(lab: domains.Lab, name: str, verdict: boots.Verdict) -> userspace.Report:
    witness = console.read("kernel", lab.lines("kernel32"))
    report = domains.check_userspace(lab, name, verdict, f"BOOT_IMAGE=(memdisk)/vmlinuz {domains.APPEND}", "xen PVH")
    domains.check_rsdp(verdict, report, witness)
    verdict.equal("RSDP in the zero page, as examples/kernel printed it", report.boot_params.acpi_rsdp_addr,
                  witness.rsdp)
    return report


def check_own(lab: domains.Lab, name: str, verdict: boots.Verdict, cmdline: str | None) -> None:
    """What pvh.c printed is what arrived: from the toolstack, and at Linux."""
    witness = console.read("kernel", lab.lines("kernel32"))
    report, printed = check_linux(lab, name, verdict), printed_by(lab, name)
    print("\n".join(f"    | {line}" for line in printed.lines))
    verdict.check("it has the map of the start info", "map of 5 entries, of the start info" in printed.lines)
    verdict.equal("RSDP that it printed", printed.rsdp, witness.rsdp)
    verdict.equal("command line of the domain that it printed", printed.cmdline, cmdline)
    verdict.equal("variable pvh_cmdline of GRUB", grub_variable(lab.lines(name)), cmdline or "")
    verdict.equal("map that it printed covers that of the toolstack", wire.differences(
        zero_pages.types_of_pages(witness.received), zero_pages.types_of_pages(printed.map)), [])
    verdict.equal("map that it printed is the one in the zero page", report.boot_params.e820, printed.map)


def grub_variable(lines: list[str]) -> str | None:
    found = [match[1] for match in (re.search(r"pvh_cmdline=\[(.*)\]", line) for line in lines) if match]
    return found[0] if found else None


def compare(lab: domains.Lab, verdict: boots.Verdict) -> None:
    """Linux cannot distinguish the two."""
    own, stock = lab.report("own"), lab.report("stock")
    verdict.equal("RSDP", own.boot_params.acpi_rsdp_addr, stock.boot_params.acpi_rsdp_addr)
    verdict.equal("map", own.boot_params.e820, stock.boot_params.e820)
    verdict.equal("command line of Linux", own.cmdline, stock.cmdline)
    verdict.equal("initrd: its size and contents", (own.boot_params.ramdisk_size, own.marker_sha256),
                  (stock.boot_params.ramdisk_size, stock.marker_sha256))
    found = zero_pages.differing(own.boot_params.page, stock.boot_params.page)
    for field, values in found.items():
        verdict.check(f"{field}: {values}", field in DIFFERENCES, DIFFERENCES.get(field, "an unexpected difference"))
    print(f"{len(zero_pages.FIELDS)} fields of the zero page, {len(found)} of them differ")


def check_dom0(options: argparse.Namespace, image: bytes, verdict: boots.Verdict) -> None:
    """Version 0: GRUB asks Xen for the map. It does not start Linux, since dom0 has no console ring."""
    done = xen.start([(image, DOM0_CMDLINE)], f"{domains.PVH_DOM0} dom0_mem=256M com1=115200,8n1 console=com1", "512M",
                     60, log=options.logs / "dom0-grub.log", until=xen.Until(r"grub: (ready|error)"))
    printed = Printed(done.run.lines, 0)
    print("\n".join(f"    | {line}" for line in printed.lines))
    verdict.check("version 0", any(line.startswith("start info version 0 ") for line in printed.lines))
    verdict.check("map by hypercall", any(line.endswith(", from XENMEM_memory_map") for line in printed.lines))
    verdict.equal("command line that it printed", printed.cmdline, DOM0_CMDLINE)
    verdict.check("RSDP", bool(printed.rsdp), printed.rsdp)
    verdict.check("RAM is dom0_mem, less a part of the last page",
                  256 * domains.MIB - 0x2000 < wire.ram_bytes(printed.map) <= 256 * domains.MIB,
                  wire.ram_bytes(printed.map))
    verdict.check("map is sorted and disjoint", wire.is_sorted_and_disjoint(printed.map), len(printed.map))
    verdict.check("it came to its end", "ready" in printed.lines)


def test(options: argparse.Namespace) -> dict[str, int]:
    lab = domains.Lab(options.build, userspace.build(packages.busybox().read_bytes()))
    vmlinuz, initrd = xen_packages.kernel().read_bytes(), lab.initramfs.data
    began = time.monotonic()
    own = grub_source.image(vmlinuz, initrd, domains.APPEND, options.own)
    print(f"GRUB with pvh.c: {time.monotonic() - began:.0f} s")
    files = {"kernel32.elf": lab.program("kernel/kernel32.elf"), "own": own,
             "stock": xen_packages.grub_image(vmlinuz, initrd, domains.APPEND)}
    lab.session = xen.run_guests(guests(), files, options.timeout, options.logs)
    print(f"all guests of one dom0 boot: {lab.session.seconds:.0f} s; consoles: {options.logs}")
    return {
        "stock": domains.subtest(lab, "stock", check_linux),
        "own": domains.subtest(lab, "own", lambda *of: check_own(*of, PVH_CMDLINE)),
        "no-cmdline": domains.subtest(lab, "no-cmdline", lambda *of: check_own(*of, None)),
        "own-against-stock": domains.subtest(lab, "own-against-stock", lambda lab, _, verdict: compare(lab, verdict)),
        "dom0": domains.subtest(lab, "dom0", lambda _lab, _, verdict: check_dom0(options, own, verdict)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder with the examples")
    parser.add_argument("--logs", type=Path, default=Path("build/boot/grub"), help="a folder for the consoles")
    parser.add_argument("--timeout", type=float, default=500, help="seconds for the machine of the guests")
    parser.add_argument("--own", type=Path, default=grub_source.OWN, help="the file in place of GRUB's pvh.c")
    options = parser.parse_args()
    try:
        failures = test(options)
    except xen_packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        print(f"NOT OK: {why}")
        return 1
    print()
    for name, count in failures.items():
        print(f"{'FAILED' if count else 'passed'}  {name}{f': {count} checks' if count else ''}")
    return 1 if any(failures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
