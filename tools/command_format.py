# SPDX-License-Identifier: BSL-1.0
"""clang-format over headers, tests and examples."""

import argparse
import subprocess

import sources
from common import skip
from lab import ROOT


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 and list the files that differ")


def run(options: argparse.Namespace) -> int:
    try:
        tool = sources.llvm_tool("clang-format")
    except sources.WrongVersion as why:
        return skip(why)
    files = sources.tracked((".hpp", ".cpp", ".h", ".c"))
    mode = ["--dry-run", "--Werror"] if options.check else ["-i"]
    done = subprocess.run([tool, *mode, *files], cwd=ROOT, timeout=300, check=False)
    if done.returncode:
        print("format: some files differ; ./dev format puts them right")
        return 1
    print(f"format: {len(files)} files are {'as they should be' if options.check else 'formatted'}")
    return 0
