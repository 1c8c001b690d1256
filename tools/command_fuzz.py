# SPDX-License-Identifier: BSL-1.0
"""Run the harnesses of examples/fuzz with clang's libFuzzer or with AFL++.

Each starts with the committed corpus and with the inputs that earlier runs left in the build folder, and stops at the
first broken law.
"""

import argparse
import json
import os
import random
import shlex
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import building
import fuzz_afl
import fuzz_build
import fuzz_libfuzzer
import harnesses
import progress
import values
from common import missing, skip
from lab import LabError

EVERY = 3.0  # seconds between two lines of progress without a terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("harnesses", nargs="*", metavar="HARNESS",
                        help=f"one of {', '.join(harnesses.names())} (default: all)")
    parser.add_argument("--time", type=values.whole_seconds, default=60, metavar="SECONDS",
                        help="for each harness (default: 60)")
    parser.add_argument("--jobs", type=values.jobs, metavar="NUMBER",
                        help="processes at a time; more than there are harnesses share the work on each "
                             "(default: one for each harness, on all processors)")
    parser.add_argument("--engine", choices=("libfuzzer", "afl"), default="libfuzzer",
                        help="libfuzzer (default), or afl: AFL++ with a main process and secondary ones")
    parser.add_argument("--sanitizer", choices=tuple(fuzz_build.SANITIZERS), default="address",
                        help="address: with UBSan (default); memory: with UBSan; none: fast")
    parser.add_argument("--brief", action="store_true",
                        help="10 s for each harness, unless the variable CI is set")
    parser.add_argument("--seed", type=values.seed, metavar="NUMBER",
                        help="the seed of the engine's random numbers (default: a new one in each run)")
    parser.add_argument("--build", type=values.folder, default=building.BUILD / "examples" / "fuzz", metavar="FOLDER",
                        help="for the fuzzers, their corpora and their findings")
    parser.add_argument("--minimize", action="store_true",
                        help="then add to the committed corpus the inputs that raise its coverage")


def check(options: argparse.Namespace) -> None:
    known = harnesses.names()
    unknown = [name for name in options.harnesses if name not in known]
    if unknown:
        raise LabError(f"no harness {', '.join(unknown)}: there are {', '.join(known)}")
    if options.engine == "afl" and options.sanitizer == "memory":
        raise LabError("--engine afl has no --sanitizer memory")
    if options.engine == "afl" and options.minimize:
        raise LabError("--minimize needs --engine libfuzzer")


def run(options: argparse.Namespace) -> int:
    if options.brief and not os.environ.get("CI"):
        options.time = 10
    compiler = fuzz_build.clang()
    if not compiler:
        return skip("no clang++ with libFuzzer is installed")
    if options.engine == "afl" and (tool := missing("afl-fuzz", "afl-clang-fast++")):
        return skip(f"{tool} is not installed (Debian: afl++)")
    names = []
    for name in options.harnesses or harnesses.names():
        if why := fuzz_build.left_out(name, options.sanitizer):
            print(f"{name}: left out: {why}")
        else:
            names.append(name)
    jobs = options.jobs or os.cpu_count() or 1
    each = max(1, jobs // len(names)) if options.jobs and names else 1
    board = Board()
    with ThreadPoolExecutor(max_workers=min(jobs, len(names)) or 1) as pool:
        waiting = {pool.submit(fuzz, compiler, name, options, each, board) for name in names}
        ended = set()
        while waiting:
            done, waiting = wait(waiting, timeout=1)
            ended |= done
            board.show()
    board.line.clear()
    results = [future.result() for future in ended]
    failed = sum(1 for good, _ in results if not good)
    print(f"fuzz: {sum(count for _, count in results)} executions")
    print(f"fuzz: {len(names) - failed} harnesses ran for {options.time} s without a finding, {failed} failed")
    return 1 if failed else 0


class Board:
    """The state of each harness, on one live line."""

    def __init__(self) -> None:
        self.line = progress.Line(EVERY)
        self.lock = threading.Lock()
        self.states: dict[str, str] = {}

    def set(self, name: str, state: str) -> None:
        with self.lock:
            self.states[name] = state

    def end(self, name: str) -> None:
        with self.lock:
            self.states.pop(name, None)

    def note(self, name: str, text: str) -> None:
        with self.lock:
            self.line.note(f"{name}: {text}")

    def show(self) -> None:
        with self.lock:
            if self.states:
                states = " | ".join(f"{name}: {state}" for name, state in sorted(self.states.items()))
                self.line.show(f"{self.line.seconds():.0f} s  {states}")


def fuzz(compiler: str, name: str, options: argparse.Namespace, jobs: int, board: Board) -> tuple[bool, int]:
    """Whether there was no finding, and the number of executions."""
    room = options.build / name
    found, findings, kept = room / "corpus", room / "findings", harnesses.CORPUS / name
    if not kept.is_dir():
        board.note(name, f"there is no corpus yet: made {os.path.relpath(kept)}")
    for folder in (found, findings, kept):
        folder.mkdir(parents=True, exist_ok=True)
    board.set(name, "compiling")
    tokens = fuzz_build.dictionary(compiler, name, room)
    seed = options.seed or random.randint(1, 2**32 - 1)
    others = [f"--{word} {value}" for word, value, usual in (
        ("engine", options.engine, "libfuzzer"), ("sanitizer", options.sanitizer, "address")) if value != usual]
    again = shlex.join(["./dev", "fuzz", name, "--seed", str(seed), "--time", str(options.time)])
    board.note(name, f"seed {seed} (again: {' '.join([again, *others])})")
    if options.engine == "afl":
        program = fuzz_build.afl(name, options.sanitizer, room)
        outcome = fuzz_afl.run(program, room, tokens, [found, kept], jobs, seed, options.time, name, board)
    else:
        program = fuzz_build.libfuzzer(compiler, name, options.sanitizer, "-O1" if options.brief else "-O2", room)
        outcome = fuzz_libfuzzer.run(program, room, tokens, [found, kept], jobs, seed, options.time, name, board)
    if not outcome.good:
        board.note(name, f"whole log: {outcome.log}")
        if outcome.finding:
            board.note(name, f"replay: {shlex.join([*map(str, outcome.replay), outcome.finding])}")
    elif options.minimize:
        merged = room / "merged"
        shutil.rmtree(merged, ignore_errors=True)
        shutil.copytree(kept, merged)
        fuzz_libfuzzer.merge(program, room, merged, found, name, board)
        for file in merged.iterdir():
            shutil.copy(file, kept / file.name)
    board.end(name)
    record(options, name, outcome.executions)
    return outcome.good, outcome.executions


def record(options: argparse.Namespace, name: str, executions: int) -> None:
    """Append a line to the log of all runs in this build folder."""
    line = {"harness": name, "engine": options.engine, "sanitizer": options.sanitizer, "executions": executions,
            "seconds": options.time}
    with open(options.build / "executions.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
