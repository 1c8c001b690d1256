#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What `#include <pvhboot/pvhboot.hpp>` costs over an empty file, beside what `#include <vector>` costs over one.

CPU time of -fsyntax-only, medians of interleaved runs, so that whatever else the machine does falls on all three alike.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SKIP = 77
LIMIT = 0.5
ROUNDS = 11
UNITS = {"empty": "", "pvhboot": "#include <pvhboot/pvhboot.hpp>\n", "vector": "#include <vector>\n"}


def cpu_ms(command: list[str]) -> float:
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("compiler")
    options = parser.parse_args()
    if not shutil.which(options.compiler):
        print(f"skipped: {options.compiler} is not installed")
        return SKIP
    times: dict[str, list[float]] = {name: [] for name in UNITS}
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in UNITS.items():
            (Path(scratch) / f"{name}.cpp").write_text(text, encoding="utf-8")
        for turn in range(ROUNDS + 1):
            for name in UNITS:
                spent = cpu_ms([options.compiler, "-std=c++20", f"-I{options.include}", "-fsyntax-only",
                                f"{scratch}/{name}.cpp"])
                if turn:  # the first turn warms the file cache
                    times[name].append(spent)
    median = {name: statistics.median(spent) for name, spent in times.items()}
    ratio = (median["pvhboot"] - median["empty"]) / (median["vector"] - median["empty"])
    print(f"{options.compiler}: CPU ms, median of {ROUNDS}: " + ", ".join(f"{name} {ms:.0f}" for name, ms in median.items()))
    print(f"over an empty file, pvhboot costs {ratio:.2f} of vector; allowed {LIMIT}")
    return 1 if ratio > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
