# SPDX-License-Identifier: BSL-1.0
"""Format headers, tests and examples with clang-format."""

import argparse
import subprocess

import sources
from common import skip
from lab import ROOT


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; list files that differ and exit with 1")


def run(options: argparse.Namespace) -> int:
    try:
        tool = sources.llvm_tool("clang-format")
    except sources.WrongVersion as why:
        return skip(why)
    files = sources.tracked((".hpp", ".cpp", ".h", ".c"))
    mode = ["--dry-run", "--Werror"] if options.check else ["-i"]
    done = subprocess.run([tool, *mode, *files], cwd=ROOT, timeout=300, check=False)
    if done.returncode:
        print("format: some files differ: run ./dev format")
        return 1
    print(f"format: {len(files)} files are formatted")
    return 0
