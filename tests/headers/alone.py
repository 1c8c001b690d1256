#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile one header alone, included twice, hosted and freestanding, -m64 and -m32, with each compiler."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

SKIP = 77
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]
MODES = {"hosted": [], "freestanding": ["-ffreestanding", "-nostdinc++", "-fno-exceptions", "-fno-rtti"]}
# The words of the kernel's and the C library's headers are those of -m64; g++-multilib would bring the same.
WORDS = {"-m64": [], "-m32": ["-idirafter", "/usr/include/x86_64-linux-gnu"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--hosted-only", action="store_true", help="the header uses a library")
    parser.add_argument("header")
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()
    text = f"#include <{options.header}>\n#include <{options.header}>\n"
    failed = judged = 0
    for compiler in options.compiler:
        if not shutil.which(compiler):
            print(f"{compiler}: skipped: not installed")
            continue
        for word, more in WORDS.items():
            for mode, flags in MODES.items():
                if mode != "hosted" and options.hosted_only:
                    continue
                command = [compiler, "-std=c++20", word, *more, *flags, *WARNINGS, f"-I{options.include}", "-fsyntax-only",
                           "-x", "c++", "-"]
                done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120,
                                      env=dict(os.environ, LC_ALL="C"))
                judged += 1
                failed += done.returncode != 0
                print(f"{compiler} {word} {mode}: {'ok' if done.returncode == 0 else done.stderr}")
    return 1 if failed else 0 if judged else SKIP


if __name__ == "__main__":
    sys.exit(main())
