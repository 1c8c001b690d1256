# SPDX-License-Identifier: BSL-1.0
"""Damage the logic of the headers, one place at a time, and list the damage that no test notices.

A sample of 100 takes minutes, all of it hours; --log keeps the verdicts of a run that is stopped.
"""

import argparse
import subprocess
from pathlib import Path

import values
from common import script
from lab import ROOT, LabError


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="judge all mutants")
    which.add_argument("--sample", type=lambda text: values.whole(text, 100000, "a number of mutants"), metavar="N",
                       help="judge so many (default: 100)")
    which.add_argument("--header", metavar="NAME", help="judge the mutants of one header, such as core/span.hpp")
    which.add_argument("--id", action="append", metavar="ID", help="judge this mutant; may be repeated")
    parser.add_argument("--seed", type=values.seed, metavar="N", help="of the sample (default: the seed of ./dev test)")
    parser.add_argument("--deep", action="store_true", help="judge every mutant, not every sixth")
    parser.add_argument("--learn", action="store_true",
                        help="with --all: write tests/mutation/order.txt, which says what test to ask first")
    parser.add_argument("--log", type=Path, metavar="FILE", help="of verdicts: a run that was stopped goes on from it")


def check(options: argparse.Namespace) -> None:
    if options.header and not (ROOT / "include" / "pvhboot" / options.header).is_file():
        raise LabError(f"--header: no such header: {options.header}")
    if options.log and options.log.is_dir():
        raise LabError(f"--log: {options.log} is a folder")


def run(options: argparse.Namespace) -> int:
    command = script(ROOT / "tests" / "mutation" / "logic.py", "--root", ROOT)
    command += [f"--{name}" for name in ("all", "deep", "learn") if getattr(options, name)]
    for name in ("sample", "header", "seed"):
        if value := getattr(options, name):
            command += [f"--{name}", str(value)]
    for name in options.id or ():
        command += ["--id", name]
    if options.log:
        command += ["--log", str(options.log.absolute())]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
