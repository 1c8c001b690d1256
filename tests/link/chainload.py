#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""chainload's text and read-only data stay small, and its objects reference no functions but the four mem* functions.

Usage: chainload.py CHAINLOAD.elf, with Meson's object folder next to it.
"""
import pathlib
import sys
import tempfile

from common import run_or_exit

LIMIT = 52 * 1024  # bytes of text, read-only data and note
MEM = {"memcpy", "memmove", "memset", "memcmp"}
FROM_THE_LINKER_SCRIPT = {"image_begin", "image_end"}


def output(*command: str) -> str:
    return run_or_exit(list(command))


def undefined(objects: list[pathlib.Path]) -> set[str]:
    """The symbols that the objects reference and do not define."""
    with tempfile.NamedTemporaryFile(suffix=".o") as joined:
        output("ld", "-r", "-m", "elf_i386", "-o", joined.name, *map(str, objects))
        return {line.split()[-1] for line in output("nm", "-u", joined.name).splitlines()}


def main() -> int:
    elf = pathlib.Path(sys.argv[1])
    objects = [path for path in elf.with_suffix(".elf.p").glob("*.o") if not path.name.endswith("mem.cpp.o")]
    text = int(output("size", str(elf)).splitlines()[1].split()[0])
    extra = undefined(objects) - MEM - FROM_THE_LINKER_SCRIPT
    print(f"{text} bytes of {LIMIT}; {len(objects)} objects reference nothing but mem*: {not extra}")
    if len(objects) < 3:
        print("the objects were not found")
    if extra:
        print(f"also referenced: {sorted(extra)}")
    return 1 if text > LIMIT or extra or len(objects) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
