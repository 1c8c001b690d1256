#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Build equal.cpp for several machines and compare their hashes: 64 and 32 bits, g++ and clang++, big-endian.

Each build also compares constant evaluation with run time. Other machines are run by their user-mode emulators.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SKIP = 77
FLAGS = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]


@dataclass
class Machine:
    name: str
    compiler: str
    emulator: str  # empty: none needed
    flags: list[str]
    package: str
    needed: bool = False


MACHINES = (
    Machine("g++ -m64", "g++-12", "", ["-m64"], "g++-12", needed=True),
    Machine("g++ -m32", "g++-12", "qemu-i386", ["-m32", "-DCONSTANTS=40", "-idirafter", "/usr/include/x86_64-linux-gnu"],
            "g++-12-multilib, libc6-dev-i386, qemu-user", needed=True),
    Machine("clang++", "clang++-14", "", ["-fconstexpr-steps=100000000"], "clang-14"),
    Machine("big-endian", "powerpc-linux-gnu-g++-12", "qemu-ppc", ["-static", "-DCONSTANTS=40", "-idirafter", "/usr/include"],
            "g++-12-powerpc-linux-gnu, qemu-user"),
)


def run(root: Path, scratch: Path, machine: Machine, options: list[str]) -> tuple[int, str]:
    """The exit status, SKIP if the machine is unavailable, and the output of the program."""
    for tool in (machine.compiler, machine.emulator):
        if tool and not shutil.which(tool):
            return SKIP, f"skipped: no {tool} (Debian: {machine.package})"
    program = scratch / machine.name.replace(" ", "")
    command = [machine.compiler, *machine.flags, *FLAGS, f"-I{root / 'include'}"]
    probe = subprocess.run([*command, "-x", "c++", "-", "-o", str(program)], input="#include <vector>\nint main() {}",
                           capture_output=True, text=True, timeout=60, check=False)
    if probe.returncode:
        return SKIP, f"skipped: cannot build for {machine.name} (Debian: {machine.package})"
    built = subprocess.run([*command, str(root / "tests/attack/equal.cpp"), "-o", str(program)], capture_output=True,
                           text=True, timeout=300, check=False)
    if built.returncode:
        return built.returncode, built.stderr
    done = subprocess.run([*filter(None, [machine.emulator]), str(program), *options], capture_output=True, text=True,
                          check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=0, help="roughly, on the slowest machine (default: a second or two)")
    options = parser.parse_args()
    arguments = ["--seed", str(options.seed), "--seconds", str(options.seconds)]
    with tempfile.TemporaryDirectory(prefix="pvhboot-equal-") as folder, ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda m: run(options.root, Path(folder), m, arguments), MACHINES))
    hashes: dict[str, list[str]] = {}
    for machine, (status, text) in zip(MACHINES, results):
        print(f"{machine.name}: {text}" if status in (0, SKIP) else f"{machine.name}: failed ({status})\n{text}")
        if found := re.search(r"hash (\w+)", text):
            hashes.setdefault(found[1], []).append(machine.name)
    if len(hashes) > 1:
        print("the machines differ: " + "; ".join(f"{' and '.join(names)} {value}" for value, names in hashes.items()))
        return 1
    if any(status not in (0, SKIP) for status, _ in results):
        return 1
    for machine, (status, text) in zip(MACHINES, results):
        if machine.needed and status == SKIP:
            print(text)
            return SKIP
    return 0


if __name__ == "__main__":
    sys.exit(main())
