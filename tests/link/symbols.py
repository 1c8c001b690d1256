#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile a freestanding object as kernels do, and check its undefined symbols and sections.

Undefined symbols must be among memcpy, memmove, memset and memcmp, and nothing may run before main. Also with exceptions
on: a noexcept function that calls one that is not makes clang ask for __gxx_personality_v0 and std::terminate.
"""

import argparse
import itertools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import SKIP

ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
KERNEL = ["-ffreestanding", "-nostdinc++", "-nostdlib", "-fno-stack-protector", "-fno-pic", "-mgeneral-regs-only", "-mno-80387"]
EXCEPTIONS = {"without exceptions": ["-fno-exceptions", "-fno-rtti"], "with exceptions": []}
WORDS = {"-m32": [], "-m64": ["-mcmodel=kernel"]}
LEVELS = ("-O0", "-Os", "-O2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("source", type=Path)
    parser.add_argument("compiler")
    options = parser.parse_args()
    if not shutil.which(options.compiler):
        print(f"skipped: {options.compiler} is not installed")
        return SKIP
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "object.o"
        for (word, more), level, (kind, flags) in itertools.product(WORDS.items(), LEVELS, EXCEPTIONS.items()):
            subprocess.run([options.compiler, "-std=c++20", word, *more, level, *KERNEL, *flags, f"-I{options.include}", "-c",
                            "-o", str(target), str(options.source)], check=True)
            wanted = {line.split()[-1] for line in output("nm", "-u", target)}
            sections = {line.split()[1] for line in output("objdump", "-hw", target) if line.split()[:1] != [] and
                        line.split()[0].isdigit()}
            early = {name for name in sections if name.startswith((".init", ".ctors", ".preinit"))}
            problem = sorted(wanted - ALLOWED) + sorted(early)
            failed += bool(problem)
            print(f"{options.compiler} {word} {level} {kind}: " + (f"MUST NOT NEED {' '.join(problem)}" if problem else
                                                                    " ".join(sorted(wanted)) or "nothing"))
    return 1 if failed else 0


def output(*command: object) -> list[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
