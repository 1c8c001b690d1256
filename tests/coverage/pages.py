# SPDX-License-Identifier: BSL-1.0
"""Write the coverage of sources as HTML: a table, and a page for each source with its gaps and their reasons."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

STYLE = """body { font: 14px sans-serif; margin: 1em 2em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: 0 1em 0 0; text-align: left; vertical-align: top }
td + td, th + th { white-space: nowrap } pre { margin: 0; font: 12px monospace } .never { background: #fdd }
.gap { font: 12px sans-serif; background: #fff3c4; white-space: normal } .number { color: #777; text-align: right }"""
KINDS = ("lines", "branches", "conditions")


@dataclass
class Page:
    text: list[str]
    lines: dict[int, bool]  # the lines with code, and whether they were run
    counts: list[int]  # covered and all, of each kind
    gaps: dict[int, tuple[str, str]]  # what is missing, and the reason


def document(title: str, body: list[str]) -> str:
    head = f"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{escape(title)}</title>"
    return "\n".join([f"{head}<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>", *body, "</body></html>\n"])


def cells(counts: list[int]) -> str:
    return "".join(f"<td>{counts[i]} of {counts[i + 1]}</td>" for i in (0, 2, 4))


def source(page: Page) -> list[str]:
    rows = ["<table>"]
    for number, text in enumerate(page.text, 1):
        never = " class=\"never\"" if page.lines.get(number) is False else ""
        what, reason = page.gaps.get(number, ("", ""))
        said = f"<div class=\"gap\">{escape(what)}{'. Reason: ' if reason else ''}{escape(reason)}</div>" if what else ""
        rows.append(f"<tr{never}><td class=\"number\">{number}</td><td><pre>{escape(text) or ' '}</pre>{said}</td></tr>")
    return [*rows, "</table>"]


def write(folder: Path, shown: dict[str, Page], title: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head = "".join(f"<th>{kind}</th>" for kind in KINDS)
    rows = [f"<table><tr><th>header</th>{head}<th>gaps</th></tr>"]
    totals = [0] * 6
    for name, page in shown.items():
        file = f"{name.replace('/', '-')}.html"
        (folder / file).write_text(document(name, source(page)), encoding="utf-8")
        rows.append(f"<tr><td><a href=\"{escape(file)}\">{escape(name)}</a></td>{cells(page.counts)}<td>{len(page.gaps)}</td></tr>")
        totals = [a + b for a, b in zip(totals, page.counts)]
    rows += [f"<tr><th>all</th>{cells(totals)}<td>{sum(len(page.gaps) for page in shown.values())}</td></tr>", "</table>"]
    (folder / "index.html").write_text(document(title, rows), encoding="utf-8")
