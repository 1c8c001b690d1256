#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile a program that must not compile. Each compiler must refuse it with the text that the program states.

Lines in the program:
  // EXPECT: regular expression        the diagnostics must match it; at least one such line is needed
  // EXPECT(gcc): ...                  the same for g++ only; likewise (clang)
  // FLAGS: -nostdinc++ ...            more flags for the compiler
  // UNLESS clang++-14: reason         this compiler does not detect the fault
  // REPLACE file: old -> new          the fault is in a header: the first `old` in include/pvhboot/file becomes `new`

The control build defines the macro CONTROL and replaces nothing. It must compile.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from common import SKIP, missing, run

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]


def lines(text: str, word: str) -> list[tuple[str | None, str]]:
    return [(match[1], match[2]) for match in re.finditer(rf"^// {word}(?:[ (]([\w./+-]+)\)?)?: +(.*?)\s*$", text, re.M)]


def mutated(root: Path, replacements: list[tuple[str | None, str]], scratch: Path) -> Path:
    """A copy of the headers with the replacements. A text that is not in the header is an error."""
    shutil.copytree(root / "include", scratch / "include")
    for name, change in replacements:
        path = scratch / "include/pvhboot" / str(name)
        old, arrow, new = f"{change} ".partition(" -> ")
        text = path.read_text(encoding="utf-8")
        if not arrow or old not in text:
            sys.exit(f"nothing to replace in {name}: {change}")
        path.write_text(text.replace(old, new.rstrip(), 1), encoding="utf-8")
    return scratch / "include"


def judge(compiler: str, source: Path, root: Path, faulty: Path, flags: list[str], patterns: list[str]) -> str | None:
    """The problem of this case, or None."""
    command = [compiler, "-std=c++20", *WARNINGS, *flags, "-fsyntax-only", str(source)]
    control = run([*command, f"-I{root / 'include'}", "-DCONTROL"])
    if control.returncode:
        return f"the control build does not compile\n{control.stderr}"
    broken = run([*command, f"-I{faulty}"])
    if broken.returncode == 0:
        return "compiled, but must not"
    if broken.returncode < 0 or "internal compiler error" in broken.stderr:
        return f"the compiler crashed\n{broken.stderr}"
    missing = [pattern for pattern in patterns if not re.search(pattern, broken.stderr)]
    return f"failed for another reason; the diagnostics lack {missing}\n{broken.stderr}" if missing else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("source", type=Path)
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()
    text = options.source.read_text(encoding="utf-8")
    expectations = lines(text, "EXPECT")
    flags = [word for _, value in lines(text, "FLAGS") for word in value.split()]
    unless = dict(lines(text, "UNLESS"))
    failed = judged = 0
    with tempfile.TemporaryDirectory() as scratch:
        replacements = lines(text, "REPLACE")
        faulty = mutated(options.root, replacements, Path(scratch)) if replacements else options.root / "include"
        for compiler in options.compiler:
            if missing(compiler):
                print(f"{compiler}: skipped: not installed")
                continue
            if reason := unless.get(Path(compiler).name):
                print(f"{compiler}: not judged: {reason}")
                continue
            family = "clang" if "clang" in run([compiler, "--version"]).stdout else "gcc"
            patterns = [pattern for only, pattern in expectations if only in (None, family)]
            problem = judge(compiler, options.source, options.root, faulty, flags, patterns) if patterns else \
                f"no EXPECT line for {family}"
            judged += 1
            failed += problem is not None
            print(f"{compiler}: {problem or 'refused, as expected: ' + ' and '.join(patterns)}")
    return 1 if failed else 0 if judged else SKIP


if __name__ == "__main__":
    sys.exit(main())
