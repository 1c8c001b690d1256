# SPDX-License-Identifier: BSL-1.0
"""Asks the tests about a mutant, the fastest first: static_asserts, doctest, captures, bounded proofs, reject.

The rows of a unit test run in static_asserts, so -fsyntax-only of a test kills most mutants in less than a second.
Where constant evaluation takes longer than code does, the rows run in doctest alone. The tests that killed most mutants
of a function so far are asked first: order.txt has them from the last whole run.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from reach import Reach
from sites import Mutant

COMPILER = "g++-12"
ORDER = Path(__file__).with_name("order.txt")
FLAGS = ["-std=c++20", "-w", "-Wfatal-errors", "-fno-diagnostics-show-caret"]
AT_RUN_TIME = [*FLAGS, "-O0", "-DPVHBOOT_ROWS_AT_RUN_TIME"]
# A false row, or one that is no constant expression any more. Any other error is a mutant that does not compile.
FALSE_ROW = re.compile(r"error: .*(?:static assertion|constant|constexpr)|in 'constexpr' expansion of|^no end$", re.M)
LIMIT = 900  # seconds, on a machine that is busy
CPU = "--cpu=60"  # a test that needs more does not end
# Their rows take longer to evaluate than to compile and run.
SLOW_ROWS = {"bzimage", "load_bzimage", "explain", "patch_note"}
# What each bounded proof is about.
PROOFS = {
    "memory_map": {"core/memory_map.hpp", "core/memory_range.hpp", "core/queries.hpp", "core/random_ram.hpp",
                   "core/sort.hpp", "core/sweep.hpp"},
    "setup_data": {"linux/setup_data.hpp", "core/memory.hpp"},
    "notes": {"elf/notes.hpp", "elf/image_notes.hpp", "pvh/phys32_note.hpp"},
}
# What a program that must not compile is about.
REJECT = {"core/memory.hpp", "core/result.hpp", "core/span.hpp", "pvh/parse.hpp"}


@dataclass
class Verdict:
    mutant: Mutant
    killer: str = ""  # the test; empty for a survivor
    compiles: bool = True
    asked: list[str] = field(default_factory=list)


class Experience:
    """How many mutants of a function, and of a header, each test has killed."""

    def __init__(self) -> None:
        self.kills: dict[str, Counter[str]] = {}
        if ORDER.exists():
            for row in ORDER.read_text(encoding="utf-8").splitlines():
                if row and not row.startswith("#"):
                    where, *names = row.split()
                    self.kills[where] = Counter({name: len(names) - i for i, name in enumerate(names)})

    def add(self, mutant: Mutant, test: str) -> None:
        for where in (mutant.header, f"{mutant.header}/{mutant.function}"):
            self.kills.setdefault(where, Counter())[test] += 1

    def rank(self, mutant: Mutant, test: str) -> tuple[int, int]:
        of_function = self.kills.get(f"{mutant.header}/{mutant.function}", Counter())
        return -of_function[test], -self.kills.get(mutant.header, Counter())[test]

    def write(self) -> None:
        rows = ["# The unit tests that kill mutants of a header and of a function, the most successful first.",
                "# Written by ./dev mutate --all --learn; it decides only which test is asked first."]
        for where, kills in sorted(self.kills.items()):
            rows.append(" ".join([where, *(name for name, _ in kills.most_common(5))]))
        ORDER.write_text("\n".join(rows) + "\n", encoding="utf-8")


class Judge:
    """Judges mutants one after the other, in its own copy of the headers."""

    def __init__(self, root: Path, folder: Path, experience: Experience, reach: Reach | None) -> None:
        self.root = root
        self.folder = folder
        self.include = folder / "include"
        self.units = root / "tests" / "unit"
        self.experience = experience
        self.reach = reach
        shutil.copytree(root / "include", self.include)

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The unit tests that may kill it, in the order to ask them."""
        every = sorted(path.stem for path in self.units.glob("*.cpp") if path.stem != "main")
        if self.reach is not None:
            run_it = [name for name in every if mutant.lines & self.reach[name].get(mutant.header, set())]
            every = run_it or every  # what no test runs may be evaluated by the compiler alone
        own = Path(mutant.header).stem

        def place(name: str) -> tuple:
            return self.experience.rank(mutant, name), name != own, name in SLOW_ROWS, name

        return sorted(every, key=place)

    def run(self, *command: object, seconds: int = LIMIT) -> tuple[int, str]:
        """The status and the output."""
        try:
            done = subprocess.run(["prlimit", CPU, *(str(word) for word in command)], capture_output=True, text=True,
                                  errors="replace", timeout=seconds, check=False, env=dict(os.environ, LC_ALL="C"),
                                  cwd=self.folder)
        except subprocess.TimeoutExpired:
            return -1, "no end"
        return done.returncode, "no end" if done.returncode == -signal.SIGXCPU else done.stdout + done.stderr

    def judge(self, mutant: Mutant) -> Verdict:
        target = self.include / "pvhboot" / mutant.header
        healthy = target.read_text(encoding="utf-8")
        target.write_text(healthy[:mutant.start] + mutant.new + healthy[mutant.end:], encoding="utf-8")
        try:
            return self.ask_all(mutant)
        finally:
            target.write_text(healthy, encoding="utf-8")

    def ask_all(self, mutant: Mutant) -> Verdict:
        verdict = Verdict(mutant)
        tests = self.tests_of(mutant)
        for name in tests:
            verdict.asked.append(name)
            source = self.units / f"{name}.cpp"
            if name in SLOW_ROWS:
                killed = not self.doctest(name, source)
            else:
                status, output = self.run(COMPILER, *FLAGS, f"-I{self.include}", "-fsyntax-only", source)
                killed = status != 0
                verdict.compiles = not killed or bool(FALSE_ROW.search(output))
            if killed:
                verdict.killer = name
                if verdict.compiles:
                    self.experience.add(mutant, name)
                return verdict
        verdict.killer = self.ask_others(mutant, tests)
        return verdict

    def ask_others(self, mutant: Mutant, tests: list[str]) -> str:
        """The tests that do not run in static_asserts."""
        for name in tests:
            source = self.units / f"{name}.cpp"
            text = source.read_text(encoding="utf-8")
            if name in SLOW_ROWS:  # a read outside an array passes at run time
                if self.run(COMPILER, *FLAGS, f"-I{self.include}", "-fsyntax-only", source)[0]:
                    return f"{name} in static_assert"
            elif (mutant.two_ways or "\nTEST_CASE(" in text) and not self.doctest(name, source):
                return f"{name} in doctest"
        if not self.doctest("captures", *sorted((self.root / "tests" / "captures").glob("*.cpp"))):
            return "captures"
        for name, subjects in PROOFS.items():
            if mutant.header in subjects and not self.proof(name):
                return f"proof of {name}"
        return "reject" if mutant.header in REJECT and not self.rejects() else ""

    def compile(self, source: Path, flags: list[str]) -> Path | None:
        made = self.folder / f"{source.parent.name}-{source.stem}.o"
        if source.stem == "main" and made.exists():
            return made  # it includes no header of the library
        status, _ = self.run(COMPILER, *flags, f"-I{self.include}", "-c", source, "-o", made)
        return None if status else made

    def doctest(self, name: str, *sources: Path) -> bool:
        """The sources compile, and all tests in them pass."""
        objects = [self.compile(source, AT_RUN_TIME) for source in {*sources, self.units / "main.cpp"}
                   if source.stem != "main" or source.parent == self.units]
        if None in objects:
            return False
        program = self.folder / f"doctest-{name}"
        return not self.run(COMPILER, *objects, "-o", program)[0] and not self.run(program)[0]

    def proof(self, name: str) -> bool:
        made = self.compile(self.root / "tests" / "proofs" / f"{name}.cpp", [*FLAGS, "-O2"])
        program = self.folder / f"proof-{name}"
        return made is not None and not self.run(COMPILER, made, "-o", program)[0] and not self.run(program)[0]

    def rejects(self) -> bool:
        """Programs that must not compile still do not, for the same reason."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            (Path(scratch) / "include").symlink_to(self.include)
            folder = self.root / "tests" / "reject"
            launch = self.root / "tests" / "launch.py"
            return not any(self.run(launch, folder / "expect_fail.py", "--root", scratch, case, COMPILER)[0]
                           for case in sorted((folder / "cases").glob("*.cpp")))
