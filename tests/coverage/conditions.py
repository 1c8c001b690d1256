#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measure lines, branches and conditions (MC/DC) of the headers with clang's source-based coverage.

A condition of a decision is covered if two runs of the decision differ in it, in the result, and in no other condition
that was evaluated. Runs in all programs and all instances of a template count together, which llvm-cov does not do.

--of unit: by the unit tests alone. Each condition must be covered, or be in conditions.txt with a reason; measure.py
judges lines and branches. --of corpora: by examples/fuzz/corpus alone. Each line, branch and condition that exists in
the unit tests or in a harness must be covered, or be in corpora.txt with a reason. A gap that is covered must be removed
from its file.

--html FOLDER writes the sources with their gaps and the reasons.
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
import pages
from common import missing, run_or_exit, skip_without

CLANG = "clang++-19"
TOOLS = (CLANG, "llvm-profdata-19", "llvm-cov-19")
FLAGS = ["-std=c++20", "-w", "-O0", "-DPVHBOOT_ROWS_AT_RUN_TIME", "-fprofile-instr-generate", "-fcoverage-mapping",
         "-fcoverage-mcdc"]
GAPS = {"unit": "conditions.txt", "corpora": "corpora.txt"}  # in this folder

FILE = re.compile(r"^(/.*\.hpp):$")
DECISION = re.compile(r"MC/DC Decision Region \((\d+):(\d+)\) to")
CONDITION = re.compile(r"Condition C(\d+) --> \((\d+):(\d+)\)")
VECTOR = re.compile(r"^\s*\|\s+\d+ \{ ([TFC,\s-]+) = ([TF])\s*\}")
BRANCH = re.compile(r"Branch \((\d+):(\d+)\): \[True: ([^,]+), False: ([^\]]+)\]")
LINE = re.compile(r"^\s*(\d+)\|\s*([\d.]+[kMGTPE]?)\|")

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
    """The places of a header and whether they were reached, in any program and any instance of a template."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8").splitlines()
        self.lines: dict[int, bool] = defaultdict(bool)
        self.branches: dict[tuple[Place, bool], bool] = defaultdict(bool)
        self.decisions: dict[Place, Decision] = defaultdict(Decision)

    def add(self, shown: list[str]) -> None:
        """Adds what llvm-cov show prints of the header in a program."""
        current = Decision()
        for row in shown:
            if match := LINE.match(row):
                number = int(match[1])
                code = self.text[number - 1].strip()
                if code and not code.startswith("//"):  # comments after a return have a count, too
                    self.lines[number] |= match[2] != "0"
            elif match := BRANCH.search(row):
                for direction, count in ((True, match[3]), (False, match[4])):
                    if "Folded" not in count:  # a constant has one direction
                        self.branches[(int(match[1]), int(match[2])), direction] |= count.strip() != "0"
            elif match := DECISION.search(row):
                current = self.decisions[int(match[1]), int(match[2])]
            elif match := CONDITION.search(row):
                current.conditions[int(match[1])] = (int(match[2]), int(match[3]))
            elif match := VECTOR.match(row):
                current.vectors.add((tuple(match[1].replace(" ", "").split(",")), match[2]))

    def add_places(self, other: "Header") -> None:
        """Adds the places that another measurement has, as not reached."""
        for line in other.lines:
            self.lines[line] |= False
        for branch in other.branches:
            self.branches[branch] |= False
        for place, decision in other.decisions.items():
            self.decisions[place].conditions |= decision.conditions

    @property
    def conditions(self) -> dict[Place, bool]:
        return {place: decision.covers(number) for decision in self.decisions.values()
                for number, place in decision.conditions.items()}

    def counts(self) -> list[int]:
        """Covered and all lines, branches and conditions."""
        return [n for kind in (self.lines, self.branches, self.conditions) for n in (sum(kind.values()), len(kind))]

    def words_at(self, place: Place) -> str:
        """The condition that begins at a place."""
        line, column = self.text[place[0] - 1], place[1]
        depth = 0
        for end in range(column - 1, len(line)):
            depth += (line[end] == "(") - (line[end] == ")")
            if depth < 0 or line.startswith((" && ", " || ", " ? ", ";"), end):
                return line[column - 1:end]
        return line[column - 1:]

    def condition_gaps(self) -> dict[tuple[str, ...], tuple[int, str]]:
        """Each condition that never decides: its text, its line, and what is missing."""
        return {(self.text[place[0] - 1].strip(), self.words_at(place)): (place[0], "never decides")
                for place, covered in sorted(self.conditions.items()) if not covered}

    def all_gaps(self) -> dict[tuple[str, ...], tuple[int, str]]:
        """The same for lines, branches and conditions. Lines that are never run in a row are one gap."""
        what: dict[int, list[str]] = defaultdict(list)
        never_run = False
        for line, reached in sorted(self.lines.items()):
            if not reached and not never_run:
                what[line].append("never run")
            never_run = not reached
        for (place, direction), reached in sorted(self.branches.items()):
            if not reached and self.lines.get(place[0], True):
                what[place[0]].append(f"never {str(direction).lower()}: {self.words_at(place)}")
        for place, covered in sorted(self.conditions.items()):
            if not covered and self.lines.get(place[0], True):
                what[place[0]].append(f"never decides: {self.words_at(place)}")
        return {(self.text[line - 1].strip(),): (line, "; ".join(some)) for line, some in sorted(what.items())}


def build_units(root: Path, folder: Path) -> list[list]:
    sources = sorted((root / "tests" / "unit").glob("*.cpp"))
    build(root, folder, {"unit": sources})
    return [[folder / "unit"]]


def build_replays(root: Path, folder: Path) -> list[list]:
    fuzz = root / "examples" / "fuzz"
    names = harnesses.with_corpus()
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


def measure(folder: Path, commands: list[list], headers: Path) -> dict[Path, Header]:
    """Runs the programs. Each has a profile of its own: llvm-cov does not find all functions in a merged one."""
    found = {path: Header(path) for path in sorted(headers.rglob("*.hpp"))}
    for command in commands:
        program = command[0]
        raw, profile = program.with_suffix(".profraw"), program.with_suffix(".profdata")
        run_or_exit(command, env=dict(os.environ, LC_ALL="C", LLVM_PROFILE_FILE=str(raw)), timeout=600)
        run_or_exit(["llvm-profdata-19", "merge", raw, "-o", profile])
        shown = run_or_exit(["llvm-cov-19", "show", program, f"-instr-profile={profile}", "-show-branches=count",
                             "-show-mcdc", *found])
        parts: dict[Path, list[str]] = defaultdict(list)
        path = Path()
        for row in shown.splitlines():
            if match := FILE.match(row):
                path = Path(match[1])
            else:
                parts[path].append(row)
        for path, rows in parts.items():
            if path in found:
                found[path].add(rows)
    return found


def read_gaps(file: Path) -> dict[tuple[str, ...], str]:
    """The reasons, by header, text of the line, and in conditions.txt the beginning of the condition."""
    gaps = {}
    for row in file.read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            *place, reason = (part.strip() for part in row.split(" ## "))
            gaps[tuple(place)] = reason
    return gaps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--of", choices=tuple(GAPS), default="unit")
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    root = options.root.resolve()
    if tool := missing(*TOOLS):
        return skip_without(tool)
    headers = root / "include" / "pvhboot"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = measure(folder, build_units(root, folder), headers)
        if options.of == "corpora":
            of_units, found = found, measure(folder, build_replays(root, folder), headers)
            for path, header in of_units.items():
                found[path].add_places(header)

    print(f"{'header':28}{'lines':>12}{'branches':>12}{'conditions':>12}")
    reasons, used, bad = read_gaps(Path(__file__).with_name(GAPS[options.of])), set(), []
    totals = [0] * 6
    shown = {}
    for path, header in found.items():
        if not header.lines:
            continue
        name = str(path.relative_to(headers))
        counts = header.counts()
        totals = [a + b for a, b in zip(totals, counts)]
        print(f"{name:28}" + "".join(f"{counts[i]:>7}/{counts[i + 1]:<4}" for i in (0, 2, 4)))
        gaps = header.condition_gaps() if options.of == "unit" else header.all_gaps()
        for place, (line, what) in gaps.items():
            gap = (name, *place)
            if gap in reasons:
                used.add(gap)
            else:
                bad.append(f"{name}:{line}: {what}: {' ## '.join(place)}")
        shown[name] = pages.Page(header.text, header.lines, counts,
                                 {line: (what, reasons.get((name, *place), "")) for place, (line, what) in gaps.items()})
    bad += [f"{GAPS[options.of]}: covered, or not there: {' ## '.join(gap)}" for gap in reasons if gap not in used]
    print("\n".join(bad))
    print(f"lines {totals[0]} of {totals[1]}, branches {totals[2]} of {totals[3]}, "
          f"conditions {totals[4]} of {totals[5]};"
          f" {len(used)} gaps with a reason, {len(bad)} problems")
    if options.html:
        pages.write(options.html, shown, f"Coverage by the {'unit tests' if options.of == 'unit' else 'corpora'}")
        print(f"{options.html / 'index.html'} has the sources")
    return 1 if bad or not totals[5] else 0


if __name__ == "__main__":
    sys.exit(main())
