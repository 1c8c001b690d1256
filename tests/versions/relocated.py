#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Xen from 4.19 on moves a PVH dom0 whose image has a PHYS32_RELOC note and is linked where dom0 has no RAM.

Each image prints where it was entered. That address keeps its distance to the base, which is the highest that the note
allows, as for choose_base.
"""

import argparse
import re
import sys
from pathlib import Path

from common import skip
from images import crafted
from lab import xen, xen_packages

LINKED = 0x40000000  # above dom0's memory
OPTIONS = "dom0=pvh dom0-iommu=none dom0_mem=128M console=com1 com1=115200,8n1"
RAM_END = 129 << 20  # dom0's RAM begins at 1 MiB
# Bits and the note: alignment, lowest address of the first byte, highest address of the last byte.
NOTES = {
    "usual": (64, (0x200000, 0x200000, 0x3FFFFFFF)),
    "32-bit": (32, (0x200000, 0x200000, 0x3FFFFFFF)),
    "low": (64, (0x1000, 0x100000, 0x2FFFFF)),
    "alignment-only": (64, (0x400000,)),
    "no-room": (64, (0x200000, 0x30000000, 0x3FFFFFFF)),
    "no-note": (64, None),
}


def image(bits: int, words: tuple[int, ...] | None) -> crafted.Image:
    made = crafted.Image(bits, entry=LINKED + crafted.E_ENTRY - crafted.BASE).load(LINKED, crafted.program())
    notes = [crafted.note(crafted.XEN, crafted.PHYS32_ENTRY, crafted.word(LINKED + crafted.PVH - crafted.BASE))]
    if words is not None:
        notes.append(crafted.note(crafted.XEN, crafted.PHYS32_RELOC, b"".join(map(crafted.word, words))))
    return made.notes(*notes)


def entered(name: str, timeout: float, logs: Path) -> int | None:
    """Where dom0 began; None if Xen refused it."""
    bits, words = NOTES[name]
    lines: list[str] = []
    until = xen.Until(rf"{crafted.TEXT} @([0-9a-f]{{8}}) pvh|Panic on CPU")
    xen.start([(image(bits, words).written(), "")], OPTIONS, "512M", timeout, lambda _seconds, line: lines.append(line),
              logs / f"relocated-{name}.log", until)
    match = next(filter(None, (re.search(until.line, line) for line in lines)))
    return int(match[1], 16) if match[1] else None


def wrong(name: str, at: int | None) -> str:
    """Why this is not what the note demands; empty if it is."""
    words = NOTES[name][1]
    if words is None or name == "no-room":
        return "" if at is None else "was entered, though it has no place"
    if at is None:
        return "was refused"
    base = at - (crafted.PVH - crafted.BASE)
    alignment, lowest, highest = (*words, *(0, 0xFFFFFFFF)[len(words) - 1:])[:3]
    size = len(crafted.program())
    top = min(highest, RAM_END - 1)
    if base % alignment or base < lowest or base + size - 1 > top:
        return f"lies at {base:#x}, which its note does not allow"
    if base + alignment + size - 1 <= top:
        return f"lies at {base:#x}, which is not the highest base"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=Path("build/versions"))
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()
    failures = 0
    try:
        for name in NOTES:
            at = entered(name, options.timeout, options.logs)
            why = wrong(name, at)
            failures += bool(why)
            print(f"{'NOT OK' if why else 'ok    '} {name:<16} {'refused' if at is None else f'entered at {at:#x}'} {why}")
    except xen_packages.Unavailable as why:
        return skip(why)
    print(f"Xen {xen_packages.XEN}: {len(NOTES)} images, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
