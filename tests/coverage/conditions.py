#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measure lines, branches and conditions (MC/DC) of the headers with clang's source-based coverage.

A condition of a decision is covered if two runs of the decision differ in it, in the result, and in no other condition
that was evaluated. Runs in all instances of a template count together, which llvm-cov does not do.

--of unit: by the unit tests alone. Each condition must be covered, or be in conditions.txt with a reason; a gap that is
covered must be removed from there. --of corpora: by examples/fuzz/corpus alone, without a limit: harnesses look for bad
input, and many branches are for callers.

--html FOLDER writes the sources with their counts, from llvm-cov.
"""

import argparse
import os
import re
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import harnesses
from common import missing, run_or_exit, skip_without

CLANG = "clang++-19"
TOOLS = (CLANG, "llvm-profdata-19", "llvm-cov-19")
FLAGS = ["-std=c++20", "-w", "-O0", "-DPVHBOOT_ROWS_AT_RUN_TIME", "-fprofile-instr-generate", "-fcoverage-mapping",
         "-fcoverage-mcdc"]
GAPS = Path(__file__).with_name("conditions.txt")

DECISION = re.compile(r"MC/DC Decision Region \((\d+):(\d+)\) to")
CONDITION = re.compile(r"Condition C(\d+) --> \((\d+):(\d+)\)")
VECTOR = re.compile(r"^\s*\|\s+\d+ \{ ([TFC,\s-]+) = ([TF])\s*\}")
BRANCH = re.compile(r"Branch \((\d+):(\d+)\): \[True: ([^,]+), False: ([^\]]+)\]")
LINE = re.compile(r"^\s*(\d+)\|\s*([\d.]+[kMG]?)\|")

Place = tuple[int, int]  # line and column


@dataclass
class Decision:
    conditions: dict[int, Place] = field(default_factory=dict)
    vectors: set[tuple[tuple[str, ...], str]] = field(default_factory=set)

    def covers(self, number: int) -> bool:
        i = number - 1
        return any(a[i] != b[i] and "-" not in (a[i], b[i]) and result != other and
                   all(x == y or "-" in (x, y) for j, (x, y) in enumerate(zip(a, b)) if j != i)
                   for (a, result), (b, other) in combinations(self.vectors, 2))


class Header:
    """What llvm-cov show prints of a header. Places and whether they were reached, in any instance of a template."""

    def __init__(self, shown: str) -> None:
        self.lines: dict[int, bool] = defaultdict(bool)
        self.branches: dict[tuple[Place, bool], bool] = defaultdict(bool)
        decisions: dict[Place, Decision] = defaultdict(Decision)
        current = Decision()
        for row in shown.splitlines():
            if match := LINE.match(row):
                self.lines[int(match[1])] |= match[2] != "0"
            elif match := BRANCH.search(row):
                for direction, count in ((True, match[3]), (False, match[4])):
                    if "Folded" not in count:  # a constant has one direction
                        self.branches[(int(match[1]), int(match[2])), direction] |= count.strip() != "0"
            elif match := DECISION.search(row):
                current = decisions[int(match[1]), int(match[2])]
            elif match := CONDITION.search(row):
                current.conditions[int(match[1])] = (int(match[2]), int(match[3]))
            elif match := VECTOR.match(row):
                current.vectors.add((tuple(match[1].replace(" ", "").split(",")), match[2]))
        self.conditions = {place: decision.covers(number) for decision in decisions.values()
                           for number, place in decision.conditions.items()}


def build_units(root: Path, folder: Path) -> list[list]:
    sources = sorted((root / "tests" / "unit").glob("*.cpp"))
    build(root, folder, {"unit": sources})
    return [[folder / "unit"]]


def build_replays(root: Path, folder: Path) -> list[list]:
    fuzz = root / "examples" / "fuzz"
    names = [name for name in harnesses.with_corpus() if name not in harnesses.HOSTED]
    build(root, folder, {name: [fuzz / f"{name}.cpp", fuzz / "replay.cpp"] for name in names})
    return [[folder / name, fuzz / "corpus" / name] for name in names]


def build(root: Path, folder: Path, programs: dict[str, list[Path]]) -> None:
    def compiled(source: Path) -> Path:
        target = folder / f"{source.stem}.o"
        run_or_exit([CLANG, *FLAGS, f"-I{root / 'include'}", "-c", source, "-o", target], timeout=600)
        return target

    sources = sorted({source for some in programs.values() for source in some})
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        objects = dict(zip(sources, pool.map(compiled, sources)))
    for name, some in programs.items():
        run_or_exit([CLANG, *FLAGS, *(objects[source] for source in some), "-o", folder / name])


def profile(folder: Path, commands: list[list]) -> tuple[Path, list]:
    """Runs the programs, and returns the profile and the options that name the programs."""
    for i, command in enumerate(commands):
        environment = dict(os.environ, LC_ALL="C", LLVM_PROFILE_FILE=str(folder / f"{i}.profraw"))
        run_or_exit(command, env=environment, timeout=600)
    merged = folder / "all.profdata"
    run_or_exit(["llvm-profdata-19", "merge", *sorted(folder.glob("*.profraw")), "-o", merged])
    first, *others = [command[0] for command in commands]
    return merged, [first, *(word for other in others for word in ("-object", other))]


def read_gaps() -> dict[tuple[str, str, str], str]:
    """The reasons, by header, text of the line and beginning of the condition."""
    gaps = {}
    for row in GAPS.read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            header, text, condition, reason = (part.strip() for part in row.split(" ## "))
            gaps[header, text, condition] = reason
    return gaps


def words_at(line: str, column: int) -> str:
    """The condition that begins at a column."""
    depth = 0
    for end in range(column - 1, len(line)):
        depth += (line[end] == "(") - (line[end] == ")")
        if depth < 0 or line.startswith((" && ", " || ", " ? ", ";"), end):
            return line[column - 1:end]
    return line[column - 1:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--of", choices=("unit", "corpora"), default="unit")
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    root = options.root.resolve()
    if tool := missing(*TOOLS):
        return skip_without(tool)
    headers = root / "include" / "pvhboot"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        commands = (build_units if options.of == "unit" else build_replays)(root, folder)
        merged, programs = profile(folder, commands)
        common = [*programs, f"-instr-profile={merged}"]
        if options.html:
            run_or_exit(["llvm-cov-19", "show", *common, "-format=html", "-show-branches=count", "-show-mcdc",
                         f"-output-dir={options.html}", headers])
        found = {}
        for path in sorted(headers.rglob("*.hpp")):
            shown = run_or_exit(["llvm-cov-19", "show", *common, "-show-branches=count", "-show-mcdc", path])
            found[str(path.relative_to(headers))] = Header(shown)

    print(f"{'header':28}{'lines':>12}{'branches':>12}{'conditions':>12}")
    gaps, used, bad = read_gaps() if options.of == "unit" else {}, set(), []
    totals = [0] * 6
    for name, header in found.items():
        if not header.lines:
            continue
        kinds = (header.lines, header.branches, header.conditions)
        numbers = [n for kind in kinds for n in (sum(kind.values()), len(kind))]
        totals = [a + b for a, b in zip(totals, numbers)]
        print(f"{name:28}" + "".join(f"{numbers[i]:>7}/{numbers[i + 1]:<4}" for i in (0, 2, 4)))
        text = (headers / name).read_text(encoding="utf-8").splitlines()
        for line, column in sorted(place for place, covered in header.conditions.items() if not covered):
            place = (name, text[line - 1].strip(), words_at(text[line - 1], column))
            if place in gaps:
                used.add(place)
            elif options.of == "unit":
                bad.append(f"{name}:{line}: never decides: {' ## '.join(place)}")
    bad += [f"conditions.txt: covered, or not there: {' ## '.join(gap)}" for gap in gaps if gap not in used]
    print("\n".join(bad))
    print(f"lines {totals[0]} of {totals[1]}, branches {totals[2]} of {totals[3]}, "
          f"conditions {totals[4]} of {totals[5]};"
          f" {len(used)} gaps with a reason, {len(bad)} problems")
    if options.html:
        print(f"{options.html / 'index.html'} has the sources")
    return 1 if bad or not totals[5] else 0


if __name__ == "__main__":
    sys.exit(main())
