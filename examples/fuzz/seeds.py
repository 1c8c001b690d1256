#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Write the first inputs of each harness into corpus/: valid ones, which the fuzzer mutates.

The comment at the top of a harness describes its format.
"""

import struct
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
RAM, RESERVED, ACPI, PRAM, SOFT = 1, 2, 3, 12, 129  # harness.hpp maps 129 to 0xefffffff


def number(value: int) -> bytes:
    """A number in the format of harness.hpp, in the short form if it has one."""
    if value < 64 * 16:
        return bytes([value // 16, value % 16])
    power = value.bit_length() - 1
    if value - (1 << power) < 256:
        return bytes([64 + power, value - (1 << power)])
    if (2 << power) - 1 - value < 256 and power < 63:
        return bytes([128 + power + 1, (2 << power) - 1 - value])
    return b"\xff\0" + struct.pack("<Q", value)


def ranges(*given: tuple[int, int, int]) -> bytes:
    return bytes([len(given)]) + b"".join(number(addr) + number(size) + bytes([kind]) for addr, size, kind in given)


PC = ((0, 0x9FC00, RAM), (0x9FC00, 0x60400, RESERVED), (0x100000, 0x7FF00000, RAM), (0x100000000, 0x40000000, RAM))


# parse

def start_info(version: int, modules: int, entries: int, at: int = 0x1000) -> bytes:
    """start_info, module list, memory map, command line and RSDP, one after the other."""
    modlist, memmap = at + 56, at + 56 + 32 * modules
    cmdline = memmap + 24 * entries
    rsdp = cmdline + 16
    head = struct.pack("<IIIIQQQQII", 0x336EC578, version, 0, modules, modlist if modules else 0, cmdline, rsdp, memmap,
                       entries, 0)
    mods = b"".join(struct.pack("<QQQQ", at, 16, cmdline, 0) for _ in range(modules))
    table = b"".join(struct.pack("<QQII", addr, size, kind, 0) for addr, size, kind in (PC * 100)[:entries])
    pointer = b"RSD PTR \0BOCHS \0" + struct.pack("<I", 0x7FFE0000)
    pointer = pointer[:8] + bytes([-sum(pointer) % 256]) + pointer[9:]
    return head + mods + table + b"console=ttyS0\0\0\0" + pointer


def parse_seeds() -> dict[str, bytes]:
    def seed(contents: bytes, split: int = 0xFFFF, entries: int = 255, modules: int = 16, units: int = 16) -> bytes:
        return number(0x1000) + number(0) + struct.pack("<HBBB", split, entries, modules, units) + contents

    usual = start_info(1, 1, 4)
    rsdp, modlist = usual.index(b"RSD PTR "), 56
    v0_size = 40

    return {
        "version0": seed(start_info(0, 1, 0)),
        "usual": seed(start_info(1, 1, 4)),
        "two-pieces": seed(start_info(1, 2, 4), split=56 + 64 + 96 + 5),
        "many-entries": seed(start_info(1, 0, 200)),
        "at-the-end": (number(2**64 - 1 - 16 * 3 - 7) + number(0) + struct.pack("<HBBB", 0xFFFF, 9, 9, 9) +
                       start_info(0, 0, 0)),
        # Version 1, but the address space ends with the fields of version 0.
        "version1-at-the-end": (number(2**64 - v0_size) + number(0) + struct.pack("<HBBB", 0xFFFF, 9, 9, 9) +
                                struct.pack("<IIIIQQQ", 0x336EC578, 1, 0, 0, 0, 0, 0)),
        "rsdp-wrong-sum": seed(usual[:rsdp + 9] + b"X" + usual[rsdp + 10:]),
        "long-cmdline": seed(struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, 0, 0, 0x1000 + 56, 0, 0, 0, 0) +
                             b"x" * 2048 + bytes(1), units=255),
        "unreadable-module-cmdline": seed(usual[:modlist + 16] + struct.pack("<Q", 5) + usual[modlist + 24:]),
    }


# bzimage

def header(version: int = 0x20F, end: int = 0x26C, **fields: int) -> bytes:
    """The 144 bytes from 0x1f1 on of a kernel image that fits the 0x1800 bytes of read_image."""
    offsets = {"setup_sects": (0x1F1, "B"), "syssize": (0x1F4, "I"), "loadflags": (0x211, "B"),
               "kernel_version": (0x20E, "H"), "initrd_addr_max": (0x22C, "I"), "kernel_alignment": (0x230, "I"),
               "relocatable": (0x234, "B"), "min_alignment": (0x235, "B"), "xloadflags": (0x236, "H"),
               "cmdline_size": (0x238, "I"), "payload_offset": (0x248, "I"), "payload_length": (0x24C, "I"),
               "setup_data": (0x250, "Q"), "pref_address": (0x258, "Q"),
               "init_size": (0x260, "I"), "kernel_info_offset": (0x268, "I"),
               "ramdisk_image": (0x218, "I"), "ramdisk_size": (0x21C, "I"), "cmd_line_ptr": (0x228, "I")}
    usual = {"setup_sects": 1, "syssize": 0x140, "loadflags": 1, "kernel_version": 0x90, "initrd_addr_max": 0x7FFFFFFF,
             "kernel_alignment": 0x200000, "relocatable": 1, "min_alignment": 12, "xloadflags": 0x3F,
             "cmdline_size": 2047, "payload_offset": 0x100, "payload_length": 0x400, "pref_address": 0x1000000,
             "init_size": 0x2000000}
    image = bytearray(0x281)
    struct.pack_into("<HBB4sH", image, 0x1FE, 0xAA55, 0xEB, end - 0x202, b"HdrS", version)
    for name, value in {**usual, **fields}.items():
        offset, form = offsets[name]
        struct.pack_into("<" + form, image, offset, value)
    return bytes(image[0x1F1:])


def image(head: bytes, *patches: tuple[int, bytes], fill: int = 0, size: int = 0x1800) -> bytes:
    return bytes([fill]) + struct.pack("<H", size) + head + bytes([len(patches)]) + b"".join(
        struct.pack("<H4s", at, four) for at, four in patches)


def load(flags: int = 0, cmdline: int = 1, missing: int = 0, more: int = 0, hole: tuple[int, int] = (0, 0),
         requests: int = 0) -> bytes:
    """What load_bzimage takes, in the format of bzimage.cpp."""
    return (bytes([flags, cmdline, missing, more]) + number(0xF59E0) + number(hole[0]) + number(hole[1]) +
            bytes([requests]))


def bzimage_seeds() -> dict[str, bytes]:
    tail = number(0x100000) + ranges(*PC)
    in_long_mode, gives_more, has_nul = 1, 2, 4
    formats = ((0, b"\x1f\x8b\x1f\x9e"), (4, b"BZ]\0"), (8, b"\xfd7\x89L"), (12, b"\x7fELG"), (16, b"\x7fEMF"),
               (20, b"\x7fELF"), (24, b"\2!\x28\xb5"))
    magics = tuple((0x100 + at, magic) for at, magic in formats)
    info = ((0x800, b"LToP"), (0x804, struct.pack("<I", 16)), (0x808, struct.pack("<I", 16)),
            (0x80C, struct.pack("<I", 0x80000009)))
    fixed = image(header(relocatable=0, initrd_addr_max=0x37FFFFFF)) + tail
    return {
        "usual": image(header()) + tail,
        "kernel-info": image(header(kernel_info_offset=0x800), *info, (0x100, b"\x28\xb5\x2f\xfd")) + tail,
        "fixed": image(header(relocatable=0)) + tail,
        "tight": image(header()) + number(0x1000) + ranges((0x1001000, 0x2000000, RAM), (0x80000, 0x1000, RESERVED)),
        "initrd-limit": image(header()) + number(0x1001) + ranges((0x100000, 0xC0000000, RAM)),
        "hole": image(header()) + number(5) + ranges((0x100000, 0x1300000, RAM), (0x1400000, 0x100000, RESERVED)),
        "protocol-2.00": image(header(0x200, 0x224), fill=0xCC) + tail,
        "protocol-2.05": image(header(0x205, 0x238), fill=0xCC) + tail,
        "protocol-2.08": image(header(0x208, 0x250), fill=0xCC) + tail,
        "protocol-2.14": image(header(0x20E)) + tail,
        "long-header": image(header(end=0x281), fill=0xCC) + tail,
        "zimage": image(header(loadflags=0)) + tail,
        "old-protocol": image(header(0x1FF)) + tail,
        "payload-formats": image(header(), *magics) + tail,
        "payload-elf": image(header(), (0x100, b"\x7fELF")) + tail,
        "cut-in-payload-length": image(header(end=0x246)) + tail,
        "load": image(header()) + tail + load(),
        "load-64": image(header()) + tail + load(in_long_mode | gives_more),
        "load-64-only-32": image(header(xloadflags=0)) + tail + load(in_long_mode),
        "load-no-initrd": image(header()) + number(0) + ranges(*PC) + load(cmdline=0),
        "load-nul": image(header()) + tail + load(has_nul),
        "load-long-cmdline": image(header(cmdline_size=0xFFFF)) + tail + load(cmdline=200),
        "load-cmdline-too-long": image(header()) + tail + load(cmdline=200),
        "load-spill": image(header()) + tail + load(more=150),
        "load-spill-in-two-pages": image(header()) + tail + load(more=250),
        "load-high": image(header()) + number(0) + ranges((0, 0x20000, RESERVED), (0x100000, 0x7FF00000, RAM)) + load(),
        "load-no-room": image(header()) + number(0) + ranges((0x1000000, 0x2000000, RAM), (1 << 33, 1, RESERVED)) + load(),
        "load-hole-in-code": image(header()) + tail + load(hole=(0x1000800, 1)),
        "load-hole-in-block": image(header()) + tail + load(hole=(0x9D800, 0x100)),
        "load-changes": image(header()) + tail + load(requests=6),
        # A piece in the middle of RAM takes a free slot.
        "load-no-slot-for-code": image(header()) + tail + load(missing=4),
        "load-no-slot-for-kernel": fixed + load(missing=4),
        "load-no-slot-for-initrd": fixed + load(missing=3),
        "load-no-slot-for-block": fixed + load(missing=2),
    }


# sanitize

def sanitize_seeds() -> dict[str, bytes]:
    def seed(policy: int, given: bytes, *operations: tuple[int, int, int, int], missing: int = 0) -> bytes:
        return bytes([policy, 16, missing]) + given + b"".join(
            bytes([what]) + number(addr) + number(size) + bytes([kind]) for what, addr, size, kind in operations)

    every = ((0, 0xA0000, 0x60000, RESERVED), (0x4C, 0x100000, 0x1000, RAM), (0xC0, 0x200000, 0x1000, RAM),
             (0x80, 0, 0x80000000, RAM))
    end = 2**64
    return {
        "usual": seed(0, ranges(*PC), *every),
        "highest-start": seed(1, ranges(*PC, (0xA0000, 0x60000, RESERVED)), *every),
        "never-merge": seed(0, ranges((0, 0x1000, PRAM), (0x1000, 0x1000, PRAM), (0x800, 0x1000, RAM))),
        "soft-reserved": seed(0, ranges((0, 0x1000, SOFT), (0x1000, 0x1000, SOFT), (0x800, 0x1000, RAM))),
        "same-ends": seed(0, ranges((0, 0x3000, RAM)), (0x40, 0x2000, 0x1000, RAM), (0x40, 0, 0x1000, RAM),
                          (0x80, 0x1000, 0x1000, RAM), (0xC0, 0x1000, 0x800, RAM), (0, 0x1800, 0x800, RAM)),
        "all-memory": seed(0, ranges((0, end // 2, RAM), (end // 2, end // 2, RAM), (end - 1, 1, RESERVED))),
        "wrap": seed(0, ranges((end - 0x1000, 0x2000, RESERVED), (0, 0x1000, RAM))),
        "nested": seed(0, ranges(*((16 * i, 1000 - 32 * i, 1 + i % 5) for i in range(15)))),
        "empty": seed(0, ranges()),
        "contains": seed(0, ranges((end - 0x100, 0x1000, RAM)), (0, end - 0x80, 0x100, RAM), (0, end - 0x80, 0, RAM),
                         (0, end - 0x80, 0x80, RAM)),
        "linux-cut-off": seed(0x0F, ranges(*PC, (0x1000, 0x1000, ACPI))),
        "linux-cut-by-sanitize": seed(0x0F, ranges((0, 0x10000, RAM), (0x1000, 0x1000, ACPI), (0x3000, 0x1000, ACPI),
                                                   (0x5000, 0x1000, ACPI))),
        **{f"linux-little-{n}": seed(0, ranges(*PC), missing=n) for n in (3, 7)},
        "linux-little-wrap": seed(0, ranges((end - 0x1000, 0x2000, RESERVED)), missing=3),
        "linux-little-none": seed(0, ranges(), missing=1),
        "linux-nothing": seed(0, ranges(), missing=2),
    }


# translate

def many(n: int) -> bytes:
    """A map of n ranges in the format of translate.cpp."""
    kinds = ((RAM, 0x10), (RESERVED, 0x18), (ACPI, 8))
    given = [(0x100000 * (i + 1), kinds[i % 3][1], kinds[i % 3][0]) for i in range(n)]
    return struct.pack("<BH", 0, n) + b"".join(number(addr) + number(size) + bytes([kind])
                                               for addr, size, kind in given)


def translate_seeds() -> dict[str, bytes]:
    def chain(storage: int, old: int) -> bytes:
        return struct.pack("<HB", storage, old)

    def loader(head: bytes, flags: int, nodes: bytes, ranges_of_map: bytes, load: int = 0x1000000,
               cmdline: int = 0x90000, initrd: int = 0x8000000, zero_page: int = 0x8F000, runtime: int | None = None,
               alignment: int = 21, loader_id: int = 0xF, loader_version: int = 0xF) -> bytes:
        return (b"\0" + image(head) + bytes([flags]) + number(load) + number(load if runtime is None else runtime) +
                bytes([alignment]) + number(zero_page) + number(cmdline) + number(22) + number(initrd) + number(5000) +
                number(0xF59E0) + struct.pack("<HH", loader_id, loader_version) + nodes + ranges_of_map)

    def back(fields: tuple[tuple[int, int], ...], memory: bytes) -> bytes:
        return b"\3" + struct.pack("<H", len(fields)) + b"".join(struct.pack("<HB", *f) for f in fields) + memory

    def boot(modules: int, initrd: int) -> bytes:
        return bytes([1, modules, 1]) + number(0xF59E0) + number(initrd) + number(0x1000) + number(0x100000) + number(5)

    usable = ranges((0, 0x9FC00, RAM), (0x20000000, 0x10000000, RAM))[1:]
    roomy = struct.pack("<BH", 0, 152) + many(150)[3:] + usable
    pc = struct.pack("<B", 0) + struct.pack("<H", len(PC)) + ranges(*PC)[1:]
    fields = ((0x1E8, 2), (0x2D8, 16), (0x2E0, 1), (0x2ED, 16), (0x2F4, 2), (0x252, 1), (0x21A, 1), (0x21E, 1))
    node = struct.pack("<QII", 0x10030, 1, 20) + struct.pack("<QQI", 0x100000, 0x1000, RAM) + bytes(12)
    inner = struct.pack("<QII", 0, 0x80000000, 24) + struct.pack("<IIQQ", 0x80000001, 0, 20, 0x10000)
    # One byte of each item that a handoff has no room for; then an initrd, a command line and a node.
    lost = tuple((at, 1) for at in (0x3F, 0x40, 0x58, 0x6F, 0x90, 0xA0, 0xBF, 0x150, 0x1C0, 0x1E3, 0x1EA, 0x1EB, 0x1EC,
                                    0x210, 0x240, 0x290, 0xEEB))
    linux = ((0x219, 0x10), (0x21D, 0x10), (0x228, 0x20), (0x22A, 1), (0x252, 1))
    other = struct.pack("<QII", 0, 9, 4) + b"seed"
    text_of = bytes(12) + b"quiet\0"
    in_long_mode = 1
    return {
        "loader": loader(header(), 0, chain(0, 0), pc),
        "loader-chain": loader(header(), 2, chain(64, 8), pc),
        "loader-spill": loader(header(), 2, chain(0x1000, 8), roomy, 0x20000000, initrd=0x28000000),
        "loader-high": loader(header(), 1, chain(0, 0), struct.pack("<BH", 0, len(PC) + 1) +
                              ranges(*PC, (1 << 33, 1 << 33, RAM))[1:], 1 << 33, 0x300000000, 0x380000000),
        "loader-old": loader(header(0x205, 0x238), 0, chain(0, 0), pc),
        "loader-values-in-file": loader(header(setup_data=0x1234, ramdisk_image=0x5000, ramdisk_size=0x100), 0,
                                        chain(0, 0), pc),
        "kernel": b"\1" + chain(0, 0) + pc + boot(1, 0x8000000),
        "kernel-spill": b"\1" + chain(0x2000, 8) + many(160) + boot(2, 1 << 33),
        "as-linux": b"\2" + pc[1:] + boot(1, 0x8000000),
        "as-linux-126": b"\2" + many(126)[1:] + boot(0, 0),
        "as-linux-129": b"\2" + many(129)[1:] + boot(0, 0),
        "back": back(fields, node + inner),
        "back-every-loss": back(lost + linux, other + text_of),
        "back-every-loss-sentinel": back(lost + linux + ((0x1EF, 1),), other + text_of),
        "back-no-text": back(((0x229, 5),), b""),
        "back-bad-count": back(((0x1E8, 200),), b""),
        "loader-only-below-4g": loader(header(xloadflags=1), in_long_mode, chain(0, 0), pc),
        "loader-short-at-run-time": loader(header(), 4, chain(0, 0), pc),
        "loader-odd-alignment": loader(header(), 8, chain(0, 0), pc),
        "loader-low-alignment": loader(header(min_alignment=0), 0, chain(0, 0), pc, alignment=20),
        "loader-fixed-elsewhere": loader(header(relocatable=0), 0, chain(0, 0), pc),
        "loader-unknown-map": loader(header(), 16, chain(0, 0), pc),
        "loader-load-wraps": loader(header(), in_long_mode, chain(0, 0), pc, 2**64 - 1),
        "loader-runs-over-the-end": loader(header(pref_address=2**64 - 0x1000000), in_long_mode, chain(0, 0), pc,
                                           runtime=2**64 - 0x1000000),
        "loader-zero-page-wraps": loader(header(), in_long_mode, chain(0, 0), pc, zero_page=2**64 - 0x800),
        "loader-initrd-too-high": loader(header(), 0, chain(0, 0), pc, initrd=0xC0000000),
        "loader-odd-initrd": loader(header(), 0, chain(0, 0), pc, initrd=0x8000001),
        "loader-spill-no-chain": loader(header(), 0, chain(0, 0), roomy, 0x20000000, initrd=0x28000000),
        "loader-spill-no-room": loader(header(), 2, chain(64, 8), roomy, 0x20000000, initrd=0x28000000),
        **{f"loader-id-{i:x}-{version:x}": loader(header(), 0, chain(0, 0), pc, loader_id=i, loader_version=version)
           for i, version in ((0xE, 1), (0x10, 0x123))},
        **{f"loader-old-id-{i:x}-{version:x}": loader(header(0x201, 0x228), 0, chain(0, 0), pc, loader_id=i,
                                                      loader_version=version)
           for i, version in ((5, 1), (5, 0x10), (0x10, 1))},
    }


# notes

def note(name: bytes, kind: int, desc: bytes, padding: int = 4) -> bytes:
    head = struct.pack("<III", len(name), len(desc), kind) + name
    head += bytes(-len(head) % padding) + desc
    return head + bytes(-len(head) % padding)


XEN, GNU = b"Xen\0", b"GNU\0"
ENTRY_32, ENTRY_64 = struct.pack("<I", 0x100010), struct.pack("<Q", 0x100010)
PROPERTY = note(GNU, 5, struct.pack("<IIII", 0xC0000002, 4, 3, 0))


def notes_seeds() -> dict[str, bytes]:
    def seed(power_of_align: int, *notes: bytes) -> bytes:
        return bytes([power_of_align]) + b"".join(notes)

    reloc = struct.pack("<III", 1 << 21, 1 << 24, 1 << 30)
    linux = note(XEN, 6, b"linux\0") + note(XEN, 18, ENTRY_64) + note(XEN, 19, reloc)
    return {
        "linux": seed(2, linux),
        "property-first": seed(3, PROPERTY, note(XEN, 18, ENTRY_64)),
        "property-last": seed(3, note(XEN, 18, ENTRY_32, 8), PROPERTY),
        "no-align": seed(0, note(XEN, 18, ENTRY_32)),
        "names": seed(2, note(b"nuttx\0", 18, ENTRY_32), note(b"Xen", 18, ENTRY_32), note(b"", 18, b""),
                      note(b"\0\0", 1, b"x")),
        "high-entry": seed(2, note(XEN, 18, struct.pack("<Q", 1 << 32 | 0x100010)), note(XEN, 18, b"\xff" * 4)),
        "unset-entry": seed(2, note(XEN, 18, bytes(4)), note(XEN, 18, bytes(8))),
        "huge-name": seed(3, note(XEN, 18, ENTRY_32), struct.pack("<III", 0xFFFFFFF4, 4, 18)),
        "name-one-past": seed(2, struct.pack("<III", 4, 0, 18), XEN[:3]),
        "desc-one-past": seed(2, struct.pack("<III", 4, 4, 18), XEN, bytes(3)),
        "huge-desc": seed(3, note(XEN, 18, ENTRY_32), struct.pack("<III", 4, 0xFFFFFFFC, 18), XEN),
        "no-padding": seed(2, note(XEN, 18, ENTRY_32), note(XEN, 1, b"ab")[:-2]),
        "trailing": seed(2, note(XEN, 18, ENTRY_32), bytes(11)),
        "zeroes": seed(3, bytes(60)),
    }


# image

class Elf:
    """A file of either class: headers first, then what is added, each aligned to 4 bytes."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.program_headers: list[tuple[int, ...]] = []  # type, flags, offset, paddr, filesz, memsz, align
        self.sections = [(0, 0, 0, 0, 0)]  # type, offset, size, align, info
        self.contents = b""
        self.counts: tuple[int, int] | None = None  # of program headers and sections, if they are not what there is

    START = 0x800  # of the contents

    def put(self, contents: bytes) -> int:
        at = self.START + len(self.contents)
        self.contents += contents + bytes(-len(contents) % 4)
        return at

    def load(self, paddr: int, contents: bytes, memsz: int, flags: int = 5, align: int = 0x1000) -> "Elf":
        self.program_headers.append((1, flags, self.put(contents), paddr, len(contents), memsz, align))
        return self

    def notes(self, *notes: bytes, align: int = 4) -> "Elf":
        data = b"".join(notes)
        self.program_headers.append((4, 4, self.put(data), 0, len(data), len(data), align))
        return self

    def note_section(self, *notes: bytes) -> "Elf":
        data = b"".join(notes)
        self.sections.append((7, self.put(data), len(data), 4, 0))
        return self

    def written(self, machine: int | None = None) -> bytes:
        wide = self.bits == 64
        word = "Q" if wide else "I"
        ehdr, phdr, shdr = (64, 56, 64) if wide else (52, 32, 40)
        phnum, shnum = self.counts or (len(self.program_headers), len(self.sections))
        shoff = self.START + len(self.contents)
        head = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
        head += struct.pack(f"<HHI{word}{word}{word}IHHHHHH", 2, machine or (62 if wide else 3), 1, 0x100020, ehdr,
                            shoff, 0, ehdr, phdr, phnum, shdr, shnum, 0)
        for t, flags, offset, paddr, filesz, memsz, align in self.program_headers:
            head += (struct.pack("<IIQQQQQQ", t, flags, offset, paddr, paddr, filesz, memsz, align) if wide else
                     struct.pack("<IIIIIIII", t, offset, paddr, paddr, filesz, memsz, flags, align))
        section = f"<II{word}{word}{word}{word}II{word}{word}"
        tail = b"".join(struct.pack(section, 0, t, 0, 0, offset, size, 0, info, align, 0)
                        for t, offset, size, align, info in self.sections)
        assert len(head) <= self.START
        return head.ljust(self.START, b"\0") + self.contents + tail

    def without_sections(self) -> bytes:
        """The contents end the file."""
        file = bytearray(self.written()[:self.START + len(self.contents)])
        at, size, number_at = (40, 8, 60) if self.bits == 64 else (32, 4, 48)
        file[at:at + size] = bytes(size)
        file[number_at:number_at + 2] = bytes(2)
        return bytes(file)


def image_seeds() -> dict[str, bytes]:
    def seed(file: bytes, *given: tuple[int, int, int], odd: int = 0, hole: int = 0, piece: int = 0xFFFF,
             shift: int = 0, random: int = 1 << 63) -> bytes:
        return struct.pack("<BHH", odd, hole, piece) + number(shift) + struct.pack("<Q", random) + ranges(*given) + file

    def usual(bits: int, *notes: bytes) -> Elf:
        entry = ENTRY_64 if bits == 64 else ENTRY_32
        return (Elf(bits).load(0x100000, bytes(range(64)), 0x100).load(0x100200, bytes(range(32)), 0x20, 6)
                .load(0x100300, b"", 0x80, 6).notes(note(XEN, 18, entry), *notes))

    def reloc(*words: int) -> bytes:
        return note(XEN, 19, struct.pack(f"<{len(words)}I", *words))

    def many(n: int) -> Elf:
        file = Elf(64)
        for i in range(n):
            file.load(0x100000 + 0x100 * i, b"", 0x10)
        return file

    cut_notes = usual(64)
    cut_notes.program_headers.append((4, 4, Elf.START + len(cut_notes.contents), 0, 0x1000, 0x1000, 4))
    extended = usual(64)
    extended.counts = (0xFFFF, 0)
    extended.sections[0] = (0, 0, len(extended.sections), 0, len(extended.program_headers))
    code = bytes(range(64))
    in_section = Elf(32).load(0x100000, code, 64).notes(note(GNU, 3, bytes(20))).note_section(note(XEN, 18, ENTRY_32))
    property_last = Elf(64).load(0x100000, code, 64).notes(note(XEN, 18, ENTRY_32, 8), PROPERTY, align=8)
    low = (0x1000, 0x9F000, RAM)
    return {
        "elf32": seed(usual(32).written(), *PC),
        "elf64": seed(usual(64).written(), *PC),
        "cloudhv": seed(usual(64).written(machine=3), *PC),
        "pieces": seed(usual(64).written(), piece=0x1F, shift=0x1234),
        "pieces-by-one": seed(usual(64).written(), piece=0x21E),  # one byte of the second segment in the second piece
        "hole-in-segment": seed(usual(64).written(), odd=1, hole=0x210),
        "hole-in-gap": seed(usual(32).written(), odd=1, hole=0x180),
        "to-the-end": seed(usual(64).written(), shift=2**64 - 0x380 - 0x100000),
        "wraps": seed(usual(64).written(), shift=2**64 - 0x37F - 0x100000),
        "huge": seed(Elf(64).load(0x100000, b"code", 1 << 40).notes(note(XEN, 18, ENTRY_64)).written()),
        "reloc": seed(usual(64, reloc(0x1000, 0x2000, 0x9FFFF)).written(), low),
        "reloc-default": seed(usual(32, reloc()).written(), low, (0x200000, 0x3000, RAM)),
        "reloc-byte": seed(usual(64, reloc(1)).written(), (3, 0x391, RAM), (0x1000, 0x37F, RAM), random=2**64 - 1),
        "reloc-nowhere": seed(usual(64, reloc(0x200000, 0, 0x1FFFFF)).written(), low),
        "reloc-4g": seed(usual(64, reloc(0x1000)).written(), (0xFFF00000, 0x200000, RAM)),
        "reloc-bad": seed(usual(64, reloc(0x3000, 5, 4)).written(), low),
        "reloc-empty": seed(usual(64, reloc(0x1000, 5, 4)).written(), low),
        "two-notes": seed(usual(64).notes(note(XEN, 18, struct.pack("<I", 0x100020))).written()),
        "property": seed(property_last.written()),
        "section": seed(in_section.written()),
        "extended": seed(extended.written()),
        "cut-header-32": seed(usual(32).written()[:51]),
        "cut-header-64": seed(usual(64).written()[:63]),
        "cut-table": seed(usual(64).written()[:64 + 4 * 56 - 1]),
        "cut-contents": seed(usual(32).written()[:Elf.START + 63]),
        "too-many": seed(many(33).written()),
        "enough": seed(many(32).written()),
        "overlap": seed(usual(32).load(0x1000FF, b"", 1).written()),
        "wrapping-segment": seed(usual(64).load(2**64 - 1, b"", 1).written()),
        "segment-and-section": seed(usual(64).note_section(note(XEN, 18, ENTRY_32)).written()),
        "not-executable": seed(Elf(32).load(0x100000, code, 64, 6).notes(note(XEN, 18, ENTRY_32)).written()),
        "entry-at-end": seed(Elf(32).load(0x100000, bytes(16), 64).notes(note(XEN, 18, ENTRY_32)).written()),
        "cut-notes": seed(cut_notes.written()),
        "reloc-at-0": seed(usual(64, reloc(0x1000)).written(), (0, 0x2380, RAM), random=0),
        "reloc-exact": seed(usual(64, reloc(0x1000)).written(), (0x1000, 0x380, RAM)),
        "entry-at-4g": seed(usual(64).written(), shift=2**32 - 1 - 0x100010),
        "entry-above-4g": seed(usual(64).written(), shift=2**32 - 0x100010),
        "unsorted": seed(Elf(32).load(0x200000, b"data", 0x10, 6).load(0x100000, bytes(64), 0x40).notes(
            note(XEN, 18, ENTRY_32)).written()),
    }


# explain, patch

def files() -> dict[str, bytes]:
    """Kernel files, for the harnesses that read nothing else."""
    entries = {64: note(XEN, 18, ENTRY_64), 32: note(XEN, 18, ENTRY_32)}
    code = bytes(range(1, 65))

    def kernel(bits: int) -> Elf:
        return Elf(bits).load(0x100000, code, 0x100).load(0x100200, bytes(range(32)), 0x20, 6)

    def with_first(file: bytes, at: int, contents: bytes) -> bytes:
        return file[:at] + contents + file[at + len(contents):]

    every = {}
    for bits, entry in entries.items():
        multiboot = struct.pack("<III", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)
        null = kernel(bits).notes(note(GNU, 3, bytes(4)))
        null.program_headers.append((0, 0, 0, 0, 0, 0, 0))
        phdr = kernel(bits)
        phdr.program_headers.append((6, 4, 64, 0, 168, 168, 8))
        usual = kernel(bits).notes(entry)
        every |= {f"{name}-{bits}": content for name, content in {
            "usual": usual.written(),
            "none": kernel(bits).written(),
            "section": kernel(bits).note_section(entry).written(),
            "foreign": kernel(bits).notes(note(b"nuttx\0", 18, struct.pack("<Q", 0x100010))).written(),
            "two": kernel(bits).notes(entry, note(XEN, 18, struct.pack("<I", 0x100020))).written(),
            "later": kernel(bits).notes(entry).notes(note(GNU, 3, bytes(4))).written(),
            "property": kernel(bits).notes(note(GNU, 5, bytes(16)), entry, align=8).written(),
            "plain": kernel(bits).notes(entry, note(GNU, 3, bytes(4))).without_sections(),
            "at-end": kernel(bits).notes(note(XEN, 18, ENTRY_32)).without_sections(),
            "cut-at-end": kernel(bits).notes(entry).without_sections()[:-1],
            "align-0": kernel(bits).notes(entry, align=0).written(),
            "one-byte": kernel(bits).notes(note(XEN, 18, b"\x10")).written(),
            "no-room": with_first(kernel(bits).written(), 0x200, b"\xff" * (Elf.START - 0x200)),
            "no-gap": with_first(kernel(bits).written(), 64 + 2 * (56 if bits == 64 else 32), b"\xff" * 0x100),
            "multiboot": with_first(usual.written(), 0x400, multiboot),
            "null": null.written(),
            "phdr": phdr.written(),
            "pv": kernel(bits).notes(note(XEN, 8, b"generic\0"), note(XEN, 6, b"linux\0"), note(XEN, 5, b"xen-3.0\0")).written(),
            "no-sections": with_first(usual.written(), 40 if bits == 64 else 32, bytes(8 if bits == 64 else 4)),
        }.items()}
    return every


def explain_seeds() -> dict[str, bytes]:
    image = bytearray(0x1000)
    struct.pack_into("<B", image, 0x1F1, 1)
    struct.pack_into("<IH", image, 0x202, 0x53726448, 0x20F)
    struct.pack_into("<II", image, 0x248, 0x10, 0x20)
    return {name: number(0) + file for name, file in files().items()} | {
        "moved": number(0x200000) + files()["usual-64"], "bzimage": number(0) + bytes(image)}


def patch_seeds() -> dict[str, bytes]:
    return {name: number(0x100010) + b"\x20" + file for name, file in files().items()} | {
        "small-64": number(0x100010) + b"\0" + files()["no-gap-64"],
        "not-elf": number(0x100010) + b"\0" + b"\x7fELF"}


# xen

def xen_seeds() -> dict[str, bytes]:
    def entries(*given: tuple[int, int, int]) -> bytes:
        return b"".join(struct.pack("<QQI", *entry) for entry in given)

    def seed(buffer: bytes, flags: int = 0, numbers: tuple[int, ...] = (),
             blocks: tuple[tuple[int, int, int, int], ...] = ((0, 0, 5, 0x4000000000040011),)) -> bytes:
        return (bytes([flags]) + b"".join(number(n) for n in numbers) + bytes([len(blocks)]) +
                b"".join(bytes([block, wrong]) + number(last) + number(values)
                         for block, wrong, last, values in blocks) + buffer)

    domu = entries((0, 0x4000000, RAM), (0xFEFF8000, 0x8000, RESERVED), (0xFC008000, 0x40, ACPI),
                   (0xFC000000, 0x1000, ACPI), (0xFC001000, 0x7000, ACPI), (0, 0, 0))
    return {
        "usual": seed(domu),
        "full": seed(domu, 2, (6,)),
        "too-many": seed(domu, 2, (7,)),
        "none": seed(b"", 2, (0,)),
        "enosys": seed(domu, 1, (2**64 - 38,)),
        "least-number": seed(domu, 1, (2**63,)),
        "after-viridian": seed(domu, blocks=((0, 1, 6, 0), (1, 0, 5, 0x40000000), (2, 0, 5, 1))),
        "last-block": seed(domu, blocks=((255, 0, 2, 1),)),
        "few-leaves": seed(domu, blocks=((0, 0, 1, 1), (3, 0, 0x100, 1), (4, 0, 0xFF, 7))),
        "overlap": seed(entries((0, 0x10000, RESERVED), (0x4000, 0x1000, RAM), (0x4000, 0x1000, ACPI), (0, 0, 0))),
        "endless": seed(entries((0x1000, 0xC000, ACPI), (0x3000, 0x3000, ACPI), (0x6000, 0x1000, RESERVED), (0, 0, 0))),
        "top": seed(entries((2**64 - 0x3000, 0x3000, RAM), (2**64 - 0x2000, 0x1000, RESERVED), (5, 9, RAM), (0, 0, 0))),
    }


# write

def text(content: bytes | None) -> bytes:
    return b"\xff" if content is None else bytes([len(content)]) + content


def write_seeds() -> dict[str, bytes]:
    pc = b"".join(number(addr) + number(size) + bytes([kind]) + struct.pack("<H", 0) for addr, size, kind in PC)
    initrd = number(0x4000000) + number(0x123456) + struct.pack("<Q", 0)

    def seed(layout: bytes, rest: bytes, version: int = 1, split: int = 0xFFFF, words: int = 0, size: int = 0x400) -> bytes:
        return (number(0x6000) + struct.pack("<HHBQ", size, split, version, words) + number(0xE0000) + layout + rest)

    block = b"\0" + number(0x6000)
    apart = b"\1" + b"".join(number(0x6000 + at) for at in (0, 0x40, 0x80, 0x200, 0x280))
    scattered = b"\2" + b"".join(number(at) for at in (0x6000, 0x6040, 0, 0x6200, 0))
    module = initrd + text(b"module")
    tail = text(b"console=ttyS0") + b"\1" + module + bytes([len(PC)]) + pc + b"\0"
    return {
        "usual": seed(block, tail),
        "two-pieces": seed(block, tail, split=0x47),
        "apart": seed(apart, tail),
        "scattered": seed(scattered, text(b"x") + b"\2" + module + number(0x6300) + initrd + text(None) + number(0) +
                          b"\0\0"),
        "version0": seed(block, text(b"first second") + b"\1" + module + b"\0\0", version=0, words=3),
        "reserved-words": seed(block, text(None) + b"\0" + bytes([len(PC)]) + pc.replace(b"\1\0\0", b"\1\7\0") + b"\4",
                               words=5 << 32),
        "nul": seed(block, text(b"a\0b") + b"\0\0\0"),
        "nothing": seed(block, text(None) + b"\0\0\0"),
        "many-entries": seed(block, text(b"x") + b"\0\xff", size=0x2000),
        "address-missing": seed(b"\xfe" + scattered[1:], text(b"x") + b"\2" + module + number(0x6300) + initrd +
                                text(b"y") + number(0x6400)),
        "overlaps-upwards": seed(b"\1" + b"".join(number(0x6000 + at) for at in (0, 0x20, 0x80, 0x200, 0x280)), tail),
        # The flags are the number of requests after which the memory is taken away.
        "block-vanishes": seed(block, tail, split=0x47, words=3),
        "part-vanishes": seed(apart, tail, words=6),
    }


# plan

def plan_seeds() -> dict[str, bytes]:
    def kernel(flags: int, first: int = 0x1000000, size: int = 0x2000000, lowest: int = 0x1000000,
               highest: int = 0x3FFFFFFF) -> bytes:
        return (number(first) + number(size) + struct.pack("<HBB", 16, flags, 21) + number(lowest) + number(highest) +
                struct.pack("<Q", 0x5555555555555555))

    def modules(*given: tuple[int, int, int]) -> bytes:
        return bytes([len(given)]) + b"".join(number(at) + number(size) + bytes([n]) for at, size, n in given)

    def blocks(*given: tuple[int, int, int, int, int, int]) -> bytes:
        return bytes([len(given)]) + b"".join(
            number(size) + bytes([log]) + number(low) + number(high) + bytes([kind]) + number(at)
            for size, log, low, high, kind, at in given)

    acpi = number(0) + number(0x3000) + b"\x10"
    two = modules((0, 0x123456, 255), (0, 1, 6))
    some = blocks((0x20, 3, 0x500, 0x6FFF, 0, 0), (0x1000, 12, 0, 0xFFFFFFFF, RESERVED, 0),
                  (0x10000, 12, 0, 0xFFFFFFFF, RESERVED, 0xFEFF0000))
    return {
        "usual": kernel(8) + acpi + two + blocks() + ranges(*PC),
        "moved": kernel(9) + acpi + two + blocks((0x1000, 12, 0, 0, 0, 0x2000000)) + ranges(*PC),
        "random": kernel(11) + acpi + two + some + ranges(*PC),
        "version0": kernel(4) + number(0xF59E0) + number(0) + b"\0" + modules((0x4000000, 0x1234, 3)) + blocks() + ranges(*PC),
        "low-memory": kernel(8, 0x100000, 0x100000) + number(0) + number(0) + b"\x10" + two + some +
                      ranges((0, 0x100000, RAM), (0x100000, 0x300000, RAM)),
        "full": kernel(1, 0x100000, 0x100000, 0x100000) + acpi + two + some + ranges((0x100000, 0x103000, RAM)),
    }


# vmm

def vmm_seeds() -> dict[str, bytes]:
    def seed(flags: int, file: bytes, mib: int = 32) -> bytes:
        modules = struct.pack("<BHBHB", 2, 5000, 3, 100, 255)
        return struct.pack("<BQBBBB", flags, 1 << 63 | 0x61, 1, mib, 0, 12) + modules + file

    pvh, loader, linux32, linux64, is_random, high, is_loader = 0, 1, 2, 3, 4, 8, 16
    moving = (Elf(64).load(0x100000, bytes(range(64)), 0x100)
              .notes(note(XEN, 18, ENTRY_64), note(XEN, 19, struct.pack("<III", 0x1000, 0x2000, 0xFFFFFF)))).written()
    kernel = header(syssize=0x20, payload_length=0x40, init_size=0x10000)
    bzimage = bytes(0x1F1) + kernel + bytes(0x600 - 0x1F1 - len(kernel))
    return {
        **{name: seed(pvh, file) for name, file in files().items()},
        "moving": seed(pvh, moving), "random": seed(is_random, moving), "fixed": seed(is_random, files()["usual-64"]),
        "high": seed(pvh | high, moving), "loader": seed(loader | is_loader, files()["usual-32"]),
        "little": seed(pvh, moving, 1), "linux32": seed(linux32, bzimage), "linux64": seed(linux64, bzimage),
        "linux64-high": seed(linux64 | high, bzimage),
    }


# tool

def tool_seeds() -> dict[str, bytes]:
    def core(*pieces: tuple[int, bytes]) -> bytes:
        at = 64 + 56 * len(pieces)
        table = contents = b""
        for paddr, data in pieces:
            table += struct.pack("<IIQQQQQQ", 1, 0, at + len(contents), 0, paddr, len(data), len(data), 0)
            contents += data
        ident = b"\x7fELF\2\1\1" + bytes(9)
        return ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(pieces), 0, 0, 0) + table + contents

    handoff = start_info(1, 2, 4)
    kernel = header(syssize=0x20, payload_length=0x40, init_size=0x10000)
    bzimage = bytes(0x1F1) + kernel + bytes(0x600 - 0x1F1 - len(kernel))
    page = (bytes(0x1E8) + b"\2" + bytes(8) + kernel).ljust(0x2D0, b"\0")
    page += struct.pack("<QQIQQI", 0, 0x9FC00, RAM, 0x100000, 0x7FF00000, RAM)
    return {
        "raw": number(0x1000) + handoff,
        "wraps": number(2**64 - 16) + handoff,
        "core": number(0) + core((0x1000, handoff)),
        "core-in-pieces": number(0) + core((0x1040, handoff[0x40:]), (0x1000, handoff[:0x40]), (0x1000, b"again")),
        "bzimage": number(0) + bzimage,
        "zero-page": number(0) + page.ljust(4096, b"\0"),
        **{name: number(0) + file for name, file in files().items() if name.startswith(("usual", "no-", "property"))},
    }


def main() -> None:
    every = {"parse": parse_seeds(), "sanitize": sanitize_seeds(), "bzimage": bzimage_seeds(),
             "translate": translate_seeds(), "notes": notes_seeds(), "image": image_seeds(),
             "xen": xen_seeds(), "write": write_seeds(), "plan": plan_seeds(), "explain": explain_seeds(), "patch": patch_seeds(),
             "vmm": vmm_seeds(), "tool": tool_seeds()}
    for some in (every, seeds_memory.every(), seeds_elf.every()):
        for harness, seeds in some.items():
            room = CORPUS / harness
            room.mkdir(parents=True, exist_ok=True)
            for name, content in seeds.items():
                (room / name).write_bytes(content)


if __name__ == "__main__":
    import seeds_elf  # which takes the formats from here
    import seeds_memory
    main()
