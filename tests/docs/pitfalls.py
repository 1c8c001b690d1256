#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check docs/pitfalls.md: each id occurs once and in order, and each test that it names exists."""
import json
import pathlib
import re
import subprocess
import sys

# The letter of a group: its first and last number.
GROUPS = {"P": (1, 35), "B": (1, 19), "C": (1, 15), "D": (1, 8), "E": (1, 7), "A": (1, 29), "L": (1, 36)}


def titles(root: pathlib.Path) -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in root.glob("tests/unit/*.cpp"))
    # A long title consists of adjacent literals.
    return {"".join(re.findall(r'"([^"]*)"', literals))
            for literals in re.findall(r'(?:ROW|TEST_CASE)\(\s*((?:"[^"]*"\s*)+)', text)}


def boot_tests(build: str) -> set[str]:
    run = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True, text=True, timeout=120,
                         check=True)
    return {test["name"] for test in json.loads(run.stdout)}


def main() -> int:
    root, build = pathlib.Path(sys.argv[1]), sys.argv[2]
    rows = re.findall(r"^\| ([A-ELP]\d+) \|[^|]*\| (.*) \|$", (root / "docs/pitfalls.md").read_text(encoding="utf-8"), re.M)
    wanted = [f"{group}{number}" for group, (first, last) in GROUPS.items() for number in range(first, last + 1)]
    failures = []
    if [name for name, _ in rows] != wanted:
        failures.append(f"ids are not {wanted[0]}…{wanted[-1]} in order: {[name for name, _ in rows]}")
    known = titles(root) | boot_tests(build)
    for name, test in rows:
        named = re.findall(r"`([^`]+)`", test)
        if test.startswith("`") and named and named[0] not in known:
            failures.append(f"{name}: there is no test {named[0]!r}")
        if not test.startswith(("`", "— ")):
            failures.append(f"{name}: neither a test nor a reason")
    print("\n".join(failures) or f"{len(rows)} pitfalls, {len(known)} tests")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
