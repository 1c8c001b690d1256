#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Run build.sh by the contract of OSS-Fuzz on this machine: what it makes is complete, and each target runs.

By default with AddressSanitizer and three harnesses; --all has every sanitizer and every harness.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import fuzz_build
import harnesses
from common import run, skip
from lab import ROOT

BUILD = ROOT / "examples" / "fuzz" / "oss-fuzz" / "build.sh"
SAMPLE = ("notes", "setup_data", "live")
COMMON = "-O1 -fno-omit-frame-pointer -gline-tables-only"
SANITIZERS = {  # as the images of OSS-Fuzz set them
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": "-fsanitize=array-bounds,bool,builtin,enum,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound -fno-sanitize-recover=array-bounds,bool,builtin,enum,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound",
    "memory": "-fsanitize=memory -fsanitize-memory-track-origins",
}


def check(sanitizer: str, names: list[str], compiler: str, scratch: Path) -> list[str]:
    """What is wrong with a build."""
    out, work = scratch / sanitizer / "out", scratch / sanitizer / "work"
    for folder in (out, work):
        folder.mkdir(parents=True)
    flags = f"{COMMON} {SANITIZERS[sanitizer]} -fsanitize=fuzzer-no-link"
    contract = {"CC": compiler.replace("clang++", "clang"), "CXX": compiler, "CFLAGS": flags, "CXXFLAGS": flags,
                "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer", "OUT": str(out), "WORK": str(work), "SRC": str(ROOT.parent),
                "SANITIZER": sanitizer, "FUZZING_ENGINE": "libfuzzer", "FUZZ_HARNESSES": " ".join(names)}
    done = run(["sh", BUILD], env=os.environ | contract, timeout=3600, cwd="/")
    if done.returncode:
        return [f"{sanitizer}: build.sh failed:\n{done.stdout}{done.stderr}"]
    wrong = []
    for name in names:
        target, seeds = out / name, out / f"{name}_seed_corpus.zip"
        corpus = scratch / sanitizer / "corpus" / name
        with zipfile.ZipFile(seeds) as archive:
            archive.extractall(corpus)
        if sorted(p.name for p in corpus.iterdir()) != sorted(p.name for p in (harnesses.CORPUS / name).iterdir()):
            wrong.append(f"{sanitizer}: {seeds.name} is not the corpus")
        if not (out / f"{name}.options").read_text(encoding="utf-8").startswith("[libfuzzer]\n"):
            wrong.append(f"{sanitizer}: {name}.options has no section")
        # A copy elsewhere, as OSS-Fuzz runs it: nothing of the build is needed.
        alone = scratch / sanitizer / "alone"
        alone.mkdir(exist_ok=True)
        shutil.copy(target, alone / name)
        ran = run([alone / name, "-runs=300", "-seed=1", f"-dict={out / f'{name}.dict'}", corpus], cwd=alone)
        if ran.returncode or "Done " not in ran.stderr:
            wrong.append(f"{sanitizer}: {name} failed:\n{ran.stderr[-1500:]}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    compiler = fuzz_build.clang()
    if not compiler:
        return skip("no clang++ with libFuzzer is installed")
    names = [name for name in harnesses.names() if name not in harnesses.HOSTED] if options.all else list(SAMPLE)
    sanitizers = list(SANITIZERS) if options.all else ["address"]
    wrong = []
    with tempfile.TemporaryDirectory(prefix="pvhboot-oss-fuzz-") as folder:
        for sanitizer in sanitizers:
            chosen = [name for name in names if not fuzz_build.left_out(name, sanitizer)]
            found = check(sanitizer, chosen, compiler, Path(folder))
            wrong += found
            print(f"{sanitizer}: {len(chosen)} harnesses, {len(found)} faults", flush=True)
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
