# SPDX-License-Identifier: BSL-1.0
"""The layout of start_info, the zero page and memory maps, as tables. They follow the specifications and share nothing
with the library, so that a mistake in one of them shows."""

import struct
from dataclasses import dataclass, field
from typing import Protocol

from lab import LabError

RAM = 1
E820_LIMIT = 128

# Linux, Documentation/arch/x86/zero-page.rst and boot.rst: offset and format of the fields that the lab reads.
ZERO_PAGE = {
    "acpi_rsdp_addr": (0x070, "<Q"),
    "ext_ramdisk_image": (0x0C0, "<I"),
    "ext_ramdisk_size": (0x0C4, "<I"),
    "ext_cmd_line_ptr": (0x0C8, "<I"),
    "e820_entries": (0x1E8, "<B"),
    "sentinel": (0x1EF, "<B"),
    "setup_sects": (0x1F1, "<B"),
    "boot_flag": (0x1FE, "<H"),
    "header": (0x202, "<I"),
    "version": (0x206, "<H"),
    "type_of_loader": (0x210, "<B"),
    "loadflags": (0x211, "<B"),
    "code32_start": (0x214, "<I"),
    "ramdisk_image": (0x218, "<I"),
    "ramdisk_size": (0x21C, "<I"),
    "cmd_line_ptr": (0x228, "<I"),
    "cmdline_size": (0x238, "<I"),
    "hardware_subarch": (0x23C, "<I"),
    "setup_data": (0x250, "<Q"),
    "init_size": (0x260, "<I"),
}
E820_TABLE = 0x2D0
E820_ENTRY = struct.Struct("<QQI")


@dataclass(frozen=True)
class Range:
    """An entry of a memory map."""

    addr: int
    size: int
    type: int

    @property
    def end(self) -> int:
        return self.addr + self.size

    def __str__(self) -> str:
        return f"[{self.addr:#x}, {self.end:#x}) type {self.type}"


ISA_HOLE = Range(0xA0000, 0x60000, 2)  # reserved on a PC; Linux's PVH entry adds it to the map


class PhysicalMemory(Protocol):
    """A reader of guest memory."""

    def read(self, paddr: int, size: int) -> bytes: ...

    def string(self, paddr: int) -> bytes: ...


# xen/include/public/arch-x86/hvm/start_info.h
START_INFO_MAGIC = 0x336EC578
START_INFO_V0 = struct.Struct("<IIIIQQQ")  # magic version flags nr_modules modlist cmdline rsdp
START_INFO_V1 = struct.Struct("<QII")  # memmap memmap_entries reserved
MODULE = struct.Struct("<QQQQ")  # paddr size cmdline reserved
MEMMAP_ENTRY = struct.Struct("<QQII")  # addr size type reserved


@dataclass
class StartInfo:
    """A handoff: start_info and everything that it points to."""

    version: int
    flags: int
    cmdline: bytes | None
    rsdp: int
    memmap: int = 0
    modules: list[tuple[int, int]] = field(default_factory=list)
    memory_map: list[Range] = field(default_factory=list)


def read_start_info(memory: PhysicalMemory, paddr: int) -> StartInfo:
    data = memory.read(paddr, START_INFO_V0.size)
    magic, version, flags, modules, modlist, cmdline, rsdp = START_INFO_V0.unpack(data)
    if magic != START_INFO_MAGIC:
        raise LabError(f"no start_info at {paddr:#x}: its first word is {magic:#x}")
    found = StartInfo(version, flags, memory.string(cmdline) if cmdline else None, rsdp)
    for number in range(modules):
        found.modules.append(MODULE.unpack(memory.read(modlist + number * MODULE.size, MODULE.size))[:2])
    if version >= 1:
        found.memmap, entries, _ = START_INFO_V1.unpack(memory.read(paddr + START_INFO_V0.size, START_INFO_V1.size))
        for number in range(entries):
            entry = memory.read(found.memmap + number * MEMMAP_ENTRY.size, MEMMAP_ENTRY.size)
            found.memory_map.append(Range(*MEMMAP_ENTRY.unpack(entry)[:3]))
    return found


def is_rsdp(data: bytes) -> bool:
    """ACPI 6.5, section 5.2.5.3: the signature is right, and the sum of the first 20 bytes is 0."""
    return data[:8] == b"RSD PTR " and sum(data[:20]) % 256 == 0


class BootParams:
    """A zero page of 4096 bytes, with its fields as attributes."""

    def __init__(self, page: bytes) -> None:
        if len(page) != 4096:
            raise LabError(f"a zero page has 4096 bytes, not {len(page)}")
        self.page = page

    def __getattr__(self, name: str) -> int:
        if name not in ZERO_PAGE:
            raise AttributeError(name)
        offset, form = ZERO_PAGE[name]
        return struct.unpack_from(form, self.page, offset)[0]

    @property
    def e820(self) -> list[Range]:
        count = self.e820_entries
        if count > E820_LIMIT:
            raise LabError(f"the zero page counts {count} e820 entries, more than its table holds")
        offsets = [E820_TABLE + number * E820_ENTRY.size for number in range(count)]
        return [Range(*E820_ENTRY.unpack_from(self.page, offset)) for offset in offsets]


def coverage(ranges: list[Range], kind: int) -> list[tuple[int, int]]:
    """The addresses of one type as sorted, disjoint and merged pairs of start and end."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted((r.addr, r.end) for r in ranges if r.type == kind and r.size):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def differences(left: list[Range], right: list[Range]) -> list[str]:
    """The differences between two maps: one sentence for each type that covers other addresses."""
    found = []
    for kind in sorted({r.type for r in left + right if r.size}):
        ours, theirs = coverage(left, kind), coverage(right, kind)
        if ours != theirs:
            found.append(f"type {kind}: {spans_text(ours)} against {spans_text(theirs)}")
    return found


def without_isa_ram(ranges: list[Range]) -> list[Range]:
    """The map with the ISA hole reserved, if it has RAM there, as the maps of Xen's toolstack have."""
    if not any(r.type == RAM and r.addr < ISA_HOLE.end and r.end > ISA_HOLE.addr for r in ranges):
        return ranges
    found = [ISA_HOLE]
    for r in ranges:
        if r.type != RAM:
            found.append(r)
            continue
        for start, end in ((r.addr, min(r.end, ISA_HOLE.addr)), (max(r.addr, ISA_HOLE.end), r.end)):
            if start < end:
                found.append(Range(start, end - start, RAM))
    return found


def spans_text(spans: list[tuple[int, int]]) -> str:
    return " ".join(f"[{start:#x}, {end:#x})" for start, end in spans) or "nothing"


def is_sorted_and_disjoint(ranges: list[Range]) -> bool:
    return all(a.end <= b.addr for a, b in zip(ranges, ranges[1:]))


def ram_bytes(ranges: list[Range]) -> int:
    return sum(end - start for start, end in coverage(ranges, RAM))
