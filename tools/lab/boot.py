# SPDX-License-Identifier: BSL-1.0
"""Booting Linux in QEMU, through examples/chainload or straight through its own PVH entry, and judging what arrived."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lab import LabError, bzimage, console, packages, qemu, userspace, wire
from lab.cpio import chainload_module

CHAINLOAD = Path("examples/chainload/chainload.elf")
# ttyS0 to be heard; panic=-1 so that a dying kernel ends the machine instead of waiting.
DEFAULT_APPEND = "console=ttyS0 panic=-1"


@dataclass(frozen=True)
class Row:
    """One line of the verdict; `ok` is None when the console does not show enough to judge."""

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
    timeout: float = 120.0  # seconds; the machine is ended then
    log: Path | None = None
    cmdline_entry: str | None = None  # wins over `append` in Linux: an archive member for chainload
    alignment: int = 4096  # of the initrd in chainload's module


@dataclass
class Outcome:
    """Everything that a boot showed."""

    plan: Plan
    run: qemu.Run
    chainload: console.Handover | None
    report: userspace.Report | None
    initramfs: userspace.Initramfs | None
    initrd_bytes: int = 0
    rows: list[Row] = field(default_factory=list)


def boot(plan: Plan, on_line: Callable[[float, str], None] | None = None) -> Outcome:
    """Make the inputs, run the machine, read the console."""
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
        machine = qemu.Machine(entered, module, plan.append, plan.machine, plan.memory, plan.accel)
        try:
            run = qemu.start(machine, plan.timeout, plan.log, on_line)
        except qemu.Hang as why:
            if made:
                raise
            run = why.run  # an initrd from elsewhere need not end the machine: what it said until now is judged
    return conclude(plan, run, made, len(initrd))


def userspace_of(kernel: bytes) -> userspace.Initramfs:
    """The reporting userspace, of as many bits as the kernel."""
    return userspace.build(packages.busybox(bzimage.bits(kernel)).read_bytes())


def conclude(plan: Plan, run: qemu.Run, made: userspace.Initramfs | None, initrd_bytes: int) -> Outcome:
    """What the console of a boot shows, judged."""
    told = console.read("chainload", run.lines) if plan.chainload else None
    if told and told.error:
        raise LabError(f"chainload refused: {told.error}")
    reached = userspace.BEGIN in run.lines
    if made and not reached:
        hint = "" if "console=" in plan.append else " (Linux was given no console= to speak on)"
        raise LabError(f"userspace was not reached{hint}: {run.how()}; its last lines:\n{run.tail()}")
    report = userspace.read(run.lines) if reached else None
    outcome = Outcome(plan, run, told, report, made, initrd_bytes)
    outcome.rows = judge(outcome)
    return outcome


def judge(outcome: Outcome) -> list[Row]:
    """The table: what QEMU handed over, what Linux has, and whether they agree."""
    if outcome.report is None:
        return judge_console(outcome)
    if outcome.chainload is None:
        return judge_direct(outcome)
    return judge_chainload(outcome)


def judge_chainload(outcome: Outcome) -> list[Row]:
    told, report, plan = outcome.chainload, outcome.report, outcome.plan
    params = report.boot_params
    wanted = plan.append if plan.cmdline_entry is None else plan.cmdline_entry
    return [
        start_info_row(told),
        map_row(told.received, params),
        Row("RSDP", f"{told.rsdp or 0:#x}", f"acpi_rsdp_addr {params.acpi_rsdp_addr:#x}",
            told.rsdp is not None and told.rsdp == params.acpi_rsdp_addr),
        Row("command line", quoted(wanted), quoted(report.cmdline), wanted == report.cmdline),
        initrd_row(outcome),
        Row("zero page", f"at {told.zero_page or 0:#x}", loader_text(params),
            params.type_of_loader != 0 and params.sentinel == 0 and bool(told.zero_page)),
    ]


def judge_direct(outcome: Outcome) -> list[Row]:
    """Linux's own translation: the map as it came, plus the ISA hole as reserved, and no RSDP address."""
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
    """With an initrd from elsewhere there is no report: only what loader and kernel print can be compared."""
    told, plan, lines = outcome.chainload, outcome.plan, outcome.run.lines
    banner = next((line for line in lines if "Linux version" in line), None)
    cmdline = next((line.split("Command line: ", 1)[1] for line in lines if "Command line: " in line), None)
    wanted = plan.append if plan.cmdline_entry is None else plan.cmdline_entry
    rows = [Row("kernel", plan.kernel.name, shown(banner, "Linux version", 3), bool(banner))]
    if told:
        rows.append(start_info_row(told))
        rows.append(Row("memory map", map_text(told.received), "(not on the console)", None))
        rsdp = f"{told.rsdp:08X}" if told.rsdp else None
        seen = next((line for line in lines if "ACPI: RSDP 0x" in line), None)
        rows.append(Row("RSDP", f"{told.rsdp or 0:#x}", shown(seen, "ACPI: RSDP", 4),
                        None if not seen or not rsdp else rsdp in seen))
    rows.append(Row("command line", quoted(wanted), quoted(cmdline) if cmdline is not None else "(not on the console)",
                    None if cmdline is None else cmdline == wanted))
    rows.append(Row("initrd", f"{outcome.initrd_bytes} bytes", "(no marker in it)", None))
    return rows


def shown(line: str | None, begin: str, words: int) -> str:
    """The first words of a console line, from `begin` on."""
    return " ".join(line[line.find(begin):].split()[:words]) if line else "(not on the console)"


def quoted(text: str) -> str:
    return f'"{text}"'


def map_text(ranges: list[wire.Range]) -> str:
    return f"{len(ranges)} entries, {wire.ram_bytes(ranges) / 2**20:.1f} MiB of RAM"


def start_info_row(told: console.Handover) -> Row:
    return Row("start_info", f"version {told.version}, flags {told.flags or 0:#x}",
               f"read by chainload at {told.start_info or 0:#x}", told.version is not None and told.version >= 1)


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
