#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check docs/spec-map.md: everything that it names exists, and everything that exists has a row.

Each header has a row, and so has each struct with a field table, each enum and each namespace of bits. A row names
symbols after their header, which must contain them. A test must exist and be in the meson.build of its folder; a unit
test must contain a symbol of the row. A row has a test, or a dash and the reason why the section is left out.
"""

import argparse
import re
import sys
from pathlib import Path

TABLE_RULE = re.compile(r"^\|[-| ]+\|$")
HEAD = ["section", "header", "test"]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows(page: str) -> list[tuple[int, list[str]]]:
    found = []
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("|") and not TABLE_RULE.match(line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells != HEAD:
                found.append((number, cells))
    return found


def declared(root: Path) -> dict[str, set[str]]:
    """The names that must have a row, by header: structs with tables, enums, namespaces of bits, constants."""
    wanted: dict[str, set[str]] = {}
    for path in sorted((root / "include/pvhboot/abi").glob("*.hpp")):
        if path.name == "le.hpp":
            continue
        text = path.read_text(encoding="utf-8")
        names = set(re.findall(r"^(?:struct|enum class|namespace) (\w+)(?: :.*)? \{", text, re.M)) - {"pvhboot", "abi"}
        # The row of a namespace of bits stands for its constants.
        outside = re.sub(r"^namespace (?!abi|pvhboot)\w+ \{.*?^\}", "", text, flags=re.M | re.S)
        names |= set(re.findall(r"^inline constexpr \w+ (\w+) =", outside, re.M))
        wanted[f"abi/{path.name}"] = names
    return wanted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    options = parser.parse_args()
    include, tests = options.root / "include/pvhboot", options.root / "tests"
    page = (options.root / "docs/spec-map.md").read_text(encoding="utf-8")
    problems: list[str] = []
    named: dict[str, set[str]] = {}

    def check_test(number: int, name: str) -> None:
        path = tests / name
        if not path.exists():
            problems.append(f"line {number}: no test {name}")
        elif path.is_file():
            meson = (path.parent / "meson.build").read_text(encoding="utf-8")
            if path.name not in meson and path.stem not in meson:
                problems.append(f"line {number}: {name} is not in a meson.build")

    for number, cells in rows(page):
        if len(cells) != len(HEAD):
            problems.append(f"line {number}: {len(cells)} cells")
            continue
        section, headers, checked_by = cells
        if headers.startswith("— ") and not quoted(headers) and not checked_by:
            continue
        current = ""
        for word in quoted(headers):
            if word.endswith(".hpp"):
                current = word
                named.setdefault(word, set())
                if not (include / word).exists():
                    problems.append(f"line {number}: no header {word}")
            elif current and (include / current).exists():
                named[current].add(word)
                if not re.search(rf"\b{re.escape(word)}\b", (include / current).read_text(encoding="utf-8")):
                    problems.append(f"line {number}: {current} has no {word}")
        if not current:
            problems.append(f"line {number}: \"{section}\" names neither a header nor a reason to leave it out")
        if not quoted(checked_by):
            problems.append(f"line {number}: \"{section}\" names no test")
        symbols = [word for word in quoted(headers) if not word.endswith(".hpp")]
        for name in quoted(checked_by):
            check_test(number, name)
            path = tests / name
            if name.startswith("unit/") and path.is_file() and symbols:
                text = path.read_text(encoding="utf-8")
                if not any(re.search(rf"\b{re.escape(symbol)}\b", text) for symbol in symbols):
                    problems.append(f"line {number}: {name} mentions none of {', '.join(symbols)}")
    for number, line in enumerate(page.splitlines(), 1):
        if not line.startswith("|"):
            for name in quoted(line):
                if "/" in name and not name.startswith(("include/", "tests/")):
                    check_test(number, name)

    for path in sorted(include.rglob("*.hpp")):
        if str(path.relative_to(include)) not in named:
            problems.append(f"no row for the header {path.relative_to(include)}")
    for header, names in declared(options.root).items():
        problems += [f"no row for {name} of {header}" for name in sorted(names - named.get(header, set()))]

    for problem in problems:
        print(problem)
    print(f"spec-map: {len(rows(page))} rows, {sum(map(len, named.values()))} symbols, {len(problems)} problems")
    return 1 if problems or not named else 0


if __name__ == "__main__":
    sys.exit(main())
