# SPDX-License-Identifier: BSL-1.0
"""Compile the library with every compiler, standard, word size and mode, and run its tests on other machines.

`./dev test matrix` does the same without showing the tables.
"""

import argparse
import subprocess
from pathlib import Path

from common import SKIP, script
from lab import ROOT, LabError

COMPILERS = ("g++-12", "clang++-14", "clang++-16", "clang++-19")
MACHINES = ("m32", "sanitizers", "big_endian")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"one of {', '.join(COMPILERS + MACHINES)}")


def check(options: argparse.Namespace) -> None:
    unknown = [name for name in options.only if name not in COMPILERS + MACHINES]
    if unknown:
        raise LabError(f"no compiler or machine {', '.join(unknown)}: there are {', '.join(COMPILERS + MACHINES)}")


def run(options: argparse.Namespace) -> int:
    folder = ROOT / "tests" / "matrix"
    parts = [(name, folder / "cells.py") for name in COMPILERS] + [(name, folder / "units.py") for name in MACHINES]
    chosen = [part for part in parts if not options.only or part[0] in options.only]
    statuses = [run_part(path, name) for name, path in chosen]
    failed = sum(status not in (0, SKIP) for status in statuses)
    print(f"matrix: {statuses.count(0)} parts are clean, {failed} are not, {statuses.count(SKIP)} were skipped")
    return 1 if failed or 0 not in statuses else 0


def run_part(path: Path, name: str) -> int:
    command = script(path, "--root", ROOT, name)
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=1200, check=False).returncode
