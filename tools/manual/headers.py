# SPDX-License-Identifier: BSL-1.0
"""Copies of the headers in which Doxygen finds every comment that documents a name.

Doxygen's preprocessor drops the comments of macros, and the comments of the headers are not in its syntax. So a copy
  has the rows of a .def file where an enumeration includes it, each with its sentence as the comment;
  has the head of the file, and the comments of the C header, as comments of Doxygen;
  escapes what Doxygen would read as a command or as HTML.
The lines keep their numbers up to the first row, so names are looked up in the copy.
"""

import re
from pathlib import Path

ROWS = re.compile(r"#define PVHBOOT_\w+\([^)]*\) (\w*?)(?:##)?name = \(number\),\n#include <(pvhboot/[\w/]+\.def)>\n")
ROW = re.compile(r'^PVHBOOT_(?!\w*GROUP)\w+\((0x[0-9a-f]+), (\w+), (.*)\)$', re.M)
TABLE = re.compile(r"( \w+\[\]) =(?: \{)?\n(?:#define .*\n)+#include <pvhboot/.*>\n[^;]*;")
INDENTED = re.compile(r" {4,}\S")


def prepared(text: str, include: Path, is_c: bool) -> str:
    """The copy of a header."""
    text = ROWS.sub(lambda match: rows(include / match[2], match[1]), text)
    text = TABLE.sub(r"\1;", text)
    text = re.sub(r"^(?:#define .*\n)?(?://.*\n)?#include <pvhboot/.*\.def>\n", "\n", text, flags=re.M)
    return c_comments(text) if is_c else cpp_comments(text)


def rows(table: Path, prefix: str) -> str:
    found = []
    for number, name, rest in ROW.findall(table.read_text(encoding="utf-8")):
        sentence = next(word for word in re.findall(r'"((?:\\.|[^"\\])*)"', rest) if " " in word and not is_place(word))
        found.append(f"  {prefix}{name} = {number},  ///< {sentence}\n")
    return "".join(found)


def is_place(words: str) -> bool:
    """Whether the words are the column `where` of oddities.def: "the field"."""
    return bool(re.fullmatch(r"the \w+(?: \w+)?", words))


def cpp_comments(text: str) -> str:
    lines = text.split("\n")
    end = next((i for i, line in enumerate(lines) if not line.startswith("//")), 0)
    for i in range(1, end):
        lines[i] = re.sub("^//", "///", lines[i])
    if end > 1:
        lines[0] = r"/// \file"
    for i, line in enumerate(lines):
        if match := re.search(r"///<? ?", line):
            rest = line[match.end():]
            lines[i] = line[:match.end()] + (rest if INDENTED.match(rest) or i == 0 else escaped(rest))
    return "\n".join(lines)


def c_comments(text: str) -> str:
    """A comment above a declaration, or after it on its line, documents it. One before an empty line does not."""
    found, at = [], 0
    for match in re.finditer(r"/\*(.*?)\*/", text, re.S):
        before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        words = "\n".join(line if INDENTED.match(line.strip().removeprefix("*")) else escaped(line) for line in match[1].split("\n"))
        if match.start() == 0:
            mark = "/** \\file\n *"
            words = words.split("\n", 1)[1].removeprefix(" *")
        elif before.strip():
            mark = "/**<"
        elif text[match.end():].startswith("\n\n") or words.startswith(" --"):
            mark = "/*"
        else:
            mark = "/**"
        found += [text[at:match.start()], mark, words, "*/"]
        at = match.end()
    return "".join(found) + text[at:]


def escaped(words: str) -> str:
    """Words without commands of Doxygen; between backticks it reads none."""
    parts = re.split(r"(`[^`]*`)", words)
    return "".join(part if part.startswith("`") else re.sub(r"([\\@<>&#%])", r"\\\1", part) for part in parts)
