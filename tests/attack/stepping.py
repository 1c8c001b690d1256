#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Play the scenes of a guest that changes memory between two reads, with the readers compiled at every level of optimisation.

What a compiler reads twice is its own choice: g++ and clang++, -O0 to -O2 and -Os.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIP = 77
COMPILERS = (("g++-12", "g++"), ("clang++-14", "clang++"))
LEVELS = ("-O0", "-O1", "-O2", "-Os")
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def build(root: Path, scratch: Path, compiler: str, source: str, level: str) -> Path:
    target = scratch / f"{compiler}{level}-{source}.o"
    done = subprocess.run([compiler, *FLAGS, level, f"-I{root / 'include'}", "-c", str(root / "tests/attack" / source),
                           "-o", str(target)], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return target


def play(root: Path, scratch: Path, compiler: str, level: str, options: list[str]) -> tuple[int, str]:
    """The exit status, and what the program said. Only the readers are compiled at the level."""
    program = scratch / f"{compiler}{level}"
    objects = [scratch / f"{compiler}-O1-stepping.cpp.o", build(root, scratch, compiler, "readers.cpp", level)]
    subprocess.run([compiler, *map(str, objects), "-o", str(program)], timeout=60, check=True)
    done = subprocess.run([str(program), *options], capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=0, help="for each compiler and level (default: a part of all changes, once)")
    options = parser.parse_args()
    compilers = [found for names in COMPILERS if (found := next(filter(shutil.which, names), None))]
    if not compilers:
        print("skipped: no g++ and no clang++")
        return SKIP
    arguments = ["--seed", str(options.seed), "--seconds", str(options.seconds)]
    with tempfile.TemporaryDirectory(prefix="pvhboot-stepping-") as folder, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda compiler: build(options.root, Path(folder), compiler, "stepping.cpp", "-O1"), compilers))
        builds = [(compiler, level) for compiler in compilers for level in LEVELS]
        results = list(pool.map(lambda b: play(options.root, Path(folder), *b, arguments), builds))
    for (compiler, level), (status, text) in zip(builds, results):
        print(f"{compiler} {level}: {text}" if status in (0, SKIP) else f"{compiler} {level}: failed ({status})\n{text}")
    if all(status == SKIP for status, _ in results):
        print(results[0][1])
        return SKIP
    return 1 if any(status for status, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
