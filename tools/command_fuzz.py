# SPDX-License-Identifier: BSL-1.0
"""Run the harnesses of examples/fuzz with clang's libFuzzer, AddressSanitizer and UBSan.

Each starts with the committed corpus and with the inputs that earlier runs left in the build folder, and stops at the
first broken law.
"""

import argparse
import os
import random
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import building
import harnesses
import progress
import values
from common import skip
from lab import ROOT, LabError

FLAGS = ["-std=c++20", "-g", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}",
         "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"]
EMPTY = "extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }\n"
ONE_INPUT = "-timeout=10"  # seconds for one input, also in a replay: a hang is a finding
EVERY = 3.0  # seconds between two lines of progress without a terminal
# libFuzzer: "#16384	pulse  cov: 446 ft: 1208 corp: 190/9711b lim: 122 exec/s: 8192 rss: 95Mb"
STATUS = re.compile(r"^#(\d+)\s+\S+.*\bcov: (\d+).*\bcorp: (\d+)/.*\bexec/s: (\d+)")
FOUND = re.compile(r"Test unit written to (.*)$")
FAULT = ("broken law", "ERROR:", "SUMMARY:", "runtime error")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("harnesses", nargs="*", metavar="HARNESS",
                        help=f"one of {', '.join(harnesses.names())} (default: all)")
    parser.add_argument("--time", type=values.whole_seconds, default=60, metavar="SECONDS",
                        help="for each harness (default: 60)")
    parser.add_argument("--brief", action="store_true",
                        help="10 s for each harness, unless the variable CI is set")
    parser.add_argument("--seed", type=values.seed, metavar="NUMBER",
                        help="the seed of libFuzzer's random numbers (default: a new one in each run)")
    parser.add_argument("--build", type=values.folder, default=building.BUILD / "examples" / "fuzz", metavar="FOLDER",
                        help="for the fuzzers, their corpora and their findings")
    parser.add_argument("--minimize", action="store_true",
                        help="then add to the committed corpus the inputs that raise its coverage")


def check(options: argparse.Namespace) -> None:
    known = harnesses.names()
    unknown = [name for name in options.harnesses if name not in known]
    if unknown:
        raise LabError(f"no harness {', '.join(unknown)}: there are {', '.join(known)}")


def run(options: argparse.Namespace) -> int:
    if options.brief and not os.environ.get("CI"):
        options.time = 10
    compiler = next((path for name in ("clang++-14", "clang++") if (path := shutil.which(name))), None)
    if not compiler or not has_libfuzzer(compiler):
        return skip("no clang++ with libFuzzer is installed")
    names = options.harnesses or harnesses.names()
    board = Board()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        waiting = {pool.submit(fuzz, compiler, name, options, board) for name in names}
        ended = set()
        while waiting:
            done, waiting = wait(waiting, timeout=1)
            ended |= done
            board.show()
    board.line.clear()
    failed = [future.result() for future in ended].count(False)
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


def has_libfuzzer(compiler: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        command = [compiler, "-fsanitize=fuzzer,address,undefined", "-x", "c++", "-", "-o", f"{scratch}/empty"]
        done = subprocess.run(command, input=EMPTY, text=True, capture_output=True, timeout=120, check=False)
        return done.returncode == 0


def fuzz(compiler: str, name: str, options: argparse.Namespace, board: Board) -> bool:
    room = options.build / name
    found, findings, kept = room / "corpus", room / "findings", harnesses.CORPUS / name
    if not kept.is_dir():
        board.note(name, f"there is no corpus yet: made {os.path.relpath(kept)}")
    for folder in (found, findings, kept):
        folder.mkdir(parents=True, exist_ok=True)
    program, log = room / "fuzzer", room / "log"
    board.set(name, "compiling")
    building.quietly([compiler, *FLAGS, str(harnesses.SOURCES / f"{name}.cpp"), "-o", str(program)], f"building {name}")
    seed = options.seed or random.randint(1, 2**32 - 1)
    board.note(name, f"seed {seed} (again: ./dev fuzz {name} --seed {seed} --time {options.time})")
    status, finding = launch([program, f"-max_total_time={options.time}", f"-seed={seed}", ONE_INPUT, "-max_len=2000",
                              f"-artifact_prefix={findings}/", found, kept], log, options.time + 120, name, board)
    if status:
        board.note(name, f"whole log: {log}")
        if finding:
            board.note(name, f"replay: {shlex.join([str(program), ONE_INPUT, finding])}")
    elif options.minimize:
        merged = room / "merged"
        shutil.rmtree(merged, ignore_errors=True)
        shutil.copytree(kept, merged)
        launch([program, "-merge=1", "-use_counters=0", merged, found], room / "merge-log", 600, name, board)
        for file in merged.iterdir():
            shutil.copy(file, kept / file.name)
    board.end(name)
    return status == 0


def launch(command: list, log: Path, seconds: int, name: str, board: Board) -> tuple[int, str]:
    """Run a fuzzer and show its reports. Return its status, and the input of a finding."""
    finding = ""
    with open(log, "w", encoding="utf-8") as stream:

        def hear(text: str) -> None:
            nonlocal finding
            if not text:
                return
            print(text, file=stream, flush=True)
            if state := STATUS.match(text):
                board.set(name, f"{state[4]} execs/s, coverage {state[2]}, corpus {state[3]}")
            elif match := FOUND.search(text):
                finding = match[1]
            elif text.startswith("Done ") or any(word in text for word in FAULT):
                board.note(name, text)

        board.set(name, "starting")
        try:
            status = progress.listen([str(word) for word in command], hear, seconds, cwd=log.parent)
        except subprocess.TimeoutExpired:
            board.note(name, f"the fuzzer did not end within {seconds} s")
            status = 1
    return status, finding
