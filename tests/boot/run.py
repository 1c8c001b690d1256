#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Run one boot test: start a machine and compare what its console shows. Exit with 0, 1, or 77 (skipped).

Scenarios:
  kernel     QEMU -> examples/kernel; each fact it prints is compared with guest memory
  linux      QEMU -> examples/chainload -> Linux -> userspace; the zero page is compared with QEMU's handoff
  pvh        QEMU -> examples/chainload -> vmlinux through PVH; Linux's own zero page is compared with QEMU's handoff
  cost       QEMU -> examples/chainload -> Linux, as a bzImage and as vmlinux through PVH: instructions and time
  bare       QEMU -> examples/chainload with a kernel as its only module -> Linux, which panics without a root
  installer  QEMU -> examples/chainload -> the Debian installer, to its first dialog
  memtest    QEMU -> examples/chainload -> memtest86+, until it tests memory
  direct     QEMU -> vmlinux; Linux's own zero page is compared with QEMU's handoff
  refuse     QEMU -> examples/chainload with bad input; one line names the broken rule
"""

import argparse
import dataclasses
import hashlib
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, TypeVar

import refusals
from common import run_or_exit, skip
from lab import LabError, boot, bzimage, console, cpio, packages, qemu, releases, userspace, wire

KERNELS = Path("examples/kernel")
KERNEL_OK = 0x10  # examples/kernel writes it to the exit port on success
REFUSED = 0x20  # both examples write it when they refuse their input
MIB = 1 << 20
# Kernels for the scenario linux. A test is skipped if its kernel is unavailable, except for the first.
LINUXES = {"debian": packages.kernel, "686": packages.kernel_686, "686-pae": packages.kernel_686_pae,
           "6.12": packages.kernel_6_12}
Got = TypeVar("Got")


class Skip(Exception):
    """The test cannot run on this machine; the message is the reason."""


class Verdict:
    """Runs and prints all checks, so that a failure shows its context."""

    def __init__(self) -> None:
        self.failures = 0

    def check(self, what: str, ok: bool, detail: object = "") -> None:
        self.failures += not ok
        print(f"{'ok' if ok else 'NOT OK':<7}{what}{f': {detail}' if detail != '' else ''}", flush=True)

    def equal(self, what: str, got: object, wanted: object) -> None:
        self.check(what, got == wanted, got if got == wanted else f"{got} instead of {wanted}")

    def status(self) -> int:
        """Prints the last line. Returns the exit status."""
        print(f"{self.failures} of the checks failed" if self.failures else "all checks passed")
        return 1 if self.failures else 0


def if_available(get: Callable[[], Got]) -> Got:
    try:
        return get()
    except packages.Unavailable as why:
        raise Skip(why) from why


def memory_bytes(text: str) -> int:
    return int(text.rstrip("MG")) * (MIB << 10 if text.endswith("G") else MIB)


def kernel_machine(options: argparse.Namespace, image: str, module: Path, append: str) -> qemu.Machine:
    elf = options.build / KERNELS / f"{image}.elf"
    return qemu.Machine(elf, module, append, options.machine, options.memory, seabios=options.seabios)


def reference(options: argparse.Namespace) -> console.Facts:
    """The handoff of this machine, as examples/kernel prints it."""
    with tempfile.NamedTemporaryFile() as module:
        module.write(b"reference")
        module.flush()
        run = qemu.start(kernel_machine(options, "kernel32", Path(module.name), "reference"), options.timeout)
    printed = console.read("kernel", run.lines)
    if printed.result != "ok":
        raise LabError(f"the reference run of examples/kernel did not succeed: {run.how()}:\n{run.tail()}")
    return printed


def test_kernel(options: argparse.Namespace, verdict: Verdict) -> None:
    append = 'first second="in quotes" last'
    content = random.Random(options.machine).randbytes(123457)
    witnessed: list[wire.StartInfo] = []

    def look(memory: qemu.Memory, paddr: int) -> None:
        found = wire.read_start_info(memory, paddr)
        witnessed.append(found)
        verdict.check("the RSDP is valid", wire.is_rsdp(memory.read(found.rsdp, 20)), f"{found.rsdp:#x}")
        for start, size in found.modules:
            verdict.equal("module content", hashlib.sha256(memory.read(start, size)).hexdigest(),
                          hashlib.sha256(content).hexdigest())

    with tempfile.NamedTemporaryFile() as module:
        module.write(content)
        module.flush()
        machine = kernel_machine(options, options.image, Path(module.name), append)
        run = qemu.start(machine, options.timeout)
        printed = console.read("kernel", run.lines)
        print("\n".join(run.lines))
        if printed.start_info is None:
            raise LabError(f"the kernel printed no address of its start_info, and {run.how()}")
        again = qemu.inspect(machine, "kernel: result", lambda memory: look(memory, printed.start_info),
                             options.timeout)
    verdict.check("a second run prints the same facts", facts(again) == facts(run))
    verdict.equal("exit status", run.debug_exit, KERNEL_OK)
    verdict.equal("result", printed.result, "ok")
    verdict.equal("errors", printed.error, None)
    check_kernel_facts(verdict, printed, witnessed[0], append, memory_bytes(options.memory))
    if options.machine != "microvm":
        return
    if options.seabios or releases.chosen("QEMU"):
        # QEMU puts the initrd at the top of RAM, where SeaBIOS reserves a page.
        end = sum(witnessed[0].modules[0])
        verdict.check("the module ends in memory that the map reserves",
                      any(r.addr < end <= r.end and r.type == 2 for r in witnessed[0].memory_map))
    else:
        verdict.equal("microvm's map ends in an empty entry", witnessed[0].memory_map[-1], wire.Range(0, 0, 0))


def facts(run: qemu.Run) -> list[str]:
    return [line[line.find("kernel: "):] for line in run.lines if "kernel: " in line]


def check_kernel_facts(verdict: Verdict, printed: console.Facts, witness: wire.StartInfo, append: str,
                       memory: int) -> None:
    verdict.equal("version", printed.version, witness.version)
    verdict.equal("version that QEMU gives", witness.version, 1)
    verdict.equal("flags", printed.flags, witness.flags)
    verdict.equal("command line", printed.cmdline, append)
    verdict.equal("command line in memory", witness.cmdline, append.encode())
    verdict.equal("modules", printed.modules, witness.modules)
    verdict.equal("number of modules", len(printed.modules), 1)
    verdict.equal("rsdp", printed.rsdp, witness.rsdp)
    verdict.equal("checksum of the RSDP, by the kernel", printed.rsdp_state, "checksum ok")
    verdict.equal("map as received", printed.received, witness.memory_map)
    verdict.equal("entries counted", printed.received_count, len(witness.memory_map))
    empty = [witness.memmap + number * wire.MEMMAP_ENTRY.size
             for number, entry in enumerate(witness.memory_map) if entry.size == 0]
    matches = [re.search(r"no bytes.*\((?:address|at) (0x[0-9a-f]+)\)", text) for text in printed.oddities]
    verdict.equal("empty entries are reported as oddities", [int(match[1], 16) for match in matches if match], empty)
    verdict.check("map has RAM and another type", len({entry.type for entry in printed.received if entry.size}) >= 2)
    verdict.equal("sanitised map covers the same addresses", wire.differences(printed.received, printed.sanitised), [])
    verdict.check("sanitised map is sorted, disjoint and without empty entries",
                  wire.is_sorted_and_disjoint(printed.sanitised) and all(entry.size for entry in printed.sanitised))
    verdict.check("sanitised map is merged", is_merged(printed.sanitised))
    verdict.equal("total ram", printed.total_ram, wire.ram_bytes(witness.memory_map))
    # Firmware keeps a part of the memory set with -m: the ISA hole and its tables.
    verdict.check("total ram is the memory set with -m", memory - MIB <= (printed.total_ram or 0) <= memory,
                  f"{printed.total_ram} of {memory}")


def is_merged(ranges: list[wire.Range]) -> bool:
    return not any(a.end == b.addr and a.type == b.type for a, b in zip(ranges, ranges[1:]))


def test_linux(options: argparse.Namespace, verdict: Verdict) -> None:
    kernel = linux(options)
    given = reference(options)
    append = f"{boot.DEFAULT_APPEND} carried.over=1"
    if options.fill_command_line:
        append = append.ljust(bzimage.command_line_limit(kernel.read_bytes()), "x")
    plan = boot.Plan(kernel, options.build / boot.CHAINLOAD, machine=options.machine, memory=options.memory,
                     timeout=options.timeout, log=options.log, append=append,
                     cmdline_entry=options.cmdline_entry, alignment=options.alignment, seabios=options.seabios)
    outcome = boot.boot(plan)
    printed, report, params = outcome.chainload, outcome.report, outcome.report.boot_params
    print("\n".join(line for line in outcome.run.lines if "chainload: " in line))
    for row in outcome.rows:
        verdict.check(row.what, row.ok is True, f"{row.handed_over} | {row.arrived}")
    verdict.equal("chainload received the map of this machine", printed.received, given.received)
    verdict.equal("zero page covers the map of QEMU's handoff", wire.differences(given.received, params.e820), [])
    verdict.check("zero page's table is sorted, disjoint and without empty entries",
                  wire.is_sorted_and_disjoint(params.e820) and all(entry.size for entry in params.e820))
    verdict.equal("acpi_rsdp_addr", params.acpi_rsdp_addr, given.rsdp)
    verdict.equal("zero page's magic numbers", (params.boot_flag, params.header), (0xAA55, 0x53726448))
    verdict.equal("fields that must be 0",
                  (params.sentinel, params.hardware_subarch, params.setup_data, params.ext_cmd_line_ptr,
                   params.ext_ramdisk_image, params.ext_ramdisk_size), (0,) * 6)
    verdict.equal("type_of_loader", params.type_of_loader, printed.type_of_loader)
    verdict.equal("the initrd's place, as chainload printed it", printed.placed.get("initrd"),
                  (params.ramdisk_image, params.ramdisk_image + params.ramdisk_size))
    # The decompressor may move the kernel, but does not change the address of the 32-bit entry.
    verdict.equal("code32_start", params.code32_start, printed.entering)
    verdict.equal("version of the running kernel", report.kernel, release(kernel.read_bytes()))
    check_linux_itself(verdict, report, params, memory_bytes(options.memory))
    if options.no_note:
        check_no_note(verdict, bzimage.vmlinux(kernel), options.timeout)


def linux(options: argparse.Namespace) -> Path:
    """The kernel to boot. Its busybox is made available as well."""
    if options.kernel == "debian":
        return packages.kernel()
    found = if_available(LINUXES[options.kernel])
    if_available(lambda: packages.busybox(bzimage.bits(found.read_bytes())))
    return found


def release(image: bytes) -> str:
    """The release that `uname -r` prints on this kernel."""
    return bzimage.kernel_version(image).partition(" ")[0]


def check_no_note(verdict: Verdict, vmlinux: Path, timeout: float) -> None:
    """QEMU refuses to boot this kernel directly."""
    try:
        result = qemu.start(qemu.Machine(vmlinux), timeout).how()
    except LabError as why:
        result = str(why)
    last = result.splitlines()[-1].strip(" |")
    verdict.check("the kernel has no PVH note", "without PVH ELF Note" in last, last)


def check_linux_itself(verdict: Verdict, report: userspace.Report, params: wire.BootParams, memory: int) -> None:
    """Compare Linux's own view with the zero page."""
    usable = [dataclasses.replace(entry, type=wire.RAM) for entry, kind in report.firmware_map if kind == "System RAM"]
    verdict.equal("Linux's firmware map has the same RAM", wire.coverage(usable, wire.RAM),
                  wire.coverage(params.e820, wire.RAM))
    wanted = f"RSDP 0x{params.acpi_rsdp_addr:016X}"
    verdict.check("Linux found the RSDP at acpi_rsdp_addr", any(wanted in line for line in report.dmesg), wanted)
    # Kernel, page array and initramfs use some of it. The bound detects memory that is lost by the gigabyte.
    verdict.check("Linux has most of the memory", report.memtotal_kib << 10 > memory - memory // 8 - 32 * MIB,
                  f"{report.memtotal_kib >> 10} MiB")


def test_bare(options: argparse.Namespace, verdict: Verdict) -> None:
    machine = qemu.Machine(options.build / boot.CHAINLOAD, packages.kernel(), boot.DEFAULT_APPEND, options.machine,
                           options.memory)
    run = qemu.start(machine, options.timeout, options.log)
    printed = console.read("chainload", run.lines)
    verdict.equal("refusals", printed.error, None)
    verdict.check("no initrd was placed", "initrd" not in printed.placed)
    for text in ("Linux version", f"Command line: {boot.DEFAULT_APPEND}", "Kernel panic - not syncing: VFS"):
        verdict.check(f"Linux prints {text}", any(text in line for line in run.lines))
    verdict.equal("Linux reboots after the panic", run.end, qemu.RESET)


def until(machine: qemu.Machine, line: str, options: argparse.Namespace) -> qemu.Run:
    """Run the machine until a line matches."""

    def on_line(_seconds: float, text: str) -> None:
        if re.search(line, text):
            raise qemu.Stop

    run = qemu.start(machine, options.timeout, options.log, on_line)
    if run.end != qemu.STOPPED:
        raise LabError(f"{run.how()}, without a line like {line!r}:\n{run.tail()}")
    return run


def test_installer(options: argparse.Namespace, verdict: Verdict) -> None:
    kernel, initrd = if_available(packages.installer)
    image = kernel.read_bytes()
    with tempfile.NamedTemporaryFile() as module:
        module.write(cpio.chainload_module(image, initrd.read_bytes()))
        module.flush()
        machine = qemu.Machine(options.build / boot.CHAINLOAD, Path(module.name), boot.DEFAULT_APPEND, options.machine,
                               options.memory)
        # The installer draws the title into the upper edge of a dialog; !! is the priority.
        run = until(machine, r"\[!!\] ", options)
    printed = console.read("chainload", run.lines)
    print("\n".join(line for line in run.lines if "chainload: " in line))
    start, end = printed.placed["initrd"]
    verdict.equal("size of the initrd", end - start, initrd.stat().st_size)
    last = (end - 1) | 0xFFF  # Linux keeps whole pages
    for text in (f"Linux version {release(image)} ", f"Command line: {boot.DEFAULT_APPEND}",
                 f"ACPI: RSDP 0x{printed.rsdp or 0:016X}", f"RAMDISK: [mem 0x{start:08x}-0x{last:08x}]",
                 "Starting system log daemon"):
        verdict.check(f"the console shows {text}", any(text in line for line in run.lines))


def test_memtest(options: argparse.Namespace, verdict: Verdict) -> None:
    image = if_available(packages.memtest).read_bytes()
    with tempfile.NamedTemporaryFile() as module:
        module.write(cpio.chainload_module(image))
        module.flush()
        machine = qemu.Machine(options.build / boot.CHAINLOAD, Path(module.name), "console=ttyS0,115200",
                               options.machine, options.memory)
        run = until(machine, "#[1-9][0-9]* +\\[", options)  # the second test: memtest86+ makes progress
    printed = console.read("chainload", run.lines)
    screen = run.lines[next(number for number, line in enumerate(run.lines) if "chainload: entering" in line) + 1:]
    print("\n".join([line for line in run.lines if "chainload: " in line] + screen))
    name = bzimage.kernel_version(image)
    verdict.check("the screen shows the name in the setup header",
                  name != "" and any(name in line for line in screen), name)
    size = f"Memory  : {wire.ram_bytes(printed.received) // MIB:4}MB"
    verdict.check("it finds the RAM of QEMU's handoff", any(size in line for line in screen), size)
    tested = [int(match[1]) for line in screen if (match := re.search(r"#(\d+) +\[", line))]
    verdict.check("it runs one test after the other", tested == sorted(tested) and len(set(tested)) >= 2, tested)
    errors = [match[1] for line in screen if (match := re.search(r"Errors: (\d+)", line))]
    verdict.equal("errors in memory", set(errors), {"0"})


def test_direct(options: argparse.Namespace, verdict: Verdict) -> None:
    given = reference(options)
    plan = boot.Plan(packages.kernel(), None, machine=options.machine, memory=options.memory, timeout=options.timeout,
                     log=options.log)
    outcome = boot.boot(plan)
    for row in outcome.rows:
        verdict.check(row.what, row.ok is True, f"{row.handed_over} | {row.arrived}")
    params = outcome.report.boot_params
    verdict.equal("Linux copies the map one to one and adds the ISA hole", params.e820,
                  given.received + [wire.ISA_HOLE])
    verdict.equal("version that Linux writes", params.version, 0x20C)


def test_pvh(options: argparse.Namespace, verdict: Verdict) -> None:
    kernel = linux(options)
    given = reference(options)
    append = f"{boot.DEFAULT_APPEND} carried.over=1{' chainload.kaslr' if options.kaslr else ''}"
    made = boot.userspace_of(kernel.read_bytes())
    with tempfile.NamedTemporaryFile() as module:
        module.write(cpio.chainload_module(bzimage.vmlinux(kernel).read_bytes(), made.data))
        module.flush()
        machine = qemu.Machine(options.build / boot.CHAINLOAD, Path(module.name), append, options.machine,
                               options.memory)
        run = qemu.start(machine, options.timeout, options.log)
    printed = console.read("chainload", run.lines)
    print("\n".join(line for line in run.lines if "chainload: " in line))
    if printed.error:
        raise LabError(f"chainload refused: {printed.error}")
    plan = boot.Plan(kernel, None, append=append, machine=options.machine, memory=options.memory)
    outcome = boot.conclude(plan, run, made, len(made.data))
    for row in outcome.rows:
        verdict.check(row.what, row.ok is True, f"{row.handed_over} | {row.arrived}")
    report, params = outcome.report, outcome.report.boot_params
    verdict.equal("chainload received the map of this machine", printed.received, given.received)
    verdict.equal("Linux copies that map one to one and adds the ISA hole", params.e820,
                  given.received + [wire.ISA_HOLE])
    verdict.equal("zero page: loader and version of Linux's own PVH entry", (params.type_of_loader, params.version),
                  (0xB0, 0x20C))
    wanted = f"RSDP 0x{given.rsdp or 0:016X}"
    verdict.check("Linux found the RSDP of the handoff", any(wanted in line for line in report.dmesg), wanted)
    verdict.equal("version of the running kernel", report.kernel, release(kernel.read_bytes()))
    start, end = printed.placed["kernel"]
    verdict.check("the kernel lies in RAM", any(first <= start < end <= last for first, last in
                                                wire.coverage(given.received, wire.RAM)), f"{start:#x}, {end:#x}")
    linked = [line for line in run.lines if "chainload: placed kernel" in line and line.endswith("moved by 0x0")]
    verdict.equal("the kernel was moved", not linked, options.kaslr)


def test_cost(options: argparse.Namespace, verdict: Verdict) -> None:
    kernel = packages.kernel()
    files = {"bzImage": kernel.read_bytes(), "vmlinux": bzimage.vmlinux(kernel).read_bytes()}
    spent = {}
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        init = Path(scratch) / "init"
        run_or_exit(["gcc", "-Os", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-o", init,
                     Path(__file__).with_name("tsc_init.c")])
        initrd = cpio.archive([cpio.directory("dev"), cpio.character_device("dev/console", 5, 1),
                               cpio.executable("init", init.read_bytes())])
        for name, image in files.items():
            module = Path(scratch) / name
            module.write_bytes(cpio.chainload_module(image, initrd))
            # The clock counts instructions, and so does the time stamp counter.
            machine = qemu.Machine(options.build / boot.CHAINLOAD, module, boot.DEFAULT_APPEND, options.machine,
                                   options.memory, extra=("-icount", "shift=0,sleep=off"))
            began = time.monotonic()
            run = until(machine, "userspace: tsc", options)
            counted = next(int(line.split()[-1]) for line in run.lines if "userspace: tsc" in line)
            spent[name] = counted
            print(f"{name:8} {len(image) / MIB:6.1f} MiB  {counted / 1e9:6.3f} * 10^9 instructions to userspace, "
                  f"{time.monotonic() - began:5.1f} s")
    saved = spent["bzImage"] - spent["vmlinux"]
    print(f"without the decompressor: {saved / 1e9:.3f} * 10^9 instructions less, {saved / spent['bzImage']:.0%}")
    verdict.check("vmlinux takes fewer instructions", saved > 0)


def test_refuse(options: argparse.Namespace, verdict: Verdict) -> None:
    case = refusals.CASES[options.case]
    image = packages.kernel().read_bytes() if case.needs_kernel else b""
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        module = None
        if case.module is not None:
            module = Path(scratch) / "module"
            module.write_bytes(case.module(image))
        append = case.append(image) if case.append else boot.DEFAULT_APPEND
        machine = qemu.Machine(options.build / boot.CHAINLOAD, module, append, options.machine, case.memory)
        run = qemu.start(machine, options.timeout)
    print("\n".join(line if len(line) < 300 else line[:300] + "..." for line in run.lines))
    printed = console.read("chainload", run.lines)
    errors = [line for line in run.lines if "chainload: error" in line]
    verdict.equal("lines of error", len(errors), 1)
    verdict.equal("the rule", (printed.error or "").partition(":")[0], case.rule)
    verdict.check("the sentence", case.sentence.search(printed.error or "") is not None, case.sentence.pattern)
    verdict.equal("exit status", run.debug_exit, REFUSED)
    verdict.equal("end of the machine", run.end, qemu.EXITED)
    verdict.equal("Linux was entered", printed.entering, None)


SCENARIOS = {"kernel": test_kernel, "linux": test_linux, "bare": test_bare, "installer": test_installer,
             "memtest": test_memtest, "direct": test_direct, "pvh": test_pvh, "cost": test_cost,
             "refuse": test_refuse}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("case", nargs="?", choices=sorted(refusals.CASES), help="refuse: which bad input")
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder with the examples")
    parser.add_argument("--machine", default="q35", choices=qemu.MACHINES)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--seabios", action="store_true", help="kernel, linux: on microvm, SeaBIOS instead of qboot")
    parser.add_argument("--image", default="kernel32", help="kernel: kernel32 or kernel64")
    parser.add_argument("--kernel", default="debian", choices=LINUXES, help="linux: which kernel")
    parser.add_argument("--no-note", action="store_true", help="linux: the kernel must have no PVH note")
    parser.add_argument("--kaslr", action="store_true", help="pvh: the kernel is loaded at a random address")
    parser.add_argument("--fill-command-line", action="store_true",
                        help="linux: a command line of the greatest length that the kernel accepts")
    parser.add_argument("--cmdline-entry", help="linux: a command line in the archive, which replaces QEMU's")
    parser.add_argument("--alignment", type=int, default=4096, help="linux: the alignment of the initrd in the module")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for each machine")
    parser.add_argument("--log", type=Path, help="a file for the console")
    return parser


def main() -> int:
    options = arguments().parse_args()
    verdict = Verdict()
    try:
        SCENARIOS[options.scenario](options, verdict)
    except Skip as why:
        return skip(why)
    except LabError as why:
        verdict.check(options.scenario, False, why)
    return verdict.status()


if __name__ == "__main__":
    sys.exit(main())
