#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Count the instructions of the library and of linux-loader, which Firecracker and Cloud Hypervisor use, for writing a
handoff of 1, 8 and 128 entries, and for loading a kernel and finding its entry.

linux-loader, its dependencies and the compiler come from Debian's packages. Both programs must leave the same bytes in
guest memory.
"""

import argparse
import os
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from common import missing, run, run_or_exit, skip, skip_without
from lab import packages, releases

HERE = Path(__file__).parent
FLAGS = ["-std=c++20", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wl,-z,now"]
# The words of the programs, and the most that the library may count beside linux-loader.
CASES = ((["write", "1"], 0.2), (["write", "8"], 0.1), (["write", "128"], 0.05), (["load"], 1.1))


def build_library(include: Path, folder: Path) -> Path:
    run_or_exit(["g++", *FLAGS, f"-I{include}", HERE / "peers.cpp", "-o", folder / "peers"])
    return folder / "peers"


def wrapper(folder: Path, name: str, words: list[str]) -> Path:
    """A program of another release as a file that can be executed."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nexec {shlex.join(words)} \"$@\"\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def build_linux_loader(folder: Path) -> Path:
    crates = releases.provide("librust-linux-loader-dev", packages.SID) / "usr/share/cargo/registry"
    rust = releases.provide("cargo", packages.SID)
    room = folder / "linux_loader"
    shutil.copytree(HERE / "linux_loader", room)
    (room / ".cargo").mkdir()
    (room / ".cargo/config.toml").write_text(f'[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "{crates}"\n',
                                             encoding="utf-8")
    # rustc finds its libraries beside the program that runs, which is the dynamic loader here.
    rustc = wrapper(folder, "rustc", [*releases.command(rust, "usr/bin/rustc"), "--sysroot", str(rust / "usr")])
    cargo = wrapper(folder, "cargo", releases.command(rust, "usr/bin/cargo"))
    run_or_exit([cargo, "build", "--offline", "--release", "--quiet"], cwd=room, timeout=600,
                env=dict(os.environ, CARGO_HOME=str(folder / "home"), CARGO_TARGET_DIR=str(folder / "target"), RUSTC=str(rustc)))
    return folder / "target/release/peer"


def counted(program: Path, words: list) -> int:
    done = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=measured", program, *words])
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"{program.name} {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--kernel", type=Path, required=True, help="an ELF kernel with a PHYS32_ENTRY note")
    options = parser.parse_args()
    if tool := missing("g++", "valgrind"):
        return skip_without(tool)
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        ours = build_library(options.include, Path(scratch))
        try:
            theirs = build_linux_loader(Path(scratch))
        except packages.Unavailable as why:
            return skip(str(why))
        print(f"{'instructions':20}{'library':>9}{'linux-loader':>14}{'ratio':>8}{'allowed':>9}")
        for words, limit in CASES:
            results = {run_or_exit([program, options.kernel, *words]).split()[-1] for program in (ours, theirs)}
            if len(results) != 1:
                print(f"{' '.join(words)}: guest memory differs")
                bad += 1
            library, peer = (counted(program, [options.kernel, *words]) for program in (ours, theirs))
            ratio = library / peer
            bad += ratio > limit
            print(f"{' '.join(words):20}{library:9}{peer:14}{ratio:8.3f}{limit:9.2f}{'  TOO MUCH' if ratio > limit else ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
