#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare the text size of parse and translate, and of plan and write, with C code that has the same checks. -Os -m32 and
freestanding."""

import argparse
import sys
import tempfile
from pathlib import Path

from common import missing, run_or_exit, skip

HERE = Path(__file__).parent
MOST = 1.1
FLAGS = ["-Os", "-m32", "-mregparm=3", "-ffreestanding", "-fno-asynchronous-unwind-tables", "-fno-stack-protector",
         "-fno-pic", "-fno-pie", "-mgeneral-regs-only", "-fcf-protection=none", "-Wall", "-Wextra", "-Werror"]
CPP_FLAGS = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-nostdinc++"]
PAIRS = (("parse + translate", "size_library.cpp", "size_twin.c"),
         ("plan + write", "size_producer_library.cpp", "size_producer_twin.c"))
COMPILERS = (("g++", "gcc"), ("clang++", "clang"), ("clang++-16", "clang-16"), ("clang++-19", "clang-19"))


def text_size(command: list, target: Path) -> int:
    run_or_exit([*command, "-c", "-o", target])
    return int(run_or_exit(["size", target]).splitlines()[1].split()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    options = parser.parse_args()
    present = [pair for pair in COMPILERS if not missing(*pair)]
    if not present:
        return skip("neither g++ nor clang++ is installed")
    bad = 0
    print(f"{'text, -Os -m32':30}{'library':>9}{'C':>9}{'ratio':>8}{'allowed':>9}")
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "object.o"
        for title, library, by_hand in PAIRS:
            for cpp, c in present:
                ours = text_size([cpp, *CPP_FLAGS, *FLAGS, f"-I{options.include}", HERE / library], target)
                twin = text_size([c, "-std=c17", *FLAGS, HERE / by_hand], target)
                ratio = ours / twin
                bad += ratio > MOST
                print(f"{title + ', ' + cpp:30}{ours:9}{twin:9}{ratio:8.2f}{MOST:9.2f}"
                      f"{'  TOO MUCH' if ratio > MOST else ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
