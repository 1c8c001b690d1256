#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile the C interface as projects in C do. Exit with 0, 1, or 77 (skipped).

Checks:
  header     pvhboot.h and layout.c in C and in C++ without a warning, hosted, freestanding, and among a kernel's macros;
             nothing in the header that generators of bindings cannot read
  functions  functions.c, which calls every function, linked with pvhboot_c.cpp and run; the fuzz harness calls each too
  symbols    pvhboot_c.cpp without a warning in each mode, with the four mem* functions as the only undefined symbols
  size       the linked text of loader.c, which is the same program as loader.cpp; and the bytes that c/pvhboot.h states
"""

import argparse
import itertools
import re
import sys
import tempfile
from pathlib import Path

from common import missing, run, run_or_exit, skip
from lab import ROOT

HERE = Path(__file__).resolve().parent
INCLUDE = ROOT / "include"
HEADER = INCLUDE / "pvhboot/c/pvhboot.h"
SOURCE = INCLUDE / "pvhboot/c/pvhboot_c.cpp"
COMPILERS = (("gcc-12", "g++-12"), ("clang-14", "clang++-14"), ("clang-19", "clang++-19"))
WORDS = ("-m64", "-m32")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wswitch-enum",
            "-Wswitch-default", "-Wpacked", "-Wcast-align", "-Wundef", "-Wredundant-decls", "-Werror"]
C_WARNINGS = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wc++-compat"]
CPP_WARNINGS = ["-Wold-style-cast", "-Weffc++"]
C_STANDARDS = ("c99", "c11", "gnu17")
CPP_STANDARDS = ("c++98", "c++11", "c++20")
FREESTANDING = ["-ffreestanding", "-fno-exceptions", "-fno-pic", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
                "-mgeneral-regs-only", "-fcf-protection=none"]
CPP_FREESTANDING = [*FREESTANDING, "-std=c++20", "-fno-rtti", "-nostdinc++"]
SECTIONS = ["-ffunction-sections", "-fdata-sections"]
MEMBERS = {"version"}  # a member's name in spite of being some project's macro: every user would look for it
ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
MOST = 1.15
STATED = re.compile(r"(\d+) KiB of 32-bit code")
# A stand-in for the compiler's own headers.
STDDEF = "#pragma once\ntypedef __SIZE_TYPE__ size_t;\n#define NULL ((void *)0)\n#define offsetof(t, m) __builtin_offsetof(t, m)\n"
STDINT = "#pragma once\n" + "".join(f"typedef __{sign.upper()}INT{bits}_TYPE__ {sign}int{bits}_t;\n" for sign in ("", "u") for bits in (8, 16, 32, 64))


def code_of(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def not_for_bindings(header: str) -> list[str]:
    """What a generator of bindings cannot read, or would translate wrongly."""
    code = code_of(header)
    found = []
    for name, value in re.findall(r"^#define (\w+)(.*)$", code, re.MULTILINE):
        if name not in ("PVHBOOT_C_PVHBOOT_H", "PVHBOOT_ERROR", "PVHBOOT_ODDITY"):
            found.append(f"a macro: {name}{value}")
    found += [f"a bit-field: {line.strip()}" for line in code.splitlines() if re.search(r"\w\s*:\s*\d+\s*;", line)]
    found += [f"{word}" for word in ("union", "inline", "__attribute__", "restrict", "bool", "long", "float")
              if re.search(rf"\b{word}\b", code)]
    included = set(re.findall(r"#include <([^>]+)>", code))
    extra = included - {"stddef.h", "stdint.h", "pvhboot/core/errors.def", "pvhboot/pvh/oddities.def"}
    return found + [f"an include: {name}" for name in sorted(extra)]


def check_header(pairs: list, scratch: Path) -> list[str]:
    header = HEADER.read_text(encoding="utf-8")
    wrong = [f"pvhboot.h has {what}" for what in not_for_bindings(header)]
    # The check itself.
    for line, what in (("#define PVHBOOT_X 1", "a macro"), ("  uint32_t a : 3;", "a bit-field"), ("union u;", "union"),
                       ("#include <string.h>", "an include")):
        if not any(found.startswith(what) for found in not_for_bindings(f"{header}\n{line}\n")):
            wrong.append(f"self-test: {line} was not found")
    (scratch / "stddef.h").write_text(STDDEF, encoding="utf-8")
    (scratch / "stdint.h").write_text(STDINT, encoding="utf-8")
    foreign = (INCLUDE / "pvhboot/abi/foreign_macros.def").read_text(encoding="utf-8")
    words = [word for word in re.findall(r"^#undef (\w+)$", foreign, re.MULTILINE) if word not in MEMBERS]
    include = "#include <stddef.h>\n#include <stdint.h>\n"
    macros = "".join(f"#undef {word}\n#define {word} ) wrong (\n" for word in words)
    again = "#include <pvhboot/c/pvhboot.h>\n" * 2
    texts = {"plain": again, "macros": include + macros + again, "layout": (HERE / "layout.c").read_text(encoding="utf-8")}
    count = 0
    for (c, cpp), word, (name, text) in itertools.product(pairs, WORDS, texts.items()):
        base = [f"-I{INCLUDE}", f"-I{HERE}", *WARNINGS, word, "-fsyntax-only"]
        commands = [[c, "-x", "c", f"-std={standard}", *base, *C_WARNINGS] for standard in C_STANDARDS]
        commands += [[c, "-x", "c", "-std=c99", *base, *C_WARNINGS, "-ffreestanding", "-nostdinc", f"-I{scratch}"]]
        commands += [[cpp, "-x", "c++", f"-std={standard}", *base, *CPP_WARNINGS] for standard in CPP_STANDARDS]
        for command in commands:
            count += 1
            done = run([*command, "-"], input=text)
            if done.returncode or done.stderr:
                wrong.append(f"{name}: {' '.join(command)}\n{done.stderr}")
    print(f"{count} compilations of the header with {len(words)} foreign macros")
    return wrong


def declared() -> set[str]:
    return set(re.findall(r"\b(pvhboot_\w+)\(", code_of(HEADER.read_text(encoding="utf-8"))))


def members() -> set[tuple[str, str]]:
    """Struct and member, of every struct of the header."""
    found = set()
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", code_of(HEADER.read_text(encoding="utf-8")), re.M | re.S):
        for declaration in filter(None, map(str.strip, body.split(";"))):
            match = re.search(r"\(\s*\*\s*(\w+)\)", declaration) or re.search(r"(\w+)\s*(?:\[.*\])?$", declaration)
            found.add((name, match[1]))
    return found


def check_functions(pairs: list, scratch: Path) -> list[str]:
    wrong = []
    functions = declared()
    if len(functions) < 40:
        wrong.append(f"only {len(functions)} functions were found in pvhboot.h")
    harness = sorted(ROOT.glob("examples/fuzz/interface*.?pp"))
    for user, sources in (("functions.c", [HERE / "functions.c"]), ("the fuzz harness of the interface", harness)):
        calls = {name for source in sources
                 for name in re.findall(r"\b(pvhboot_\w+)\b", source.read_text(encoding="utf-8"))}
        wrong += [f"{user} does not call {name}" for name in sorted(functions - calls)]
    rows = set(re.findall(r"^OFFSET\((\w+), (\w+),", (HERE / "layout.def").read_text(encoding="utf-8"), re.MULTILINE))
    wrong += [f"layout.def and pvhboot.h differ in {struct}.{member}" for struct, member in sorted(rows ^ members())]
    for (c, cpp), word, level in itertools.product(pairs, WORDS, ("-O0", "-O2")):
        program = scratch / "functions"
        sanitize = ["-fsanitize=undefined", "-fno-sanitize-recover=all"] if c == "gcc-12" and level == "-O0" else []
        run_or_exit([cpp, "-std=c++20", word, level, *sanitize, f"-I{INCLUDE}", "-c", SOURCE, "-o", scratch / "c.o"])
        run_or_exit([c, "-std=c99", word, level, *WARNINGS, *sanitize, f"-I{INCLUDE}", "-c", HERE / "functions.c", "-o",
                     scratch / "functions.o"])
        # Linked by the C compiler, so without the C++ library.
        run_or_exit([c, word, *sanitize, scratch / "functions.o", scratch / "c.o", "-o", program])
        try:
            done = run([program])
        except OSError:  # a kernel without 32-bit programs
            done = run(["qemu-i386", program])
        print(f"{c} {word} {level}: {done.stdout.strip()}")
        if done.returncode:
            wrong.append(f"functions.c, {c} {word} {level}: {done.stdout}{done.stderr}")
    return wrong


def check_symbols(pairs: list, scratch: Path) -> list[str]:
    wrong = []
    for (_, cpp), word, level, mode in itertools.product(pairs, WORDS, ("-Os", "-O2"), ("hosted", "kernel")):
        flags = ["-fno-pic", "-std=c++20"] if mode == "hosted" else CPP_FREESTANDING
        useless = [] if "clang" in cpp else ["-Wuseless-cast"]
        done = run([cpp, *flags, word, level, *WARNINGS, *CPP_WARNINGS, *useless, f"-I{INCLUDE}", "-c", SOURCE, "-o",
                    scratch / "c.o"])
        wanted = set() if done.returncode else {line.split()[-1] for line in
                                                run_or_exit(["nm", "-u", scratch / "c.o"]).splitlines()}
        print(f"{cpp} {word} {level} {mode}: {' '.join(sorted(wanted))}")
        if done.returncode or done.stderr or not wanted <= ALLOWED:
            wrong.append(f"{cpp} {word} {level} {mode}: {done.stderr}{' '.join(sorted(wanted - ALLOWED))}")
    return wrong


def text_of(path: Path) -> int:
    return int(run_or_exit(["size", path]).splitlines()[1].split()[0])


def check_size(pairs: list, scratch: Path) -> list[str]:
    wrong = []
    stated = STATED.search(HEADER.read_text(encoding="utf-8"))
    if not stated:
        wrong.append("pvhboot.h does not state its size")
    print(f"{'text, -Os -m32':20}{'in C':>8}{'in C++':>8}{'ratio':>8}{'allowed':>9}{'whole interface':>17}")
    for c, cpp in pairs:
        flags = ["-m32", "-Os", *SECTIONS, f"-I{INCLUDE}", "-c"]
        for compiler, source in ((cpp, SOURCE), (cpp, HERE / "loader.cpp"), (c, HERE / "loader.c"), (c, HERE / "mem.c")):
            language = CPP_FREESTANDING if source.suffix == ".cpp" else [*FREESTANDING, "-std=c99", "-fno-builtin"]
            run_or_exit([compiler, *language, *flags, source, "-o", scratch / f"{source.name}.o"])
        sizes = []
        for objects in (("loader.c", SOURCE.name), ("loader.cpp",)):
            run_or_exit([c, "-m32", "-nostdlib", "-static", "-Wl,--gc-sections,-e,start,--build-id=none", "-o", scratch / "program",
                         *(scratch / f"{name}.o" for name in (*objects, "mem.c"))])
            sizes.append(text_of(scratch / "program"))
        whole = text_of(scratch / f"{SOURCE.name}.o")
        ratio = sizes[0] / sizes[1]
        print(f"{cpp:20}{sizes[0]:8}{sizes[1]:8}{ratio:8.3f}{MOST:9.2f}{whole:17}")
        if ratio > MOST:
            wrong.append(f"{cpp}: the program in C has {ratio:.3f} of the text of the one in C++")
        if stated and whole > int(stated[1]) << 10:
            wrong.append(f"{cpp}: the interface has {whole} bytes, more than the {stated[0]} that pvhboot.h states")
    return wrong


CHECKS = {"header": check_header, "functions": check_functions, "symbols": check_symbols, "size": check_size}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=CHECKS)
    options = parser.parse_args()
    present = [pair for pair in COMPILERS if not missing(*pair)]
    if not present:
        return skip("none of gcc-12, clang-14 and clang-19 is installed")
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        wrong = CHECKS[options.check](present, Path(scratch))
    print("\n".join(wrong) or "ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
