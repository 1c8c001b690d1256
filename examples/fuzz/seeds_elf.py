# SPDX-License-Identifier: BSL-1.0
"""Further inputs of the harnesses that read kernel files or place them: files at the limits of the library, files whose
headers and notes lie on one another, plans without room or sense, and states of the CPU at entry.

The comment at the top of a harness describes its format.
"""

import struct

from seeds import ENTRY_32, ENTRY_64, GNU, PC, XEN, Elf, files, note, number, plan_seeds, ranges

CODE = bytes(range(1, 65))


class Short(Elf):
    """A file whose contents follow the program headers, of which there are n."""

    def __init__(self, bits: int, n: int, gap: int = 0) -> None:
        super().__init__(bits)
        self.START = (64 + 56 * n if bits == 64 else 52 + 32 * n) + gap


def kernel(bits: int, n: int, gap: int = 0) -> Elf:
    """A segment, and room for n program headers in all."""
    return Short(bits, n, gap).load(0x100000, CODE, 0x100)


def short(file: Elf, *notes: bytes) -> bytes:
    return file.notes(*notes).without_sections()


def seal(file: bytes) -> bytes:
    """A file of 32 bits that the harnesses read although it is large: see may_read in harness.hpp. All but its header
    is moved to where no small file reaches, so that parts of it are not slow, too."""
    far = bytearray(file[:52] + bytes(0x1000) + file[52:] + bytes(-len(file) % 4))
    struct.pack_into("<I", far, 28, 0x1034)
    for at in range(0x1034, 0x1034 + 32 * int.from_bytes(far[44:46], "little"), 32):
        kind, offset = struct.unpack_from("<II", far, at)
        struct.pack_into("<I", far, at + 4, offset + (0x1000 if kind != 0 else 0))
    total = 0
    for (word,) in struct.iter_unpack("<I", far):
        total = (total * 0x9E3779B1 + word) & 0xFFFFFFFF
    return bytes(far) + struct.pack("<I", -total * 0x9E3779B1 & 0xFFFFFFFF)


# Program headers that are notes of their own segments, for many notes in few bytes. The last three words of one are a
# note whose name is the first two words of the next.

def most_notes() -> bytes:
    """More notes than any reader takes: all program headers but the first, in each of 182 segments."""
    n = 182
    assert 2 * n * n > 65536
    file = kernel(32, n + 1)
    file.program_headers += [(4, 0, 52 + 32 + 8, 0, 32 * n, 8, 8)] * n
    return seal(file.without_sections())


def costly_padding() -> bytes:
    """Few notes, but the search for their padding looks at too many. With 4 bytes all program headers are notes, and
    the last one is damage. With 8 bytes a note in the first one ends in the last one."""
    n = 182
    size = 32 * (n + 2)
    file = Short(32, n + 2)
    file.program_headers += [(0, 4, 0, 0, 0, size - 32, 0)] + [(4, 0, 52, 0, size, 8, 8)] * n
    return seal(file.load(0x100000, CODE, 0x100).without_sections())


def costly_entries() -> bytes:
    """4158 entries for the few notes and segments that there are: each would be held to all others."""
    file = kernel(32, 67)
    file.notes(*[note(XEN, 18, b"")] * 63)
    file.program_headers += file.program_headers[1:] * 65
    return seal(file.without_sections())


def image_seeds() -> dict[str, bytes]:
    def seed(file: bytes, shift: int = 0) -> bytes:
        return struct.pack("<BHH", 0, 0, 0xFFFF) + number(shift) + struct.pack("<Q", 1 << 63) + ranges(*PC) + file

    reloc = note(XEN, 19, b"")
    little, huge = (Short(64, 2).load(0x100000, CODE, 0x100, align=align) for align in (0x800, 1 << 32))
    return {
        "reloc-little-alignment": seed(short(little, reloc)),
        "reloc-huge-alignment": seed(short(huge, reloc)),
        "most-notes": seed(most_notes()),
    }


def patch_seeds() -> dict[str, bytes]:
    def seed(file: bytes, entry: int = 0x100010) -> bytes:
        return number(entry) + b"\x20" + file

    # The note begins with the number of section headers, and ends in the offset of an absent segment.
    in_header = Short(64, 3)
    in_header.program_headers.append((0, 18, 0x006E6558, 0, 0, 0, 0))
    in_header.load(0x100000, CODE, 0x100).program_headers.append((4, 4, 60, 0, 16, 16, 4))
    header = bytearray(in_header.without_sections())
    header[60] = 4
    # The note begins with the alignment of its own segment.
    in_table = Short(32, 2).load(0x100000, b"", 0x100)
    tail = note(XEN, 18, ENTRY_32)[4:] + CODE
    in_table.program_headers[0] = (1, 5, in_table.START + 16, 0x100000, 64, 0x100, 4)
    in_table.contents = tail
    in_table.program_headers.append((4, 4, in_table.START - 4, 0, 20, 20, 4))

    nobits = kernel(64, 1, 0x100)
    nobits.sections.append((8, 0, 0x10000, 1, 0))
    phdr_first, phdr_and_note = Short(32, 2), Short(32, 3)
    phdr_first.program_headers.append((6, 4, 52, 0, 64, 64, 4))
    phdr_first.load(0x100000, CODE, 0x100)
    phdr_and_note.program_headers.append((6, 4, 52, 0, 96, 96, 4))
    phdr_and_note.load(0x100000, CODE, 0x100)

    # Only with a padding of 8 bytes do these notes fit. With 4 the walk ends before the entry, or reads it as a size,
    # and then an entry of 16 makes them fit.
    odd = struct.pack("<III4sI", 4, 4, 1, GNU, 0)
    last = note(GNU, 3, bytes(4))
    four = struct.pack("<I", 4)
    padded = odd + b"\xff" * 4 + note(XEN, 18, ENTRY_64)
    low = [Short(64, 2).load(0, CODE, 0x100) for _ in range(2)]
    # The note begins before the program headers. Its type and its name are those of the first one, and its offset.
    shifted = Short(32, 3)
    shifted.program_headers.append((18, 0, 0x006E6558, 0, 0, 0, 0))
    table = bytearray(shifted.load(0x100000, CODE, 0x100).notes(bytes(16)).without_sections())
    struct.pack_into("<I", table, 28, 52 + 8)
    struct.pack_into("<I", table, 52 + 64 + 4, 52)
    over_table = bytes(table[:52]) + struct.pack("<II", 4, 0) + bytes(table[52:])
    read = odd + four + note(XEN, 18, four, 8) + note(GNU, 0xFFFFFFFF, bytes(4))
    damaged = odd + four + note(XEN, 18, ENTRY_64) + last
    return {
        "most-notes": seed(most_notes()),
        "costly-padding": seed(costly_padding()),
        "costly-entries": seed(costly_entries()),
        "in-header": seed(bytes(header)),
        "in-table": seed(in_table.without_sections()),
        "over-table": seed(over_table),
        "nobits": seed(nobits.written()),
        "phdr-first": seed(phdr_first.without_sections()),
        "phdr-and-note": seed(short(phdr_and_note, note(XEN, 18, ENTRY_32))),
        "unset": seed(files()["usual-32"], 0xFFFFFFFF),
        "padded": seed(kernel(64, 2).notes(padded, align=8).without_sections()),
        "size-in-entry": seed(low[0].notes(read, align=8).without_sections(), 16),
        "damage-in-entry": seed(low[1].notes(damaged, align=8).without_sections(), 16),
    }


def explain_seeds() -> dict[str, bytes]:
    def seed(file: bytes, shift: int = 0) -> bytes:
        return number(shift) + file

    entry = note(XEN, 18, ENTRY_64)
    linux = (note(XEN, 6, b"linux\0"), note(XEN, 5, b"xen-3.0\0"))
    empty = Short(64, 3).load(0x100080, b"", 0).load(0x100000, CODE, 0x100)
    slow = Short(32, 131)
    for i in range(130):
        slow.load(0x100000 + 16 * i, b"", 1)
    # All section headers are the same one, of two notes: the distance between two is 0.
    same = kernel(32, 1)
    same.sections = [(7, same.put(bytes(24)), 24, 4, 0)]
    sections = bytearray(same.written())
    struct.pack_into("<HH", sections, 46, 0, 0xFFFF)

    multiboot = struct.pack("<III", 0x1BADB002, 0x10000, -0x1BAEB002 & 0xFFFFFFFF)
    bzimage = bytearray(0x250)
    struct.pack_into("<IH", bzimage, 0x202, 0x53726448, 0x20F)
    return {
        "pv-linux": seed(short(kernel(32, 2), *linux)),
        "pv-outside": seed(short(Short(32, 2).load(0x200000, CODE, 0x100), *linux)),
        "empty-segment": seed(short(empty, entry)),
        "slow-segments": seed(seal(short(slow, note(XEN, 18, ENTRY_32)))),
        "same-sections": seed(bytes(sections)),
        "multiboot-addresses": seed(multiboot + struct.pack("<IIIII", 0, 0, 0, 0, 0x100010)),
        "multiboot-cut": seed(multiboot),
        "multiboot-alone": seed(struct.pack("<III", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)),
        "no-name": seed(short(kernel(64, 2), entry)[:-12]),
        "no-descriptor": seed(short(kernel(64, 2), entry)[:-8]),
        "wraps-when-moved": seed(short(Short(64, 2).load(0x200000, CODE, 0x100), entry), 2**64 - 0x200000),
        "bzimage-cut": seed(bytes(bzimage[:0x240])),
        "bzimage-no-setup-sects": seed(bytes(bzimage)),
    }


def place_seeds() -> dict[str, bytes]:
    def flagged(name: str, flag: int) -> bytes:
        seed = bytearray(plan_seeds()[name])
        seed[6] |= flag
        return bytes(seed)

    def short_plan(modules: bytes = b"\0", tail: bytes = b"") -> bytes:
        """A small kernel, and no RAM."""
        kernel = number(0x100000) + number(0x1000) + struct.pack("<HBB", 16, 0, 12) + number(0) + number(0) + bytes(8)
        return kernel + number(0) + number(0) + b"\0" + modules + b"\0\0" + tail

    def entry(*changes: tuple[int, int, int]) -> bytes:
        return short_plan(tail=bytes([len(changes)]) + b"".join(
            bytes([which]) + number(value) + struct.pack("<H", attributes) for which, value, attributes in changes))

    eip, ebx, esi, esp, eflags, cr0, cr3, cr4, efer = range(9)
    cs, ds, es, tr = 0, 1, 2, 6
    attributes, base, limit, gdt, idt = 16, 32, 48, 64, 65
    overlap = bytes([2]) + b"".join(number(at) + number(0x2000) + b"\xff" for at in (0x400000, 0x401000))
    return {
        "kernel-alignment-3": flagged("usual", 16),
        "block-alignment-3": flagged("random", 32),
        "handoff-anywhere": flagged("usual", 64),
        "overlap-upwards": short_plan(overlap),
        "entry-words": entry((eip, 5, 0), (ebx, 7, 0), (esp, 0x1000, 0), (eflags, 0x20700, 0), (cr0, 0xE0000000, 0),
                             (cr4, 0x20, 0), (efer, 0x100, 0)),
        "entry-tables": entry((ebx, 0, 0), (gdt, 0x500, 31), (idt, 0x520, 7), (esi, 0x7000, 0), (cr3, 0x3000, 0)),
        "entry-attributes": entry(*[(attributes + i, 0, 0x700 + 0x11 * i) for i in range(7)]),
        "entry-sound-attributes": entry((attributes + cs, 0, 0xD9E), (attributes + ds, 0, 0xD92),
                                        (attributes + es, 0, 0xC96), (attributes + tr, 0, 0xF8B)),
        "entry-bases": entry(*[(base + i, 0x12345678 + i, 0) for i in range(7)]),
        "entry-limits": entry(*[(limit + i, 0xFFFF + i, 0) for i in range(7)]),
        "entry-64-bits": entry((cr3, 1 << 32, 0)),
        "entry-64-bit-base": entry((base + tr, 1 << 32, 0)),
    }


def every() -> dict[str, dict[str, bytes]]:
    return {"image": image_seeds(), "patch": patch_seeds(), "explain": explain_seeds(), "plan": place_seeds()}
