# SPDX-License-Identifier: BSL-1.0
"""List the lines, branches and conditions of the headers that the unit tests do not reach, or those that the corpora of
the fuzz harnesses do not reach.
"""

import argparse
import subprocess
from pathlib import Path

import values
from common import SKIP, script
from lab import ROOT


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("unit", "corpora"), default="unit", help="default: unit")
    parser.add_argument("--html", type=values.folder, metavar="FOLDER", help="for the sources with their gaps and the reasons")


def run(options: argparse.Namespace) -> int:
    folder = ROOT / "tests" / "coverage"
    commands = [script(folder / "conditions.py", "--root", ROOT, "--of", options.what)]
    if options.html:
        commands[0] += ["--html", str(options.html)]
    if options.what == "unit":
        commands.insert(0, script(folder / "measure.py", "--root", ROOT))
    statuses = [run_one(command) for command in commands]
    return next((status for status in statuses if status not in (0, SKIP)), min(statuses))


def run_one(command: list[str]) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=1800, check=False).returncode
