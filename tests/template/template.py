#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Build a folder of examples/template in every variant and boot each kernel. Exit with 0, 1, or 77 (skipped).

Variants: g++ and clang, ld and lld, C++20 and C++23, identity and higher half. Each kernel runs on q35
and microvm; one that is equal to another is booted once.
"""

import argparse
import hashlib
import itertools
import os
import re
import shutil
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from common import missing, run, skip_without
from lab import ROOT, LabError, qemu, wire

TEMPLATES = ROOT / "examples" / "template"
SHARED = ("kernel.cpp", "support.hpp", "identity.ld", "higher-half.ld")
LAST_LINE = "that is all memory"
USER_LINES = 10  # a kernel has at most as many lines that are neither blank nor a comment
TIMEOUT = 60
TYPES = {"unknown": 0, "ram": 1, "reserved": 2, "acpi": 3, "nvs": 4}


@dataclass(frozen=True)
class Variant:
    """How a kernel is built."""

    script: str
    compiler: str
    linker: str
    standard: str

    def __str__(self) -> str:
        return f"{self.script:<11} {self.compiler:<7} {self.linker:<3} {self.standard}"


VARIANTS = [Variant(*words) for words in itertools.product(("identity", "higher-half"), ("g++", "clang++"),
                                                           ("bfd", "lld"), ("c++20", "c++23"))]


def commands(system: str, variant: Variant) -> tuple[list[list[str]], dict[str, str], str]:
    """The commands, their environment, and the kernel's path."""
    linker = f"-fuse-ld={variant.linker}"
    if system == "make":
        return ([["make", f"SCRIPT={variant.script}", f"CXX={variant.compiler}",
                  f"STD={variant.standard.replace('23', '2b')}", f"LDFLAGS={linker}"]], {}, "kernel.elf")
    if system == "cmake":
        return ([["cmake", "-B", "build", f"-DSCRIPT={variant.script}", f"-DCMAKE_CXX_COMPILER={variant.compiler}",
                  f"-DCMAKE_CXX_STANDARD={variant.standard[-2:]}", f"-DCMAKE_EXE_LINKER_FLAGS={linker}"],
                 ["cmake", "--build", "build"]], {}, "build/kernel.elf")
    # Meson 1.0 has no name for C++23.
    standard, flags = (variant.standard, "") if variant.standard == "c++20" else ("none", "-std=c++2b")
    return ([["meson", "setup", "build", f"-Dscript={variant.script}", f"-Dcpp_std={standard}", "--werror"],
             ["meson", "compile", "-C", "build"]],
            {"CXX": variant.compiler, "CXX_LD": variant.linker, "CXXFLAGS": flags, "LDFLAGS": ""}, "build/kernel.elf")


def build(system: str, variant: Variant, folder: Path) -> Path:
    """The kernel. The folder has a copy of the template, the headers and nothing else."""
    shutil.copytree(TEMPLATES / system, folder)
    (folder / "include").symlink_to(ROOT / "include")
    steps, environment, kernel = commands(system, variant)
    for step in steps:
        done = run(step, cwd=folder, env=os.environ | environment)
        if done.returncode or "warning:" in done.stdout + done.stderr:
            raise LabError(f"{' '.join(step)}\n{done.stdout}{done.stderr}")
    return folder / kernel


def printed_map(lines: list[str]) -> list[wire.Range]:
    matches = [re.fullmatch(r"(0x\w{16}) (0x\w{16}) (\w+)", line) for line in lines]
    return [wire.Range(int(match[1], 16), int(match[2], 16), TYPES[match[3]]) for match in matches if match]


def boot(kernel: Path, machine: str) -> list[wire.Range]:
    """The map that the kernel prints. Raise LabError if it is not the one in the machine's memory."""
    witnessed: list[list[wire.Range]] = []

    def look(memory: qemu.Memory) -> None:
        # QEMU's option ROM and qboot write the start info below 1 MiB.
        low = memory.read(0, 0x100000)
        begin = struct.pack("<IIII", wire.START_INFO_MAGIC, 1, 0, 0)  # version 1, no flags, no modules
        places = [match.start() for match in re.finditer(re.escape(begin), low)]
        witnessed.extend(wire.read_start_info(memory, place).memory_map for place in places)

    done = qemu.inspect(qemu.Machine(kernel, machine=machine), LAST_LINE, look, TIMEOUT)
    printed = printed_map(done.lines)
    if [printed] != witnessed or wire.ram_bytes(printed) < 255 << 20:
        raise LabError(f"{machine}: printed {printed}, memory has {witnessed}")
    return printed


def checks_of_text() -> list[str]:
    """The three folders have the same sources, and the kernel is small."""
    found = []
    for name in SHARED:
        if len({(TEMPLATES / system / name).read_bytes() for system in ("make", "cmake", "meson")}) != 1:
            found.append(f"{name} differs between the folders of examples/template")
    lines = [line for line in (TEMPLATES / "make/kernel.cpp").read_text(encoding="utf-8").splitlines()
             if line.strip() and not line.startswith("//")]
    if len(lines) > USER_LINES:
        found.append(f"kernel.cpp has {len(lines)} lines, more than {USER_LINES}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=("make", "cmake", "meson"))
    options = parser.parse_args()
    if tool := missing(options.system, "g++", "clang++", "ld.lld", "qemu-system-x86_64"):
        return skip_without(tool)
    failures = checks_of_text()
    booted: dict[str, Variant] = {}
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:

        def attempt(numbered: tuple[int, Variant]) -> tuple[Variant, str, Path | None]:
            number, variant = numbered
            try:
                return variant, "", build(options.system, variant, Path(scratch) / str(number))
            except LabError as why:
                return variant, str(why), None

        def start(job: tuple[Variant, Path, str]) -> str:
            try:
                return f"{job[2]}: {len(boot(job[1], job[2]))} entries"
            except LabError as why:
                return f"NOT OK {why}"

        jobs = []
        for variant, why, kernel in pool.map(attempt, enumerate(VARIANTS)):
            if kernel is None:
                failures.append(f"{variant}: {why}")
                continue
            digest = hashlib.sha256(kernel.read_bytes()).hexdigest()
            if digest in booted:
                print(f"{variant}  as {booted[digest]}")
                continue
            booted[digest] = variant
            jobs += [(variant, kernel, "q35"), (variant, kernel, "microvm")]
        for job, result in zip(jobs, pool.map(start, jobs)):
            print(f"{job[0]}  {result}")
            if result.startswith("NOT OK"):
                failures.append(f"{job[0]}: {result}")
    print("\n".join(failures) or f"{len(VARIANTS)} variants, {len(jobs)} boots")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
