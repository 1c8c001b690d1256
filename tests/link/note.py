#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Link images with the macros of emit_note.hpp, from C++ and from assembler files, with each linker.

The note must be in the image, in a PT_NOTE; or else the link must fail with PVHBOOT_REQUIRE_NOTE, except where `explain`
has to look at the finished image. Each failure is checked for what the linker says, and succeeds without the macro.
"""

import argparse
import itertools
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import missing, run, run_or_exit, skip_without
from lab import elf

HEAD = "#include <pvhboot/pvh/emit_note.hpp>\n"
CODE = ".pushsection .text._start, \\\"ax\\\"\\n.globl _start\\n_start: hlt\\n.popsection"
SOURCES = {
    "entry.cpp": f'{HEAD}asm("{CODE}");\n',
    "requiring.cpp": f'{HEAD}PVHBOOT_REQUIRE_NOTE();\nasm("{CODE}");\n',
    "note.cpp": f'{HEAD}extern "C" void _start();\nPVHBOOT_EMIT_NOTE(_start);\n'
                "#define LOWEST 0x100000\nPVHBOOT_EMIT_RELOC_NOTE(0x200000, LOWEST, 0xffffffff);\n",
    "entry.S": f'{HEAD}.section .text._start, "ax"\n.globl _start\n_start: hlt\n',
    "requiring.S": f'{HEAD}PVHBOOT_REQUIRE_NOTE()\n.section .text._start, "ax"\n.globl _start\n_start: hlt\n',
    "note.S": f"{HEAD}#define LOWEST 0x100000\nPVHBOOT_EMIT_NOTE(_start)\n"
              "PVHBOOT_EMIT_RELOC_NOTE(0x200000, LOWEST, 0xffffffff)\n",
}
SCRIPT = """
ENTRY(_start)
PHDRS { text PT_LOAD FLAGS(5); %(phdr)s }
SECTIONS {
  . = 0x100000;
  .text : { KEEP(*(.text._start)) *(.text .text.*) } :text
  %(note)s
  .rodata : { *(.rodata .rodata.*) } :text
  /DISCARD/ : { *(.comment) *(.eh_frame*) *(.note.gnu.*) *(.note.GNU-stack) %(discard)s }
}
"""
SCRIPTS = {
    "kept": {"phdr": "note PT_NOTE FLAGS(4);", "note": ".note.Xen : { *(.note.Xen) } :text :note", "discard": ""},
    "discarded": {"phdr": "", "note": "", "discard": "*(.note*)"},
    "no PT_NOTE": {"phdr": "", "note": ".note.Xen : { *(.note.Xen) } :text", "discard": ""},
}
LINKERS = ("ld.bfd", "ld.lld-19", "ld.lld-14")
# lld before 18 resolves a reference to a discarded section as if it lay at 0, without a word.
SILENT = {"ld.lld-14"}
NOTE = {64: struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", 0x100000), 32: struct.pack("<III4sI", 4, 4, 18, b"Xen\0", 0x100000)}
RELOC = struct.pack("<III4sIII", 4, 12, 19, b"Xen\0", 0x200000, 0x100000, 0xFFFFFFFF)


@dataclass
class Folder:
    """Objects and linker scripts of one compiler and word size."""

    path: Path
    compiler: str
    bits: int
    include: Path

    def build(self) -> None:
        flags = ["-std=c++20", "-ffreestanding", "-fno-pic", f"-I{self.include}", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
        for name, text in SOURCES.items():
            source = self.path / name
            source.write_text(text, encoding="ascii")
            more = flags if name.endswith(".cpp") else flags[3:4]
            run_or_exit([self.compiler, f"-m{self.bits}", *more, "-c", "-o", self.path / f"{name}.o", source])
        for name, values in SCRIPTS.items():
            (self.path / f"{name}.ld").write_text(SCRIPT % values, encoding="ascii")
        for suffix in ("cpp", "S"):
            run_or_exit(["ar", "rcs", self.path / f"libnote.{suffix}.a", self.path / f"note.{suffix}.o"])

    def link(self, linker: str, script: str, *inputs: str) -> tuple[Path | None, str]:
        """The image, or the messages."""
        image = self.path / "image.elf"
        image.unlink(missing_ok=True)
        done = run([linker, "-m", "elf_x86_64" if self.bits == 64 else "elf_i386", "-z", "max-page-size=4096", "--gc-sections",
                    "-T", self.path / f"{script}.ld", "-o", image, *(self.path / name for name in inputs)])
        return (image if done.returncode == 0 else None), done.stderr


def notes_of(image: Path) -> list[bytes]:
    """The contents of the PT_NOTE segments."""
    data = image.read_bytes()
    return [data[s.offset:s.offset + s.filesz] for s in elf.segments(data) if s.kind == elf.NOTE]


def problems(folder: Folder, linker: str, suffix: str, explain: Path) -> list[str]:
    bad = []

    def check(what: str, holds: bool, detail: str = "") -> None:
        if not holds:
            bad.append(f"{what}: {detail.strip() or 'wrong'}")

    entry, requiring, note, archive = (f"entry.{suffix}.o", f"requiring.{suffix}.o", f"note.{suffix}.o", f"libnote.{suffix}.a")
    image, said = folder.link(linker, "kept", requiring, note)
    check("a kept note", image is not None and notes_of(image) == [NOTE[folder.bits] + RELOC], said)
    image, said = folder.link(linker, "kept", requiring, archive)
    check("a note in an archive", image is not None and notes_of(image) == [NOTE[folder.bits] + RELOC], said)
    image, said = folder.link(linker, "kept", entry, archive)
    check("a note in an archive, not required", image is not None and NOTE[folder.bits] not in b"".join(notes_of(image)), said)

    image, said = folder.link(linker, "discarded", entry, note)
    check("a discarded note, not required", image is not None, said)
    image, said = folder.link(linker, "discarded", requiring, note)
    if linker in SILENT:
        check("a discarded note and a silent linker", image is not None and "no_note" in explained(explain, image), said)
    else:
        check("a discarded note", image is None and "discarded section" in said and "pvhboot_phys32_note" in said, said)
    image, said = folder.link(linker, "kept", requiring)
    check("no note", image is None and "undefined" in said and "pvhboot_phys32_note" in said, said)
    image, said = folder.link(linker, "kept", requiring, note, f"note.{'S' if suffix == 'cpp' else 'cpp'}.o")
    check("two notes", image is None and ("multiple definition" in said or "duplicate symbol" in said), said)

    image, said = folder.link(linker, "no PT_NOTE", requiring, note)
    check("no PT_NOTE", image is not None and "note_in_section_only" in explained(explain, image), said)
    return bad


def explained(explain: Path, image: Path) -> str:
    """QEMU's verdict."""
    return next(line for line in run_or_exit([explain, image]).splitlines() if " qemu " in line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--explain", type=Path, required=True)
    parser.add_argument("compiler")
    options = parser.parse_args()
    for tool in (options.compiler, *LINKERS):
        if missing(tool):
            return skip_without(tool)
    failed = 0
    for bits in (64, 32):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Folder(Path(scratch), options.compiler, bits, options.include)
            folder.build()
            for linker, suffix in itertools.product(LINKERS, ("cpp", "S")):
                bad = problems(folder, linker, suffix, options.explain)
                failed += len(bad)
                print(f"{options.compiler} -m{bits} {linker} .{suffix}: {'; '.join(bad) or 'ok'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
