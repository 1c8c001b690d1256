# SPDX-License-Identifier: BSL-1.0
"""Run the harnesses of examples/fuzz with clang's libFuzzer, AddressSanitizer and UBSan.

Each begins with the kept corpus and with what earlier runs left in the build folder, and ends at the first broken law.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import building
from lab import ROOT, LabError

SOURCES = ROOT / "examples" / "fuzz"
HARNESSES = ("bzimage", "parse", "sanitize", "translate")
FLAGS = ["-std=c++20", "-g", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}",
         "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"]
EMPTY = "extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }\n"
SKIP = 77


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("harnesses", nargs="*", metavar="HARNESS", help=f"of {', '.join(HARNESSES)} (default: all)")
    parser.add_argument("--time", type=int, default=60, metavar="SECONDS", help="for each (default: 60)")
    parser.add_argument("--brief", action="store_true", help="10 s for each, unless this is CI (the variable CI is set)")
    parser.add_argument("--build", type=Path, default=building.BUILD / "examples" / "fuzz", metavar="FOLDER",
                        help="where fuzzers, their corpus and their findings are kept")
    parser.add_argument("--minimize", action="store_true",
                        help="afterwards add to the kept corpus what makes it cover as much as all that was found")


def run(options: argparse.Namespace) -> int:
    if options.brief and not os.environ.get("CI"):
        options.time = 10
    unknown = [name for name in options.harnesses if name not in HARNESSES]
    if unknown:
        raise LabError(f"no harness {', '.join(unknown)}: there are {', '.join(HARNESSES)}")
    compiler = next((path for name in ("clang++-14", "clang++") if (path := shutil.which(name))), None)
    if not compiler or not has_libfuzzer(compiler):
        print("skipped: there is no clang++ with libFuzzer")
        return SKIP
    names = options.harnesses or HARNESSES
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        failed = list(pool.map(lambda name: fuzz(compiler, name, options), names)).count(False)
    print(f"fuzz: {len(names) - failed} harnesses ran for {options.time} s without a finding, {failed} failed")
    return 1 if failed else 0


def has_libfuzzer(compiler: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        command = [compiler, "-fsanitize=fuzzer,address,undefined", "-x", "c++", "-", "-o", f"{scratch}/empty"]
        done = subprocess.run(command, input=EMPTY, text=True, capture_output=True, timeout=120, check=False)
        return done.returncode == 0


def fuzz(compiler: str, name: str, options: argparse.Namespace) -> bool:
    room = options.build / name
    found, findings, log = room / "corpus", room / "findings", room / "log"
    for folder in (found, findings):
        folder.mkdir(parents=True, exist_ok=True)
    program = room / "fuzzer"
    building.quietly([compiler, *FLAGS, str(SOURCES / f"{name}.cpp"), "-o", str(program)], f"building {name}")
    kept = SOURCES / "corpus" / name
    command = [program, f"-max_total_time={options.time}", "-timeout=10", "-max_len=2000",
               f"-artifact_prefix={findings}/", found, kept]
    done = launch(command, log, options.time + 120)
    telling = ("broken law", "ERROR:", "SUMMARY:", "runtime error") if done else ("Done ",)
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if any(word in line for word in telling):
            print(f"{name}: {line}", flush=True)
    if done:
        print(f"{name}: whole log: {os.path.relpath(log)}; try it again with replay_{name} "
              f"{os.path.relpath(findings)}", flush=True)
    elif options.minimize:
        merged = room / "merged"
        shutil.rmtree(merged, ignore_errors=True)
        shutil.copytree(kept, merged)
        launch([program, "-merge=1", "-use_counters=0", merged, found], log, 600)
        for file in merged.iterdir():
            shutil.copy(file, kept / file.name)
    return done == 0


def launch(command: list, log: Path, seconds: int) -> int:
    with open(log, "wb") as stream:
        return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                              cwd=log.parent, timeout=seconds, check=False).returncode

