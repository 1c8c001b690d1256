# SPDX-License-Identifier: BSL-1.0
"""Boot Linux in QEMU, through examples/chainload or its own PVH entry, and compare the handoff with what arrived."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lab import LabError, bzimage, console, packages, qemu, userspace, wire
from lab.cpio import chainload_module

CHAINLOAD = Path("examples/chainload/chainload.elf")
# The lab reads ttyS0. With panic=-1 a panic resets the machine at once, which ends it.
DEFAULT_APPEND = "console=ttyS0 panic=-1"


@dataclass(frozen=True)
class Row:
    """One row of the verdict. `ok` is None if the console shows too little to decide."""

    what: str
    handed_over: str
    arrived: str
    ok: bool | None


@dataclass
class Plan:
    """A boot of Linux. Without `chainload` the kernel's own PVH entry is used."""

    kernel: Path
    chainload: Path | None
    initrd: Path | None = None
    append: str = DEFAULT_APPEND
    machine: str = "q35"
    memory: str = "256M"
    accel: str = qemu.DEFAULT_ACCELERATOR
    timeout: float = 120.0  # seconds after which the machine is ended
    log: Path | None = None
    cmdline_entry: str | None = None  # an archive member for chainload; replaces `append` as Linux's command line
    alignment: int = 4096  # of the initrd within chainload's module
    seabios: bool = False  # on microvm (qemu.Machine)


@dataclass
class Outcome:
    """The results of a boot."""

    plan: Plan
    run: qemu.Run
    chainload: console.Facts | None
    report: userspace.Report | None
    initramfs: userspace.Initramfs | None
    initrd_bytes: int = 0
    rows: list[Row] = field(default_factory=list)


def boot(plan: Plan, on_line: Callable[[float, str], None] | None = None) -> Outcome:
    """Make the inputs, run the machine and judge its console."""
    image = plan.kernel.read_bytes()
    made = None if plan.initrd else userspace_of(image)
    initrd = plan.initrd.read_bytes() if plan.initrd else made.data
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        module = Path(scratch) / "module"
        if plan.chainload:
            module.write_bytes(chainload_module(image, initrd, plan.cmdline_entry, plan.alignment))
            entered = plan.chainload
        else:
            module.write_bytes(initrd)
            entered = bzimage.vmlinux(plan.kernel)
        machine = qemu.Machine(entered, module, plan.append, plan.machine, plan.memory, plan.accel,
                               seabios=plan.seabios)
        try:
            run = qemu.start(machine, plan.timeout, plan.log, on_line)
        except qemu.Hang as why:
            if made:
                raise
            run = why.run  # a user's initrd may leave the machine running: judge what was printed
    return conclude(plan, run, made, len(initrd))


def userspace_of(kernel: bytes) -> userspace.Initramfs:
    """The reporting userspace, with the word size of the kernel."""
    return userspace.build(packages.busybox(bzimage.bits(kernel)).read_bytes())


def conclude(plan: Plan, run: qemu.Run, made: userspace.Initramfs | None, initrd_bytes: int) -> Outcome:
    """Judge the console of a boot."""
    printed = console.read("chainload", run.lines) if plan.chainload else None
    if printed and printed.error:
        raise LabError(f"chainload refused: {printed.error}")
    reached = userspace.BEGIN in run.lines
    if made and not reached:
        hint = "" if "console=" in plan.append else " (Linux's command line has no console=)"
        raise LabError(f"userspace was not reached{hint}: {run.how()}; its last lines:\n{run.tail()}")
    report = userspace.read(run.lines) if reached else None
    outcome = Outcome(plan, run, printed, report, made, initrd_bytes)
    outcome.rows = judge(outcome)
    return outcome


def judge(outcome: Outcome) -> list[Row]:
    """The rows of the verdict: what was handed over, what Linux has, and whether the two agree."""
    if outcome.report is None:
        return judge_console(outcome)
    if outcome.chainload is None:
        return judge_direct(outcome)
    return judge_chainload(outcome)


def judge_chainload(outcome: Outcome) -> list[Row]:
    printed, report, plan = outcome.chainload, outcome.report, outcome.plan
    params = report.boot_params
    wanted = plan.append if plan.cmdline_entry is None else plan.cmdline_entry
    return [
        start_info_row(printed),
        map_row(printed.received, params),
        Row("RSDP", f"{printed.rsdp or 0:#x}", f"acpi_rsdp_addr {params.acpi_rsdp_addr:#x}",
            printed.rsdp is not None and printed.rsdp == params.acpi_rsdp_addr),
        Row("command line", quoted(wanted), quoted(report.cmdline), wanted == report.cmdline),
        initrd_row(outcome),
        Row("zero page", f"at {printed.zero_page or 0:#x}", loader_text(params),
            params.type_of_loader != 0 and params.sentinel == 0 and bool(printed.zero_page)),
    ]


def judge_direct(outcome: Outcome) -> list[Row]:
    """Linux's own PVH entry copies the map, adds the ISA hole as reserved, and writes no RSDP address."""
    report, plan = outcome.report, outcome.plan
    params = report.boot_params
    table = params.e820
    return [
        Row("memory map", "(only Linux saw it)", map_text(table), bool(table) and table[-1] == wire.ISA_HOLE),
        Row("command line", quoted(plan.append), quoted(report.cmdline), plan.append == report.cmdline),
        initrd_row(outcome),
        Row("zero page", "made by Linux's PVH entry", loader_text(params), params.type_of_loader in (0x90, 0xB0)),
    ]


def judge_console(outcome: Outcome) -> list[Row]:
    """A user's initrd makes no report: compare what chainload and the kernel print."""
    printed, plan, lines = outcome.chainload, outcome.plan, outcome.run.lines
    banner = next((line for line in lines if "Linux version" in line), None)
    cmdline = next((line.split("Command line: ", 1)[1] for line in lines if "Command line: " in line), None)
    wanted = plan.append if plan.cmdline_entry is None else plan.cmdline_entry
    rows = [Row("kernel", plan.kernel.name, shown(banner, "Linux version", 3), bool(banner))]
    if printed:
        rows.append(start_info_row(printed))
        rows.append(Row("memory map", map_text(printed.received), "(not on the console)", None))
        rsdp = f"{printed.rsdp:08X}" if printed.rsdp else None
        seen = next((line for line in lines if "ACPI: RSDP 0x" in line), None)
        rows.append(Row("RSDP", f"{printed.rsdp or 0:#x}", shown(seen, "ACPI: RSDP", 4),
                        None if not seen or not rsdp else rsdp in seen))
    rows.append(Row("command line", quoted(wanted), quoted(cmdline) if cmdline is not None else "(not on the console)",
                    None if cmdline is None else cmdline == wanted))
    rows.append(Row("initrd", f"{outcome.initrd_bytes} bytes", "(no marker in it)", None))
    return rows


def shown(line: str | None, begin: str, words: int) -> str:
    """The first words of a console line, starting at `begin`."""
    return " ".join(line[line.find(begin):].split()[:words]) if line else "(not on the console)"


def quoted(text: str) -> str:
    return f'"{text}"'


def map_text(ranges: list[wire.Range]) -> str:
    return f"{len(ranges)} entries, {wire.ram_bytes(ranges) / 2**20:.1f} MiB of RAM"


def start_info_row(printed: console.Facts) -> Row:
    return Row("start_info", f"version {printed.version}, flags {printed.flags or 0:#x}",
               f"read by chainload at {printed.start_info or 0:#x}",
               printed.version is not None and printed.version >= 1)


def map_row(received: list[wire.Range], params: wire.BootParams) -> Row:
    table = params.e820
    wanted = wire.without_isa_ram(received)
    unequal = wire.differences(wanted, table)
    arrived = map_text(table)
    if unequal:
        arrived += "; " + "; ".join(unequal)
    elif wanted != received:
        arrived += ", none in the ISA hole"
    if not wire.is_sorted_and_disjoint(table):
        arrived += "; not sorted and disjoint"
    return Row("memory map", map_text(received), arrived,
               bool(received) and not unequal and wire.is_sorted_and_disjoint(table))


def initrd_row(outcome: Outcome) -> Row:
    made, report, params = outcome.initramfs, outcome.report, outcome.report.boot_params
    if made is None:
        return Row("initrd", f"{outcome.initrd_bytes} bytes", f"{params.ramdisk_size} bytes",
                   params.ramdisk_size == outcome.initrd_bytes)
    same = report.marker == made.token and report.marker_sha256 == made.marker_sha256
    return Row("initrd", f"{len(made.data)} bytes, marker {made.token[:8]}",
               f"{params.ramdisk_size} bytes, marker {report.marker[:8]}",
               same and params.ramdisk_size == len(made.data))


def loader_text(params: wire.BootParams) -> str:
    return (f"type_of_loader {params.type_of_loader:#x}, protocol {params.version >> 8}.{params.version & 255:02}, "
            f"{params.e820_entries} e820 entries")
