#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Make each mistake in the last table of docs/kernel.md, and compare the symptom. Each row of the table has a case."""

import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from common import missing, run, skip_without
from lab import ROOT, LabError, qemu

TEMPLATE = ROOT / "examples" / "template" / "make"
NOTE, ENTRY, HIGH, MEM, STACK = ("PVH ELF Note", "cannot find entry symbol _start", "relocation truncated to fit",
                                 "undefined reference to `mem", "undefined reference to `__stack_chk_fail'")
DISCARDED = "defined in discarded section `.note.Xen'"
AT_ONCE, LATER, SILENT = "exits at once", "exits after some output", "runs on"
SECONDS = 4  # how long a machine must print nothing


@dataclass(frozen=True)
class Mistake:
    """Changes of the template's files, and the symptom: a text that make or the machine prints, or one of the above."""

    row: str  # the beginning of the row's symptom in the page
    symptom: str
    changes: tuple[tuple[str, str, str], ...] = ()  # file, regular expression, replacement
    make: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()


def change(file: str, old: str, new: str) -> tuple[tuple[str, str, str], ...]:
    return ((file, old, new),)


ENTRY_LINE = r"PVHBOOT_ENTRY_64_HIGH\(.*"
OWN_START = ('extern "C" void _start() { kernel_main(0); }\n#include <pvhboot/pvh/emit_note.hpp>\n'
             "PVHBOOT_EMIT_NOTE(_start);\n")
MISTAKES = [
    Mistake("QEMU: `Error", NOTE, change("kernel.cpp", ENTRY_LINE, "")),
    Mistake("QEMU: `Error", NOTE, change("identity.ld", r" :text :note|  note PT_NOTE FLAGS\(4\);", "")),
    Mistake("the linker: `pvhboot", DISCARDED, change("identity.ld", r"KEEP\(\*\(.note.Xen\)\)", "") +
            change("identity.ld", r"/DISCARD/ : \{", "/DISCARD/ : { *(.note.Xen)")),
    Mistake("QEMU: `Error", NOTE, change("Makefile", "-fcf-protection=none", "-fcf-protection") +
            change("identity.ld", r"KEEP\(\*\(.note.Xen\)\)", "*(.note.gnu.property) KEEP(*(.note.Xen))")),
    Mistake("QEMU: `Error", NOTE, then=("strip", "--remove-section=.note.Xen", "kernel.elf")),
    Mistake("the linker: `cannot", ENTRY, change("kernel.cpp", ENTRY_LINE, "")),
    Mistake("the linker: `relocation", HIGH, change("Makefile", "-mcmodel=kernel", ""), ("SCRIPT=higher-half",)),
    Mistake("the linker: `undefined reference to` `memset`", MEM,
            change("support.hpp", r'(?s)extern "C" \{.*', "") +
            change("kernel.cpp", r"  const auto boot", "  char text[512];\n"
                   "  __builtin_memmove(text, text + (start_info & 63), start_info & 255);\n"
                   '  asm volatile("" : : "r"(text) : "memory");\n  const auto boot')),
    Mistake("the linker: `undefined reference to` `__stack", STACK,
            change("Makefile", "-fno-stack-protector", "-fstack-protector-all")),
    Mistake("QEMU exits at once", AT_ONCE, change("Makefile", "-mgeneral-regs-only", "")),
    Mistake("QEMU exits after", LATER,
            change("kernel.cpp", r'  print\("that', "  char text[0x100000];\n"
                   '  for (char& c : text) *const_cast<volatile char*>(&c) = 1;\n  print("that')),
    Mistake("QEMU exits after", LATER,
            change("kernel.cpp", r'  print\("that', "  *reinterpret_cast<volatile char*>(0x140000000) = 1;\n"
                   '  print("that')),
    Mistake("nothing is printed", SILENT, change("kernel.cpp", ENTRY_LINE, OWN_START)),
    Mistake("nothing is printed", SILENT, change("Makefile", "VIRTUAL_BASE=0$", "VIRTUAL_BASE=0xffffffff80000000")),
    Mistake("nothing is printed", SILENT, change("identity.ld", "0x200000", "0x20000000")),
    Mistake("`pvhboot: this CPU has no long", "pvhboot: this CPU has no long mode", machine=("-cpu", "qemu64,-lm")),
    Mistake("`pvhboot: this CPU has no pages", "pvhboot: this CPU has no pages of 1 GiB",
            change("kernel.cpp", r"VIRTUAL_BASE\)", "VIRTUAL_BASE, PVHBOOT_ENTRY_1G_PAGES)")),
]


def symptom(mistake: Mistake, folder: Path) -> str:
    """What is wrong with the symptom."""
    shutil.copytree(TEMPLATE, folder)
    (folder / "include").symlink_to(ROOT / "include")
    for file, old, new in mistake.changes:
        text = (folder / file).read_text(encoding="utf-8")
        changed = re.sub(old, lambda _match, new=new: new, text, flags=re.MULTILINE)
        if changed == text:
            return f"{file} has nothing like {old!r}"
        (folder / file).write_text(changed, encoding="utf-8")
    printed = run(["make", *mistake.make], cwd=folder)
    text = printed.stdout + printed.stderr
    if mistake.symptom in (DISCARDED, ENTRY, HIGH, MEM, STACK):
        return "" if mistake.symptom in text else text
    if printed.returncode:
        return text
    if mistake.then:
        run(list(mistake.then), cwd=folder)
    return of_machine(mistake, qemu.Machine(folder / "kernel.elf", debug_exit=False, extra=mistake.machine))


def of_machine(mistake: Mistake, machine: qemu.Machine) -> str:
    def on_line(_seconds: float, line: str) -> None:
        if line == mistake.symptom:
            raise qemu.Stop

    try:
        done = qemu.start(machine, SECONDS if mistake.symptom == SILENT else 30, on_line=on_line)
    except qemu.Hang as why:
        return "" if mistake.symptom == SILENT and not why.run.lines else str(why)
    except LabError as why:
        return "" if mistake.symptom in str(why) else str(why)
    ok = done.end == qemu.STOPPED or done.end == qemu.RESET and mistake.symptom == (LATER if done.lines else AT_ONCE)
    return "" if ok else f"{done.how()}:\n{done.tail()}"


def rows_of(page: str) -> list[str]:
    """The symptoms in the page's last table."""
    table = page[page.index("| symptom | cause |"):]
    return re.findall(r"^\| (.*?) \| ", table[:table.index("\n\n")], re.MULTILINE)[1:]


def main() -> int:
    if tool := missing("make", "g++", "strip", "qemu-system-x86_64"):
        return skip_without(tool)
    rows = rows_of((ROOT / "docs" / "kernel.md").read_text(encoding="utf-8"))
    failures = [f"no case for the row {row!r}" for row in rows if not any(row.startswith(m.row) for m in MISTAKES)]
    failures += [f"docs/kernel.md has no row {m.row!r}" for m in MISTAKES if not any(r.startswith(m.row) for r in rows)]
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        places = [Path(scratch) / str(number) for number in range(len(MISTAKES))]
        for mistake, wrong in zip(MISTAKES, pool.map(symptom, MISTAKES, places)):
            if wrong:
                failures.append(f"{mistake.row} {[old for _, old, _ in mistake.changes]}: {wrong}")
    print("\n".join(failures) or f"{len(MISTAKES)} mistakes have the symptoms of {len(rows)} rows")
    return 1 if failures or len(rows) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
