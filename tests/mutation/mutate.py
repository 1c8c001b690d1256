#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Damage each field of each wire struct, one at a time, and check that the tables of spec.hpp detect it.

A field is shifted by a byte, resized, swapped with the next one of the same type, and made a plain integer. The
static_asserts next to the structs are removed first, so that only the tables detect it. A mutant is found if the
diagnostics name its struct. One compilation has one mutant of each of many structs. A struct that contains others is
compiled alone, since their mutants change it too.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from abi import abi
from common import missing, run, skip_without

MEMBER = re.compile(r"^  ([\w:]+(?:<.*>)?) (\w+)\{\};", re.M)
WIDER = {"uint8_t": "le16", "le16": "le32", "le32": "le64", "le64": "array<uint8_t, 9>"}
PLAIN = {"le16": "uint16_t", "le32": "uint32_t", "le64": "uint64_t"}


@dataclass
class Mutant:
    kind: str
    struct: str
    field: str
    header: Path
    start: int  # of the text to replace in the header
    end: int
    new: str


def without_asserts(text: str) -> str:
    return re.sub(r"^static_assert\(.*?\);\n", "", text, flags=re.M | re.S)


def mutants(root: Path, structs: dict[str, abi.Struct]) -> tuple[list[Mutant], set[str]]:
    """All mutants, and the structs that contain others."""
    made: list[Mutant] = []
    containers: set[str] = set()
    for header in sorted((root / abi.ABI).glob("*.hpp")):
        text = header.read_text(encoding="utf-8")
        text = text if header.name == "le.hpp" else without_asserts(text)
        for body in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", text, re.M | re.S):
            name = body[1]
            if name not in structs:
                continue
            members = list(MEMBER.finditer(text, body.start(2), body.end(2)))
            missed = {field for field, *_ in structs[name].fields} ^ {member[2] for member in members}
            if missed:
                sys.exit(f"{header.name}: cannot find {name}.{', '.join(sorted(missed))}")

            def add(kind: str, start: int, end: int, new: str) -> None:
                made.append(Mutant(kind, name, member[2], header.relative_to(root / "include"), start, end, new))

            for member, neighbour in zip(members, [*members[1:], None]):
                kind, field = member[1], member[2]
                if set(re.findall(r"\w+", kind)) & structs.keys():
                    containers.add(name)
                add("shifted", member.start(), member.start(), "  uint8_t mutation{};\n")
                wider = WIDER.get(kind, f"array<uint8_t, sizeof({kind}) + 1>")
                add("resized", member.start(1), member.end(1), wider)
                if neighbour and neighbour[1] == kind:
                    between = text[member.end(2):neighbour.start(2)]
                    add("swapped", member.start(2), neighbour.end(2), neighbour[2] + between + field)
                if kind in PLAIN:
                    add("plain", member.start(1), member.end(1), PLAIN[kind])
    return made, containers


def batches(made: list[Mutant], containers: set[str]) -> list[list[Mutant]]:
    """Lists of mutants, each with at most one mutant of a struct."""
    whole: list[list[Mutant]] = [[mutant] for mutant in made if mutant.struct in containers]
    by_struct: dict[str, list[Mutant]] = {}
    for mutant in made:
        if mutant.struct not in containers:
            by_struct.setdefault(mutant.struct, []).append(mutant)
    return whole + [[m for m in turn if m] for turn in zip_longest(*by_struct.values())]


class Workshop:
    """A copy of the headers for one worker."""

    def __init__(self, root: Path, folder: Path, compiler: str) -> None:
        self.include = folder / "include"
        shutil.copytree(root / "include", self.include)
        for header in (self.include / "pvhboot/abi").glob("*.hpp"):
            if header.name != "le.hpp":
                header.write_text(without_asserts(header.read_text(encoding="utf-8")), encoding="utf-8")
        self.command = [compiler, "-std=c++20", "-ffreestanding", "-nostdinc++", f"-I{self.include}", "-fsyntax-only", "-x",
                        "c++", "-"]

    def compile(self) -> subprocess.CompletedProcess:
        return run(self.command, input="#include <pvhboot/spec.hpp>\n")

    def judge(self, batch: list[Mutant]) -> list[tuple[Mutant, bool]]:
        healthy: dict[Path, str] = {}
        for mutant in sorted(batch, key=lambda m: m.start, reverse=True):  # keeps the places above it valid
            target = self.include / mutant.header
            text = target.read_text(encoding="utf-8")
            healthy.setdefault(target, text)
            target.write_text(text[:mutant.start] + mutant.new + text[mutant.end:], encoding="utf-8")
        done = self.compile()
        for target, text in healthy.items():
            target.write_text(text, encoding="utf-8")
        # An error in a header of abi/ is a mistake of this script.
        if slip := re.search(r"pvhboot/abi/\w+\.hpp:\d+:\d+: error.*", done.stderr):
            sys.exit(f"{', '.join(f'{m.struct}.{m.field} {m.kind}' for m in batch)}: {slip[0]}")
        named = set(re.findall(r"error: .*pvhboot: (?:size of |the rows of )?(\w+)", done.stderr))
        return [(mutant, mutant.struct in named) for mutant in batch]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("compiler")
    options = parser.parse_args()
    if missing(options.compiler):
        return skip_without(options.compiler)
    structs = abi.structs(options.root)
    todo, containers = mutants(options.root, structs)
    fields = sum(len(struct.fields) for struct in structs.values())
    if {(m.struct, m.field) for m in todo} != {(s.name, f) for s in structs.values() for f, *_ in s.fields}:
        sys.exit("not every field has a mutant")

    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
        shops = [Workshop(options.root, Path(scratch) / str(n), options.compiler) for n in range(workers)]
        healthy = shops[0].compile()
        if healthy.returncode:
            sys.exit(f"the headers do not compile without their asserts\n{healthy.stderr}")
        work = batches(todo, containers)
        shares = [work[n::workers] for n in range(workers)]
        verdicts = pool.map(lambda pair: [v for batch in pair[1] for v in pair[0].judge(batch)], zip(shops, shares))
        judged = [verdict for share in verdicts for verdict in share]
    survivors = [m for m, found in judged if not found]
    for m in survivors:
        print(f"SURVIVED: {m.struct}.{m.field} {m.kind}")
    for kind in ("shifted", "resized", "swapped", "plain"):
        all_of_kind = [found for m, found in judged if m.kind == kind]
        print(f"{kind:8} {sum(all_of_kind)} of {len(all_of_kind)} found")
    found = len(judged) - len(survivors)
    print(f"{fields} fields of {len(structs)} structs, {len(judged)} mutants, {found} found: {100 * found / len(judged):.1f} %")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
