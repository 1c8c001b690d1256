#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check docs/rules.md, which leads from each rule and each oddity to the tests that name it. With --write, write the page.

Every row of errors.def and oddities.def must have a test row: a ROW or TEST_CASE in tests/unit or tests/captures whose
code contains errc::NAME or oddity::NAME, or whose title contains a name of several words. A rule that examples/chainload
can meet also has a case in tests/boot/refusals.py.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

PAGE = "docs/rules.md"
SOURCES = ("tests/unit", "tests/captures")
ERRORS = "include/pvhboot/core/errors.def"
ODDITIES = "include/pvhboot/pvh/oddities.def"
HEAD = f"""# Rules, oddities and their tests

Each rule that input can break is a row of [`errors.def`](../{ERRORS}), and each oddity that
`lint` reports is a row of [`oddities.def`](../{ODDITIES}). The tables list the test rows that name
them, and the cases of `tests/boot/refusals.py` in which `examples/chainload` meets a rule.

Do not edit this page: `tests/launch.py tests/docs/rules.py --write` writes it, and the suite `docs` checks it.
"""


@dataclass
class Row:
    name: str
    sentence: str
    tests: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)


@dataclass
class Group:
    name: str
    source: str
    rows: list[Row] = field(default_factory=list)


def groups(text: str, macro: str) -> list[Group]:
    """The rows of a .def file, by group."""
    found: list[Group] = []
    for line in text.splitlines():
        if match := re.match(rf'PVHBOOT_{macro}_GROUP\((\w+), 0x[0-9a-f]+, "([^"]*)"\)$', line):
            found.append(Group(match[1], match[2]))
        elif match := re.match(rf'PVHBOOT_{macro}\(0x[0-9a-f]+, (\w+), (?:\w+, )+(?:"[^"]*", )?"([^"]*)"', line):
            found[-1].rows.append(Row(match[1], match[2]))
    return found


def blanked(text: str) -> str:
    """The text with comments and string literals replaced by blanks, so that only code is left."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\''
    return re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.S)


def end_of(code: str, start: int) -> int:
    """The end of the parentheses or braces that open at `start`."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] in "({") - (code[at] in ")}")
        if depth == 0:
            return at + 1
    return len(code)


def test_rows(text: str) -> list[tuple[str, str]]:
    """The title and the code of each ROW and each TEST_CASE."""
    code = blanked(text)
    found = []
    for match in re.finditer(r'^(ROW|TEST_CASE)(\()\s*((?:"(?:\\.|[^"\\])*"\s*)+)', text, re.M):
        title = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', match[3])).replace('\\"', '"')
        end = end_of(code, match.start(2))
        if match[1] == "TEST_CASE":
            end = end_of(code, code.index("{", end))
        found.append((title, code[match.start(2):end]))
    return found


def names_in(title: str, code: str, enumeration: str) -> set[str]:
    """The names in the code, and those in the title that the code names in no enumeration."""
    scoped = set(re.findall(r"\w+::(\w+)", code))
    return set(re.findall(rf"\b{enumeration}::(\w+)", code)) | (set(re.findall(r"\b[a-z]+_\w+", title)) - scoped)


def refusal_cases(text: str) -> dict[str, list[str]]:
    """The names of the cases in refusals.py, by rule."""
    found: dict[str, list[str]] = {}
    for name, rule in re.findall(r'"([\w.-]+)": case\(\s*"[^"]*",\s*"(\w+)"', text):
        found.setdefault(rule, []).append(name)
    return found


def fill(found: list[Group], enumeration: str, sources: dict[str, str], cases: dict[str, list[str]]) -> None:
    by_name = {row.name: row for group in found for row in group.rows}
    for file, text in sources.items():
        for title, code in test_rows(text):
            for name in names_in(title, code, enumeration) & by_name.keys():
                by_name[name].tests.append(f"{file.removeprefix('tests/')} `{title}`")
    for name, row in by_name.items():
        row.cases = cases.get(name, [])


def table(found: list[Group], first: str) -> str:
    lines = []
    for group in found:
        lines += [f"### {group.name}: {group.source}", "", f"| {first} | sentence | tests |", "|---|---|---|"]
        for row in group.rows:
            tests = row.tests + [f"boot/refusals.py `{name}`" for name in row.cases]
            lines.append(f"| `{row.name}` | {row.sentence} | {'<br>'.join(tests)} |")
        lines.append("")
    return "\n".join(lines)


def page(root: Path) -> tuple[str, list[str]]:
    """The page, and the problems of its rows and test files."""
    sources = {str(path.relative_to(root)): path.read_text(encoding="utf-8")
               for folder in SOURCES for path in sorted((root / folder).glob("*.cpp"))}
    rules = groups((root / ERRORS).read_text(encoding="utf-8"), "ERROR")
    oddities = groups((root / ODDITIES).read_text(encoding="utf-8"), "ODDITY")
    cases = refusal_cases((root / "tests/boot/refusals.py").read_text(encoding="utf-8"))
    fill(rules, "errc", sources, cases)
    fill(oddities, "oddity", sources, {})
    text = f"{HEAD}\n## Rules\n{table(rules, 'errc')}\n## Oddities\n{table(oddities, 'oddity')}"
    untested = [row.name for group in rules + oddities for row in group.rows if not row.tests]
    problems = [f"{name}: no row of {' or '.join(SOURCES)} names it" for name in untested]
    return text, problems + [f"{file} is not in its meson.build" for file in sources if not is_built(root / file)]


def is_built(path: Path) -> bool:
    return f"'{path.name}'" in (path.parent / "meson.build").read_text(encoding="utf-8")


def self_test() -> list[str]:
    problems = []
    definitions = 'PVHBOOT_ERROR_GROUP(map, 0x200, "this library")\nPVHBOOT_ERROR(0x200, full, ranges, "a \'(\' is full")\n' \
                  'PVHBOOT_ERROR(0x201, small, ranges, "small")\nPVHBOOT_ERROR(0x202, too_big, ranges, "big")\n'
    rows = 'ROW("a (1): " "b", {  // errc::small )\n  EXPECT(f(") errc::small", errc::full));\n});\nint errc::small;\n' \
           'TEST_CASE("c: small, too_big") { { errc::small; } }\nerrc::full;\n'
    found = groups(definitions, "ERROR")
    fill(found, "errc", {"tests/unit/x.cpp": rows}, {"small": ["case"]})
    got = [(row.name, row.tests, row.cases) for group in found for row in group.rows]
    if got != [("full", ["unit/x.cpp `a (1): b`"], []), ("small", ["unit/x.cpp `c: small, too_big`"], ["case"]),
               ("too_big", ["unit/x.cpp `c: small, too_big`"], [])]:
        problems.append(f"self-test: {got}")
    if refusal_cases('"a-1.5": case("x",\n  "small", f), "b": case("y", "small")') != {"small": ["a-1.5", "b"]}:
        problems.append("self-test: the cases of refusals.py are not found")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    problems = self_test()
    text, found = page(options.root)
    problems += found
    target = options.root / PAGE
    if options.write:
        target.write_text(text, encoding="utf-8")
    committed = target.read_text(encoding="utf-8").splitlines() if target.exists() else []
    if committed != text.splitlines():
        lines = [line for line in text.splitlines() if line not in committed] or ["(lines to remove)"]
        problems += [f"{PAGE} is out of date: run tests/launch.py tests/docs/rules.py --write", *lines[:10]]
    print("\n".join(problems) or f"{text.count('| `')} rules and oddities lead to their tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
