#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compile each C++ block of the README and of docs/, and check that each linked file of the documents exists."""
import argparse
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=pathlib.Path, help="the folder of the headers (default: that of the root)")
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("prelude", type=pathlib.Path)
    parser.add_argument("compiler", nargs="+", help="after --")
    options = parser.parse_args()
    root, prelude, compiler = options.root, options.prelude, options.compiler
    include = options.include or root / "include"
    pages = {page.name: cpp_blocks(page.read_text(encoding="utf-8")) for page in
             [root / "README.md", *sorted(root.glob("docs/*.md"))]}
    first = len(pages["README.md"])
    failures = [] if first >= 3 else [f"README.md: {first} blocks of C++, expected one for each user"]
    numbered = [(name, number, block) for name, blocks in pages.items() for number, block in enumerate(blocks, 1)]
    for name, number, block in numbered:
        if "-m32" in compiler:  # a kernel of this size has this entry instead
            block = block.replace("PVHBOOT_ENTRY_64", "PVHBOOT_ENTRY_32")
        command = [*compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
                   f"-I{include}", "-include", prelude, "-fsyntax-only", "-x", "c++", "-"]
        run = subprocess.run(command, input=block, capture_output=True, text=True, timeout=120)
        if run.returncode != 0:
            failures.append(f"{name}, C++ block {number}:\n{run.stderr}")
    for document in [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("examples/*/*.md")]:
        failures += dead_links(document)
    print("\n".join(failures) or f"{len(numbered)} blocks compiled")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
