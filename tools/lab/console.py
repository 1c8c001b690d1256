# SPDX-License-Identifier: BSL-1.0
"""Parse the console output of the example kernel and the example boot loader.

Each line is one fact, prefixed with the name of the program. A refusal is one `error:` line.
"""

import re
from dataclasses import dataclass, field

from lab import LabError
from lab.wire import Range

HEX = r"0x[0-9a-f]+"


@dataclass
class Facts:
    """The facts that one program printed. None or an empty list: not printed."""

    program: str
    xen: str | None = None
    start_info: int | None = None
    version: int | None = None
    flags: int | None = None
    cmdline: str | None = None
    modules: list[tuple[int, int]] = field(default_factory=list)
    rsdp: int | None = None
    rsdp_state: str | None = None
    received_count: int | None = None
    sanitised_count: int | None = None
    received: list[Range] = field(default_factory=list)
    sanitised: list[Range] = field(default_factory=list)
    total_ram: int | None = None
    kernel: str | None = None
    placed: dict[str, tuple[int, int]] = field(default_factory=dict)
    zero_page: int | None = None
    type_of_loader: int | None = None
    entering: int | None = None
    placed_modules: list[tuple[int, int]] = field(default_factory=list)
    moved: list[tuple[int, int]] = field(default_factory=list)
    placed_start_info: int | None = None
    bases: int | None = None
    oddities: list[str] = field(default_factory=list)
    bytes: list[tuple[int, bytes]] = field(default_factory=list)  # address and contents of a dumped handoff
    result: str | None = None
    error: str | None = None


def read(program: str, lines: list[str]) -> Facts:
    """Read the lines of `program`. A line that begins with a keyword but does not match the grammar is an error, and so
    is a count that differs from the number of entries."""
    found = Facts(program)
    prefix = program + ": "
    for line in lines:
        # Firmware may leave an unfinished line before the first line of the program.
        at = line.find(prefix)
        if at >= 0:
            take(found, line[at + len(prefix):])
    for count, ranges in ((found.received_count, found.received), (found.sanitised_count, found.sanitised)):
        if count is not None and ranges and count != len(ranges):
            raise LabError(f"{program} counts {count} ranges and prints {len(ranges)}")
    return found


def take(found: Facts, text: str) -> None:
    for pattern, store in GRAMMAR:
        match = re.fullmatch(pattern, text)
        if match:
            store(found, *match.groups())
            return
    if any(text.startswith(word) for word in KEYWORDS):
        raise LabError(f"{found.program} printed a line that is not in its grammar: {text!r}")


def number(text: str) -> int:
    return int(text, 0)


def store_start_info(found: Facts, paddr: str, version: str, flags: str) -> None:
    found.start_info, found.version, found.flags = number(paddr), number(version), number(flags)


def store_cmdline(found: Facts, _paddr: str, size: str, text: str) -> None:
    if len(text.encode("utf-8", "surrogateescape")) != number(size):
        raise LabError(f"{found.program} counts {size} bytes in the command line {text!r}")
    found.cmdline = text


def store_module(found: Facts, index: str, start: str, end: str, size: str) -> None:
    if number(index) != len(found.modules):
        raise LabError(f"{found.program} names module {index} after {len(found.modules)} others")
    if number(end) - number(start) != number(size):
        raise LabError(f"{found.program}: module {index} has {size} bytes in [{start}, {end})")
    found.modules.append((number(start), number(size)))


def store_range(ranges: list[Range], start: str, end: str, kind: str) -> None:
    ranges.append(Range(number(start), number(end) - number(start), number(kind)))


def store_counts(found: Facts, received: str, sanitised: str) -> None:
    found.received_count, found.sanitised_count = number(received), number(sanitised)


def store_placed(found: Facts, what: str, start: str, end: str) -> None:
    found.placed[what] = (number(start), number(end))


def put(name: str, convert=number):
    """An action of the grammar: store the one value of the line as `name`."""
    return lambda found, value: setattr(found, name, convert(value))


# The patterns of the lines, and what is stored of each.
GRAMMAR = [
    (rf"start_info ({HEX}) version (\d+) flags ({HEX}).*", store_start_info),
    (rf'command line ({HEX}) \((\d+) bytes\) "(.*)"', store_cmdline),
    (r"command line none", lambda found: setattr(found, "cmdline", "")),
    (rf"module (\d+) \[({HEX}), ({HEX})\) (\d+) bytes.*", store_module),
    (rf"rsdp ({HEX})", put("rsdp")),
    (r"rsdp none", lambda found: setattr(found, "rsdp", 0)),
    (r"rsdp (checksum ok|damaged)", put("rsdp_state", str)),
    (rf"xen (\d+\.\d+) cpuid {HEX}", put("xen", str)),
    (rf"memory map (\d+) entries (?:at {HEX}|from XENMEM_memory_map)", put("received_count")),
    (r"memory map (\d+) entries received, (\d+) after sanitising.*", store_counts),
    (rf"map received \[({HEX}), ({HEX})\) type (\d+).*", lambda found, *r: store_range(found.received, *r)),
    (rf"map sanitised \[({HEX}), ({HEX})\) type (\d+).*", lambda found, *r: store_range(found.sanitised, *r)),
    (r"kernel (.*)", put("kernel", str)),
    (rf"placed (kernel|initrd) \[({HEX}), ({HEX})\).*", store_placed),
    (rf"placed module \[({HEX}), ({HEX})\)", lambda found, *r: found.placed_modules.append(tuple(map(number, r)))),
    (rf"moved \[({HEX}), ({HEX})\) to {HEX}", lambda found, *r: found.moved.append(tuple(map(number, r)))),
    (rf"placed start_info ({HEX}) \(\d+ bytes\)", put("placed_start_info")),
    (r"chainload\.kaslr: (\d+) bases", put("bases")),
    (rf"placed zero page ({HEX}).*", put("zero_page")),
    (rf"zero page type_of_loader ({HEX}) .*", put("type_of_loader")),
    (rf"entering ({HEX})", put("entering")),
    (r"total ram (\d+) bytes", put("total_ram")),
    (r"oddity: (.*)", lambda found, text: found.oddities.append(text)),
    (rf"bytes ({HEX}) ([0-9a-f]+)", lambda found, at, text: found.bytes.append((number(at), bytes.fromhex(text)))),
    (r"result (.*)", put("result", str)),
    (r"error: (.*)", put("error", str)),
]
KEYWORDS = ("xen ", "start_info ", "command line ", "module ", "rsdp ", "memory map ", "map ", "placed ", "zero page ",
            "moved ", "chainload.kaslr", "entering ", "total ram ", "bytes ", "result ", "error")
