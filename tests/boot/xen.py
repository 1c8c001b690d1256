#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boots on a real Xen. Exit 0, 1, or 77 (skipped).

Scenarios:
  domu          one boot of a dom0 that starts all guests, one after the other
  dom0-kernel   Xen -> examples/kernel as dom0: version 0, the map by hypercall
  dom0-linux    Xen -> examples/chainload as dom0 -> Linux, and Xen -> the same Linux
"""

import argparse
import dataclasses
import re
import sys
import time
from pathlib import Path
from typing import Callable

import run as boots
import tiny_guest
import xen_zero_pages as zero_pages
from common import skip
from lab import LabError, boot, console, cpio, packages, userspace, wire, xen, xen_packages

MIB = 1 << 20
GIB = 1 << 30
APPEND = "console=hvc0 panic=-1 quiet carried.over=1"
MEMORY = 256
DOM0_APPEND = "earlyprintk=serial,ttyS0,115200 console=ttyS0 panic=-1"
PVH_DOM0 = "dom0=pvh dom0-iommu=none"
# How far Linux gets as PVH dom0 under this emulation, whoever starts it: it then counts on timer interrupts.
DOM0_LAST_LINE = "ACPI: Core revision"
SPECIAL_PAGES = wire.Range(0xFEFF8000, 0x8000, 2)
PVH_LINE = r"Booting .*kernel on Xen PVH$"


@dataclasses.dataclass
class Lab:
    """What the guests are made of, and what they must report."""

    build: Path
    initramfs: userspace.Initramfs
    session: xen.Session | None = None

    def program(self, name: str) -> bytes:
        return (self.build / "examples" / name).read_bytes()

    def lines(self, name: str) -> list[str]:
        return self.session.guests[name].lines

    def report(self, name: str) -> userspace.Report:
        return userspace.read(self.lines(name))


def guests() -> list[xen.Guest]:
    return [
        xen.Guest("kernel32", "kernel32.elf", None, "first second", memory=MEMORY, timeout=60),
        xen.Guest("kernel64", "kernel64.elf", None, "first second", memory=MEMORY, timeout=60),
        # Longer than the console's ring: a domain must not wait for ever for a dom0 that does not read it.
        xen.Guest("unread", "kernel32.elf", None, "x " * 500 + "dump", memory=MEMORY, timeout=90, unread=True),
        xen.Guest("small", "chainload.elf", "bundle", APPEND, memory=64, timeout=60),
        xen.Guest("reset", "reset.elf", memory=32, timeout=30),
        xen.Guest("hang", "hang.elf", memory=32, timeout=3),
        xen.Guest("linux-pv", "vmlinuz", "initrd", APPEND, "pv", memory=MEMORY),
        xen.Guest("linux-pvh", "vmlinuz", "initrd", APPEND, memory=MEMORY),
        xen.Guest("chainload", "chainload.elf", "bundle", APPEND, memory=MEMORY),
        xen.Guest("grub", "grub", memory=MEMORY),
        # RAM ends at 4032 MiB below 4 GiB, and goes on above. With less memory and a larger maxmem Linux would give the
        # difference back page by page, which takes minutes under emulation.
        xen.Guest("above-4g", "chainload.elf", "bundle", APPEND, memory=4160),
    ]


def files(lab: Lab) -> dict[str, bytes]:
    vmlinuz, initrd = xen_packages.kernel().read_bytes(), lab.initramfs.data
    return {"kernel32.elf": lab.program("kernel/kernel32.elf"), "kernel64.elf": lab.program("kernel/kernel64.elf"),
            "chainload.elf": lab.program("chainload/chainload.elf"), "vmlinuz": vmlinuz, "initrd": initrd,
            "reset.elf": tiny_guest.elf("", None, tiny_guest.TRIPLE_FAULT), "hang.elf": tiny_guest.elf("", None),
            "grub": xen_packages.grub_image(vmlinuz, initrd, APPEND), "bundle": cpio.chainload_module(vmlinuz, initrd)}


def is_unsorted(ranges: list[wire.Range]) -> bool:
    return any(a.addr > b.addr for a, b in zip(ranges, ranges[1:]))


def check_kernel(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    told = console.read("kernel", lab.lines(name))
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    verdict.equal("result", told.result, "ok")
    verdict.equal("finds Xen", told.xen, xen_packages.XEN)
    verdict.equal("version and flags", (told.version, told.flags), (1, 0))
    verdict.equal("command line", told.cmdline, "first second")
    verdict.equal("modules", told.modules, [])
    check_toolstack_map(verdict, told)
    verdict.equal("rsdp as the kernel judges it", told.rsdp_state, "checksum ok")
    verdict.equal("total ram", told.total_ram, MEMORY * MIB)
    verdict.equal("map as sanitised covers the same", wire.differences(told.received, told.sanitised), [])
    verdict.check("map as sanitised is sorted and disjoint", wire.is_sorted_and_disjoint(told.sanitised))
    verdict.check("the missing order is told as an oddity",
                  any("below the one before" in text for text in told.oddities))
    number = list(lab.session.guests).index(name) + 1
    debug = [line.removeprefix(f"(d{number}) ") for line in lab.session.xen if line.startswith(f"(d{number}) ")]
    verdict.check("Xen's debug port has the same lines as the guest's console",
                  [line for line in debug if line.startswith("kernel: ")] == lab.lines(name), f"{len(debug)} lines")


def check_unread(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    lines = lab.lines(name)
    verdict.check("its console is cut short", "kernel: result ok" not in lines, f"{len(lines)} lines")
    number = list(lab.session.guests).index(name) + 1
    verdict.check("Xen's debug port shows that it went on", f"(d{number}) kernel: result ok" in lab.session.xen)


def check_toolstack_map(verdict: boots.Verdict, told: console.Handover) -> None:
    """What libxl hands to a domain of MEMORY: not in order, RAM from 0 through the ISA hole, ACPI near 4 GiB."""
    received = told.received
    verdict.equal("RAM", wire.coverage(received, wire.RAM), [(0, MEMORY * MIB)])
    verdict.check("special pages are reserved", SPECIAL_PAGES in received)
    verdict.check("the map is not in order", is_unsorted(received), len(received))
    rsdp = told.rsdp or 0
    verdict.check("RSDP lies near 4 GiB, in memory for ACPI", 0xFC000000 <= rsdp < 4 * GIB and
                  any(entry.addr <= rsdp < entry.end for entry in received if entry.type in (3, 4)), f"{rsdp:#x}")


def check_small(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    told = console.read("chainload", lab.lines(name))
    errors = [line for line in lab.lines(name) if "chainload: error" in line]
    verdict.equal("lines of error", len(errors), 1)
    verdict.check("it says why", "not enough free RAM where the kernel can run" in (told.error or ""), told.error)
    verdict.equal("Linux was entered", told.entering, None)
    verdict.equal("end", lab.session.guests[name].end, "crash")


def check_end(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """A triple fault is not a power-off, and neither is a hang."""
    verdict.equal("end", lab.session.guests[name].end, {"reset": "reboot", "hang": "timeout"}[name])


def check_userspace(lab: Lab, name: str, verdict: boots.Verdict, cmdline: str, hypervisor: str) -> userspace.Report:
    report = lab.report(name)
    verdict.equal("command line", report.cmdline, cmdline)
    verdict.equal("initrd", (report.marker, report.marker_sha256),
                  (lab.initramfs.token, lab.initramfs.marker_sha256))
    verdict.equal("what Linux takes itself for", report.hypervisor, hypervisor)
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    return report


def says(report: userspace.Report, pattern: str) -> bool:
    return any(re.search(pattern, line) for line in report.dmesg)


def check_rsdp(verdict: boots.Verdict, report: userspace.Report, told: console.Handover) -> None:
    rsdp = told.rsdp or 0
    verdict.check("Linux found the RSDP where the toolstack put it", says(report, f"RSDP 0x{rsdp:016X}"), f"{rsdp:#x}")


def check_pv(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """Before the upgrade."""
    report = check_userspace(lab, name, verdict, APPEND, "xen PV")
    verdict.check("Booting kernel on Xen, and not PVH", says(report, r"Booting kernel on Xen$"))
    verdict.check("no RSDP", not says(report, "RSDP"))
    verdict.equal("zero page: loader, version, e820 entries",
                  (report.boot_params.type_of_loader, report.boot_params.version, report.boot_params.e820_entries),
                  (0x90, 0, 0))


def check_pvh(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """After it: Linux's own PVH entry."""
    told = console.read("kernel", lab.lines("kernel32"))
    report = check_userspace(lab, name, verdict, APPEND, "xen PVH")
    params = report.boot_params
    verdict.check("Booting kernel on Xen PVH", says(report, PVH_LINE))
    check_rsdp(verdict, report, told)
    verdict.equal("Linux copies the map one to one and adds the ISA hole", params.e820, told.received + [wire.ISA_HOLE])
    verdict.equal("zero page: loader, version, RSDP", (params.type_of_loader, params.version, params.acpi_rsdp_addr),
                  (0x90, 0x20C, 0))


def check_chainload(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    outcome = judged(lab, name)
    for row in outcome.rows:
        verdict.check(row.what, row.ok is True, f"{row.handed_over} | {row.arrived}")
    told, report, params = outcome.chainload, outcome.report, outcome.report.boot_params
    check_userspace(lab, name, verdict, APPEND, "xen PVH")
    verdict.check("Booting paravirtualized kernel on Xen PVH", says(report, PVH_LINE))
    check_rsdp(verdict, report, told)
    verdict.check("modules lie behind the loader, the kernel above its preferred address",
                  told.modules[0][0] < 0x200000 and told.placed["kernel"][0] >= 0x1000000, told.placed)
    verdict.equal("map prepared for Linux", params.e820, told.sanitised)
    received, arrived = (zero_pages.types_of_pages(ranges) for ranges in (told.received, params.e820))
    verdict.equal("zero page covers the map that the toolstack gave", wire.differences(received, arrived), [])


def check_chainload_here(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """In the domain of which the other guests told their map."""
    check_chainload(lab, name, verdict)
    kernel, chainload = console.read("kernel", lab.lines("kernel32")), console.read("chainload", lab.lines(name))
    verdict.equal("map as examples/kernel saw it", chainload.received, kernel.received)
    verdict.equal("RSDP as examples/kernel saw it", chainload.rsdp, kernel.rsdp)


def check_grub(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    told = console.read("kernel", lab.lines("kernel32"))
    report = check_userspace(lab, name, verdict, f"BOOT_IMAGE=(memdisk)/vmlinuz {APPEND}", "xen PVH")
    verdict.check("Booting paravirtualized kernel on Xen PVH", says(report, PVH_LINE))
    check_rsdp(verdict, report, told)
    verdict.equal("zero page: loader, RSDP", (report.boot_params.type_of_loader, report.boot_params.acpi_rsdp_addr),
                  (0x72, told.rsdp))


def check_above_4g(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    check_chainload(lab, name, verdict)
    told, params = console.read("chainload", lab.lines(name)), lab.report(name).boot_params
    highest = wire.coverage(told.received, wire.RAM)[-1]
    verdict.check("there is RAM above 4 GiB", highest[0] == 4 * GIB, highest)
    verdict.equal("and it is in the zero page", wire.coverage(params.e820, wire.RAM)[-1], highest)


def compare_with_grub(lab: Lab, _name: str, verdict: boots.Verdict) -> None:
    ours, grubs = lab.report("chainload").boot_params, lab.report("grub").boot_params
    compare(verdict, ours, grubs, zero_pages.GRUB_DIFFERENCES)
    verdict.equal("acpi_rsdp_addr", ours.acpi_rsdp_addr, grubs.acpi_rsdp_addr)


def compare_with_linux(lab: Lab, _name: str, verdict: boots.Verdict) -> None:
    ours, linuxs = lab.report("chainload").boot_params, lab.report("linux-pvh").boot_params
    compare(verdict, ours, linuxs, zero_pages.OWN_DIFFERENCES)


def compare(verdict: boots.Verdict, ours: wire.BootParams, theirs: wire.BootParams, known: dict[str, str]) -> None:
    """Field by field: every difference has its reason, and every reason its difference."""
    found = zero_pages.differing(ours.page, theirs.page)
    for field, values in found.items():
        verdict.check(f"{field}: {values}", field in known, known.get(field, "a difference that nobody explains"))
    for field in known.keys() - found.keys():
        verdict.check(f"{field} differs", False, "it does not")
    verdict.check("the rest is the same", bool(found), f"{len(zero_pages.FIELDS)} fields, {len(found)} of them differ")
    verdict.equal("types of all pages", wire.differences(zero_pages.types_of_pages(ours.e820),
                                                         zero_pages.types_of_pages(theirs.e820)), [])


def judged(lab: Lab, name: str) -> boot.Outcome:
    """A guest's boot by chainload, as a boot in QEMU is judged."""
    plan = boot.Plan(xen_packages.kernel(), lab.build / boot.CHAINLOAD, append=APPEND)
    return boot.conclude(plan, lab.session.guests[name].run(), lab.initramfs, len(lab.initramfs.data))


CHECKS: dict[str, Callable[[Lab, str, boots.Verdict], None]] = {
    "kernel32": check_kernel, "kernel64": check_kernel, "unread": check_unread, "small": check_small,
    "reset": check_end, "hang": check_end,
    "linux-pv": check_pv, "linux-pvh": check_pvh, "chainload": check_chainload_here, "grub": check_grub,
    "above-4g": check_above_4g,
    "chainload-against-grub": compare_with_grub, "chainload-against-linux": compare_with_linux,
}


def test_domu(options: argparse.Namespace) -> dict[str, int]:
    lab = Lab(options.build, userspace.build(packages.busybox().read_bytes()))
    wanted = guests()
    stages = re.compile(r"^(begin|end .*|ready|done|.*(entering 0x|error:|Welcome to GRUB|userspace: (begin|end)).*)$")

    def progress(seconds: float, who: str, text: str) -> None:
        if stages.match(text):
            print(f"{seconds:6.1f} s  {who:<10} {text}", flush=True)

    # The host only gives what is touched: about 1 GiB of it.
    lab.session = xen.run_guests(wanted, files(lab), options.timeout, options.logs, progress, "6144M")
    print(f"all guests of one dom0 boot: {lab.session.seconds:.0f} s; consoles: {options.logs}")
    return {name: subtest(lab, name, check) for name, check in CHECKS.items()}


def subtest(lab: Lab, name: str, check: Callable[[Lab, str, boots.Verdict], None]) -> int:
    verdict = boots.Verdict()
    print(f"\n== {name}")
    guest = lab.session.guests.get(name)
    try:
        check(lab, name, verdict)
    except (LabError, IndexError, KeyError) as why:
        verdict.check(name, False, why)
    if guest and verdict.failures:
        print(f"the guest's end: {guest.end}, after {guest.seconds:.0f} s; its last lines:\n{guest.tail()}")
    return verdict.failures


def test_dom0_kernel(options: argparse.Namespace) -> dict[str, int]:
    return {image: dom0_kernel(options, image) for image in ("kernel32", "kernel64")}


def dom0_kernel(options: argparse.Namespace, image: str) -> int:
    verdict = boots.Verdict()
    program = (options.build / "examples/kernel" / f"{image}.elf").read_bytes()
    done = xen.start([(program, "first second")], f"{PVH_DOM0} dom0_mem=128M", "512M", options.timeout,
                     log=options.logs / f"dom0-{image}.log",
                     until=xen.Until("kernel: (result|error)", "Hardware Dom0 halted"))
    lines = [line for line in done.run.lines if line.startswith("kernel: ")]
    print("\n".join(lines))
    told = console.read("kernel", lines)
    verdict.equal("result", told.result, "ok")
    verdict.equal("finds Xen", told.xen, xen_packages.XEN)
    verdict.equal("version, and flags: privileged, initial domain", (told.version, told.flags), (0, 3))
    verdict.equal("command line", told.cmdline, "first second")
    verdict.check("the map came by hypercall", any("entries from XENMEM_memory_map" in line for line in lines))
    verdict.check("RAM and RAM of others", {1, 2, 3, 5} <= {entry.type for entry in told.received}, len(told.received))
    verdict.check("total ram is what dom0_mem says, less its part of the last page",
                  128 * MIB - 4096 < (told.total_ram or 0) <= 128 * MIB, told.total_ram)
    verdict.equal("rsdp as the kernel judges it", told.rsdp_state, "checksum ok")
    verdict.equal("map as sanitised covers the same", wire.differences(told.received, told.sanitised), [])
    verdict.equal("Xen's debug port has the same lines", in_order(done.xen, [f"(d0) {line}" for line in lines]), [])
    verdict.equal("and so has the console hypercall", in_order(done.xen, lines), [])
    return verdict.failures


def in_order(lines: list[str], wanted: list[str]) -> list[str]:
    """Those of `wanted` that do not follow each other in `lines`."""
    rest = iter(lines)
    return [line for line in wanted if line not in rest]


def test_dom0_linux(options: argparse.Namespace) -> dict[str, int]:
    initrd = userspace.build(packages.busybox().read_bytes()).data
    vmlinuz = xen_packages.kernel().read_bytes()
    chainload = (options.build / boot.CHAINLOAD).read_bytes()
    ways = {"direct": [(vmlinuz, DOM0_APPEND), (initrd, "")],
            "chainload": [(chainload, DOM0_APPEND), (cpio.chainload_module(vmlinuz, initrd), "")]}
    seen = {}
    for way, modules in ways.items():
        began = time.monotonic()
        done = xen.start(modules, f"{PVH_DOM0} dom0_mem=256M", "512M", options.timeout,
                         log=options.logs / f"dom0-linux-{way}.log", until=xen.Until(DOM0_LAST_LINE))
        print(f"{way}: {DOM0_LAST_LINE!r} after {time.monotonic() - began:.0f} s")
        seen[way] = done.run.lines
    return {"as far as the same Linux": compare_dom0(seen)}


def compare_dom0(seen: dict[str, list[str]]) -> int:
    verdict = boots.Verdict()
    told = console.read("chainload", seen["chainload"])
    verdict.equal("version and flags that chainload read", (told.version, told.flags), (0, 3))
    verdict.check("map by hypercall", any("entries from XENMEM_memory_map" in line for line in seen["chainload"]))
    for way, lines in seen.items():
        for text in ("Linux version", f"Command line: {DOM0_APPEND}", "Hypervisor detected: Xen HVM",
                     "xen:events: Xen HVM callback vector", "ACPI: RSDP", DOM0_LAST_LINE):
            verdict.check(f"{way}: {text}", any(text in line for line in lines))
    for what, pattern in (("RSDP", r"ACPI: RSDP 0x\w+"), ("RAM", r"Memory: \w+/(\w+) available")):
        direct, chained = (first(lines, pattern) for lines in seen.values())
        verdict.equal(f"{what} is the same", chained, direct)
    # SIF_INITDOMAIN has no place in the zero page: a Linux that is started by a loader cannot know that it is dom0.
    verdict.equal("what they take themselves for", [first(lines, r"Booting .*") for lines in seen.values()],
                  ["Booting kernel on Xen PVH", "Booting paravirtualized kernel on Xen HVM"])
    return verdict.failures


def first(lines: list[str], pattern: str) -> str | None:
    for line in lines:
        if match := re.search(pattern, line):
            return match[match.lastindex or 0]
    return None


SCENARIOS = {"domu": test_domu, "dom0-kernel": test_dom0_kernel, "dom0-linux": test_dom0_linux}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder with the examples")
    parser.add_argument("--logs", type=Path, default=Path("build/boot/xen"), help="folder for the consoles")
    parser.add_argument("--timeout", type=float, default=680, help="for each machine, in seconds")
    return parser


def main() -> int:
    options = arguments().parse_args()
    try:
        failures = SCENARIOS[options.scenario](options)
    except xen_packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        print(f"NOT OK {options.scenario}: {why}")
        return 1
    print()
    for name, count in failures.items():
        print(f"{'FAILED' if count else 'passed'}  {name}{f': {count} checks' if count else ''}")
    return 1 if any(failures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
