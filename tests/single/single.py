#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Test pvhboot_all.hpp and its opt-ins. Exit with 0, 1, or 77 (skipped).

Parts:
  made       the files are the same from every folder, and have the version and the commit
  refusals   headers that cannot become one file, and wrong options, are errors that name their place
  selection  the macros select the halves, in one include and in several
  headers    pvhboot_all.hpp, with --all every file too, alone and with foreign macros, as tests/headers
  two-units  every file in two units of one program, as tests/headers
  example    each file of examples/single compiles with pvhboot_all.hpp alone, and runs
  units      some of tests/unit, with --all the whole folder and tests/layout
  m32, sanitizers, big_endian, matrix, cost   the tests of tests/matrix and tests/include_cost
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import forward
import making
import single_header
from common import missing, run, script, skip_without
from lab import ROOT, LabError

TESTS = ROOT / "tests"
MACHINES = ("m32", "sanitizers", "big_endian")
COMPILERS = ("g++-12", "clang++-14")
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]
UNITS = ("bzimage", "handoff", "memory_map", "parse", "plan", "translate")
# What only one half has: a statement of a program, and the macros that select that half.
HALVES = {"PVHBOOT_CONSUMER": "(void)pvhboot::prepare_for_linux;", "PVHBOOT_PRODUCER": "(void)sizeof(pvhboot::handoff);"}


def compiled(source: Path, *options: object, compiler: str = "g++-12") -> str:
    """What the compiler says; empty if the source is correct."""
    done = run([compiler, *FLAGS, *options, source])
    return done.stderr or ("" if done.returncode == 0 else f"{compiler} ended with {done.returncode}")


def must_compile(source: Path, *options: object, compiler: str = "g++-12") -> None:
    if said := compiled(source, *options, compiler=compiler):
        raise LabError(f"{source.name} with {compiler}:\n{said}")


def must_run(program: Path) -> str:
    done = run([program])
    if done.returncode:
        raise LabError(f"{program.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def selection(folder: Path) -> None:
    consumer, producer = HALVES
    both = f"#define {consumer}\n#define {producer}\n"
    cases = {  # the text before main, and the halves that the program has
        f'#include "{single_header.ALL}"\n': {consumer},
        f'#define {consumer}\n#include "{single_header.ALL}"\n': {consumer},
        f'#define {producer}\n#include "{single_header.ALL}"\n': {producer},
        f'{both}#include "{single_header.ALL}"\n': {consumer, producer},
        f'#include "{single_header.ALL}"\n#define {producer}\n#include "{single_header.ALL}"\n': {consumer, producer},
        f'#define {producer}\n#include "{single_header.ALL}"\n#define {consumer}\n#include "{single_header.ALL}"\n':
            {consumer, producer},
        f'#define {producer}\n#include "pvhboot_pvh_lint.hpp"\n#include "{single_header.ALL}"\n': {consumer, producer},
        '#include "pvhboot_core_format.hpp"\n': {consumer},
        '#include "pvhboot_pvh_handoff_layout.hpp"\n#ifdef PVHBOOT_PRODUCER\n#error left\n#endif\n': {producer},
    }
    source = folder / "selection.cpp"
    for text, halves in cases.items():
        for half, statement in HALVES.items():
            source.write_text(f"{text}int main() {{ {statement} }}\n", encoding="utf-8")
            said = compiled(source, "-fsyntax-only", f"-I{folder}")
            if (said == "") != (half in halves):
                raise LabError(f"{half} {'is missing' if half in halves else 'is there'} after\n{text}{said}")


def headers(folder: Path, whole: bool) -> None:
    chosen = {single_header.ALL, "pvhboot/producer.hpp", "pvhboot/pvh/entry.hpp"}
    if whole:
        chosen |= {"pvhboot/pvh/emit_note.hpp", *(path.name for path in folder.glob("*.hpp"))}
    for name in sorted(chosen):
        hosted = ["--hosted-only"] if "reflect" in name else []
        delegate("headers/alone.py", "--include", folder, *hosted, name, *COMPILERS)


def two_units(folder: Path) -> None:
    for compiler in COMPILERS:
        program = folder / compiler
        must_compile(TESTS / "headers/one.cpp", TESTS / "headers/two.cpp", f"-I{folder}", "-o", program, compiler=compiler)
        print(must_run(program), end="")


def example(folder: Path) -> None:
    alone = folder / "alone"
    alone.mkdir()
    (folder / single_header.ALL).rename(alone / single_header.ALL)
    sources = sorted((ROOT / "examples/single").glob("*.cpp"))
    if not sources:
        raise LabError("examples/single has no source")
    for source in sources:
        printed = {must_run(build(alone, source, compiler, word)) for compiler in COMPILERS for word in ("-m64", "-m32")}
        if len(printed) != 1 or "" in printed:
            raise LabError(f"{source.name} prints {printed}")


def build(alone: Path, source: Path, compiler: str, word: str) -> Path:
    program = alone / f"{source.stem}{word}-{compiler}"
    must_compile(source, word, "-O2", f"-I{alone}", "-o", program, compiler=compiler)
    return program


def delegate(test: str, *arguments: object) -> None:
    done = subprocess.run(script(TESTS / test, *arguments), stdin=subprocess.DEVNULL, timeout=1200, check=False)
    if done.returncode:
        raise LabError(f"{test} {' '.join(map(str, arguments))} ended with {done.returncode}")


def perform(options: argparse.Namespace, folder: Path) -> None:
    forward.write(folder)
    match options.part:
        case "made":
            making.check_files(folder)
        case "refusals":
            making.check_refusals(folder)
        case "selection":
            selection(folder)
        case "headers":
            headers(folder, options.all)
        case "two-units":
            two_units(folder)
        case "example":
            example(folder)
        case "units":
            delegate("matrix/units.py", "--root", ROOT, "--include", folder, "native", *([] if options.all else ["--only", *UNITS]))
        case "matrix":
            delegate("matrix/cells.py", "--root", ROOT, "--include", folder, options.compiler)
        case "cost":
            delegate("include_cost/cost.py", "--include", folder, options.compiler, single_header.ALL, "pvhboot/producer.hpp")
        case machine:
            delegate("matrix/units.py", "--root", ROOT, "--include", folder, machine)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("made", "refusals", "selection", "headers", "two-units", "example", "units", "matrix", "cost",
                                         *MACHINES))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--compiler", default="g++-12")
    options = parser.parse_args()
    if tool := missing(options.compiler, *COMPILERS):
        return skip_without(tool)
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        try:
            perform(options, Path(scratch))
        except LabError as why:
            print(f"{options.part}: {why}")
            return 1
    print(f"{options.part}: works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
