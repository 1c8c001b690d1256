#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Refuse the words of words.txt in prose: documents, comments, docstrings, string literals and names in Python.

Prints FILE:LINE, the word and what to write instead. Files that prose_later.txt lists are not rewritten yet; a file
that passes must not be in that list. With --self-test only the rows of words.txt are tested, in every language.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORDS = HERE / "words.txt"
LATER = HERE / "prose_later.txt"
FOLDERS = ("cmake", "debian", "docs", "examples", "include", "spec", "subprojects/packagefiles", "tests", "tools", ".ci")
LEFT_OUT = ("debian/copyright", "examples/fuzz/corpus/", "tests/style/words.txt", "tests/style/prose_later.txt")
Piece = tuple[int, str]  # a line number and prose of that line

C_TOKEN = re.compile(r"""
    (?P<skipped> ^[ \t]*\#[ \t]*include[ \t]*(?:<[^>\n]*>|"[^"\n]*") | \b\d[\w'.]* | '(?:\\.|[^'\\\n])+' )
  | (?P<comment> //[^\n]* | /\*.*?\*/ )
  | R"(?P<mark>[^()\\\s]{0,16})\((?P<raw>.*?)\)(?P=mark)"
  | "(?P<string>(?:\\.|[^"\\\n])*)"
""", re.VERBOSE | re.MULTILINE | re.DOTALL)
MESON_TOKEN = re.compile(r"'''.*?'''|'(?:\\.|[^'\\\n])*'|(?P<comment>\#[^\n]*)", re.DOTALL)
CMAKE_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|(?P<comment>#[^\n]*)', re.DOTALL)
FENCE = re.compile(r"^ *(```|~~~)")


@dataclass(frozen=True)
class Word:
    pattern: re.Pattern
    better: str
    refused: str
    passes: str


def words() -> list[Word]:
    found = []
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            alternatives, better, refused, passes = (cell.strip() for cell in re.split(r" \| ", line))
            pattern = re.compile(rf"\b(?:{alternatives})\b".replace(" ", r"\s+"), re.IGNORECASE)
            found.append(Word(pattern, better, refused, passes))
    return found


def lines_from(number: int, text: str) -> list[Piece]:
    """The lines of a text that begins at line `number`, without the marks of a comment."""
    return [(number + i, line.strip(" \t/*#<!")) for i, line in enumerate(text.split("\n"))]


def of_plain(text: str) -> list[Piece]:
    return lines_from(1, text)


def of_markdown(text: str) -> list[Piece]:
    found, fenced = [], False
    for number, line in lines_from(1, text):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            found.append((number, line))
    return found


def of_c(text: str) -> list[Piece]:
    found = []
    for match in C_TOKEN.finditer(text):
        for group in ("comment", "raw", "string"):
            if match[group] is not None:
                found += lines_from(text.count("\n", 0, match.start(group)) + 1, match[group].replace(r"\n", " "))
    return found


def of_meson(text: str) -> list[Piece]:
    return [(text.count("\n", 0, match.start()) + 1, match["comment"].strip("# ")) for match in MESON_TOKEN.finditer(text)
            if match["comment"]]


def of_cmake(text: str) -> list[Piece]:
    return [(text.count("\n", 0, match.start()) + 1, match["comment"].strip("# ")) for match in CMAKE_TOKEN.finditer(text)
            if match["comment"]]


def of_python(text: str) -> list[Piece]:
    found = [(number, name.replace("_", " ")) for number, name in names(ast.parse(text))]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) or tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
            found += lines_from(token.start[0], re.sub(r"\\[nrt]", " ", token.string))
    return sorted(found, key=lambda piece: piece[0])


def names(tree: ast.AST) -> list[Piece]:
    """Names that a Python file defines."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append((node.lineno, node.name))
        elif isinstance(node, ast.arg):
            found.append((node.lineno, node.arg))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node.lineno, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.alias):
            found.append((1, node.asname or node.name))
    return found


LANGUAGES = {".md": of_markdown, ".py": of_python, ".txt": of_plain, "": of_plain,
             **dict.fromkeys((".hpp", ".cpp", ".h", ".c", ".S", ".def", ".inc", ".ld"), of_c)}


def language(path: Path):
    if path.name in ("meson.build", "meson_options.txt"):
        return of_meson
    if path.name.endswith((".cmake", ".cmake.in", "CMakeLists.txt")):
        return of_cmake
    return LANGUAGES.get(path.suffix)


def findings(pieces: list[Piece], known: list[Word]) -> list[tuple[int, str, Word]]:
    """Line, word and row of each refused word. Pieces of adjacent lines are searched together."""
    text, starts = "", []
    for number, line in pieces:
        starts.append((len(text), number))
        text += line + "\n"
    found = []
    for word in known:
        for match in word.pattern.finditer(text):
            number = max(start for start in starts if start[0] <= match.start())[1]
            found.append((number, " ".join(match[0].split()), word))
    return sorted(found, key=lambda one: one[0])


def files(root: Path) -> list[Path]:
    paths = [path for path in root.iterdir() if path.is_file() and (path.suffix == ".md" or path.name in ("dev", "CMakeLists.txt")
                                                                    or path.name.startswith("meson"))]
    for folder in FOLDERS:
        paths += [path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(path for path in paths if language(path)
                  and not str(path.relative_to(root)).startswith(LEFT_OUT))


SAMPLES = {  # how a sentence stands in a file: the reader, the text before and after it, its line
    "markdown": (of_markdown, "# Title\n\n```\ncode\n```\n", "\n", 6),
    "C comment": (of_c, "int n = 1;\n// A.\n// ", "\n", 3),
    "C comment after a separator": (of_c, "int n = 1'000;  // this isn't it. ", "\n", 1),
    "C string after a quote": (of_c, 'f("\\" ', '");\n', 1),
    "C block": (of_c, "/* A.\n * ", " */\n", 2),
    "C string": (of_c, '#include "a.hpp"\nconst char c = \'"\';\nf("', '");\n', 3),
    "C raw string": (of_c, 'f(R"x(a\n', ')x");\n', 2),
    "Python comment": (of_python, "x = '#'\n# ", "\n", 2),
    "docstring": (of_python, '"""A.\n\n', '\n"""\n', 3),
    "Python string": (of_python, "x = (f'{1}'\n     f'", " {2}')\n", 2),
    "Meson comment": (of_meson, "x = 'a # b'\n# ", "\n", 2),
    "CMake comment": (of_cmake, 'set(x "a # b")\n# ', "\n", 2),
    "text": (of_plain, "one\n", "\n", 2),
}


def self_test(known: list[Word]) -> list[str]:
    """Each refused sentence is found in each language at its line, also cut at a blank, and no passing one is."""
    problems = []
    for word in known:
        refused = word.pattern.search(word.refused)
        if not refused:
            problems.append(f"self-test: the pattern does not match {word.refused!r}")
            continue
        for name, (read, before, after, line) in SAMPLES.items():
            text = before + word.refused + after
            got = [(number, row) for number, _, row in findings(read(text), [word])]
            if got != [(line, word)]:
                problems.append(f"self-test: {name}: {word.refused!r} gives {[number for number, _ in got]}, not [{line}]")
            if findings(read(before + word.passes + after), known):
                problems.append(f"self-test: {name}: {word.passes!r} is refused")
        if " " in refused[0]:
            cut = word.refused.replace(refused[0], refused[0].replace(" ", "\n/// "))
            if not findings(of_c("/// " + cut + "\n"), [word]):
                problems.append(f"self-test: {word.refused!r} is not found over two lines")
        elif refused[0].isalpha():
            for text in ("def {}_it():\n    pass\n", "def f(they_{}):\n    pass\n", "a.{} = 1\n", "import x as {}\n"):
                if not findings(of_python(text.format(refused[0])), [word]):
                    problems.append(f"self-test: the name {refused[0]} is not found in {text!r}")
    if findings(of_markdown(f"```\n{known[0].refused}\n```\n"), known):
        problems.append("self-test: a code block of Markdown is read as prose")
    if findings(of_python(f"position = file.{known[0].refused.split()[2]}()\n"), known):
        problems.append("self-test: a name that the file does not define is refused")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=HERE.parents[1])
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    known = words()
    problems = self_test(known)
    if options.self_test:
        print("\n".join(problems) or f"{len(known)} words are found in {len(SAMPLES)} kinds of text")
        return 1 if problems else 0
    later = {line for line in LATER.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
    checked = 0
    paths = {str(path.relative_to(options.root)): path for path in files(options.root)}
    for name, path in paths.items():
        found = findings(language(path)(path.read_text(encoding="utf-8")), known)
        if name in later:
            if not found:
                problems.append(f"{name}: passes: remove it from {LATER.name}")
            continue
        checked += 1
        problems += [f"{name}:{number}: \"{text}\": write {word.better}" for number, text, word in found]
    problems += [f"{LATER.name}: there is no file {name}" for name in sorted(later - paths.keys())]
    print("\n".join(problems) or f"{checked} files pass, {len(later)} are left for later")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
