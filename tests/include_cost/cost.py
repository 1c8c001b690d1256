#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare the cost of including the library with the cost of `#include <vector>`, both minus that of an empty file.

callgrind counts the instructions of the compiler, so the result does not depend on the load of the machine.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import command_single
import single_header
from common import SKIP

LIMIT = 0.5
# Meson makes malloc fill what it hands out, which would be counted.
ENV = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"} | {"LC_ALL": "C"}


def compiler_proper(command: list[str]) -> list[str]:
    """The cc1 or cc1plus call that the compiler's driver would make."""
    done = subprocess.run([*command, "-###"], capture_output=True, text=True, env=ENV, timeout=60, check=True)
    for line in done.stderr.splitlines():
        words = shlex.split(line) if line.startswith(" ") else []
        if words and (words[0].endswith("cc1plus") or "-cc1" in words[:2]):
            return words
    sys.exit(f"{' '.join(command)}: no command of the compiler proper in\n{done.stderr}")


def instructions(command: list[str]) -> int:
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *compiler_proper(command)],
                          capture_output=True, text=True, env=ENV, timeout=300, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--one-file", action="store_true", help="also of pvhboot_all.hpp, which is made first")
    parser.add_argument("compiler")
    parser.add_argument("header", nargs="+")
    options = parser.parse_args()
    for tool in (options.compiler, "valgrind"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIP
    with tempfile.TemporaryDirectory() as scratch:
        unit = Path(scratch) / "unit.cpp"
        if options.one_file:
            options.header.append(single_header.ALL)
            text = command_single.make(command_single.UNKNOWN)[single_header.ALL]
            (Path(scratch) / single_header.ALL).write_text(text, encoding="utf-8")

        def cost(text: str) -> int:
            unit.write_text(text, encoding="utf-8")
            return instructions([options.compiler, "-std=c++20", f"-I{options.include}", f"-I{scratch}", "-fsyntax-only", str(unit)])

        empty = cost("")
        vector = cost("#include <vector>\n") - empty
        costs = {header: cost(f"#include <{header}>\n") - empty for header in options.header}
    print(f"{options.compiler}: millions of instructions over an empty file ({empty / 1e6:.0f}); <vector> {vector / 1e6:.0f}")
    for header, spent in costs.items():
        print(f"{header}: {spent / 1e6:.0f}, {spent / vector:.2f} of <vector>; allowed {LIMIT}")
    return 1 if any(spent > LIMIT * vector for spent in costs.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
