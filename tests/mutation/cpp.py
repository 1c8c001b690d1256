# SPDX-License-Identifier: BSL-1.0
"""The tokens of a C++ header in the style of this project, and the bodies of its functions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
  | (?P<number>(?:0[xX][0-9a-fA-F']+|\d[\d']*)[uUlLzZ]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign><=>|<<=|>>=|->\*|\.\.\.|::|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.X | re.S | re.M)

PAIRS = {"(": ")", "{": "}", "[": "]"}
# Words before a bracket that are no function's name.
NOT_CALLED = {"if", "for", "while", "switch", "sizeof", "noexcept", "alignof", "decltype", "requires", "static_assert",
              "asm"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    return [Token(m.lastgroup or "", m[0], m.start(), m.end()) for m in TOKEN.finditer(text) if m.lastgroup != "skip"]


def matching(all_tokens: list[Token]) -> dict[int, int]:
    """The index of the closing bracket of each opening one, and the other way round."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for i, token in enumerate(all_tokens):
        if token.text in PAIRS:
            opened.append(i)
        elif token.text in PAIRS.values() and opened:
            found[opened.pop()] = i
    return found | {close: at for at, close in found.items()}


def functions(all_tokens: list[Token], pair: dict[int, int]) -> Iterator[tuple[str, int, int]]:
    """The name of each function, and the first and the last token of its body."""
    i, head = 0, 0
    while i < len(all_tokens):
        text = all_tokens[i].text
        if text in ("(", "["):
            i = pair[i]
        elif text in (";", "}"):
            head = i + 1
        elif text == "{":
            words = [t.text for t in all_tokens[head:i]]
            name = function_name(all_tokens, head, i, pair)
            is_class = name is None and {"class", "struct", "union"} & set(words) and "=" not in words
            if "namespace" in words or is_class:
                head = i + 1
            elif name is None or is_initialiser(all_tokens, head, i):
                i = pair[i]
            else:
                yield name, i + 1, pair[i]
                i = pair[i]
                head = i + 1
        i += 1


def function_name(all_tokens: list[Token], head: int, brace: int, pair: dict[int, int]) -> str | None:
    i = head
    while i < brace:
        text = all_tokens[i].text
        if text == "[":
            i = pair[i]
        elif text == "concept" or (text == "=" and all_tokens[i - 1].text != "operator"):
            return None
        elif text == "operator":
            end = i + 1
            while all_tokens[end].text != "(" or end == i + 1:
                end += 1
            return "operator" + "".join(t.text for t in all_tokens[i + 1:end])
        elif text == "(":
            before = all_tokens[i - 1]
            if before.kind == "word" and before.text not in NOT_CALLED:
                return before.text
            i = pair[i]
        i += 1
    return None


def is_initialiser(all_tokens: list[Token], head: int, brace: int) -> bool:
    """The brace of member{value} in the list of a constructor."""
    words = [t.text for t in all_tokens[head:brace]]
    last = all_tokens[brace - 1]
    return ":" in words and last.kind == "word" and last.text not in ("noexcept", "const")
