# SPDX-License-Identifier: BSL-1.0
"""Small kernel images, each with one property in which readers of images differ (A1 to A29 of docs/pitfalls.md).

The code at an entry prints its own address, so an image is entered where it says so and nowhere else. Below the first
entry is code that reports a fall through zeroes. The library is not used here.
"""

import struct
from dataclasses import dataclass, field
from typing import Callable

BASE = 0x100000
PVH, E_ENTRY, OTHER = BASE + 0x100, BASE + 0x200, BASE + 0x300  # entries: of the note, of the ELF header, of another note
PATCHED_ENTRY = E_ENTRY  # where images are entered after set_phys32_entry
TEXT = "image"  # the first word of what an entry prints
FELL = "fell"
XEN = b"Xen\0"
PHYS32_ENTRY, PHYS32_RELOC = 18, 19
LOAD, NOTE = 1, 4
PROGBITS, SHT_NOTE, STRTAB = 1, 7, 3


def put_text(text: str) -> bytes:
    """Prints on the ports 0xe9 (Xen) and 0x3f8."""
    code = b""
    for character in text.encode():
        # mov $character, %al; out %al, $0xe9; mov $0x3f8, %dx; out %al, (%dx)
        code += b"\xb0" + bytes([character]) + b"\xe6\xe9\x66\xba\xf8\x03\xee"
    return code


# mov $1, %eax; out %eax, $0xf4: QEMU ends. Elsewhere an exception without a table ends the guest.
END = b"\xb8\1\0\0\0\xe7\xf4" + b"\x6a\0\x6a\0\x0f\x01\x1c\x24\xcc"
# print: %ebp in eight digits. mov $8, %ecx; 1: rol $4, %ebp; mov %ebp, %eax; and $15, %al; add $'0', %al; cmp $'9', %al;
# jbe 2f; add $39, %al; 2: out %al, $0xe9; mov $0x3f8, %dx; out %al, (%dx); loop 1b; ret
PRINT = (b"\xb9\x08\0\0\0\xc1\xc5\x04\x89\xe8\x24\x0f\x04\x30\x3c\x39\x76\x02\x04\x27\xe6\xe9\x66\xba\xf8\x03\xee\xe2"
         b"\xe8\xc3")
PRINT_AT, STACK = 0x380, 0x400
FELL_CODE = b"\xbc" + struct.pack("<I", BASE + STACK) + put_text(f"{FELL}\n") + END


def entry_code(at: int) -> bytes:
    """Prints "image @ADDRESS pvh" or "… other", by what %ebx points to, and ends."""
    # mov $stack, %esp; call 1f; 1: pop %ebp; sub $10, %ebp; call to the common part
    head = b"\xbc" + struct.pack("<I", BASE + STACK) + b"\xe8\0\0\0\0\x5d\x83\xed\x0a"
    return head + b"\xe9" + struct.pack("<i", BASE + COMMON - (at + len(head) + 5))


COMMON = 0x400  # of the code that entries have in common, above what other images replace


def common_code() -> bytes:
    code = put_text(f"{TEXT} @")
    code += b"\xe8" + struct.pack("<i", PRINT_AT - (COMMON + len(code) + 5))
    other, pvh = put_text(" other\n") + END, put_text(" pvh\n") + END
    # cmpl $magic, (%ebx); je pvh
    return code + b"\x81\x3b\x78\xc5\x6e\x33" + b"\x0f\x84" + struct.pack("<i", len(other)) + other + pvh


def program() -> bytes:
    """The code at BASE."""
    room = bytearray(b"\xf4" * COMMON)  # hlt
    room[0:len(FELL_CODE)] = FELL_CODE
    assert len(FELL_CODE) <= PVH - BASE
    for at in (PVH, E_ENTRY, OTHER):
        code = entry_code(at)
        room[at - BASE:at - BASE + len(code)] = code
    room[PRINT_AT:PRINT_AT + len(PRINT)] = PRINT
    # The stack grows down from STACK over the end of the table of entries.
    return bytes(room) + common_code()


def note(name: bytes, kind: int, desc: bytes, name_size: int | None = None, desc_size: int | None = None,
         align: int = 4) -> bytes:
    size = len(name) if name_size is None else name_size
    head = struct.pack("<III", size, len(desc) if desc_size is None else desc_size, kind)
    padded = head + name + bytes(-len(name) % 4) + desc
    return padded + bytes(-len(padded) % align)


def word(value: int) -> bytes:
    return struct.pack("<I", value)


def quad(value: int) -> bytes:
    return struct.pack("<Q", value)


PROPERTY = note(b"GNU\0", 5, struct.pack("<IIII", 0xC0000002, 4, 3, 0))
BUILD_ID = note(b"GNU\0", 3, bytes(range(1, 21)))


@dataclass
class Image:
    """An ELF file, written in this order: ELF header, program headers, contents, section headers."""

    bits: int
    entry: int = E_ENTRY
    machine: int | None = None
    flags: int = 0
    endian: int = 1
    file_size: int | None = None  # cut
    shoff: int | None = None
    align: int = 4  # of the notes
    tail: bytes = b"\x7f" * 64  # after the contents: ends QEMU's walk past the end of a segment
    segments: list[list[int]] = field(default_factory=list)  # type, flags, offset, paddr, filesz, memsz, align
    sections: list[tuple[int, int, int]] = field(default_factory=list)  # type, offset, size
    contents: bytes = b""
    first: bytes = b""  # contents right after the program headers, such as a multiboot header
    START = 0x1000

    def put(self, data: bytes) -> int:
        at = self.START + len(self.contents)
        self.contents += data + bytes(-len(data) % 8)
        return at

    def load(self, paddr: int, data: bytes, memsz: int | None = None, flags: int = 7) -> "Image":
        self.segments.append([LOAD, flags, self.put(data), paddr, len(data), len(data) if memsz is None else memsz, 0x1000])
        return self

    def notes(self, *notes: bytes, align: int | None = None) -> "Image":
        data = b"".join(notes)
        self.segments.append([NOTE, 4, self.put(data), 0, len(data), len(data), self.align if align is None else align])
        return self

    def section(self, kind: int, data: bytes) -> "Image":
        self.sections.append((kind, self.put(data), len(data)))
        return self

    def written(self) -> bytes:
        wide = self.bits == 64
        size = "Q" if wide else "I"
        ehdr, phdr, shdr = (64, 56, 64) if wide else (52, 32, 40)
        shoff = (self.START + len(self.contents) + len(self.tail) if self.sections else 0) if self.shoff is None else self.shoff
        shnum = len(self.sections) + 1 if self.sections else 0
        head = b"\x7fELF" + bytes([2 if wide else 1, self.endian, 1]) + bytes(9)
        head += struct.pack(f"<HHI{size}{size}{size}IHHHHHH", 2, self.machine or (62 if wide else 3), 1, self.entry, ehdr,
                            shoff, self.flags, ehdr, phdr, len(self.segments), shdr, shnum or (3 if self.shoff else 0), 0)
        for kind, flags, offset, paddr, filesz, memsz, align in self.segments:
            head += (struct.pack("<IIQQQQQQ", kind, flags, offset, paddr, paddr, filesz, memsz, align) if wide else
                     struct.pack("<IIIIIIII", kind, offset, paddr, paddr, filesz, memsz, flags, align))
        tail = bytes(shdr) if self.sections else b""
        for kind, offset, length in self.sections:
            tail += struct.pack(f"<II{size}{size}{size}{size}II{size}{size}", 0, kind, 0, 0, offset, length, 0, 0, 4, 0)
        head += self.first
        assert len(head) <= self.START
        data = head.ljust(self.START, b"\0") + self.contents + self.tail + tail
        return data[:self.file_size] if self.file_size else data


def kernel(bits: int, **more: object) -> Image:
    return Image(bits, **more).load(BASE, program())


def entry(value: int = PVH, bits: int = 64) -> bytes:
    return note(XEN, PHYS32_ENTRY, quad(value) if bits == 64 else word(value))


def usual(bits: int, **more: object) -> Image:
    return kernel(bits, **more).notes(entry(bits=bits))


def multiboot(flags: int = 0) -> bytes:
    return struct.pack("<III", 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF)


def cut_contents() -> Image:
    """The notes come first, so only the segment is cut."""
    image = Image(64).notes(entry()).load(BASE, program())
    image.segments[-1][4] += 0x10000
    image.segments[-1][5] += 0x10000
    return image


def unsorted() -> Image:
    return Image(64).load(0x400000, bytes(0x10), flags=6).load(BASE, program()).load(0x80000, bytes(0x10), flags=6).notes(
        entry())


def notes_at_0(bits: int) -> Image:
    image = kernel(bits).section(SHT_NOTE, entry(bits=bits))
    image.segments.append([NOTE, 4, 0, 0, 0x40, 0x40, 4])
    return image


def in_bss() -> Image:
    code = program()
    return Image(64).load(BASE, code, 0x2000).notes(entry(BASE + 0x1800))


def pv(*more: bytes) -> Image:
    return kernel(64).notes(note(XEN, 5, b"xen-3.0\0"), note(XEN, 6, b"linux\0"), note(XEN, 8, b"generic\0"),
                            note(XEN, 3, quad(0xFFFFFFFF80000000)), note(XEN, 4, quad(0x100000)), *more)


def reloc(*words: int, extra: bytes = b"") -> Image:
    return kernel(64).notes(entry(), note(XEN, PHYS32_RELOC, b"".join(map(word, words)) + extra))


def program_header_sizes() -> Image:
    image = usual(64)
    image.segments[0][5] = image.segments[0][4] - 1
    return image


def huge_note() -> Image:
    return kernel(64).notes(note(XEN, 2, b"", desc_size=0xFFFFFFF0), entry())


def xen_guest(bits: int) -> Image:
    return kernel(bits).section(PROGBITS, b"GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_ENTRY=0x100100\0")


# Each image by name: what it is for, and how it is made.
IMAGES: dict[str, tuple[str, Callable[[], Image]]] = {
    "usual-64": ("8 bytes in ELF64", lambda: usual(64)),
    "usual-32": ("4 bytes in ELF32", lambda: usual(32)),
    "four-bytes-64": ("A2", lambda: kernel(64).notes(note(XEN, PHYS32_ENTRY, word(PVH)))),
    "four-bytes-64-more": ("A2", lambda: kernel(64).notes(note(XEN, PHYS32_ENTRY, word(PVH)), note(XEN, 7, b"second\0"))),
    "eight-bytes-32": ("A1", lambda: kernel(32).notes(note(XEN, PHYS32_ENTRY, quad(PVH)))),
    "four-bytes-32-more": ("A1", lambda: kernel(32).notes(note(XEN, PHYS32_ENTRY, word(PVH)), note(XEN, 7, b"second\0"))),
    "property-before": ("A3", lambda: kernel(64, align=8).notes(PROPERTY, entry())),
    "property-after": ("A3", lambda: kernel(64, align=8).notes(entry(), bytes(4), PROPERTY)),
    "property-apart": ("A3", lambda: kernel(64).notes(PROPERTY, align=8).notes(entry())),
    "build-id-before": ("A3, without harm", lambda: kernel(64).notes(BUILD_ID, entry())),
    "align-8": ("A3", lambda: usual(64, align=8)),
    "align-16": ("A3", lambda: usual(64, align=16)),
    "property-at-end": ("A3", lambda: kernel(64, align=8, tail=b"").notes(PROPERTY, entry())),
    "align-0": ("A4", lambda: usual(32, align=0)),
    "foreign": ("A5", lambda: kernel(64).notes(note(b"Atmosphere!\0", PHYS32_ENTRY, quad(PVH)))),
    "foreign-before": ("A5", lambda: kernel(64).notes(note(b"Other\0", PHYS32_ENTRY, quad(OTHER)), entry())),
    "foreign-32": ("A5", lambda: kernel(32).notes(note(b"nuttx\0", PHYS32_ENTRY, word(PVH)))),
    "huge-note": ("A7", huge_note),
    "later-segment": ("A8", lambda: usual(64).notes(BUILD_ID)),
    "two-notes": ("A25", lambda: kernel(64).notes(entry(), entry(OTHER))),
    "two-segments": ("A25", lambda: usual(64).notes(entry(OTHER))),
    "not-e-entry": ("A12", lambda: usual(32, entry=BASE)),
    "progbits": ("A13", lambda: usual(32).section(PROGBITS, entry(bits=32))),
    "section-64": ("A14", lambda: kernel(64).section(SHT_NOTE, entry())),
    "section-32": ("A14", lambda: kernel(32).section(SHT_NOTE, entry(bits=32))),
    "section-beside-other": ("A14", lambda: kernel(64).notes(BUILD_ID).section(SHT_NOTE, entry())),
    "segment-before-section": ("A14", lambda: usual(64).section(SHT_NOTE, entry(OTHER))),
    "notes-at-0": ("A15", lambda: notes_at_0(64)),
    "xen-guest-32": ("A16", lambda: xen_guest(32)),
    "pv-and-pvh": ("A17", lambda: pv(entry())),
    "pv-only": ("A17", pv),
    "no-note-64": ("A18", lambda: kernel(64)),
    "no-note-32": ("A18", lambda: kernel(32)),
    "multiboot-64": ("A19", lambda: usual(64, first=multiboot())),
    "multiboot-32": ("A19", lambda: usual(32, first=multiboot())),
    "multiboot-bad-sum": ("A19, without harm", lambda: usual(64, first=multiboot()[:8] + word(1))),
    "class-64-machine-386": ("A21", lambda: usual(64, machine=3)),
    "class-32-machine-64": ("A21", lambda: usual(32, machine=62)),
    "reloc-0": ("A22", reloc),
    "reloc-12": ("A22", lambda: reloc(0x200000, 0x100000, 0x3FFFFFFF)),
    "reloc-6": ("A22", lambda: reloc(0x200000, extra=b"\0\0")),
    "unsorted": ("A24", unsorted),
    "entry-0": ("A25", lambda: kernel(64).notes(entry(0))),
    "entry-0-32": ("A25", lambda: kernel(32).notes(entry(0, 32))),
    "entry-ffffffff": ("A25", lambda: kernel(64).notes(entry(0xFFFFFFFF))),
    "entry-above-4g": ("A25", lambda: kernel(64).notes(entry(PVH + 2**32))),
    "one-byte": ("A25", lambda: kernel(64).notes(note(XEN, PHYS32_ENTRY, b"\x05"))),
    "two-bytes": ("A25", lambda: kernel(64).notes(note(XEN, PHYS32_ENTRY, b"\0\x01"))),
    "sixteen-bytes": ("A25", lambda: kernel(64).notes(note(XEN, PHYS32_ENTRY, quad(PVH) + bytes(8)))),
    "sixteen-bytes-32": ("A25", lambda: kernel(32).notes(note(XEN, PHYS32_ENTRY, quad(PVH) + bytes(8)))),
    "entry-outside": ("A25", lambda: kernel(64).notes(entry(0x200000))),
    "entry-outside-32": ("A25", lambda: kernel(32).notes(entry(0x200000, 32))),
    "entry-at-end": ("A25", lambda: kernel(64).notes(entry(BASE + len(program())))),
    "entry-in-bss": ("A25", in_bss),
    "name-without-nul": ("A10", lambda: kernel(64).notes(note(b"Xen", PHYS32_ENTRY, quad(PVH)))),
    "name-longer": ("A10", lambda: kernel(64).notes(note(b"Xen\0\0\0\0\0", PHYS32_ENTRY, quad(PVH)))),
    "e-entry-0": ("A9", lambda: usual(64, entry=0)),
    "cut-contents": ("A7", cut_contents),
    "cut-headers": ("A7", lambda: usual(64, file_size=100)),
    "sections-outside": ("A18", lambda: usual(64, shoff=0x100000)),
    "memory-below-file": ("A7", program_header_sizes),
    "overlap": ("A7", lambda: usual(64).load(BASE + 0x10, b"\x90" * 4)),
    "bss-overlap": ("A7", lambda: kernel(64).notes(entry()).load(BASE - 0x1000, b"", 0x1010, 6)),
    "flags": ("A18", lambda: usual(64, flags=4)),
    "arm": ("A21", lambda: usual(64, machine=183)),
    "no-flags": ("A24", lambda: Image(64).load(BASE, program(), flags=0).notes(entry())),
    "no-segment": ("A18", lambda: Image(64).notes(entry())),
}
