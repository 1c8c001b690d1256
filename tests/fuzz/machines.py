#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Replay the corpora in a build for 32 bits and in one for 64: both see the same, and together they reach every law.

What a harness sees is a number for each input: the laws that it checked, and the results that it passed to `saw`.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harnesses
from common import missing, skip
from lab import ROOT

COMPILER = "g++-12"
FLAGS = ["-std=c++20", "-O0", "-DFUZZ_DIGEST", f"-I{ROOT / 'include'}"]
NARROW = ["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"]
LAW = re.compile(r"(?<!define )\bLAW\(")

def build(name: str, scratch: Path) -> str:
    """The object of a harness, or of replay.cpp. Returns what the compiler says if it fails."""
    done = subprocess.run([COMPILER, *NARROW, *FLAGS, "-c", str(harnesses.SOURCES / f"{name}.cpp"), "-o",
                           str(scratch / f"{name}.o")], capture_output=True, text=True, timeout=300, check=False)
    return done.stderr if done.returncode else ""

def link(name: str, scratch: Path) -> Path:
    program = scratch / name
    subprocess.run([COMPILER, "-m32", str(scratch / f"{name}.o"), str(scratch / "replay.o"), "-o", str(program)],
                   check=True, timeout=120)
    return program

def replay(program: Path, name: str) -> tuple[list[str], list[str]]:
    """The digests of a corpus and the laws that it reached."""
    done = subprocess.run([str(program), "--digest", str(harnesses.CORPUS / name)], capture_output=True, text=True,
                          timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} failed:\n{done.stderr[-2000:]}")
    lines = done.stdout.splitlines()[:-1]
    return ([line for line in lines if not line.startswith("law ")],
            [line.removeprefix("law ") for line in lines if line.startswith("law ")])

def laws() -> dict[str, range]:
    """Each law of the sources as file:line, with the lines of its statement."""
    found = {}
    for path in sorted(harnesses.SOURCES.glob("*.?pp")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("//") or not LAW.search(line) or "`LAW`" in line:
                continue
            last = number
            while not lines[last - 1].rstrip().endswith(";") and last < number + 12:
                last += 1
            found[f"{path.name}:{number}"] = range(number, last + 1)
    return found

def unreached(reached: set[tuple[str, int]]) -> list[str]:
    return [place for place, lines in laws().items()
            if not any((place.split(":")[0], line) in reached for line in lines)]

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--wide", type=Path, required=True, help="folder with the programs replay_HARNESS")
    options = parser.parse_args()
    if missing(COMPILER):
        return skip(f"{COMPILER} is not installed")
    probe = subprocess.run([COMPILER, *NARROW, "-x", "c++", "-", "-o", "/dev/null"], input="#include <vector>\nint main() {}",
                           capture_output=True, text=True, timeout=60, check=False)
    if probe.returncode:
        return skip("cannot build for 32 bits (Debian: g++-12-multilib, libc6-dev-i386)")
    names = [name for name in harnesses.with_corpus() if name not in harnesses.HOSTED]
    reached: set[tuple[str, int]] = set()
    inputs = failed = 0
    with tempfile.TemporaryDirectory(prefix="pvhboot-machines-") as folder, ThreadPoolExecutor(2) as pool:
        scratch = Path(folder)
        for errors in pool.map(lambda name: build(name, scratch), [*names, "replay"]):
            if errors:
                print(errors)
                return 1
        for name in harnesses.with_corpus():
            wide, checked = replay(options.wide / f"replay_{name}", name) if (options.wide / f"replay_{name}").exists() else ([], [])
            reached |= {(Path(law.rsplit(":", 1)[0]).name, int(law.rsplit(":", 1)[1])) for law in checked}
            if name in harnesses.HOSTED:
                continue
            narrow, _ = replay(link(name, scratch), name)
            inputs += len(narrow)
            different = [line for line in narrow if line not in set(wide)]
            if different:
                failed += 1
                print(f"{name}: 32 and 64 bits differ on {len(different)} inputs: {different[0].split()[0]}")
    left = unreached(reached)
    print(f"{inputs} inputs of {len(names)} harnesses: the same with 32 and 64 bits, unless said above")
    print(f"{len(laws()) - len(left)} of {len(laws())} laws are checked")
    for place in left:
        print(f"no input of the corpus reaches the law at {place}")
    return 1 if failed or left else 0

if __name__ == "__main__":
    sys.exit(main())
