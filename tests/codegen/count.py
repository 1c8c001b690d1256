#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare the instructions that access a wire field or copy a map with those for packed C structs.

For each word size and optimisation level the library must not need more. With -m32 a store of a constant may need 2
more.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from common import missing, run_or_exit, skip_without

FLAGS = ["-std=c++20", "-ffreestanding", "-nostdinc++", "-fno-exceptions", "-fno-rtti", "-fno-pic", "-fno-stack-protector",
         "-fcf-protection=none", "-fomit-frame-pointer", "-mgeneral-regs-only"]
WORDS = ("-m64", "-m32")
LEVELS = ("-O1", "-Os", "-O2")
PADDING = re.compile(r"nop|data16|cs nop|xchg\s+%ax,%ax|lea\s+0x0\((%[re]si),(%[re]iz),1\),\1|lea\s+0x0\(%[re]si\),%[re]si")


def counts(compiler: str, word: str, level: str, options: argparse.Namespace, scratch: Path, packed: bool) -> dict[str, int]:
    target = scratch / "object.o"
    run_or_exit([compiler, *FLAGS, word, level, *(["-DPACKED"] if packed else []), f"-I{options.include}", "-c", "-o",
                 target, options.source])
    found: dict[str, int] = {}
    name = ""
    for line in run_or_exit(["objdump", "-d", "--no-show-raw-insn", target]).splitlines():
        if match := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            name = match[1]
            found[name] = 0
        elif (match := re.match(r"\s+[0-9a-f]+:\s+(.*)", line)) and not PADDING.match(match[1]):
            found[name] += 1
    return found


def ceiling(word: str, name: str, packed: int) -> int:
    return packed + (2 if word == "-m32" and name.startswith("constant_") else 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("source", type=Path)
    parser.add_argument("compiler")
    options = parser.parse_args()
    compiler = options.compiler
    if tool := missing(compiler, "objdump"):
        return skip_without(tool)
    cells = [(word, level) for word in WORDS for level in LEVELS]
    with tempfile.TemporaryDirectory() as folder:
        ours = {cell: counts(compiler, *cell, options, Path(folder), False) for cell in cells}
        packed = {cell: counts(compiler, *cell, options, Path(folder), True) for cell in cells}
    print(f"{compiler}: instructions, ours/packed C\n{'':22}" + "".join(f"{word} {level}".rjust(10) for word, level in cells))
    worse = 0
    for name in ours[cells[0]]:
        row = ""
        for cell in cells:
            mine, theirs = ours[cell][name], packed[cell][name]
            bad = mine > ceiling(cell[0], name, theirs)
            worse += bad
            row += f"{mine}/{theirs}{'!' if bad else ''}".rjust(10)
        print(f"{name:22}{row}")
    print(f"{worse} cells are worse than allowed")
    return 1 if worse or not ours[cells[0]] else 0


if __name__ == "__main__":
    sys.exit(main())
