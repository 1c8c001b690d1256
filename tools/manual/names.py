# SPDX-License-Identifier: BSL-1.0
"""The public names of the headers, with the comments and places that Doxygen's XML has of them."""

import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

from manual.text import declaration, described

ROOM = "pvhboot::"
COMPOUNDS = ("class", "struct", "union", "concept", "namespace", "file")
OPERATORS = {"()": "-call", "[]": "-index", "*": "-star", "->": "-arrow", "++": "-next", "==": "-equal", "!=": "-differ", "--": "-previous",
             "+": "-plus", "-": "-minus", "+=": "-advance", "<": "-less", "<=>": "-compare"}
TYPES = ("class", "struct", "union", "enum")


@dataclass
class Name:
    kind: str  # class, struct, union, enum, enumvalue, function, variable, typedef, concept, define
    full: str  # qualified, without pvhboot::
    header: str
    line: int
    text: str = ""  # the declaration
    docs: str = ""  # HTML
    type: str = ""
    default: str = ""
    members: list["Name"] = field(default_factory=list)
    borrowed: str = ""  # where the documentation is from, unless it is the name's own comment
    end: int = 0

    @property
    def short(self) -> str:
        return self.full.rsplit("::", 1)[-1]

    @property
    def anchor(self) -> str:
        """The fragment of its address. The anchors of headings have neither dots nor underscores."""
        if self.header.endswith(".h") or self.kind == "define":
            return self.full.replace("::", ".")
        return "pvhboot." + re.sub(r"[^\w.]+", lambda match: OPERATORS.get(match[0].strip(), "-"), self.full.replace("::", ".")).strip("-")


@dataclass
class Header:
    path: str  # pvhboot/core/result.hpp
    head: str  # HTML
    names: list[Name] = field(default_factory=list)
    spaces: dict[str, str] = field(default_factory=dict)  # namespace: its documentation


def read(folder: Path, sources: dict[str, str]) -> list[Header]:
    """All headers, each with its names in the order of the file. `sources` has the text that Doxygen read of each."""
    return Reader(folder, sources).headers()


class Reader:
    def __init__(self, folder: Path, sources: dict[str, str]) -> None:
        self.sources = {path: text.split("\n") for path, text in sources.items()}
        self.found = {path: Header(path, "") for path in sources}
        self.types: dict[str, Name] = {}
        self.seen: set[str] = set()
        self.hidden: set[str] = set()
        entries = xml.parse(folder / "index.xml").getroot()
        self.compounds = [xml.parse(folder / f"{entry.get('refid')}.xml").getroot().find("compounddef") for entry in entries
                          if entry.get("kind") in COMPOUNDS]

    def headers(self) -> list[Header]:
        for compound in sorted(self.compounds, key=lambda one: len(one.findtext("compoundname"))):
            self.take(compound)
        for header in self.found.values():
            self.nest(header)
        return [self.found[path] for path in sorted(self.found)]

    def take(self, compound: xml.Element) -> None:
        kind = compound.get("kind")
        where = compound.find("location")
        full = compound.findtext("compoundname")
        scope = full.removeprefix(ROOM)
        if kind == "file":
            if path := next((path for path in self.found if where.get("file").endswith(path)), None):
                self.found[path].head = described(compound)
        elif kind == "namespace":
            if scope != "pvhboot" and "@" not in scope:
                self.found[self.path(where)].spaces[scope] = described(compound)
        elif "@" in full or compound.get("prot", "public") != "public" or self.is_hidden(full):
            self.hidden.add(full)
            return
        else:
            self.add(compound, kind, scope)
        for member in compound.iter("memberdef"):
            self.member(member, scope if kind not in ("namespace", "file") else None)

    def is_hidden(self, full: str) -> bool:
        """Whether the type is inside of one that is not public."""
        return any(full.startswith(f"{outer}::") for outer in self.hidden)

    def path(self, where: xml.Element) -> str:
        return next(path for path in self.found if where.get("file").endswith(path))

    def member(self, member: xml.Element, scope: str | None) -> None:
        kind = member.get("kind")
        name = member.findtext("name")
        if member.get("id") in self.seen or member.get("prot") != "public" or "@" in name:
            return
        self.seen.add(member.get("id"))
        if kind == "friend" and not name.startswith("operator"):
            return
        full = (member.findtext("qualifiedname") or name).removeprefix(ROOM)
        if scope:
            full = f"{scope}::{name}"
        added = self.add(member, "function" if kind == "friend" else kind, full)
        if kind == "enum":
            for value in member.findall("enumvalue"):
                one = Name("enumvalue", f"{full}::{value.findtext('name')}", added.header, added.line, docs=described(value))
                one.default = (value.findtext("initializer") or "").removeprefix("= ")
                added.members.append(one)

    def add(self, element: xml.Element, kind: str, full: str) -> Name:
        where = element.find("location")
        path = self.path(where)
        line = int(where.get("line"))
        full = re.sub(r"\s*([<>])\s*", r"\1", full)
        name = Name(kind, full, path, line, docs=described(element))
        name.text, name.line, name.end = declaration(self.sources[path], line, kind)
        name.type = spelled("".join(element.find("type").itertext()) if element.find("type") is not None else "")
        name.type += element.findtext("argsstring") or "" if kind == "variable" else ""
        name.default = re.sub(r"^= *", "", "".join(element.find("initializer").itertext())) if element.find("initializer") is not None else ""
        self.found[path].names.append(name)
        if kind in TYPES:
            self.types[full] = name
        return name

    def nest(self, header: Header) -> None:
        """Members go into their types, which must be of the same header."""
        header.names.sort(key=lambda name: (name.line, name.full))
        undefined = set(re.findall(r"^#undef (\w+)", "\n".join(self.sources[header.path]), re.M))
        top = []
        for name in header.names:
            if name.kind == "define" and (name.short.endswith("_") or name.short in undefined):
                continue
            if not is_for_users(name):
                continue
            owner = self.types.get(name.full.rpartition("::")[0])
            (owner.members if owner and owner is not name else top).append(name)
        header.names = [name for name in top if not is_inner(name)]


def is_for_users(name: Name) -> bool:
    """Not a member with a trailing underscore, a deleted function, or a specialisation of a variable."""
    if name.kind == "variable":
        return not name.short.endswith("_") and "<" not in name.short
    return not name.text.endswith("= delete;")


def is_inner(name: Name) -> bool:
    """An include guard, or a declaration that only helps the compiler."""
    return name.kind == "define" and not name.short.startswith("PVHBOOT_") or name.short in ("PVHBOOT_C_PVHBOOT_H", "PVHBOOT_INSIDE_")


def spelled(code: str) -> str:
    """A type as the headers spell it: `span<const field>`, `const boot_info<Memory>&`."""
    code = re.sub(r"\s*<\s*", "<", code)
    code = re.sub(r"\s+>", ">", code)
    return re.sub(r"\s+([&*])", r"\1", code).strip()


def everything(headers: list[Header]) -> list[Name]:
    """All names, members and values included."""
    found: list[Name] = []

    def walk(names: list[Name]) -> None:
        for name in names:
            found.append(name)
            walk(name.members)

    for header in headers:
        walk(header.names)
    return found
