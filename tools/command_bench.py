# SPDX-License-Identifier: BSL-1.0
"""Compare the library's instructions and bytes of code with those of equivalent C code."""

import argparse
import subprocess

from common import SKIP, script
from lab import ROOT


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(options: argparse.Namespace) -> int:
    del options
    statuses = []
    for name in ("measure.py", "size.py"):
        command = script(ROOT / "tests" / "bench" / name, "--include", ROOT / "include")
        statuses.append(subprocess.run(command, stdin=subprocess.DEVNULL, timeout=600, check=False).returncode)
    return 1 if any(status not in (0, SKIP) for status in statuses) or 0 not in statuses else 0
