# SPDX-License-Identifier: BSL-1.0
"""HTML of comments and of declarations."""

import html
import re
import xml.etree.ElementTree as xml

from pygments.lexers import CLexer, CppLexer
from pygments.token import STANDARD_TYPES, Token

from lab import LabError

SIMPLE = {"para": "p", "computeroutput": "code", "itemizedlist": "ul", "orderedlist": "ol", "listitem": "li", "bold": "strong",
          "emphasis": "em"}
WORDS = {"ndash": "–", "mdash": "—", "linebreak": "<br>", "hellip": "…", "nonbreakablespace": "&nbsp;", "sp": " "}
BEFORE = re.compile(r"[;{}:]\s*$")


def described(element: xml.Element) -> str:
    """The comment of a name, or nothing."""
    parts = [converted(part) for part in (element.find("briefdescription"), element.find("detaileddescription")) if part is not None]
    return "\n".join(part.strip() for part in parts if part.strip())


def converted(element: xml.Element) -> str:
    """The HTML of what is inside the element."""
    found = [html.escape(element.text or "", quote=False)]
    for child in element:
        found += [one(child), html.escape(child.tail or "", quote=False)]
    return "".join(found)


def one(element: xml.Element) -> str:
    tag = element.tag
    if tag in ("verbatim", "programlisting", "preformatted"):
        lines = ["".join(line.itertext()) for line in element.findall("codeline")] if tag == "programlisting" else None
        return code("\n".join(lines) if lines is not None else "".join(element.itertext()))
    if tag == "ref":
        return converted(element)
    if tag == "ulink":
        return f'<a href="{html.escape(element.get("url"))}">{converted(element)}</a>'
    if tag in WORDS:
        return WORDS[tag]
    if tag not in SIMPLE:
        raise LabError(f"a comment has <{tag}>, for which the reference has no form: {''.join(element.itertext()).strip()[:80]}")
    found = f"<{SIMPLE[tag]}>{converted(element)}</{SIMPLE[tag]}>"
    return apart(found) if tag == "para" else found


def apart(paragraph: str) -> str:
    """A list or a block of code is no part of a paragraph in HTML."""
    found = re.sub(r"(<div.*?</div>|<ul>.*</ul>|<ol>.*</ol>)", r"</p>\1<p>", paragraph, flags=re.S)
    return re.sub(r"<p>\s*</p>", "", found)


def code(text: str, links: dict[str, str] | None = None, is_c: bool = False) -> str:
    """A block of code in colours. Names in `links` lead to their addresses."""
    return f'<div class="highlight"><pre>{inline(text.strip(chr(10)), links, is_c)}</pre></div>'


def inline(text: str, links: dict[str, str] | None = None, is_c: bool = False) -> str:
    found = []
    for token, value in (CLexer if is_c else CppLexer)(stripnl=False, ensurenl=False).get_tokens(text):
        short = style(token)
        shown = html.escape(value, quote=False)
        if token in Token.Name and links and value in links:
            shown = f'<a href="{links[value]}">{shown}</a>'
        found.append(f'<span class="{short}">{shown}</span>' if short and value.strip() else shown)
    return "".join(found)


def style(token: object) -> str:
    while token not in STANDARD_TYPES:
        token = token.parent
    return STANDARD_TYPES[token]


def declaration(lines: list[str], line: int, kind: str) -> tuple[str, int, int]:
    """The declaration on this line, counted from 1, without body; its first line and its last."""
    first = line - 1
    while first > 0 and continues(lines[first - 1]):
        first -= 1
    if kind == "define":
        return lines[first].removesuffix("\\").strip(), line, line
    text = "\n".join(lines[first:first + 60])
    end = length(text)
    shown = text[:end] + (";" if kind in ("concept",) or text[end:end + 1] == ";" and kind != "variable" else "")
    shown = re.sub(r"\[\[.*?\]\] ?", "", shown)
    shown = "\n".join(row for row in shown.split("\n") if not row.startswith("#") and not row.strip().startswith("//"))
    shown = re.sub(r" *//.*", "", shown)
    indent = min((len(row) - len(row.lstrip()) for row in shown.split("\n")[:1] if row.strip()), default=0)
    shown = "\n".join(row[indent:] if not row[:indent].strip() else row.lstrip() for row in shown.split("\n"))
    return shown.strip().removesuffix("{").strip(), first + 1, first + 1 + text[:end].count("\n")


def continues(line: str) -> bool:
    """Whether the declaration that goes on below begins on this line or above it."""
    bare = re.sub(r"\s*//.*|/\*.*?\*/", "", line).strip()
    return bool(bare) and not bare.startswith(("#", "*", "/*")) and not line.strip().endswith("*/") and not BEFORE.search(bare) and \
        not bare.endswith(",")


def length(text: str) -> int:
    """Up to the body, the initialisers of a constructor, or the semicolon."""
    depth = 0
    at = 0
    while at < len(text):
        char = text[at]
        if text.startswith("//", at):
            at = text.find("\n", at)
            if at < 0:
                break
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif depth == 0 and char == ";":
            return at
        elif depth == 0 and char == "{":
            before = text[:at].rstrip()
            if not is_requires(before) and not before.endswith("="):
                return at
            at = closing(text, at)
        elif depth == 0 and char == ":" and text[at - 1] == " " and text[at + 1] == " " and re.search(r"\)[\w ()<>:,*&]*\s*$", text[:at]):
            return at
        at += 1
    return len(text)


def is_requires(before: str) -> bool:
    if before.endswith("requires"):
        return True
    if not before.endswith(")"):
        return False
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(before[at], 0)
        if depth == 0:
            return before[:at].rstrip().endswith("requires")
    return False


def closing(text: str, at: int) -> int:
    depth = 0
    for i in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text)
