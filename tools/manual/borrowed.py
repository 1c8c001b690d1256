# SPDX-License-Identifier: BSL-1.0
"""Documentation that a name has from elsewhere, so that nothing is written twice.

- A member of a wire struct means what tools/pvhboot/document/meanings.def says of it.
- A struct of the C interface and its members mean what those of the same names in C++ do, and so do enumerations.
- In the C header a comment covers all functions up to the next comment or empty line.
- A struct that exists for two word sizes is documented for 32 bits.
- An overload means what the one before it does.
- Some names mean the same in every type.
"""

import html
import re
from pathlib import Path

from manual.names import Name, everything

USUAL = {
    "begin": "The first element.",
    "end": "The end of the elements.",
    "size": "The number of elements.",
    "empty": "Whether there are no elements.",
    "data": "A pointer to the first element.",
    "value_type": "The type of the elements.",
    "element_type": "The type of the elements.",
    "difference_type": "The type of a distance between two iterators.",
    "iterator": "Walks the elements.",
    "operator[]": "The element at this index, which is not checked.",
    "operator*": "The value; for an iterator, the element that it is at.",
    "operator->": "A member of the value; for an iterator, of the element that it is at.",
    "operator++": "Goes to the next element.",
    "operator--": "Goes to the element before.",
    "operator+=": "Goes this many elements further.",
    "operator-=": "Goes this many elements back.",
    "operator+": "An iterator this many elements further.",
    "operator-": "An iterator this many elements back, or the distance between two.",
    "operator<": "Compares positions.",
    "operator>": "Compares positions.",
    "operator<=": "Compares positions.",
    "operator>=": "Compares positions.",
    "operator==": "Whether both are equal.",
    "operator!=": "Whether the two differ.",
    "operator bool": "The same as ok().",
}
PADDING = re.compile(r"_?(?:pad\d*|reserved\d*|unused\d*|dummy)")
MEANING = re.compile(r'^MEANING\((\w+), (\w+), "((?:\\.|[^"\\])*)"\)$', re.M)


def lend(headers: list, meanings: Path) -> None:
    """Give documentation to the names that have none of their own, where there is one."""
    rows = {f"abi::{struct}::{field}": text for struct, field, text in MEANING.findall(meanings.read_text(encoding="utf-8"))}
    known = {name.full: name for name in everything(headers)}
    for header in headers:
        is_c = header.path.endswith(".h")
        for name in everything([header]):
            if name.docs:
                continue
            if name.full in rows:
                name.docs, name.borrowed = paragraph(rows[name.full]), "meanings.def"
            elif "64" in name.full and (other := known.get(name.full.replace("64", "32"))) and other.docs:
                name.docs, name.borrowed = other.docs, other.full
            elif is_c and (other := counterpart(name.full, known)) and other.docs:
                name.docs, name.borrowed = other.docs, other.full
        in_order(header.names, is_c)
    for name in everything(headers):
        if name.docs:
            continue
        if re.search(r"\(\) noexcept = default;$", name.text):
            name.docs, name.borrowed = paragraph("Empty."), "the usual meaning"
        elif name.short in USUAL:
            name.docs, name.borrowed = paragraph(USUAL[name.short]), "the usual meaning"
        elif name.full.startswith("abi::") and name.kind == "variable" and PADDING.fullmatch(name.short):
            name.docs, name.borrowed = paragraph("Unused."), "the usual meaning"


def in_order(names: list[Name], is_c: bool) -> None:
    before = None
    for name in names:
        if not name.docs and before and before.docs and name.kind == before.kind == "function":
            if name.full == before.full or is_c and name.line == before.end + 1:
                name.docs, name.borrowed = before.docs, before.full
        before = name
        in_order(name.members, is_c)


def counterpart(full: str, known: dict[str, Name]) -> Name | None:
    """That of pvhboot_module::size is boot_module::size; that of pvhboot_memory_type::PVHBOOT_RAM is memory_type::ram."""
    scope, _, short = full.rpartition("::")
    scope = ALIASES.get(scope, scope.removeprefix("pvhboot_"))
    if not short.startswith("PVHBOOT_"):
        return known.get(f"{scope}::{short}") or known.get(full.removeprefix("pvhboot_"))
    words = short.removeprefix("PVHBOOT_").lower()
    return next((known[f"{scope}::{words[i:]}"] for i in range(len(words)) if f"{scope}::{words[i:]}" in known), None)


ALIASES = {"pvhboot_range": "memory_range", "pvhboot_module": "boot_module", "pvhboot_memmap_state": "memory_map_state",
           "pvhboot_error": "errc", "pvhboot_window": "writable_window", "pvhboot_piece": "extent_kind"}


def paragraph(text: str) -> str:
    return f"<p>{html.escape(text, quote=False)}</p>"
