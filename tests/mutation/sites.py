# SPDX-License-Identifier: BSL-1.0
"""The mutants of a header: where its functions can be damaged, and how.

A mutant's name is header/function/token/kind/number. The number counts the same token and kind in the functions of
this name, so a name stays when lines elsewhere move.

Kinds: boundary and negated (comparisons), other (the opposite operator), dropped (! and ~), plus_1 and zero
(constants), true and false (conditions), removed (statements), value (what is returned), swapped (neighbouring
arguments).

Declarations, templates' arguments, static_asserts, noexcept, attributes, asm and preprocessor lines are left alone, and
so are conditions on __builtin_is_constant_evaluated(): one branch is what the other is at run time. A minimum or
maximum of two has no boundary.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cpp import NOT_CALLED, PAIRS, functions, matching, tokens

ROOMS = ("core", "elf", "pvh", "linux", "xen", "bridge")
# Assembler, which the suites entry and boot run.
LEFT_ALONE = ("pvh/emit_note.hpp", "pvh/entry.hpp")

# boundary, negated
COMPARISONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": (None, "!="),
               "!=": (None, "==")}
OTHER = {"&&": "||", "||": "&&", "+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "&": "|", "|": "&", "^": "&",
         "<<": ">>", ">>": "<<", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "<<=": ">>=", ">>=": "<<=", "++": "--",
         "--": "++"}
# First words of what is no statement, or none that can go away.
NOT_REMOVED = {"return", "if", "for", "while", "do", "switch", "case", "default", "else", "using", "static_assert",
               "const", "constexpr", "auto", "static", "struct", "asm", "requires", "goto", "public", "private",
               "{", "}", ";", "(", "."}
DECLARATION = re.compile(r"^[\w:]+(<[^;]*>)?[&* ]+(const )?\w+(\[.*\])?\s*(=|\{|;|,|$)")


@dataclass(frozen=True)
class Mutant:
    header: str
    function: str
    token: str
    kind: str
    number: int
    start: int
    end: int
    old: str
    new: str
    line: str  # the whole line
    line_number: int
    lines: frozenset[int]  # of the function's body
    two_ways: bool  # the function has code for constant expressions alone

    @property
    def name(self) -> str:
        return f"{self.header}/{self.function}/{self.token}/{self.kind}/{self.number}"


class Finder:
    """Finds the mutants of one header."""

    def __init__(self, header: str, text: str) -> None:
        self.header = header
        self.text = text
        self.tokens = tokens(text)
        self.pair = matching(self.tokens)
        self.heads = {j for i, token in enumerate(self.tokens) if token.text == "for" for j in self.head_of(i)}
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.found: list[Mutant] = []

    def find(self) -> list[Mutant]:
        for name, first, last in functions(self.tokens, self.pair):
            self.function = name
            body = self.between(first - 1, last)
            line = self.text.count("\n", 0, self.tokens[first - 1].start) + 1
            self.lines = frozenset(range(line, line + body.count("\n") + 1))
            self.two_ways = "__builtin_is_constant_evaluated" in body
            i = first
            while i < last:
                i = self.look_at(i, last)
        return self.found

    def add(self, token: str, kind: str, start: int, end: int, new: str) -> None:
        key = (self.function, token, kind)
        self.counts[key] += 1
        line = self.text[self.text.rfind("\n", 0, start) + 1:self.text.index("\n", start)].strip()
        old = " ".join(self.text[start:end].split())
        self.found.append(Mutant(self.header, self.function, token, kind, self.counts[key], start, end, old, new, line,
                                 self.text.count("\n", 0, start) + 1, self.lines, self.two_ways))

    def replace(self, i: int, kind: str, new: str) -> None:
        token = self.tokens[i]
        self.add(token.text, kind, token.start, token.end, new)

    def head_of(self, i: int) -> list[int]:
        """The tokens after the semicolons in the head of a for: they begin no statement."""
        return [j + 1 for j in range(i + 2, self.pair[i + 1]) if self.tokens[j].text == ";"]

    def between(self, first: int, last: int) -> str:
        """The text of tokens first to last."""
        return self.text[self.tokens[first].start:self.tokens[last].end] if first <= last else ""

    def spaced(self, i: int) -> bool:
        """The token has blanks on both sides, as an operator of two operands has."""
        start, end = self.tokens[i].start, self.tokens[i].end
        return self.text[start - 1].isspace() and self.text[end].isspace()

    def look_at(self, i: int, last: int) -> int:
        """Adds the mutants at token i, and returns the next one to look at."""
        token = self.tokens[i]
        before, after = self.tokens[i - 1], self.tokens[i + 1]
        if token.text in ("static_assert", "noexcept", "requires", "decltype", "asm") and after.text == "(":
            return self.pair[i + 1] + 1
        if token.text == "asm":
            while self.tokens[i].text != ";":
                i += 1
            return i
        if token.text == "[" and after.text == "[":
            return self.pair[i] + 1
        if token.text == "case":
            while self.tokens[i].text != ":":
                i += 1
            return i
        if before.text in (";", "{", "}", "else") or (before.text == ")" and self.ends_head(i - 1)):
            self.statement(i, last)
        if token.kind == "number":
            self.constant(i)
        elif token.text in ("if", "while"):
            self.condition(i)
        elif token.text == "return":
            self.returned(i)
        elif token.kind == "sign":
            self.operator(i)
        return i + 1

    def operator(self, i: int) -> None:
        token = self.tokens[i]
        if token.text in COMPARISONS and self.spaced(i):
            boundary, negated = COMPARISONS[token.text]
            if boundary and not self.is_extreme(i):
                self.replace(i, "boundary", boundary)
            self.replace(i, "negated", negated)
        elif token.text in ("++", "--") or (token.text in OTHER and self.spaced(i)):
            self.replace(i, "other", OTHER[token.text])
        elif token.text in ("!", "~") and self.tokens[i + 1].text != "__builtin_is_constant_evaluated":
            self.replace(i, "dropped", "")
        elif token.text in ("(", "{"):
            self.arguments(i)

    def is_extreme(self, i: int) -> bool:
        """a < b ? a : b, which says the same where a and b are equal."""
        start, end = self.tokens[i].start, self.tokens[i].end
        after = re.match(r"\s*([^?;]+?) \? ([^?:;]+) : ([^?:;]+?)[;,)}]", self.text[end:])
        if not after:
            return False
        operand, one, two = after[1].strip(), after[2].strip(), after[3].strip()
        before = self.text[:start].rstrip()
        return operand in (one, two) and any(before.endswith(f" {other}") for other in {one, two} - {operand})

    def constant(self, i: int) -> None:
        after = self.tokens[i + 1]
        if after.text in (">", ">>") and not self.spaced(i + 1):
            return  # a template's argument
        text = self.tokens[i].text
        self.replace(i, "plus_1", f"({text} + 1)")
        if int(text.rstrip("uUlLzZ").replace("'", ""), 0):
            self.replace(i, "zero", "0")

    def condition(self, i: int) -> None:
        opening = i + 1
        if self.tokens[opening].text != "(":
            return  # if constexpr
        close = self.pair[opening]
        first = opening + 1
        for j in range(opening + 1, close):
            if self.tokens[j].text == ";":
                first = j + 1
        text = self.between(first, close - 1)
        if "__builtin_is_constant_evaluated" in text or re.match(r"(const )?\w+[&*]? \w+ =", text):
            return
        start, end = self.tokens[first].start, self.tokens[close - 1].end
        values = ("false",) if self.tokens[i].text == "while" else ("true", "false")
        for value in values:
            self.add(self.tokens[i].text, value, start, end, value)

    def returned(self, i: int) -> None:
        end = self.end_of_statement(i)
        text = self.between(i + 1, end - 1)
        if text and text not in ("{}", "*this", "0", "nullptr"):
            new = {"true": "false", "false": "true"}.get(text, "{}")
            self.add("return", "value", self.tokens[i + 1].start, self.tokens[end - 1].end, new)

    def end_of_statement(self, i: int) -> int:
        while self.tokens[i].text != ";":
            i = self.pair[i] + 1 if self.tokens[i].text in PAIRS else i + 1
        return i

    def ends_head(self, i: int) -> bool:
        """The bracket ends the head of an if, for or while."""
        opening = self.pair[i]
        return self.tokens[opening - 1].text in ("if", "for", "while", "constexpr")

    def statement(self, i: int, last: int) -> None:
        token = self.tokens[i]
        if i in self.heads or token.kind not in ("word", "sign") or token.text in NOT_REMOVED:
            return
        end = i
        while end < last and self.tokens[end].text != ";":
            if self.tokens[end].text in ("}", ")", "]"):
                return
            end = self.pair[end] + 1 if self.tokens[end].text in PAIRS else end + 1
        text = self.between(i, end - 1)
        if end >= last or (token.text not in ("break", "continue") and DECLARATION.match(text)):
            return
        self.add(token.text, "removed", token.start, self.tokens[end - 1].end, "")

    def arguments(self, i: int) -> None:
        before, close = self.tokens[i - 1], self.pair[i]
        if self.tokens[i].text == "(":
            if before.kind != "word" or before.text in NOT_CALLED or before.text == "return":
                return
        elif before.kind != "word" and before.text not in ("(", ",", "=", ">"):
            return
        parts: list[tuple[int, int]] = []
        first = j = i + 1
        while j <= close:
            text = self.tokens[j].text
            if text == ";":
                return  # a block
            if text == "," or j == close:
                parts.append((first, j - 1))
                first = j + 1
            j = self.pair[j] + 1 if text in PAIRS else j + 1
        if len(parts) < 2 or any(self.is_declaration(*part) for part in parts):
            return
        for one, two in zip(parts, parts[1:]):
            a, b = self.between(*one), self.between(*two)
            if a != b and a and b and "{}" not in (a, b) and "errc::" not in a + b:
                start, end = self.tokens[one[0]].start, self.tokens[two[1]].end
                gap = self.text[self.tokens[one[1]].end:self.tokens[two[0]].start]
                name = before.text if before.kind == "word" else self.tokens[i].text
                self.add(name, "swapped", start, end, b + gap + a)

    def is_declaration(self, first: int, last: int) -> bool:
        """A parameter, or a designated member."""
        some = self.tokens[first:last + 1]
        if not some or some[0].text in (".", "const"):
            return True
        return any(a.kind == b.kind == "word" and a.text not in ("sizeof", "return") for a, b in zip(some, some[1:]))


def headers(root: Path) -> list[str]:
    folder = root / "include" / "pvhboot"
    names = [str(path.relative_to(folder)) for room in ROOMS for path in sorted((folder / room).glob("*.hpp"))]
    return [name for name in names if name not in LEFT_ALONE]


def mutants(root: Path) -> list[Mutant]:
    made = []
    for header in headers(root):
        made += Finder(header, (root / "include" / "pvhboot" / header).read_text(encoding="utf-8")).find()
    return made
