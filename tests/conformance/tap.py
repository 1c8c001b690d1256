# SPDX-License-Identifier: BSL-1.0
"""What examples/conformance reports, and the table of docs/protocol.md that has the result of each producer."""

import os
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from lab import ROOT, LabError

PAGE = ROOT / "docs/protocol.md"
CLAUSES = ROOT / "examples/conformance/clauses.def"
HEAD = "| producer | broken clauses | findings of lint | not observable |"
LINE = re.compile(r"(ok|not ok) (\d+) - (.*?)(?: # (SKIP|lint) (.*))?$")
NAME = re.compile(r"(\w+): ")
MODULE = bytes(range(251)) * 20  # what every machine gets as its first module
CMDLINE = f"conformance.module0={zlib.crc32(MODULE):08x}"


@dataclass
class Report:
    """The lines of one guest."""

    broken: list[str] = field(default_factory=list)
    lint: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)

    def row(self, producer: str) -> str:
        unseen = [name for name, why in self.skipped.items() if why.startswith("not observable")]
        cells = (producer, *(", ".join(names) or "none" for names in (self.broken, sorted(self.lint), unseen)))
        return f"| {' | '.join(cells)} |"


def clauses() -> list[str]:
    return re.findall(r"^(?:ODDITY_)?CLAUSE\((\w+),", CLAUSES.read_text(encoding="utf-8"), re.M)


def read(lines: list[str]) -> Report:
    """Raises LabError if the report is not TAP, or does not have every clause once and in order."""
    texts = [line.strip() for line in lines]
    if "TAP version 14" not in texts:
        raise LabError("the guest printed no report:\n" + "\n".join(f"    | {line}" for line in texts[-10:]))
    texts = texts[texts.index("TAP version 14") + 1:]
    report, names = Report(), []
    number = 0
    plan = None
    for text in texts:
        if match := re.fullmatch(r"1\.\.(\d+)", text):
            plan = int(match[1])
            break
        if text.startswith("#"):
            continue
        match = LINE.fullmatch(text)
        if not match:
            continue  # the machine's own output
        number += 1
        verdict, stated, sentence, directive, rest = match.groups()
        if int(stated) != number:
            raise LabError(f"line {number} of the report has the number {stated}: {text}")
        if directive == "lint":
            report.lint.append(rest)
            continue
        name = NAME.match(sentence)[1]
        names.append(name)
        if verdict == "not ok":
            report.broken.append(name)
        elif directive == "SKIP":
            report.skipped[name] = rest
        else:
            report.held.append(name)
    if plan != number:
        raise LabError(f"the plan says {plan}, and there are {number} lines")
    if names != clauses():
        raise LabError(f"the report has other clauses than clauses.def: {names}")
    return report


def table() -> dict[str, str]:
    """The rows of the page by producer."""
    text = PAGE.read_text(encoding="utf-8")
    at = text.index(HEAD)
    rows = text[at:text.index("\n\n", at)].splitlines()[2:]
    return {row.split("|")[1].strip(): row for row in rows}


def problems(producer: str, report: Report) -> list[str]:
    """How the page differs from the report. If PVHBOOT_WRITE_TABLE is set, the page gets the row instead."""
    row, known = report.row(producer), table().get(producer)
    if known == row:
        return []
    if os.environ.get("PVHBOOT_WRITE_TABLE"):
        text = PAGE.read_text(encoding="utf-8")
        if known:
            text = text.replace(known, row)
        else:
            end = text.index("\n\n", text.index(HEAD))
            text = text[:end] + "\n" + row + text[end:]
        PAGE.write_text(text, encoding="utf-8")
        return []
    return [f"docs/protocol.md: {known or 'no row'} instead of {row}"]
