#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile the example at the head of each header, and check that each header which offers functions has one."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Headers without an example: they are used through others, or only define what memory holds.
WITHOUT = {"pvhboot/core/sort.hpp", "pvhboot/core/sweep.hpp", "pvhboot/version.hpp"}
ROOMS_WITHOUT = ("pvhboot/abi/",)
# An example that begins with one of these stands at namespace scope; every other is the body of a function.
NAMESPACE_SCOPE = re.compile(r"extern |void |struct |class |PVHBOOT_")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Werror", "-Wno-unused"]


def example_of(header: Path) -> str:
    head = header.read_text(encoding="utf-8").split("#pragma once")[0]
    return "".join(f"{line[7:]}\n" for line in head.splitlines() if line.startswith("//     "))


def unit(name: str, example: str, given: Path) -> str:
    includes = f'#include <{name}>\n#include "{given}"\n'
    if NAMESPACE_SCOPE.match(example):
        return f"{includes}#line 1 \"example\"\n{example}"
    return f"{includes}pvhboot::failure example();\npvhboot::failure example() {{\n#line 1 \"example\"\n{example}return {{}};\n}}\n"


def main() -> int:
    root, given = Path(sys.argv[1]), Path(sys.argv[2])
    compiler = sys.argv[sys.argv.index("--") + 1:]
    include = root / "include"
    names = sorted(str(path.relative_to(include)) for path in include.rglob("*.hpp"))
    examples = {name: example_of(include / name) for name in names}
    failures = [f"{name}: no example" for name, example in examples.items()
                if not example and name not in WITHOUT and not name.startswith(ROOMS_WITHOUT)]

    def compile_example(name: str) -> str:
        command = [*compiler, "-std=c++20", *WARNINGS, f"-I{include}", "-fsyntax-only", "-x", "c++", "-"]
        done = subprocess.run(command, input=unit(name, examples[name], given), capture_output=True, text=True, timeout=120,
                              check=False)
        return f"{name}:\n{done.stderr}" if done.returncode else ""

    with ThreadPoolExecutor(2) as pool:
        failures += filter(None, pool.map(compile_example, (name for name in names if examples[name])))
    print("\n".join(failures) or f"{sum(map(bool, examples.values()))} examples compiled")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
