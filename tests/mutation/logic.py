#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Damage the logic of the headers, one place at a time, and check that a test fails.

A mutant that no test kills is a survivor: either a row is missing in tests/unit, or the mutant is equivalent and is in
survivors.txt with the reason. A mutant that does not compile does not count. Every sixth mutant is judged; --deep
judges all of them. Without another option a sample is judged, whose seed is in SEED below.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zlib import crc32

import progress
import reach
import switched
from common import missing, skip_without
from judge import COMPILER, Experience, Judge, Verdict
from sites import Mutant, mutants

# Another number is another sample.
SEED = 1
SURVIVORS = Path(__file__).with_name("survivors.txt")


def is_common(mutant: Mutant) -> bool:
    """One of every six; the name decides, so the choice stays when lines move."""
    return crc32(mutant.name.encode()) % 6 == 0


def read_survivors() -> dict[str, tuple[str, str]]:
    """The line and the reason, by name."""
    found = {}
    for row in SURVIVORS.read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            name, _, others = row.partition(" ## ")
            line, _, reason = others.rpartition(" ## ")
            found[name] = (line, reason)
    return found


def stale(listed: dict[str, tuple[str, str]], all_mutants: list[Mutant]) -> Iterator[str]:
    """Rows of survivors.txt that are about nothing, or about another line than they were."""
    lines = {mutant.name: mutant.line for mutant in all_mutants}
    for name, (line, reason) in listed.items():
        if name not in lines:
            yield f"survivors.txt: there is no mutant {name}"
        elif lines[name] != line:
            yield f"survivors.txt: {name} is in another line now: {lines[name]}"
        elif not reason:
            yield f"survivors.txt: {name} has no reason"


def choose(options: argparse.Namespace, all_mutants: list[Mutant], listed: dict[str, tuple[str, str]]) -> list[Mutant]:
    if options.id:
        chosen = [mutant for mutant in all_mutants if mutant.name in options.id]
        if lost := set(options.id) - {mutant.name for mutant in chosen}:
            sys.exit(f"error: there is no mutant {', '.join(sorted(lost))}")
        return chosen
    some = [mutant for mutant in all_mutants if options.deep or is_common(mutant)]
    if options.header:
        some = [mutant for mutant in some if mutant.header == options.header]
        if not some:
            sys.exit(f"error: no mutants in {options.header}: expected a name like core/span.hpp")
    # The order is that of a number from seed and name: a mutant that comes or goes moves no other.
    shuffled = sorted(some, key=lambda mutant: crc32(f"{options.seed} {mutant.name}".encode()))
    if options.all or options.header:
        return shuffled
    print(f"seed {options.seed}", flush=True)
    return [mutant for mutant in shuffled if mutant.name not in listed][:options.sample]


class Run:
    """Judges mutants with several workers, and remembers the verdicts in a file so that a run can go on later."""

    def __init__(self, root: Path, log: Path | None) -> None:
        self.root = root
        self.log = log
        self.lock = threading.Lock()
        self.verdicts: list[Verdict] = []

    def known(self) -> dict[str, list]:
        if not self.log or not self.log.exists():
            return {}
        rows = (json.loads(row) for row in self.log.read_text(encoding="utf-8").splitlines())
        return {name: rest for name, *rest in rows}

    def judge(self, todo: list[Mutant], workers: int, with_reach: bool, learn: bool) -> None:
        known = self.known()
        self.verdicts = [Verdict(m, *known[m.name]) for m in todo if m.name in known]
        rest = [m for m in todo if m.name not in known]
        self.line = progress.Line(every=60)
        self.of = len(todo)
        with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
            folder = Path(scratch)
            reached = self.reach(folder, workers) if with_reach else None
            experience = Experience()
            if reached is not None:
                rest = self.switch(rest, folder / "switched", workers, experience, reached)
            waiting = iter(rest)
            shops = [Judge(self.root, folder / str(n), experience, reached) for n in range(workers)]
            for done in [pool.submit(self.work, shop, waiting) for shop in shops]:
                done.result()
            self.line.clear()
            if learn:
                experience.write()

    def switch(self, rest: list[Mutant], folder: Path, workers: int, experience: Experience,
               reached: reach.Reach) -> list[Mutant]:
        """Kills what one build can have all of, and returns the others."""
        build = switched.Build(self.root, folder, rest, workers)
        if not build.make():
            return rest

        def kill(number: int) -> None:
            if killer := build.kill(number, reached):
                with self.lock:
                    experience.add(build.mutants[number], killer)
                    self.note(Verdict(build.mutants[number], killer, asked=[killer]))

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(kill, build.mutants))
        killed = {v.mutant.name for v in self.verdicts}
        return [mutant for mutant in rest if mutant.name not in killed]

    def note(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        survivors = sum(not v.killer for v in self.verdicts)
        self.line.show(f"judged {len(self.verdicts)} of {self.of} ({self.line.seconds():.0f} s), {survivors} survive")
        if self.log:
            with self.log.open("a", encoding="utf-8") as log:
                print(json.dumps([verdict.mutant.name, verdict.killer, verdict.compiles, verdict.asked]), file=log)

    def reach(self, folder: Path, workers: int) -> reach.Reach:
        """Kept next to the log."""
        kept = self.log.with_suffix(".reach") if self.log else None
        if kept and kept.exists():
            by_test = json.loads(kept.read_text(encoding="utf-8"))
            return {test: {header: set(lines) for header, lines in some.items()} for test, some in by_test.items()}
        measured = reach.measure(self.root, folder, COMPILER, workers)
        if kept:
            lists = {test: {header: sorted(lines) for header, lines in some.items()} for test, some in measured.items()}
            kept.write_text(json.dumps(lists), encoding="utf-8")
        return measured

    def work(self, shop: Judge, rest: Iterator[Mutant]) -> None:
        while True:
            with self.lock:
                mutant = next(rest, None)
            if mutant is None:
                return
            verdict = shop.judge(mutant)
            with self.lock:
                self.note(verdict)


def report(verdicts: list[Verdict], listed: dict[str, tuple[str, str]], table: bool) -> int:
    """Prints the counts, and the survivors that are not listed. Returns the number of problems."""
    counted = [v for v in verdicts if v.compiles]
    survivors = [v for v in counted if not v.killer]
    new = sorted((v for v in survivors if v.mutant.name not in listed), key=lambda v: v.mutant.name)
    killed_after_all = [v for v in counted if v.killer and v.mutant.name in listed]
    if table:
        print(f"{'header':30}{'mutants':>9}{'killed':>9}{'equivalent':>12}")
        for header in sorted({v.mutant.header for v in counted}):
            of_header = [v for v in counted if v.mutant.header == header]
            print(f"{header:30}{len(of_header):9}{sum(bool(v.killer) for v in of_header):9}"
                  f"{sum(not v.killer and v.mutant.name in listed for v in of_header):12}")
        kinds = Counter(v.killer.rpartition(" in ")[2] if " in " in v.killer else v.killer for v in counted if v.killer)
        print(", ".join(f"{name} {n}" for name, n in kinds.most_common()))
    for v in new:
        print(f"SURVIVED: {v.mutant.name} ## {v.mutant.line} ## {v.mutant.old} -> {v.mutant.new or 'nothing'}")
    for v in killed_after_all:
        print(f"survivors.txt: {v.killer} kills {v.mutant.name}")
    print(f"{len(counted)} mutants, {len(counted) - len(survivors)} killed, {len(survivors) - len(new)} equivalent, "
          f"{len(new)} survived; {len(verdicts) - len(counted)} more do not compile")
    return len(new) + len(killed_after_all)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="judge all mutants")
    which.add_argument("--sample", type=int, default=100, help="judge so many (default: 100)")
    which.add_argument("--header", help="judge the mutants of one header, such as core/span.hpp")
    which.add_argument("--id", action="append", help="judge this mutant; may be repeated")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the sample (default: {SEED})")
    parser.add_argument("--deep", action="store_true", help="judge every mutant, not every sixth")
    parser.add_argument("--learn", action="store_true", help="with --all: write order.txt")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--log", type=Path, help="file of verdicts: a run that was stopped goes on from it")
    options = parser.parse_args()
    if missing(COMPILER):
        return skip_without(COMPILER)
    root = options.root.resolve()
    listed = read_survivors()
    all_mutants = mutants(root)
    problems = list(stale(listed, all_mutants))
    print("".join(f"{problem}\n" for problem in problems), end="", flush=True)
    begin = time.monotonic()
    run = Run(root, options.log)
    run.judge(choose(options, all_mutants, listed), options.jobs, options.all, options.learn)
    bad = report(run.verdicts, listed, options.all) + len(problems)
    print(f"{time.monotonic() - begin:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
