#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Invert each law of the fuzz harnesses, one by one: the corpus must break it, and the report must name its place.

A law that a harness checks but whose result it drops, or that is reported at another place, fails here. Laws that the
corpora do not reach fail in machines.py.
"""

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harnesses
import machines

def complaint(program: Path, corpus: Path, law: str) -> str:
    """What is wrong when a law is inverted; empty if it stops the harness as it must."""
    done = subprocess.run([program, "--invert", law, corpus], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 0:
        return "its inversion is not noticed"
    return "" if f"{law}: broken law: " in done.stderr else f"another report: {done.stderr[-500:]}"

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--programs", type=Path, required=True, help="folder with the programs replay_HARNESS")
    folder = parser.parse_args().programs
    broken: set[str] = set()
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for name in harnesses.with_corpus():
            program, corpus = folder / f"replay_{name}", harnesses.CORPUS / name
            if not program.exists():
                print(f"{name}: left out: {program.name} is not built here")
                continue
            _, places = machines.replay(program, name)
            for place, why in zip(places, pool.map(lambda law: complaint(program, corpus, law), places)):
                if why:
                    failed += 1
                    print(f"{name}: {place}: {why}")
            broken |= set(places)
            print(f"{name}: {len(places)} laws, each inverted", flush=True)
    print(f"{len(broken)} laws inverted, {failed} without the report that they need")
    return 1 if failed or not broken else 0

if __name__ == "__main__":
    sys.exit(main())
