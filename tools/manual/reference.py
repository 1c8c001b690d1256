# SPDX-License-Identifier: BSL-1.0
"""The pages of the reference: one for each header, a list of the headers, and a list of the names."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from manual.names import TYPES, Header, Name, everything
from manual.text import code, inline

ROOMS = {
    "": "Include these", "abi": "The layout of the bytes", "core": "Memory, maps and results", "elf": "Kernel images", "pvh": "PVH",
    "linux": "Linux", "xen": "Xen", "bridge": "From one protocol to another", "c": "The C interface",
}
FIELD = re.compile(r"^PVHBOOT_FIELD\((\w+), (\w+), (\w+), (\w+), (\w+)\)$", re.M)


class Reference:
    def __init__(self, headers: list[Header], tables: Path) -> None:
        self.headers = headers
        self.links = types(headers)
        self.offsets = {}
        for path in sorted(tables.glob("*.def")):
            for struct, field, offset, size, since in FIELD.findall(path.read_text(encoding="utf-8")):
                self.offsets[f"abi::{struct}", field] = int(offset, 0), int(size, 0), int(since, 0)
        self.anchors: set[str] = set()

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for header in self.headers:
            (folder / f"{page(header.path)}.md").write_text(self.of(header), encoding="utf-8")
        (folder / "index.md").write_text(self.index(), encoding="utf-8")
        (folder / "names.md").write_text(self.names(), encoding="utf-8")

    def index(self) -> str:
        lines = ["# Headers\n", "Every public name is on the page of its header; [all names](names.md) has them in one list.\n"]
        for room, title in ROOMS.items():
            rows = [header for header in self.headers if room_of(header.path) == room]
            lines.append(f"## {f'`{room}/`: ' if room else ''}{title}\n")
            lines.append(raw("<dl class=\"headers\">" + "".join(
                f'<dt><a href="{page(header.path)}.html"><code>{header.path.removeprefix("pvhboot/")}</code></a></dt>'
                f"<dd>{first_sentence(header.head)}</dd>" for header in rows) + "</dl>"))
            lines.append("```{toctree}\n:hidden:\n" + "\n".join(
                f"{header.path.removeprefix('pvhboot/')} <{page(header.path)}>" for header in rows) + "\n```\n")
        lines.append("```{toctree}\n:hidden:\nAll names <names>\n```\n")
        return "\n".join(lines)

    def names(self) -> str:
        found = {}
        for header in self.headers:
            for name in header.names:
                found.setdefault((name.full, header.path), name)
        rows = "".join(f'<tr><td><a href="{page(name.header)}.html#{name.anchor}"><code>{shown(name.full)}</code></a></td>'
                       f"<td>{'macro' if name.kind == 'define' else name.kind if name.kind != 'typedef' else 'type'}</td>"
                       f"<td><code>{name.header.removeprefix('pvhboot/')}</code></td></tr>"
                       for _, name in sorted(found.items(), key=lambda item: item[1].short.lower()))
        return "# All names\n\n" + raw(table(("Name", "Kind", "Header"), rows))

    def of(self, header: Header) -> str:
        self.anchors = set()
        short = header.path.removeprefix("pvhboot/")
        parts = [f"# {short}\n", raw(code(f"#include <{header.path}>")), raw(header.head)]
        for title, group in groups(header):
            parts.append(f"## {title.replace('_', chr(92) + '_').replace('<', chr(92) + '<').replace('*', chr(92) + '*')}\n")
            parts.append(raw(self.group(header, title, group)))
        return "\n".join(parts)

    def group(self, header: Header, title: str, group: list[Name]) -> str:
        if title in header.spaces or title == "Constants":
            return header.spaces.get(title, "") + self.constants(group)
        return "".join(self.one(name) for name in group)

    def one(self, name: Name) -> str:
        is_c = name.header.endswith(".h")
        found = f'<div class="api"{self.id(name)}>{code(name.text, self.other_than(name), is_c)}<div class="said">{name.docs}</div>'
        if name.kind == "enum":
            found += self.values(name)
        elif name.kind in TYPES:
            found += self.members(name)
        return found + "</div>\n"

    def other_than(self, name: Name) -> dict[str, str]:
        return {word: address for word, address in self.links.items() if word != name.short}

    def id(self, name: Name) -> str:
        anchor = name.anchor
        n = 1
        while anchor in self.anchors:
            n += 1
            anchor = f"{name.anchor}-{n}"
        self.anchors.add(anchor)
        return f' id="{html.escape(anchor)}"'

    def values(self, enum: Name) -> str:
        rows, number = "", -1
        for value in enum.members:
            try:
                number = int(re.sub(r"[uU]$", "", value.default), 0) if value.default else number + 1
                text = value.default or str(number)
            except ValueError:
                text = value.default
            rows += (f'<tr{self.id(value)}><td class="number"><code>{html.escape(text)}</code></td><td><code>{value.short}</code></td>'
                     f"<td>{phrase(value.docs)}</td></tr>")
        return table(("Value", "Name", "Meaning"), rows)

    def members(self, owner: Name) -> str:
        fields = [name for name in owner.members if name.kind == "variable" and not name.text.startswith(("static", "inline", "template"))]
        others = [name for name in owner.members if name not in fields]
        found = ""
        if fields:
            wire = all((owner.full, name.short) in self.offsets for name in fields)
            rows = "".join(self.field(owner, name, wire) for name in fields)
            has_defaults = not wire and any(default(name) for name in fields)
            if not has_defaults:
                rows = rows.replace("<td class=\"default\"></td>", "")
            heads = ("Offset", "Type", "Name", "Meaning") if wire else ("Type", "Name", "Default", "Meaning")
            found += table(heads if wire or has_defaults else ("Type", "Name", "Meaning"), rows)
        return found + "".join(f'<div class="inner">{self.one(name)}</div>' for name in others)

    def field(self, owner: Name, name: Name, wire: bool) -> str:
        type_of = f"<td><code class=\"highlight\">{inline(plain(name.type), self.links)}</code></td>"
        if wire:
            offset = self.offsets[owner.full, name.short][0]
            return (f'<tr{self.id(name)}><td class="number"><code>0x{offset:03x}</code></td>{type_of}<td><code>{name.short}</code></td>'
                    f"<td>{phrase(name.docs)}</td></tr>")
        text = f"<code>{html.escape(default(name))}</code>" if default(name) else ""
        return f'<tr{self.id(name)}>{type_of}<td><code>{name.short}</code></td><td class="default">{text}</td><td>{phrase(name.docs)}</td></tr>'

    def constants(self, group: list[Name]) -> str:
        rows = "".join(f'<tr{self.id(name)}><td><code class="highlight">{inline(plain(name.type), self.links)}</code></td>'
                       f"<td><code>{html.escape(name.full)}</code></td><td><code>{html.escape(short_value(name.default))}</code></td>"
                       f"<td>{phrase(name.docs)}</td></tr>" for name in group)
        return table(("Type", "Name", "Value", "Meaning"), rows)


def types(headers: list[Header]) -> dict[str, str]:
    """The addresses of types and concepts, by the word that declarations name them with."""
    found: dict[str, str] = {}
    twice = set()
    for name in everything(headers):
        if name.kind in (*TYPES, "concept", "typedef") and "::" not in name.full.replace("abi::", "").replace("spec::", ""):
            if name.short in found and "<" not in name.short:
                twice.add(name.short)
            found.setdefault(name.short, f"{page(name.header)}.html#{name.anchor}")
    return {word: address for word, address in found.items() if word not in twice}


def groups(header: Header) -> Iterator[tuple[str, list[Name]]]:
    """Headings, each with the names under it: a type, the functions of one name, or constants."""
    found: dict[str, list[Name]] = {}
    for name in header.names:
        scope = name.full.rpartition("::")[0]
        if name.kind == "variable" and "template" not in name.text:
            title = scope if scope in header.spaces and scope not in ("abi", "spec") else "Constants"
        else:
            title = name.full
        found.setdefault(title, []).append(replace(name) if title == "Constants" else name)
    yield from sorted(found.items(), key=lambda item: item[0] == "Constants")


def page(path: str) -> str:
    return path.removeprefix("pvhboot/").replace("/", "-").replace(".", "-")


def room_of(path: str) -> str:
    return path.removeprefix("pvhboot/").rpartition("/")[0]


def first_sentence(head: str) -> str:
    match = re.search(r"<p>(.*?)(?:[.:]\s*</p>|\.\s)", head, re.S)
    return f"{match[1]}." if match else ""


def default(name: Name) -> str:
    return "" if name.default in ("{}", "") else name.default


def plain(type_of: str) -> str:
    return re.sub(r"\b(?:inline|static|constexpr) ?", "", type_of)


def short_value(value: str) -> str:
    return value if len(value) < 60 and "\n" not in value else "…"


def phrase(docs: str) -> str:
    """A short comment without its paragraph."""
    match = re.fullmatch(r"<p>(.*)</p>", docs.strip(), re.S)
    return match[1].strip() if match and "<p>" not in match[1] else docs


def shown(full: str) -> str:
    """A name that may break after its colons and underscores."""
    return html.escape(full).replace("::", "::<wbr>").replace("_", "_<wbr>")


def table(heads: tuple[str, ...], rows: str) -> str:
    if not rows:
        return ""
    return ('<div class="table-wrapper"><table class="docutils"><thead><tr>' + "".join(f"<th>{head}</th>" for head in heads) +
            f"</tr></thead><tbody>{rows}</tbody></table></div>")


def raw(text: str) -> str:
    return f"````````{{raw}} html\n{text}\n````````\n" if text else ""
