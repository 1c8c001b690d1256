#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile each C++ block of the README, and check that each linked file of the documents exists."""
import pathlib
import re
import subprocess
import sys


def cpp_blocks(text: str) -> list[str]:
    return re.findall(r"^```cpp\n(.*?)^```", text, re.M | re.S)


def dead_links(document: pathlib.Path) -> list[str]:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    return [f"{document}: no {link}" for link in links if not (document.parent / link).exists()]


def main() -> int:
    root, prelude = pathlib.Path(sys.argv[1]), sys.argv[2]
    compiler = sys.argv[sys.argv.index("--") + 1:]
    blocks = cpp_blocks((root / "README.md").read_text(encoding="utf-8"))
    failures = [] if len(blocks) >= 3 else [f"README.md: {len(blocks)} blocks of C++, expected one for each user"]
    for number, block in enumerate(blocks, 1):
        command = [*compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
                   f"-I{root / 'include'}", "-include", prelude, "-fsyntax-only", "-x", "c++", "-"]
        run = subprocess.run(command, input=block, capture_output=True, text=True, timeout=120)
        if run.returncode != 0:
            failures.append(f"README.md, C++ block {number}:\n{run.stderr}")
    for document in [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("examples/*/*.md")]:
        failures += dead_links(document)
    print("\n".join(failures) or f"{len(blocks)} blocks compiled")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
