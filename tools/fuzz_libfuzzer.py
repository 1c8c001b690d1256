# SPDX-License-Identifier: BSL-1.0
"""Run a harness that was built with libFuzzer, and report its state."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import harnesses
import progress

ONE_INPUT = "-timeout=10"  # seconds for one input, also in a replay: a hang is a finding
# The blocks of the harnesses are not on the heap: its quarantine and its call stacks cost a fifth of the time.
SETTINGS = {"ASAN_OPTIONS": "malloc_context_size=2:quarantine_size_mb=16",
            "LSAN_OPTIONS": f"suppressions='{harnesses.SOURCES / 'leaks.txt'}':print_suppressions=0"}
# libFuzzer: "#16384	pulse  cov: 446 ft: 1208 corp: 190/9711b lim: 122 exec/s: 8192 rss: 95Mb"
# with -fork: "#16384: cov: 446 ft: 1208 corp: 190 exec/s: 8192 oom/timeout/crash: 0/0/0 time: 5s job: 3 dft_time: 0"
STATUS = re.compile(r"^#(\d+)(?:\s+\S+|:).*\bcov: (\d+).*\bcorp: (\d+).*\bexec/s:? (\d+)")
DONE = re.compile(r"^Done (\d+) runs")
FOUND = re.compile(r"Test unit written to (.*)$")
FAULT = ("broken law", "ERROR:", "SUMMARY:", "runtime error", "WARNING: MemorySanitizer")


def longest(corpora: list[Path]) -> str:
    """The limit for an input: libFuzzer cuts those of the corpus that are longer."""
    sizes = [file.stat().st_size for corpus in corpora for file in corpus.iterdir()]
    return f"-max_len={max(2000, max(sizes, default=0) + 500)}"


@dataclass
class Outcome:
    good: bool
    executions: int
    log: Path
    finding: str = ""
    replay: list = field(default_factory=list)  # the command that replays an input, without the input


def run(program: Path, room: Path, tokens: Path, corpora: list[Path], jobs: int, seed: int, seconds: int, name: str,
        board) -> Outcome:
    # Entropic scheduling costs a third of the time of a fast harness, for a corpus that is there already.
    words = [program, f"-max_total_time={seconds}", f"-seed={seed}", ONE_INPUT, longest(corpora[-1:]), "-entropic=0",
             f"-dict={tokens}", f"-artifact_prefix={room / 'findings'}/", *([f"-fork={jobs}"] if jobs > 1 else []),
             *corpora]
    outcome = launch(words, room / "log", seconds + 120, name, board)
    outcome.replay = [program, ONE_INPUT]
    return outcome


def merge(program: Path, room: Path, into: Path, found: Path, name: str, board) -> None:
    launch([program, "-merge=1", "-use_counters=0", into, found], room / "merge-log", 600, name, board)


def launch(command: list, log: Path, seconds: int, name: str, board) -> Outcome:
    """Run a fuzzer and show its reports."""
    outcome = Outcome(good=False, executions=0, log=log)
    with open(log, "w", encoding="utf-8", errors="replace") as stream:

        def hear(text: str) -> None:
            if not text:
                return
            print(text, file=stream, flush=True)
            if state := STATUS.match(text):
                outcome.executions = int(state[1])
                findings = len(list((log.parent / "findings").glob("*")))
                board.set(name, f"{state[4]} execs/s, coverage {state[2]}, corpus {state[3]}, findings {findings}")
            elif match := FOUND.search(text):
                outcome.finding = match[1]
            elif match := DONE.match(text):
                outcome.executions = int(match[1])
                board.note(name, text)
            elif any(word in text for word in FAULT):
                board.note(name, text)

        board.set(name, "starting")
        try:
            status = progress.listen([str(word) for word in command], hear, seconds, cwd=log.parent,
                                     environment=SETTINGS | os.environ)
            outcome.good = status == 0
        except subprocess.TimeoutExpired:
            board.note(name, f"the fuzzer did not end within {seconds} s")
    return outcome
