#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile the library with one compiler in every standard, word size and mode, without warnings.

Each cell compiles all headers in one unit, the zero page at compile time (tests/layout/boot_params.cpp), and every
function that a kernel calls (tests/link/everything.cpp), with optimisation, which enables the warnings of the later
passes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import SKIP

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wswitch-enum",
            "-Wswitch-default", "-Weffc++", "-Wpacked", "-Wcast-align", "-Wold-style-cast", "-Wundef", "-Wredundant-decls",
            "-Werror"]
GCC_WARNINGS = ["-Wuseless-cast"]
STANDARDS = ("c++20", "c++23")
WORDS = ("-m64", "-m32")
FREESTANDING = ["-ffreestanding", "-nostdinc++"]
MODES = {
    "hosted": [],
    "freestanding": FREESTANDING,
    "kernel": [*FREESTANDING, "-nostdlib", "-fno-exceptions", "-fno-rtti", "-mgeneral-regs-only", "-mno-80387", "-fno-pic",
               "-fno-stack-protector"],
}
HOSTED_ONLY = {"pvhboot/reflect.hpp"}  # needs Boost
SOURCES = ("tests/layout/boot_params.cpp", "tests/link/everything.cpp")


def compile_cell(compiler: str, root: Path, include: Path, unit: Path, standard: str, word: str, mode: str) -> str:
    """What the compiler says; empty if it is content."""
    flags = MODES[mode] + ([] if "clang" in compiler else GCC_WARNINGS)
    if mode == "kernel" and word == "-m64":
        flags.append("-mcmodel=kernel")
    if mode == "hosted" and word == "-m32":
        flags += ["-idirafter", "/usr/include/x86_64-linux-gnu"]  # for asm/ of the kernel's headers
    for source in (unit, *(root / name for name in SOURCES)):
        done = subprocess.run([compiler, f"-std={standard}", word, *flags, *WARNINGS, "-O2", f"-I{include}", "-S", "-o", os.devnull,
                               str(source)], capture_output=True, text=True, timeout=300,
                              env=dict(os.environ, LC_ALL="C"))
        if done.returncode or done.stderr:
            return f"{' '.join(done.args)}\n{done.stderr}"
    return ""


def spelling(compiler: str, standard: str) -> str:
    """Older compilers call C++23 by its working title."""
    probe = subprocess.run([compiler, f"-std={standard}", "-fsyntax-only", "-x", "c++", os.devnull], capture_output=True)
    return standard if probe.returncode == 0 else standard.replace("23", "2b")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--include", type=Path, help="the folder of pvhboot/, instead of the project's")
    parser.add_argument("compiler")
    options = parser.parse_args()
    if not shutil.which(options.compiler):
        print(f"skipped: {options.compiler} is not installed")
        return SKIP
    include = options.include or options.root / "include"
    headers = sorted(str(path.relative_to(include)) for path in (include / "pvhboot").rglob("*.hpp"))
    cells = [(standard, word, mode) for standard in STANDARDS for word in WORDS for mode in MODES]
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        units = {}
        for mode in MODES:
            units[mode] = Path(scratch) / f"{mode}.cpp"
            units[mode].write_text("".join(f"#include <{name}>\n" for name in headers
                                           if mode == "hosted" or name not in HOSTED_ONLY), encoding="utf-8")
        outputs = list(pool.map(
            lambda cell: compile_cell(options.compiler, options.root, include, units[cell[2]], spelling(options.compiler, cell[0]),
                                      *cell[1:]), cells))
    print(f"{options.compiler:12}" + "".join(f"{f'{word} {mode}':>20}" for word in WORDS for mode in MODES))
    for standard in STANDARDS:
        print(f"{standard:12}" + "".join(f"{'FAILED' if output else 'ok':>20}"
                                         for cell, output in zip(cells, outputs) if cell[0] == standard))
    for output in filter(None, outputs):
        print(output)
    print(f"{sum(not output for output in outputs)} of {len(cells)} cells are clean")
    return 1 if any(outputs) else 0


if __name__ == "__main__":
    sys.exit(main())
