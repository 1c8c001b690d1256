# SPDX-License-Identifier: BSL-1.0
"""Compile every header with every compiler, standard, word size and mode, each warning an error; print the table."""

import argparse
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import sources
from lab import ROOT, LabError

# Those of the first line must be there; the others take part where they are installed.
REQUIRED = ("g++", "clang++")
OPTIONAL = ("clang++-16", "clang++-19")
STANDARDS = ("c++20", "c++23")
WORDS = ("-m64", "-m32")
KERNEL = ["-ffreestanding", "-nostdinc++", "-fno-exceptions", "-fno-rtti", "-mgeneral-regs-only", "-mno-80387",
          "-fno-stack-protector", "-fno-pic"]
MODES = {"hosted": [], "freestanding": ["-ffreestanding", "-nostdinc++"], "kernel": KERNEL}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]
# Opt-ins that need a library; they have their place in the hosted cells.
HOSTED_ONLY = ("pvhboot/reflect.hpp",)


@dataclass(frozen=True)
class Cell:
    compiler: str
    standard: str
    word: str
    mode: str

    @property
    def command(self) -> list[str]:
        flags = list(MODES[self.mode])
        if self.mode == "kernel" and self.word == "-m64":
            flags.append("-mcmodel=kernel")
        standard = "c++2b" if self.standard == "c++23" else self.standard  # what older compilers call it
        include = f"-I{ROOT / 'include'}"
        return [self.compiler, f"-std={standard}", self.word, *flags, *WARNINGS, include, "-fsyntax-only"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="tell each command")


def compilers() -> list[str]:
    missing = [name for name in REQUIRED if not shutil.which(name)]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)}")
    return [name for name in REQUIRED + OPTIONAL if shutil.which(name)]


def run(options: argparse.Namespace) -> int:
    cells = [Cell(compiler, standard, word, mode) for compiler in compilers() for standard in STANDARDS
             for word in WORDS for mode in MODES]
    with tempfile.TemporaryDirectory(prefix="pvhboot-matrix-") as scratch:
        units = {mode: write_unit(Path(scratch) / f"{mode}.cpp", mode) for mode in MODES}
        results = sources.parallel(lambda cell: compile_cell(cell, units[cell.mode], options.verbose), cells)
    show(cells, results)
    failed = sum(bool(text) for text in results)
    for cell, text in zip(cells, results):
        if text:
            print(f"failed: {' '.join(cell.command)}")
    for finding in sources.distinct(filter(None, results)):
        print(f"\n{finding}")
    print(f"matrix: {len(cells) - failed} of {len(cells)} cells are clean")
    return 1 if failed else 0


def write_unit(file: Path, mode: str) -> Path:
    """All headers in one unit. `emit_note.hpp` is an opt-in as well, but needs nothing."""
    headers = [name for name in sources.public_headers() if mode == "hosted" or name not in HOSTED_ONLY]
    file.write_text("".join(f"#include <{name}>\n" for name in headers), encoding="utf-8")
    return file


def compile_cell(cell: Cell, unit: Path, verbose: bool) -> str:
    """What the compiler complains about; empty when it does not."""
    if verbose:
        print(" ".join(cell.command), flush=True)
    done = subprocess.run([*cell.command, str(unit)], capture_output=True, text=True, timeout=300, check=False,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, LC_ALL="C"))
    text = (done.stdout + done.stderr).strip()
    return text or (f"exit status {done.returncode}" if done.returncode else "")


def show(cells: list[Cell], results: list[str]) -> None:
    columns = [f"{word[1:]} {mode}" for word in WORDS for mode in MODES]
    print("  ".join(["compiler    standard", *columns]))
    for start in range(0, len(cells), len(columns)):
        words = ["ok" if not text else "FAILED" for text in results[start:start + len(columns)]]
        print("  ".join([f"{cells[start].compiler:<11} {cells[start].standard:<8}",
                         *(word.ljust(len(name)) for word, name in zip(words, columns))]).rstrip())
