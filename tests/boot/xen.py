#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Run one boot test on Xen. Exit with 0, 1, or 77 (skipped).

Scenarios:
  domu          one boot of a dom0 that starts all guests, one after the other
  dom0-kernel   Xen -> examples/kernel as dom0: start info version 0, the map by hypercall
  dom0-linux    Xen -> examples/chainload as dom0 -> Linux, compared with Xen -> the same Linux
"""

import argparse
import dataclasses
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

import run as boots
import tiny_guest
from conformance import tap
import xen_zero_pages as zero_pages
from common import skip
from lab import LabError, boot, console, cpio, packages, userspace, wire, xen, xen_packages
from template import template
from lab import LabError, boot, bzimage, console, cpio, packages, userspace, wire, xen, xen_packages

MIB = 1 << 20
GIB = 1 << 30
APPEND = "console=hvc0 panic=-1 quiet carried.over=1"
MEMORY = 256
DOM0_APPEND = "earlyprintk=serial,ttyS0,115200 console=ttyS0 panic=-1"
PVH_DOM0 = "dom0=pvh dom0-iommu=none"
# The last line of Linux as PVH dom0 under this emulation, with and without chainload: then it needs timer interrupts.
DOM0_LAST_LINE = "ACPI: Core revision"
SPECIAL_PAGES = wire.Range(0xFEFF8000, 0x8000, 2)
PVH_LINE = r"Booting .*kernel on Xen PVH$"


@dataclasses.dataclass
class Lab:
    """The files of the guests, and their reports."""

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
        # The output exceeds the console ring: a domain must not hang if dom0 does not read the ring.
        xen.Guest("unread", "kernel32.elf", None, "x " * 500 + "dump", memory=MEMORY, timeout=90, unread=True),
        xen.Guest("small", "chainload.elf", "bundle", APPEND, memory=64, timeout=60),
        xen.Guest("template", "template.elf", memory=MEMORY, timeout=30),
        xen.Guest("reset", "reset.elf", memory=32, timeout=30),
        xen.Guest("hang", "hang.elf", memory=32, timeout=3),
        xen.Guest("linux-pv", "vmlinuz", "initrd", APPEND, "pv", memory=MEMORY),
        xen.Guest("linux-pvh", "vmlinuz", "initrd", APPEND, memory=MEMORY),
        xen.Guest("chainload", "chainload.elf", "bundle", APPEND, memory=MEMORY),
        xen.Guest("chainload-pvh", "chainload.elf", "elf-bundle", APPEND, memory=MEMORY),
        xen.Guest("grub", "grub", memory=MEMORY),
        # RAM lies below 4032 MiB and above 4 GiB. With less memory and a larger maxmem Linux would return the
        # difference page by page, which takes minutes under emulation.
        xen.Guest("above-4g", "chainload.elf", "bundle", APPEND, memory=4160),
        xen.Guest("conformance32", "conformance32.elf", "module", tap.CMDLINE, memory=MEMORY, timeout=60),
        xen.Guest("conformance64", "conformance64.elf", "module", tap.CMDLINE, memory=MEMORY, timeout=60),
        xen.Guest("conformance-low", "conformance-low64.elf", "module", tap.CMDLINE, memory=MEMORY, timeout=60),
    ]


def files(lab: Lab) -> dict[str, bytes]:
    vmlinuz, initrd = xen_packages.kernel().read_bytes(), lab.initramfs.data
    return {"kernel32.elf": lab.program("kernel/kernel32.elf"), "kernel64.elf": lab.program("kernel/kernel64.elf"),
            "chainload.elf": lab.program("chainload/chainload.elf"), "vmlinuz": vmlinuz, "initrd": initrd,
            "template.elf": template_kernel(), "module": tap.MODULE,
            **{f"{name}.elf": lab.program(f"conformance/{name}.elf")
               for name in ("conformance32", "conformance64", "conformance-low64")},
            "reset.elf": tiny_guest.elf("", None, tiny_guest.TRIPLE_FAULT), "hang.elf": tiny_guest.elf("", None),
            "grub": xen_packages.grub_image(vmlinuz, initrd, APPEND), "bundle": cpio.chainload_module(vmlinuz, initrd),
            "elf-bundle": cpio.chainload_module(bzimage.vmlinux(xen_packages.kernel()).read_bytes(), initrd)}


def template_kernel() -> bytes:
    """The kernel of examples/template/make, in a higher half."""
    variant = template.Variant("higher-half", "g++", "bfd", "c++20")
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        return template.build("make", variant, Path(scratch) / "make").read_bytes()


def is_unsorted(ranges: list[wire.Range]) -> bool:
    return any(a.addr > b.addr for a, b in zip(ranges, ranges[1:]))


def check_kernel(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    printed = console.read("kernel", lab.lines(name))
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    verdict.equal("result", printed.result, "ok")
    verdict.equal("version of Xen", printed.xen, xen_packages.XEN)
    verdict.equal("version and flags", (printed.version, printed.flags), (1, 0))
    verdict.equal("command line", printed.cmdline, "first second")
    verdict.equal("modules", printed.modules, [])
    check_toolstack_map(verdict, printed)
    verdict.equal("checksum of the RSDP, by the kernel", printed.rsdp_state, "checksum ok")
    verdict.equal("total ram", printed.total_ram, MEMORY * MIB)
    verdict.equal("sanitised map covers the same addresses", wire.differences(printed.received, printed.sanitised), [])
    verdict.check("sanitised map is sorted and disjoint", wire.is_sorted_and_disjoint(printed.sanitised))
    verdict.check("the missing order is reported as an oddity",
                  any("below the one before" in text for text in printed.oddities))
    number = list(lab.session.guests).index(name) + 1
    debug = [line.removeprefix(f"(d{number}) ") for line in lab.session.xen if line.startswith(f"(d{number}) ")]
    verdict.check("Xen's debug port has the same lines as the guest's console",
                  [line for line in debug if line.startswith("kernel: ")] == lab.lines(name), f"{len(debug)} lines")


def check_conformance(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    report = tap.read(lab.lines(name))
    verdict.equal("end", lab.session.guests[name].end, "crash" if report.broken else "poweroff")
    verdict.check("the module's contents are compared", "module_contents" in report.held)
    if name == "conformance-low":
        verdict.equal("broken clauses", report.broken, [])
    else:
        verdict.equal("the report is that of the table", tap.problems(f"Xen {xen_packages.XEN}, domU", report), [])


def check_template(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """The kernel has no Xen console: its lines are on the debug port. It halts, which Xen takes for a power-off."""
    number = list(lab.session.guests).index(name) + 1
    lines = [line.removeprefix(f"(d{number}) ") for line in lab.session.xen if line.startswith(f"(d{number}) ")]
    received = console.read("kernel", lab.lines("kernel32")).received
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    verdict.equal("map, as examples/kernel printed it", template.printed_map(lines), received)
    verdict.check("it comes to its last line", template.LAST_LINE in lines)


def check_unread(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    lines = lab.lines(name)
    verdict.check("its console is truncated", "kernel: result ok" not in lines, f"{len(lines)} lines")
    number = list(lab.session.guests).index(name) + 1
    verdict.check("Xen's debug port shows that the guest continued",
                  f"(d{number}) kernel: result ok" in lab.session.xen)


def check_toolstack_map(verdict: boots.Verdict, printed: console.Facts) -> None:
    """libxl's map for a domain of MEMORY: unsorted, RAM from 0 through the ISA hole, ACPI tables near 4 GiB."""
    received = printed.received
    verdict.equal("RAM", wire.coverage(received, wire.RAM), [(0, MEMORY * MIB)])
    verdict.check("special pages are reserved", SPECIAL_PAGES in received)
    verdict.check("the map is unsorted", is_unsorted(received), len(received))
    rsdp = printed.rsdp or 0
    verdict.check("RSDP lies near 4 GiB, in memory for ACPI", 0xFC000000 <= rsdp < 4 * GIB and
                  any(entry.addr <= rsdp < entry.end for entry in received if entry.type in (3, 4)), f"{rsdp:#x}")


def check_small(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    printed = console.read("chainload", lab.lines(name))
    errors = [line for line in lab.lines(name) if "chainload: error" in line]
    verdict.equal("lines of error", len(errors), 1)
    verdict.check("the error names the cause",
                  "not enough free RAM where the kernel can run" in (printed.error or ""), printed.error)
    verdict.equal("Linux was entered", printed.entering, None)
    verdict.equal("end", lab.session.guests[name].end, "crash")


def check_end(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """A triple fault and a hang are not taken for a power-off."""
    verdict.equal("end", lab.session.guests[name].end, {"reset": "reboot", "hang": "timeout"}[name])


def check_userspace(lab: Lab, name: str, verdict: boots.Verdict, cmdline: str, hypervisor: str) -> userspace.Report:
    report = lab.report(name)
    verdict.equal("command line", report.cmdline, cmdline)
    verdict.equal("initrd", (report.marker, report.marker_sha256),
                  (lab.initramfs.token, lab.initramfs.marker_sha256))
    verdict.equal("guest type that Linux reports", report.hypervisor, hypervisor)
    verdict.equal("end", lab.session.guests[name].end, "poweroff")
    return report


def has_line(report: userspace.Report, pattern: str) -> bool:
    return any(re.search(pattern, line) for line in report.dmesg)


def check_rsdp(verdict: boots.Verdict, report: userspace.Report, printed: console.Facts) -> None:
    rsdp = printed.rsdp or 0
    verdict.check("Linux found the RSDP at the toolstack's address", has_line(report, f"RSDP 0x{rsdp:016X}"),
                  f"{rsdp:#x}")


def check_pv(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """The domain before the change to PVH."""
    report = check_userspace(lab, name, verdict, APPEND, "xen PV")
    verdict.check("Booting kernel on Xen, and not PVH", has_line(report, r"Booting kernel on Xen$"))
    verdict.check("no RSDP", not has_line(report, "RSDP"))
    verdict.equal("zero page: loader, version, e820 entries",
                  (report.boot_params.type_of_loader, report.boot_params.version, report.boot_params.e820_entries),
                  (0x90, 0, 0))


def check_pvh(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """The domain after the change, through Linux's own PVH entry."""
    printed = console.read("kernel", lab.lines("kernel32"))
    check_linux_by_pvh(lab, name, verdict, printed)


def check_chainload_pvh(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """The same entry, called by chainload with a handoff of its own."""
    printed = console.read("chainload", lab.lines(name))
    check_linux_by_pvh(lab, name, verdict, printed)
    verdict.check("the kernel file lay where the kernel goes, and was moved", bool(printed.moved), printed.moved)
    verdict.equal("zero page equals that of a direct boot, but for the places of initrd and command line",
                  sorted(zero_pages.differing(lab.report(name).boot_params.page,
                                              lab.report("linux-pvh").boot_params.page)),
                  ["cmd_line_ptr", "ramdisk_image"])


def check_linux_by_pvh(lab: Lab, name: str, verdict: boots.Verdict, printed: console.Facts) -> None:
    report = check_userspace(lab, name, verdict, APPEND, "xen PVH")
    params = report.boot_params
    verdict.check("Booting kernel on Xen PVH", has_line(report, PVH_LINE))
    check_rsdp(verdict, report, printed)
    verdict.equal("Linux copies the map one to one and adds the ISA hole", params.e820,
                  printed.received + [wire.ISA_HOLE])
    verdict.equal("zero page: loader, version, RSDP", (params.type_of_loader, params.version, params.acpi_rsdp_addr),
                  (0x90, 0x20C, 0))


def check_chainload(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    outcome = judged(lab, name)
    for row in outcome.rows:
        verdict.check(row.what, row.ok is True, f"{row.handed_over} | {row.arrived}")
    printed, report, params = outcome.chainload, outcome.report, outcome.report.boot_params
    check_userspace(lab, name, verdict, APPEND, "xen PVH")
    verdict.check("Booting paravirtualized kernel on Xen PVH", has_line(report, PVH_LINE))
    check_rsdp(verdict, report, printed)
    verdict.check("modules lie right after the loader, the kernel above its preferred address",
                  printed.modules[0][0] < 0x200000 and printed.placed["kernel"][0] >= 0x1000000, printed.placed)
    verdict.equal("map prepared for Linux", params.e820, printed.sanitised)
    received, arrived = (zero_pages.types_of_pages(ranges) for ranges in (printed.received, params.e820))
    verdict.equal("zero page covers the map of the toolstack", wire.differences(received, arrived), [])


def check_chainload_here(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    """The map and the RSDP are those that examples/kernel printed in the same domain."""
    check_chainload(lab, name, verdict)
    kernel, chainload = console.read("kernel", lab.lines("kernel32")), console.read("chainload", lab.lines(name))
    verdict.equal("map, as examples/kernel printed it", chainload.received, kernel.received)
    verdict.equal("RSDP, as examples/kernel printed it", chainload.rsdp, kernel.rsdp)


def check_grub(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    printed = console.read("kernel", lab.lines("kernel32"))
    report = check_userspace(lab, name, verdict, f"BOOT_IMAGE=(memdisk)/vmlinuz {APPEND}", "xen PVH")
    verdict.check("Booting paravirtualized kernel on Xen PVH", has_line(report, PVH_LINE))
    check_rsdp(verdict, report, printed)
    verdict.equal("zero page: loader, RSDP", (report.boot_params.type_of_loader, report.boot_params.acpi_rsdp_addr),
                  (0x72, printed.rsdp))


def check_above_4g(lab: Lab, name: str, verdict: boots.Verdict) -> None:
    check_chainload(lab, name, verdict)
    printed, params = console.read("chainload", lab.lines(name)), lab.report(name).boot_params
    highest = wire.coverage(printed.received, wire.RAM)[-1]
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
    """Compare all fields: every difference must be in `known`, and every row of `known` must occur."""
    found = zero_pages.differing(ours.page, theirs.page)
    for field, values in found.items():
        verdict.check(f"{field}: {values}", field in known, known.get(field, "an unexpected difference"))
    for field in known.keys() - found.keys():
        verdict.check(f"{field} differs", False, "the two are equal")
    verdict.check("the other fields are equal", bool(found),
                  f"{len(zero_pages.FIELDS)} fields, {len(found)} of them differ")
    verdict.equal("types of all pages", wire.differences(zero_pages.types_of_pages(ours.e820),
                                                         zero_pages.types_of_pages(theirs.e820)), [])


def judged(lab: Lab, name: str) -> boot.Outcome:
    """Judge a guest's boot through chainload like a boot in QEMU."""
    plan = boot.Plan(xen_packages.kernel(), lab.build / boot.CHAINLOAD, append=APPEND)
    return boot.conclude(plan, lab.session.guests[name].run(), lab.initramfs, len(lab.initramfs.data))


CHECKS: dict[str, Callable[[Lab, str, boots.Verdict], None]] = {
    "kernel32": check_kernel, "kernel64": check_kernel, "unread": check_unread, "small": check_small,
    "template": check_template,
    "conformance32": check_conformance,
    "conformance64": check_conformance,
    "conformance-low": check_conformance,
    "reset": check_end, "hang": check_end,
    "linux-pv": check_pv, "linux-pvh": check_pvh, "chainload": check_chainload_here,
    "chainload-pvh": check_chainload_pvh, "grub": check_grub,
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

    # The host allocates only the memory that is used, about 1 GiB.
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
    printed = console.read("kernel", lines)
    verdict.equal("result", printed.result, "ok")
    verdict.equal("version of Xen", printed.xen, xen_packages.XEN)
    verdict.equal("version, and flags: privileged, initial domain", (printed.version, printed.flags), (0, 3))
    verdict.equal("command line", printed.cmdline, "first second")
    verdict.check("the map is that of the hypercall", any("entries from XENMEM_memory_map" in line for line in lines))
    verdict.check("the map has RAM, reserved, ACPI and unusable ranges",
                  {1, 2, 3, 5} <= {entry.type for entry in printed.received}, len(printed.received))
    verdict.check("total ram is dom0_mem, less a part of the last page",
                  128 * MIB - 4096 < (printed.total_ram or 0) <= 128 * MIB, printed.total_ram)
    verdict.equal("checksum of the RSDP, by the kernel", printed.rsdp_state, "checksum ok")
    verdict.equal("sanitised map covers the same addresses", wire.differences(printed.received, printed.sanitised), [])
    verdict.equal("Xen's debug port has the same lines", in_order(done.xen, [f"(d0) {line}" for line in lines]), [])
    verdict.equal("Xen's console has the same lines", in_order(done.xen, lines), [])
    return verdict.failures


def in_order(lines: list[str], wanted: list[str]) -> list[str]:
    """The strings of `wanted` that `lines` does not contain in this order."""
    rest = iter(lines)
    return [line for line in wanted if line not in rest]


def test_dom0_linux(options: argparse.Namespace) -> dict[str, int]:
    initrd = userspace.build(packages.busybox().read_bytes()).data
    vmlinuz = xen_packages.kernel().read_bytes()
    vmlinux = bzimage.vmlinux(xen_packages.kernel()).read_bytes()
    chainload = (options.build / boot.CHAINLOAD).read_bytes()
    ways = {"direct": [(vmlinuz, DOM0_APPEND), (initrd, "")],
            "chainload": [(chainload, DOM0_APPEND), (cpio.chainload_module(vmlinuz, initrd), "")],
            "chainload-pvh": [(chainload, DOM0_APPEND), (cpio.chainload_module(vmlinux, initrd), "")]}
    seen = {}
    for way, modules in ways.items():
        began = time.monotonic()
        done = xen.start(modules, f"{PVH_DOM0} dom0_mem=256M", "512M", options.timeout,
                         log=options.logs / f"dom0-linux-{way}.log", until=xen.Until(DOM0_LAST_LINE))
        print(f"{way}: {DOM0_LAST_LINE!r} after {time.monotonic() - began:.0f} s")
        seen[way] = done.run.lines
    return {"the same lines as the direct boot": compare_dom0(seen)}


def compare_dom0(seen: dict[str, list[str]]) -> int:
    verdict = boots.Verdict()
    printed = console.read("chainload", seen["chainload"])
    verdict.equal("version and flags that chainload read", (printed.version, printed.flags), (0, 3))
    verdict.check("map by hypercall", any("entries from XENMEM_memory_map" in line for line in seen["chainload"]))
    for way, lines in seen.items():
        for text in ("Linux version", f"Command line: {DOM0_APPEND}", "Hypervisor detected: Xen HVM",
                     "xen:events: Xen HVM callback vector", "ACPI: RSDP", DOM0_LAST_LINE):
            verdict.check(f"{way}: {text}", any(text in line for line in lines))
    for what, pattern in (("RSDP", r"ACPI: RSDP 0x\w+"), ("RAM", r"Memory: \w+/(\w+) available")):
        found = {first(lines, pattern) for lines in seen.values()}
        verdict.check(f"{what} is the same", len(found) == 1, found)
    # The zero page has no field for SIF_INITDOMAIN, so Linux started by a loader runs as an ordinary guest.
    verdict.equal("guest types that Linux prints", [first(lines, r"Booting .*") for lines in seen.values()],
                  ["Booting kernel on Xen PVH", "Booting paravirtualized kernel on Xen HVM",
                   "Booting kernel on Xen PVH"])
    direct, chained = (linux_lines(seen[way]) for way in ("direct", "chainload-pvh"))
    differing = [(a, b) for a, b in zip(direct, chained) if a != b]
    verdict.equal("lines of a direct boot and of one by chainload through PVH", len(chained), len(direct))
    # The initrd lies elsewhere, and with it what Linux allocates. What is in use below 16 MiB, where Xen 4.20 puts the
    # initrd, is not among the pages of "Built 1 zonelists".
    verdict.check("other lines are the same", {a.partition(" ")[0] for a, _ in differing} - {"Built"} ==
                  {"RAMDISK:", "NODE_DATA(0)", "Memory:"}, differing)
    return verdict.failures


def linux_lines(lines: list[str]) -> list[str]:
    """What Linux prints up to DOM0_LAST_LINE, without its timestamps and what it measures of the CPU's frequency."""
    begin = next(number for number, line in enumerate(lines) if "Linux version" in line)
    end = next(number for number, line in enumerate(lines) if DOM0_LAST_LINE in line)
    timestamp = r"^.*?\[ *\d+\.\d+\] "
    measured = r"\b\d+\.\d+(?= MHz| BogoMIPS)|(?<=lpj=)\d+|(?<=max_cycles: )0x\w+|(?<=max_idle_ns: )\d+"
    return [re.sub(measured, "", re.sub(timestamp, "", line)) for line in lines[begin:end + 1]]


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
    parser.add_argument("--logs", type=Path, default=Path("build/boot/xen"), help="a folder for the consoles")
    parser.add_argument("--timeout", type=float, default=680, help="seconds for each machine")
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
