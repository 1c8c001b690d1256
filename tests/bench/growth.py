#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Count how the library's work grows with the number of entries, 8 to 131072, with callgrind and -O2.

The exponent is the slope between the logarithms of n and of the instructions: 1 is linear. parse does not look at the
entries, so its count is bounded instead. --plots writes a picture of all curves.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from callgrind import counts, exponent, series
from common import missing, run_or_exit, skip_without

HERE = Path(__file__).parent
FLAGS = ["-std=c++20", "-O2", "-g", "-Wall", "-Wextra", "-Werror"]
SIZES = tuple(8 * 4 ** i for i in range(8))
MOST_NOTES = 65536  # beyond, notes are refused
EXPONENT_LIMIT = 1.15
PARSE_LIMIT = 2000  # instructions, at any size
OPERATIONS = ("parse", "translate", "lint", "write", "notes")


def plot(found: dict[str, int], target: Path) -> None:
    """An SVG by gnuplot, with an axis for n and one for instructions, both logarithmic."""
    lines = [f"set terminal svg size 800,500 background 'white'; set output '{target}'", "set logscale xy", "set key left top",
             "set xlabel 'entries'; set ylabel 'instructions'; set grid"]
    for name in OPERATIONS:
        rows = "\n".join(f"{n} {count}" for n, count in series(found, name).items())
        lines.append(f"${name} << EOD\n{rows}\nEOD")
    lines.append("plot " + ", ".join(f"${name} with linespoints title '{name}'" for name in OPERATIONS))
    run_or_exit(["gnuplot", "-"], input="\n".join(lines))
    print(f"{target} is written")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write growth.svg there")
    options = parser.parse_args()
    if tool := missing("g++", "valgrind", *(["gnuplot"] if options.plots else [])):
        return skip_without(tool)
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch) / "growth"
        run_or_exit(["g++", *FLAGS, f"-I{options.include}", HERE / "growth.cpp", "-o", program])
        found = counts(program, Path(scratch))
    print(f"{'instructions an entry':24}" + "".join(f"{n:>9}" for n in SIZES) + f"{'exponent':>10}{'allowed':>9}")
    bad = 0
    for name in OPERATIONS:
        points = series(found, name)
        if tuple(points) != SIZES:
            print(f"{name}: measured at {tuple(points)}")
            bad += 1
            continue
        grown = {n: count for n, count in points.items() if name != "notes" or n <= MOST_NOTES}
        slope = exponent(grown)
        wrong = max(points.values()) > PARSE_LIMIT if name == "parse" else slope > EXPONENT_LIMIT
        bad += wrong
        print(f"{name:24}" + "".join(f"{count / n:9.1f}" for n, count in points.items()) +
              f"{slope:10.3f}" + (f"{PARSE_LIMIT:9} in all" if name == "parse" else f"{EXPONENT_LIMIT:9.2f}") + ("  TOO MUCH" if wrong else ""))
    if options.plots:
        options.plots.mkdir(parents=True, exist_ok=True)
        plot(found, options.plots / "growth.svg")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
