# SPDX-License-Identifier: BSL-1.0
"""An ELF kernel: the segments that a loader places, and the entry of its PVH note. Written without the library."""

import struct
from dataclasses import dataclass

from lab import LabError

LOAD, NOTE = 1, 4
XEN_PHYS32_ENTRY = 18


@dataclass(frozen=True)
class Segment:
    kind: int
    offset: int
    paddr: int
    filesz: int
    memsz: int
    executable: bool


def segments(image: bytes) -> list[Segment]:
    """The program headers. Fails if the file is not a little-endian ELF file or ends before its headers do."""
    if image[:4] != b"\x7fELF" or image[4:6] not in (b"\1\1", b"\2\1"):
        raise LabError(f"not a little-endian ELF file: it begins {image[:6].hex()}")
    wide = image[4] == 2
    try:
        start, = struct.unpack_from("<Q" if wide else "<I", image, 32 if wide else 28)
        size, count = struct.unpack_from("<HH", image, 54 if wide else 42)
        found = []
        for number in range(count):
            if wide:
                kind, flags, offset, _, paddr, filesz, memsz = struct.unpack_from("<IIQQQQQ", image, start + number * size)
            else:
                kind, offset, _, paddr, filesz, memsz, flags = struct.unpack_from("<7I", image, start + number * size)
            found.append(Segment(kind, offset, paddr, filesz, memsz, flags & 1 != 0))
    except struct.error as why:
        raise LabError(f"the ELF file of {len(image)} bytes ends before its headers do") from why
    return found


def placed_bytes(image: bytes) -> int:
    """How many bytes of the file a loader copies."""
    return sum(s.filesz for s in segments(image) if s.kind == LOAD)


def pvh_entry(image: bytes) -> int:
    """The address in the first PHYS32_ENTRY note."""
    for segment in segments(image):
        at, end = segment.offset, min(segment.offset + segment.filesz, len(image))
        while segment.kind == NOTE and at + 12 <= end:
            name_size, size, kind = struct.unpack_from("<III", image, at)
            name, desc = at + 12, at + 12 + (name_size + 3 & ~3)
            if image[name:name + name_size] == b"Xen\0" and kind == XEN_PHYS32_ENTRY and desc + 4 <= end:
                return struct.unpack_from("<I", image, desc)[0]
            at = desc + (size + 3 & ~3)
    raise LabError("the ELF file has no PHYS32_ENTRY note")
