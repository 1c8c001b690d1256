# SPDX-License-Identifier: BSL-1.0
"""Run a harness with AFL++: a main process and secondary ones, which exchange what they find."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from fuzz_libfuzzer import Outcome

SETTINGS = {"AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_UI": "1",
            "AFL_NO_AFFINITY": "1", "AFL_AUTORESUME": "1",
            "AFL_SYNC_TIME": "1"}  # minutes between two exchanges, if no cycle ends earlier
LARGEST = 10000  # bytes of an input that is worth a start


def run(program: Path, room: Path, tokens: Path, corpora: list[Path], jobs: int, seed: int, seconds: int, name: str,
        board) -> Outcome:
    given, out, log = room / "afl-in", room / "afl-out", room / "log"
    for folder in (given, out):
        shutil.rmtree(folder, ignore_errors=True)
    given.mkdir(parents=True)
    for corpus in corpora:
        for file in corpus.iterdir():
            if 0 < file.stat().st_size <= LARGEST:
                shutil.copy(file, given / f"{corpus.name}-{file.name}")
    if not any(given.iterdir()):
        (given / "empty").write_bytes(b"\0")
    words = ["afl-fuzz", "-V", str(seconds), "-s", str(seed), "-i", str(given), "-o", str(out), "-x", str(tokens)]
    processes = []
    with open(log, "w", encoding="utf-8") as stream:
        for i in range(jobs):
            role = ["-M", "main"] if i == 0 else ["-S", f"second{i}"]
            processes.append(subprocess.Popen([*words, *role, "--", str(program)], env=os.environ | SETTINGS,
                                              stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT))
        good = follow(processes, out, seconds + 120, name, board)
    outcome = Outcome(good, sum_of(out, "execs_done"), log, replay=[room.parent / f"replay_{name}"])
    crashes = findings_in(out)
    if crashes:
        outcome.good = False
        outcome.finding = str(crashes[0])
        board.note(name, f"AFL++ saved {len(crashes)} inputs")
    for file in out.glob("*/queue/id:*"):
        if "orig:" not in file.name:
            shutil.copy(file, corpora[0] / f"afl-{file.parent.parent.name}-{file.name.split(',')[0].removeprefix('id:')}")
    board.note(name, f"Done {outcome.executions} runs, {sum_of(out, 'corpus_imported')} inputs exchanged")
    return outcome


def follow(processes: list[subprocess.Popen], out: Path, limit: float, name: str, board) -> bool:
    """Show the state until all have ended or one has found something."""
    began = time.time()
    board.set(name, "starting")
    try:
        while any(process.poll() is None for process in processes):
            time.sleep(1)
            crashes = findings_in(out)
            # AFL++ 4.04 writes its state every minute.
            if done := sum_of(out, "execs_done"):
                written = max(file.stat().st_mtime for file in out.glob("*/fuzzer_stats"))
                board.set(name, f"{done / max(1.0, written - began):.0f} execs/s, coverage {highest_of(out, 'edges_found')}, corpus "
                                f"{highest_of(out, 'corpus_count')}, findings {len(crashes)}")
            if crashes or time.time() - began > limit:
                break
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
            process.wait()
    return all(process.returncode in (0, -15) for process in processes)


def findings_in(out: Path) -> list[Path]:
    return sorted(file for kind in ("crashes", "hangs") for file in out.glob(f"*/{kind}/id:*"))


def numbers(out: Path, key: str) -> list[int]:
    found = []
    for stats in out.glob("*/fuzzer_stats"):
        for line in stats.read_text(encoding="utf-8").splitlines():
            word, _, value = line.partition(":")
            if word.strip() == key:
                found.append(int(float(value)))
    return found


def sum_of(out: Path, key: str) -> int:
    return sum(numbers(out, key))


def highest_of(out: Path, key: str) -> int:
    return max(numbers(out, key), default=0)
