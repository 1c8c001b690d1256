#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile one header alone, included twice, with each compiler, -m64 and -m32, no warning allowed.

Modes:
  hosted, freestanding  with the compiler's own <stddef.h> and <stdint.h>
  objects               <stddef.h> and <stdint.h> have only the typedefs that the compiler itself would use, and every
                        word of a list is an object-like macro that no program survives
  functions             the same with function-like macros, and with other typedefs of the same widths
  macros                the header leaves no macro but PVHBOOT_*
After the header the macros of `objects` and `functions` must be as they were. The list: every word that
abi/foreign_macros.def hides, and OTHERS, which no header uses.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import SKIP

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wswitch-enum",
            "-Wswitch-default", "-Weffc++", "-Wpacked", "-Wcast-align", "-Wold-style-cast", "-Wundef", "-Wredundant-decls",
            "-Werror"]
GCC_WARNINGS = ["-Wuseless-cast"]
FREESTANDING = ["-ffreestanding", "-nostdinc++", "-fno-exceptions", "-fno-rtti"]
# The words of the kernel's and the C library's headers are those of -m64; g++-multilib would bring the same.
WORDS = {"-m64": [], "-m32": ["-idirafter", "/usr/include/x86_64-linux-gnu"]}
POISON = ") wrong ("
# Usual macros of kernels and C libraries: attributes, which headers must spell in the reserved way, and constants.
OTHERS = """
  packed noreturn always_inline section weak nodiscard maybe_unused deprecated fallthrough likely unlikely noinline
  may_alias hot cold pure naked hidden visibility constructor cleanup no_unique_address
  min max barrier small near far interface major minor unix linux i386 current panic printk assert typeof container_of
  roundup rounddown howmany nitems countof isset setbit debug trace log
  BIT KB MB GB KiB MiB GiB PAGE_SIZE PAGE_SHIFT PAGE_MASK PAGE_ALIGN ALIGN ALIGN_UP ALIGN_DOWN ROUND_UP ROUND_DOWN
  DIV_ROUND_UP ARRAY_SIZE MIN MAX ABS EOF ERROR OK TRUE FALSE NULL IN OUT CONST VOID OPTIONAL BOOL BYTE WORD DWORD
  ASSERT BUG BUG_ON WARN WARN_ON PANIC DEBUG INFO WARNING SUCCESS FAILURE NONE EMPTY VERSION INLINE ALWAYS_INLINE
  NORETURN PACKED UNUSED USED LIKELY UNLIKELY READ_ONCE WRITE_ONCE ACCESS_ONCE READ WRITE KERNEL
""".split()
STDDEF = """#pragma once
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef decltype(nullptr) nullptr_t;
#define offsetof(type, member) __builtin_offsetof(type, member)
"""
# {name: type}: the compiler's own choice, and another one that is as right.
TYPEDEFS = {
    "objects": {**{f"{sign}int{bits}_t": f"__{sign.upper()}INT{bits}_TYPE__" for sign in ("", "u") for bits in (8, 16, 32, 64)},
                "intptr_t": "__INTPTR_TYPE__", "uintptr_t": "__UINTPTR_TYPE__"},
    "functions": {"int8_t": "signed char", "int16_t": "short", "int32_t": "WORD_32", "int64_t": "long long",
                  "uint8_t": "unsigned char", "uint16_t": "unsigned short", "uint32_t": "unsigned WORD_32",
                  "uint64_t": "unsigned long long", "intptr_t": "long", "uintptr_t": "unsigned long"},
}
# What a header is for is a macro: it must survive the words as well.
USES = {"pvhboot/pvh/emit_note.hpp":
        'extern "C" void entry_32();\nPVHBOOT_EMIT_NOTE(entry_32);\nPVHBOOT_REQUIRE_NOTE();\n'
        "PVHBOOT_EMIT_RELOC_NOTE(0x200000, 0x1000000, 0xffffffff);\n",
        "pvhboot/pvh/entry.hpp":
        "void kernel_main(uint32_t);\nvoid kernel_main_2(uint32_t, uint32_t);\n#ifdef __x86_64__\n"
        "PVHBOOT_ENTRY_64_HIGH(kernel_main, 16384, 0xffffffff80000000,\n"
        "                      PVHBOOT_ENTRY_CLEAR_BSS | PVHBOOT_ENTRY_RELOCATABLE | PVHBOOT_ENTRY_1G_PAGES);\n"
        "#else\nPVHBOOT_ENTRY_32(kernel_main_2, 16384);\n#endif\n"}


def hidden_words(include: Path) -> list[str]:
    text = (include / "pvhboot/abi/foreign_macros.def").read_text(encoding="utf-8")
    return re.findall(r"^#undef (\w+)$", text, re.MULTILINE)


def foreign_headers(folder: Path, mode: str) -> None:
    lines = [f"typedef {type_name} {name};" for name, type_name in TYPEDEFS[mode].items()]
    word = "#ifdef __i386__\n#define WORD_32 long\n#else\n#define WORD_32 int\n#endif"
    text = "\n".join(["#pragma once", word, *lines, "#undef WORD_32", ""])
    folder.mkdir()
    (folder / "stddef.h").write_text(STDDEF, encoding="utf-8")
    (folder / "stdint.h").write_text(text, encoding="utf-8")


def needed_first(include: Path, header: str) -> list[str]:
    """The headers of other projects that this one includes: they come before the macros."""
    found = re.findall(r"^#include <((?!pvhboot/).*)>$", (include / header).read_text(encoding="utf-8"), re.MULTILINE)
    return ["stddef.h", "stdint.h", *found]


def hostile(first: list[str], header: str, words: list[str], mode: str) -> str:
    parameters = "(...)" if mode == "functions" else ""
    lines = [f"#include <{name}>" for name in first]
    lines += [f"#undef {word}\n#define {word}{parameters} {POISON}" for word in words]
    lines += [f"#include <{header}>"] * 2 + [USES.get(header, "")]
    # The same definition once more is no error, another one is.
    lines += [f"#ifndef {word}\n#error {word} was lost\n#endif\n#define {word}{parameters} {POISON}" for word in words]
    return "\n".join(lines) + "\n"


def run(command: list[str], text: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, env=dict(os.environ, LC_ALL="C"))


def macros_left(command: list[str], first: list[str], header: str) -> str:
    """The macros that the header leaves and should not."""
    outputs = []
    for names in (first, [*first, header]):
        done = run([*command, "-E", "-dM"], "".join(f"#include <{name}>\n" for name in names))
        if done.returncode:
            return done.stderr
        outputs.append(set(done.stdout.splitlines()))
    changed = {re.split(r"[ (]", line)[1] for line in outputs[0] ^ outputs[1]}
    left = {name for name in changed if not name.startswith("PVHBOOT_")} | {"PVHBOOT_INSIDE_"} & changed
    return f"leaves or changes {', '.join(sorted(left))}" if left else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--hosted-only", action="store_true", help="the header needs a hosted library")
    parser.add_argument("header")
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()
    hidden = hidden_words(options.include)
    # The compilers' own <stddef.h> defines NULL whenever it is included.
    words = [word for word in [*hidden, *OTHERS] if not (options.hosted_only and word == "NULL")]
    if len(hidden) < 10 or len(words) != len(set(words)):
        print(f"the list of words is wrong: {len(hidden)} are hidden, twice: {sorted(w for w in words if words.count(w) > 1)}")
        return 1
    first = needed_first(options.include, options.header)
    plain = f"#include <{options.header}>\n#include <{options.header}>\n"
    complaints: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for mode in TYPEDEFS:
            foreign_headers(Path(scratch) / mode, mode)
        for compiler in options.compiler:
            if not shutil.which(compiler):
                print(f"{compiler}: skipped: not installed")
                continue
            warnings = WARNINGS + ([] if "clang" in compiler else GCC_WARNINGS)
            for word, more in WORDS.items():
                base = [compiler, "-std=c++20", word, *more, f"-I{options.include}", "-x", "c++", "-"]
                check = [*base, *warnings, "-fsyntax-only"]
                complaints[f"{compiler} {word} hosted"] = run(check, plain).stderr
                complaints[f"{compiler} {word} macros"] = macros_left(base, first, options.header)
                if not options.hosted_only:
                    complaints[f"{compiler} {word} freestanding"] = run([*check, *FREESTANDING], plain).stderr
                for mode in TYPEDEFS:
                    flags = [] if options.hosted_only else [*FREESTANDING, "-nostdinc", f"-I{scratch}/{mode}"]
                    complaints[f"{compiler} {word} {mode}"] = run([*check, *flags],
                                                                   hostile(first, options.header, words, mode)).stderr
    for name, complaint in complaints.items():
        print(f"{name}: {complaint or 'ok'}")
    return 1 if any(complaints.values()) else 0 if complaints else SKIP


if __name__ == "__main__":
    sys.exit(main())
