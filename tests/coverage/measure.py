#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measure the lines and branches of the headers that the unit tests reach, with g++ and gcov without optimisation.

Each line and branch must be reached, or be in gaps.txt with a reason. A gap that is reached must be removed from there.
Instances of a template count as one. A static_assert does not count, since it runs no code.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import missing, run_or_exit, skip_without

HERE = Path(__file__).parent
FLAGS = ["-std=c++20", "-O0", "--coverage", "-fprofile-abs-path", "-DPVHBOOT_ROWS_AT_RUN_TIME"]


class Header:
    """The counts of each line, and of each branch by (line, branches of the line, number of the branch)."""

    def __init__(self) -> None:
        self.lines: dict[int, int] = defaultdict(int)
        self.branches: dict[tuple[int, int, int], int] = defaultdict(int)


def copy_headers(root: Path, folder: Path) -> Path:
    """A copy of the headers that inlines nothing: an inlined function is counted once for each caller."""
    copied = folder / "include"
    shutil.copytree(root / "include", copied)
    for header in copied.rglob("*.hpp"):
        text = header.read_text(encoding="utf-8")
        header.write_text(text.replace("gnu::__always_inline__", "gnu::__noinline__"), encoding="utf-8")
    return copied


def build(root: Path, folder: Path) -> Path:
    include = copy_headers(root, folder)
    sources = sorted((root / "tests" / "unit").glob("*.cpp"))

    def compiled(source: Path) -> Path:
        target = folder / f"{source.stem}.o"
        run(["g++", *FLAGS, f"-I{include}", "-c", source, "-o", target], folder)
        return target

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        objects = list(pool.map(compiled, sources))
    run(["g++", "--coverage", *objects, "-o", folder / "unit"], folder)
    return folder / "unit"


def run(command: list, folder: Path) -> str:
    return run_or_exit(command, cwd=folder, timeout=600)


def collect(folder: Path) -> dict[str, Header]:
    found: dict[str, Header] = defaultdict(Header)
    include = f"{(folder / 'include' / 'pvhboot').resolve()}/"
    for counts in sorted(folder.glob("*.gcda")):
        documents = run(["gcov", "--json-format", "--stdout", "--branch-probabilities", counts.name], folder)
        for document in documents.splitlines():
            for file in json.loads(document)["files"]:
                if file["file"].startswith(include):
                    add(found[file["file"].removeprefix(include)], file)
    return found


def add(header: Header, file: dict) -> None:
    for line in file["lines"]:
        number = line["line_number"]
        header.lines[number] += line["count"]
        branches = [branch["count"] for branch in line["branches"] if not branch["throw"]]
        # gcov separates the instances of a template. Those of a lambda in a template are in one list, one after the
        # other.
        inner = [f for f in file["functions"] if f["start_line"] <= number <= f["end_line"]]
        start = max((f["start_line"], f["start_column"]) for f in inner) if inner else (0, 0)
        alike = sum((f["start_line"], f["start_column"]) == start for f in inner)
        instances = 1 if "function_name" in line else alike
        each = len(branches) // instances if instances and len(branches) % instances == 0 else len(branches)
        for i, count in enumerate(branches):
            header.branches[number, each, i % each] += count


def read_gaps() -> dict[tuple[str, str], str]:
    """The reasons, by header and text of the line."""
    gaps = {}
    for row in (HERE / "gaps.txt").read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            header, _, others = row.partition(" || ")
            text, _, reason = others.rpartition(" || ")  # a line of source may contain || as well
            gaps[header.strip(), text.strip()] = reason.strip()
    return gaps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    root = parser.parse_args().root.resolve()
    if tool := missing("g++", "gcov"):
        return skip_without(tool)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run([build(root, folder)], folder)
        found = collect(folder)

    gaps, used, bad = read_gaps(), set(), []
    print(f"{'header':32}{'lines':>12}{'branches':>14}")
    for name, header in sorted(found.items()):
        text = (root / "include" / "pvhboot" / name).read_text(encoding="utf-8").splitlines()
        missed_lines = {line for line, count in header.lines.items() if not count}
        missed = {key for key, count in header.branches.items() if not count}
        print(f"{name:32}{len(header.lines) - len(missed_lines):6}/{len(header.lines):<5}"
              f"{len(header.branches) - len(missed):8}/{len(header.branches):<5}")
        for line in sorted(missed_lines | {key[0] for key in missed}):
            place = (name, text[line - 1].strip())
            if place in gaps:
                used.add(place)
                continue
            which = [f"{number + 1} of {of}" for at, of, number in sorted(missed) if at == line]
            what = "never run" if line in missed_lines else f"branch {', '.join(which)} never taken"
            bad.append(f"{name}:{line}: {what}: {text[line - 1].strip()}")
    stale = [gap for gap in gaps if gap not in used]
    bad += [f"gaps.txt: {header}: this line is reached, or does not exist: {text}" for header, text in stale]
    print("\n".join(bad))
    print(f"{len(found)} headers, {len(used)} gaps with a reason, {len(bad)} problems")
    return 1 if bad or not found else 0


if __name__ == "__main__":
    sys.exit(main())
