# SPDX-License-Identifier: BSL-1.0
"""Build the program pvhboot from tools/pvhboot and run it: ./dev pvhboot explain vmlinux"""

import argparse
import subprocess
from pathlib import Path

import building

PROGRAM = Path("tools/pvhboot/pvhboot")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="its arguments, such as explain FILE")


def run(options: argparse.Namespace) -> int:
    building.configure(options=building.TOOL)
    building.compile_all(targets=[str(PROGRAM)])
    return subprocess.run([building.BUILD / PROGRAM, *(options.words or ["--help"])], check=False).returncode
