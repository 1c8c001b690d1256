# SPDX-License-Identifier: BSL-1.0
"""List the lines and branches of the headers that the unit tests do not reach."""

import argparse
import subprocess

from common import script
from lab import ROOT


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(options: argparse.Namespace) -> int:
    del options
    command = script(ROOT / "tests" / "coverage" / "measure.py", "--root", ROOT)
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=900, check=False).returncode
