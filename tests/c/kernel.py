#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Build examples/c-kernel with 32 and 64 bits by gcc and clang, and boot it. Exit with 0, 1, or 77 (skipped).

The map that it prints is compared with the one in the machine's memory.
"""

import itertools
import re
import shutil
import sys
import tempfile
from pathlib import Path

from common import missing, run, skip_without
from lab import ROOT, LabError
from template import template

COMPILERS = (("gcc-12", "g++-12"), ("clang-14", "clang++-14"))
MACHINES = ("q35", "microvm")


def build(folder: Path, bits: int, c: str, cpp: str) -> Path:
    """The kernel, in a folder with a copy of the example and nothing else."""
    shutil.copytree(ROOT / "examples" / "c-kernel", folder)
    (folder / "include").symlink_to(ROOT / "include")  # make takes no paths with spaces
    done = run(["make", f"BITS={bits}", f"CC={c}", f"CXX={cpp}", "HEADERS=include"], cwd=folder)
    if done.returncode or "warning:" in done.stderr:
        raise LabError(f"{done.stdout}{done.stderr}")
    symbols = run(["nm", folder / "kernel.elf"]).stdout
    if "pvhboot_lint" in symbols or "pvhboot_parse" not in symbols:
        raise LabError("the linker did not drop what the kernel does not call")
    return folder / "kernel.elf"


def main() -> int:
    if tool := missing("make", "gcc-12", "g++-12", "clang-14", "clang++-14", "qemu-system-x86_64"):
        return skip_without(tool)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        for (c, cpp), bits in itertools.product(COMPILERS, (64, 32)):
            title = f"{c} {bits} bits"
            try:
                kernel = build(Path(scratch) / title.replace(" ", "-"), bits, c, cpp)
                size = re.findall(r"^\s*(\d+)", run(["size", kernel]).stdout, re.MULTILINE)[0]
                entries = [len(template.boot(kernel, machine)) for machine in MACHINES]
                print(f"{title}: {size} bytes of text; {' and '.join(map(str, entries))} entries on {', '.join(MACHINES)}")
            except LabError as why:
                print(f"{title}: {why}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
