#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""One boot test: a machine is started, its console is read, and what it says is compared. Exit 0, 1, or 77 (skipped).

Scenarios:
  kernel     QEMU -> examples/kernel; every fact it prints against the bytes in guest memory
  linux      QEMU -> examples/chainload -> Linux -> userspace; the zero page against the handoff that QEMU gave
  bare       QEMU -> examples/chainload with a kernel alone for its module -> Linux, which then misses its root
  installer  QEMU -> examples/chainload -> the Debian installer, to its first dialog
  memtest    QEMU -> examples/chainload -> memtest86+, until it tests memory
  direct     QEMU -> vmlinux; Linux's own translation against the same handoff
  refuse     QEMU -> examples/chainload with bad input; one clear line that names the broken rule
"""

import argparse
import dataclasses
import hashlib
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import Callable, TypeVar

import refusals
from common import skip
from lab import LabError, boot, bzimage, console, cpio, packages, qemu, userspace, wire

KERNELS = Path("examples/kernel")
KERNEL_OK = 0x10  # what examples/kernel writes to the exit port when all is well
REFUSED = 0x20  # and what both examples write when they refuse their input
MIB = 1 << 20
# Kernels for the scenario linux. A test skips when its kernel is unavailable, unless it is the first, which many need.
LINUXES = {"debian": packages.kernel, "686": packages.kernel_686, "686-pae": packages.kernel_686_pae,
           "6.12": packages.kernel_6_12}
Got = TypeVar("Got")


class Skip(Exception):
    """The reason why this test cannot run here."""


class Verdict:
    """Checks that are all made and all shown, so that a failure comes with its surroundings."""

    def __init__(self) -> None:
        self.failures = 0

    def check(self, what: str, ok: bool, detail: object = "") -> None:
        self.failures += not ok
        print(f"{'ok' if ok else 'NOT OK':<7}{what}{f': {detail}' if detail != '' else ''}", flush=True)

    def equal(self, what: str, got: object, wanted: object) -> None:
        self.check(what, got == wanted, got if got == wanted else f"{got} instead of {wanted}")


def if_available(get: Callable[[], Got]) -> Got:
    try:
        return get()
    except packages.Unavailable as why:
        raise Skip(why) from why


def memory_bytes(text: str) -> int:
    return int(text.rstrip("MG")) * (MIB << 10 if text.endswith("G") else MIB)


def kernel_machine(options: argparse.Namespace, image: str, module: Path, append: str) -> qemu.Machine:
    elf = options.build / KERNELS / f"{image}.elf"
    return qemu.Machine(elf, module, append, options.machine, options.memory)


def reference(options: argparse.Namespace) -> console.Handover:
    """The hand-over of this machine, as the example kernel prints it."""
    with tempfile.NamedTemporaryFile() as module:
        module.write(b"reference")
        module.flush()
        run = qemu.start(kernel_machine(options, "kernel32", Path(module.name), "reference"), options.timeout)
    told = console.read("kernel", run.lines)
    if told.result != "ok":
        raise LabError(f"the reference run of examples/kernel did not succeed: {run.how()}:\n{run.tail()}")
    return told


def test_kernel(options: argparse.Namespace, verdict: Verdict) -> None:
    append = 'first second="in quotes" last'
    content = random.Random(options.machine).randbytes(123457)
    witnessed: list[wire.StartInfo] = []

    def look(memory: qemu.Memory, paddr: int) -> None:
        found = wire.read_start_info(memory, paddr)
        witnessed.append(found)
        verdict.check("RSDP is one", wire.is_rsdp(memory.read(found.rsdp, 20)), f"{found.rsdp:#x}")
        for start, size in found.modules:
            verdict.equal("module content", hashlib.sha256(memory.read(start, size)).hexdigest(),
                          hashlib.sha256(content).hexdigest())

    with tempfile.NamedTemporaryFile() as module:
        module.write(content)
        module.flush()
        machine = kernel_machine(options, options.image, Path(module.name), append)
        run = qemu.start(machine, options.timeout)
        told = console.read("kernel", run.lines)
        print("\n".join(run.lines))
        if told.start_info is None:
            raise LabError(f"the kernel printed no address of its start_info, and {run.how()}")
        again = qemu.inspect(machine, "kernel: result", lambda memory: look(memory, told.start_info), options.timeout)
    verdict.check("the same facts when run again", facts(again) == facts(run))
    verdict.equal("exit status", run.debug_exit, KERNEL_OK)
    verdict.equal("result", told.result, "ok")
    verdict.equal("errors", told.error, None)
    check_kernel_facts(verdict, told, witnessed[0], append, memory_bytes(options.memory))
    if options.machine == "microvm":
        verdict.equal("microvm's map ends in an empty entry", witnessed[0].memory_map[-1], wire.Range(0, 0, 0))


def facts(run: qemu.Run) -> list[str]:
    return [line[line.find("kernel: "):] for line in run.lines if "kernel: " in line]


def check_kernel_facts(verdict: Verdict, told: console.Handover, witness: wire.StartInfo, append: str,
                       memory: int) -> None:
    verdict.equal("version", told.version, witness.version)
    verdict.equal("version that QEMU gives", witness.version, 1)
    verdict.equal("flags", told.flags, witness.flags)
    verdict.equal("command line", told.cmdline, append)
    verdict.equal("command line in memory", witness.cmdline, append.encode())
    verdict.equal("modules", told.modules, witness.modules)
    verdict.equal("number of modules", len(told.modules), 1)
    verdict.equal("rsdp", told.rsdp, witness.rsdp)
    verdict.equal("rsdp as the kernel judges it", told.rsdp_state, "checksum ok")
    verdict.equal("map as received", told.received, witness.memory_map)
    verdict.equal("entries counted", told.received_count, len(witness.memory_map))
    empty = [witness.memmap + number * wire.MEMMAP_ENTRY.size
             for number, entry in enumerate(witness.memory_map) if entry.size == 0]
    told_empty = [re.search(r"no bytes.*\((?:address|at) (0x[0-9a-f]+)\)", text) for text in told.oddities]
    verdict.equal("empty entries are told as oddities", [int(match[1], 16) for match in told_empty if match], empty)
    verdict.check("map has RAM and more", len({entry.type for entry in told.received if entry.size}) >= 2)
    verdict.equal("map as sanitised covers the same", wire.differences(told.received, told.sanitised), [])
    verdict.check("map as sanitised is sorted, disjoint, without empty entries",
                  wire.is_sorted_and_disjoint(told.sanitised) and all(entry.size for entry in told.sanitised))
    verdict.check("map as sanitised is joined where it can be", is_joined(told.sanitised))
    verdict.equal("total ram", told.total_ram, wire.ram_bytes(witness.memory_map))
    # Firmware keeps a little of what -m asks for: the ISA hole and its own tables.
    verdict.check("total ram is what QEMU was asked for", memory - MIB <= (told.total_ram or 0) <= memory,
                  f"{told.total_ram} of {memory}")


def is_joined(ranges: list[wire.Range]) -> bool:
    return not any(a.end == b.addr and a.type == b.type for a, b in zip(ranges, ranges[1:]))


def test_linux(options: argparse.Namespace, verdict: Verdict) -> None:
    kernel = linux(options)
    given = reference(options)
    append = f"{boot.DEFAULT_APPEND} carried.over=1"
    if options.fill_command_line:
        append = append.ljust(bzimage.command_line_limit(kernel.read_bytes()), "x")
    plan = boot.Plan(kernel, options.build / boot.CHAINLOAD, machine=options.machine, memory=options.memory,
                     timeout=options.timeout, log=options.log, append=append,
                     cmdline_entry=options.cmdline_entry, alignment=options.alignment)
    outcome = boot.boot(plan)
    told, report, params = outcome.chainload, outcome.report, outcome.report.boot_params
    print("\n".join(line for line in outcome.run.lines if "chainload: " in line))
    for row in outcome.rows:
        verdict.check(row.what, row.ok is True, f"{row.handed_over} | {row.arrived}")
    verdict.equal("chainload saw the map of this machine", told.received, given.received)
    verdict.equal("zero page covers the map that QEMU gave", wire.differences(given.received, params.e820), [])
    verdict.check("zero page's table is sorted, disjoint, without empty entries",
                  wire.is_sorted_and_disjoint(params.e820) and all(entry.size for entry in params.e820))
    verdict.equal("acpi_rsdp_addr", params.acpi_rsdp_addr, given.rsdp)
    verdict.equal("zero page's magic numbers", (params.boot_flag, params.header), (0xAA55, 0x53726448))
    verdict.equal("things that must be nothing",
                  (params.sentinel, params.hardware_subarch, params.setup_data, params.ext_cmd_line_ptr,
                   params.ext_ramdisk_image, params.ext_ramdisk_size), (0,) * 6)
    verdict.equal("type_of_loader", params.type_of_loader, told.type_of_loader)
    verdict.equal("initrd lies where chainload says", told.placed.get("initrd"),
                  (params.ramdisk_image, params.ramdisk_image + params.ramdisk_size))
    # The decompressor may move the kernel but leaves the address of its 32-bit entry as the loader wrote it.
    verdict.equal("code32_start", params.code32_start, told.entering)
    verdict.equal("the kernel that runs", report.kernel, release(kernel.read_bytes()))
    check_linux_itself(verdict, report, params, memory_bytes(options.memory))
    if options.no_note:
        check_no_note(verdict, bzimage.vmlinux(kernel), options.timeout)


def linux(options: argparse.Namespace) -> Path:
    """The kernel to boot, with the busybox that runs on it."""
    if options.kernel == "debian":
        return packages.kernel()
    found = if_available(LINUXES[options.kernel])
    if_available(lambda: packages.busybox(bzimage.bits(found.read_bytes())))
    return found


def release(image: bytes) -> str:
    """What `uname -r` prints when this kernel runs."""
    return bzimage.kernel_version(image).partition(" ")[0]


def check_no_note(verdict: Verdict, vmlinux: Path, timeout: float) -> None:
    """QEMU does not boot the same kernel by itself."""
    try:
        said = qemu.start(qemu.Machine(vmlinux), timeout).how()
    except LabError as why:
        said = str(why)
    last = said.splitlines()[-1].strip(" |")
    verdict.check("the kernel has no PVH note of its own", "without PVH ELF Note" in last, last)


def check_linux_itself(verdict: Verdict, report: userspace.Report, params: wire.BootParams, memory: int) -> None:
    """What Linux made of the zero page."""
    usable = [dataclasses.replace(entry, type=wire.RAM) for entry, kind in report.firmware_map if kind == "System RAM"]
    verdict.equal("Linux's firmware map has the same RAM", wire.coverage(usable, wire.RAM),
                  wire.coverage(params.e820, wire.RAM))
    wanted = f"RSDP 0x{params.acpi_rsdp_addr:016X}"
    verdict.check("Linux found the RSDP there", any(wanted in line for line in report.dmesg), wanted)
    # Kernel, page array and initramfs take their share; the boundary catches memory that is lost by the gigabyte.
    verdict.check("Linux has the memory", report.memtotal_kib << 10 > memory - memory // 8 - 32 * MIB,
                  f"{report.memtotal_kib >> 10} MiB")


def test_bare(options: argparse.Namespace, verdict: Verdict) -> None:
    machine = qemu.Machine(options.build / boot.CHAINLOAD, packages.kernel(), boot.DEFAULT_APPEND, options.machine,
                           options.memory)
    run = qemu.start(machine, options.timeout, options.log)
    told = console.read("chainload", run.lines)
    verdict.equal("refusals", told.error, None)
    verdict.check("no initrd was placed", "initrd" not in told.placed)
    for text in ("Linux version", f"Command line: {boot.DEFAULT_APPEND}", "Kernel panic - not syncing: VFS"):
        verdict.check(f"Linux says {text}", any(text in line for line in run.lines))
    verdict.equal("Linux reboots when it panics", run.end, qemu.RESET)


def until(machine: qemu.Machine, line: str, options: argparse.Namespace) -> qemu.Run:
    """Run the machine until one of its lines matches."""

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
        # The installer draws its dialogs with the title in the upper edge; !! is the priority.
        run = until(machine, r"\[!!\] ", options)
    told = console.read("chainload", run.lines)
    print("\n".join(line for line in run.lines if "chainload: " in line))
    start, end = told.placed["initrd"]
    verdict.equal("the initrd has its size", end - start, initrd.stat().st_size)
    last = (end - 1) | 0xFFF  # Linux keeps whole pages
    for text in (f"Linux version {release(image)} ", f"Command line: {boot.DEFAULT_APPEND}",
                 f"ACPI: RSDP 0x{told.rsdp or 0:016X}", f"RAMDISK: [mem 0x{start:08x}-0x{last:08x}]",
                 "Starting system log daemon"):
        verdict.check(f"the console shows {text}", any(text in line for line in run.lines))


def test_memtest(options: argparse.Namespace, verdict: Verdict) -> None:
    image = if_available(packages.memtest).read_bytes()
    with tempfile.NamedTemporaryFile() as module:
        module.write(cpio.chainload_module(image))
        module.flush()
        machine = qemu.Machine(options.build / boot.CHAINLOAD, Path(module.name), "console=ttyS0,115200",
                               options.machine, options.memory)
        run = until(machine, "#[1-9][0-9]* +\\[", options)  # a test after the first, so it does not stand still
    told = console.read("chainload", run.lines)
    screen = run.lines[next(number for number, line in enumerate(run.lines) if "chainload: entering" in line) + 1:]
    print("\n".join([line for line in run.lines if "chainload: " in line] + screen))
    name = bzimage.kernel_version(image)
    verdict.check("the screen has the name in the header", name != "" and any(name in line for line in screen), name)
    size = f"Memory  : {wire.ram_bytes(told.received) // MIB:4}MB"
    verdict.check("it sees the RAM that QEMU gave", any(size in line for line in screen), size)
    tested = [int(match[1]) for line in screen if (match := re.search(r"#(\d+) +\[", line))]
    verdict.check("it tests, one test after the other", tested == sorted(tested) and len(set(tested)) >= 2, tested)
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
    told = console.read("chainload", run.lines)
    errors = [line for line in run.lines if "chainload: error" in line]
    verdict.equal("lines of error", len(errors), 1)
    verdict.equal("the rule", (told.error or "").partition(":")[0], case.rule)
    verdict.check("the sentence", case.says.search(told.error or "") is not None, case.says.pattern)
    verdict.equal("exit status", run.debug_exit, REFUSED)
    verdict.equal("the machine's end", run.end, qemu.EXITED)
    verdict.equal("Linux was entered", told.entering, None)


SCENARIOS = {"kernel": test_kernel, "linux": test_linux, "bare": test_bare, "installer": test_installer,
             "memtest": test_memtest, "direct": test_direct, "refuse": test_refuse}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("case", nargs="?", choices=sorted(refusals.CASES), help="refuse: which bad input")
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder with the examples")
    parser.add_argument("--machine", default="q35", choices=qemu.MACHINES)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--image", default="kernel32", help="kernel: kernel32 or kernel64")
    parser.add_argument("--kernel", default="debian", choices=LINUXES, help="linux: which kernel")
    parser.add_argument("--no-note", action="store_true", help="linux: it has no PVH note and QEMU cannot boot it")
    parser.add_argument("--fill-command-line", action="store_true", help="linux: as long as the kernel takes")
    parser.add_argument("--cmdline-entry", help="linux: a command line in the archive, which wins over QEMU's")
    parser.add_argument("--alignment", type=int, default=4096, help="linux: of the initrd in its module")
    parser.add_argument("--timeout", type=float, default=120, help="for each machine, in seconds")
    parser.add_argument("--log", type=Path, help="keep the console here")
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
    print(f"{verdict.failures} of the checks failed" if verdict.failures else "all checks passed")
    return 1 if verdict.failures else 0


if __name__ == "__main__":
    sys.exit(main())
