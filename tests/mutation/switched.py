# SPDX-License-Identifier: BSL-1.0
"""Many mutants in one build: an environment variable switches one of them on, and doctest needs no compiler for each.

Only what can be said in one expression or statement is switched: comparisons and arithmetic, constants, conditions,
removed statements, what is returned. A mutant that does not compile this way, or that no test kills, goes to the judge,
which compiles it as it stands: so this only saves time.
"""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import run
from judge import AT_RUN_TIME, COMPILER
from reach import Reach
from sites import Mutant

SIGNS = ("<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>")
SWITCHES = Path(__file__).with_name("switched.hpp")
LIMIT = 300  # seconds, on a machine that is busy
CPU = "--cpu=10"  # a test that needs more does not end

Edit = tuple[int, int, str]  # replace [start, end) by the text


def edits(mutant: Mutant, number: int, text: str) -> list[Edit]:
    """The edits that give the mutant its switch; none if it has no such form."""
    on = f"::switched::on<{number}>()"
    start, end = mutant.start, mutant.end
    if mutant.token in SIGNS and mutant.kind in ("boundary", "negated", "other") and mutant.new in SIGNS:
        old, new = SIGNS.index(mutant.token), SIGNS.index(mutant.new)
        return [(end, end, f" ::switched::operation<{number}, {old}, {new}>{{}} {mutant.token}")]
    if mutant.kind in ("plus_1", "zero"):
        new = f"0 * {mutant.old}" if mutant.kind == "zero" else mutant.new  # of the same type
        return [(start, end, f"::switched::number<{number}>({mutant.old}, {new})")]
    if mutant.kind in ("true", "false"):
        return [(start, start, f"{on} ? {mutant.kind} : static_cast<bool>("), (end, end, ")")]
    if mutant.token == "!" and mutant.kind == "dropped":
        return [(start, start, f"{on} != ")]
    semicolon = text.index(";", end) + 1
    if mutant.kind == "removed":
        return [(start, start, f"{{ if (!{on}) "), (semicolon, semicolon, " }")]
    if mutant.token == "return" and mutant.kind == "value":
        begin = text.rindex("return", 0, start)
        return [(begin, begin, f"{{ if ({on}) return {mutant.new}; "), (semicolon, semicolon, " }")]
    return []


def instrumented(text: str, mutants: dict[int, Mutant]) -> str:
    openings, closings = [], []
    for number, mutant in mutants.items():
        made = edits(mutant, number, text)
        openings += made[:1]
        closings += made[1:]
    # Of two that begin or end at one place the longer one encloses the other.
    for start, end, new in sorted(openings + closings, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return text


class Build:
    def __init__(self, root: Path, folder: Path, mutants: list[Mutant], workers: int) -> None:
        self.root = root
        self.folder = folder
        self.workers = workers
        self.units = root / "tests" / "unit"
        self.mutants = dict(enumerate(mutants, 1))
        self.names = sorted(path.stem for path in self.units.glob("*.cpp") if path.stem != "main")

    def make(self) -> bool:
        """Builds a program for each unit test, without the mutants that do not compile."""
        seen = set()  # one mutant of a token
        for number, mutant in list(self.mutants.items()):
            text = (self.root / "include" / "pvhboot" / mutant.header).read_text(encoding="utf-8")
            place = (mutant.header, mutant.start, mutant.end)
            if place in seen or not edits(mutant, number, text):
                del self.mutants[number]
            seen.add(place)
        todo = [*self.names, "main"]
        for _ in range(12):
            self.write_headers()
            with ThreadPoolExecutor(self.workers) as pool:
                outputs = dict(zip(todo, pool.map(self.compile, todo)))
            failed = {name: output for name, output in outputs.items() if output}
            if not failed:
                return all(not self.link(name) for name in self.names)
            if not self.drop("\n".join(failed.values())):
                return False
            todo = [*self.names, "main"]
        return False

    def write_headers(self) -> None:
        self.folder.mkdir(exist_ok=True)
        include = self.folder / "include"
        shutil.rmtree(include, ignore_errors=True)
        shutil.copytree(self.root / "include", include)
        of_header: dict[str, dict[int, Mutant]] = defaultdict(dict)
        for number, mutant in self.mutants.items():
            of_header[mutant.header][number] = mutant
        for header, some in of_header.items():
            path = include / "pvhboot" / header
            path.write_text(instrumented(path.read_text(encoding="utf-8"), some), encoding="utf-8")

    def compile(self, name: str) -> str:
        include = f"-I{self.folder / 'include'}"
        done = run([COMPILER, *AT_RUN_TIME, "-Wno-fatal-errors", "-include", SWITCHES, include, "-c",
                    self.units / f"{name}.cpp", "-o", self.folder / f"{name}.o"], timeout=600)
        return done.stderr if done.returncode else ""

    def link(self, name: str) -> int:
        return run([COMPILER, self.folder / f"{name}.o", self.folder / "main.o", "-o", self.folder / name]).returncode

    def drop(self, output: str) -> int:
        """Drops the mutants in lines that the errors name, and returns their number."""
        place = re.compile(rf"{re.escape(str(self.folder))}/include/pvhboot/([\w/]+\.hpp):(\d+)")
        errors = [row for row in output.splitlines() if " error: " in row]
        lines = {(m[1], int(m[2])) for row in errors for m in place.finditer(row)}
        lines = lines or {(m[1], int(m[2])) for m in place.finditer(output)}
        bad = [number for number, mutant in self.mutants.items() if (mutant.header, mutant.line_number) in lines]
        if not bad:  # a row that is evaluated by the compiler: the whole function
            bad = [number for number, mutant in self.mutants.items()
                   if any(header == mutant.header and line in mutant.lines for header, line in lines)]
        for number in bad:
            del self.mutants[number]
        return len(bad)

    def kill(self, number: int, reach: Reach | None) -> str:
        """The test that kills this mutant, or an empty string."""
        mutant = self.mutants[number]
        own = Path(mutant.header).stem
        names = self.names
        if reach is not None:
            names = [name for name in names if mutant.lines & reach[name].get(mutant.header, set())]
        for name in sorted(names, key=lambda name: (name != own, name)):
            try:
                done = subprocess.run(["prlimit", CPU, self.folder / name, "--abort-after=1"], capture_output=True,
                                      env=dict(os.environ, MUTANT=str(number)), timeout=LIMIT, check=False)
            except subprocess.TimeoutExpired:
                return name
            if done.returncode:
                return name
        return ""
