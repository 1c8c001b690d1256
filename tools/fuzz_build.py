# SPDX-License-Identifier: BSL-1.0
"""Compile a harness of examples/fuzz for an engine and a sanitizer, and its dictionary."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import building
import harnesses
from lab import ROOT, LabError

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
INCLUDES = [f"-I{ROOT / 'include'}"]
# Without trace-cmp: its calls cost two thirds of the time of a tight loop. The dictionaries and the mutators have the
# numbers that it would find.
COVERAGE = "-fsanitize-coverage=inline-8bit-counters,pc-table"
SANITIZERS = {
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "memory": ["-fsanitize=memory,undefined", "-fno-sanitize-recover=undefined"],
    "none": [],
}
LIBSTDCXX = ("plan", *harnesses.HOSTED)  # they call code of libstdc++, which MemorySanitizer does not know
EMPTY = "extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }\n"


def clang() -> str | None:
    """A clang++ with libFuzzer."""
    compiler = next((path for name in ("clang++-14", "clang++") if (path := shutil.which(name))), None)
    return compiler if compiler and has_libfuzzer(compiler) else None


def has_libfuzzer(compiler: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        command = [compiler, "-fsanitize=fuzzer,address,undefined", "-x", "c++", "-", "-o", f"{scratch}/empty"]
        done = subprocess.run(command, input=EMPTY, text=True, capture_output=True, timeout=120, check=False)
        return done.returncode == 0


def left_out(name: str, sanitizer: str) -> str:
    """Why a harness is not built for a sanitizer, or an empty string."""
    if sanitizer == "memory" and name in LIBSTDCXX:
        return "it calls libstdc++, which is not built for MemorySanitizer"
    return ""


def libfuzzer(compiler: str, name: str, sanitizer: str, level: str, room: Path, root: Path = ROOT) -> Path:
    """`root` is the project, or a copy of it."""
    program = room / f"fuzzer-{sanitizer}"
    made = room / f"fuzzer-{sanitizer}.o"
    flags = ["-std=c++20", "-g", level, *WARNINGS, f"-I{root / 'include'}", *SANITIZERS[sanitizer], COVERAGE,
             *harnesses.flags(name)]
    building.quietly([compiler, *flags, "-c", str(root / "examples" / "fuzz" / f"{name}.cpp"), "-o", str(made)],
                     f"building {name}")
    building.quietly([compiler, "-fsanitize=fuzzer", *SANITIZERS[sanitizer], str(made), "-o", str(program)],
                     f"linking {name}")
    return program


def afl(name: str, sanitizer: str, room: Path) -> Path:
    """A program in AFL++'s persistent mode."""
    if sanitizer == "memory":
        raise LabError("--engine afl has no --sanitizer memory")
    program = room / f"afl-{sanitizer}"
    environment = dict(os.environ, AFL_QUIET="1", **({"AFL_USE_ASAN": "1", "AFL_USE_UBSAN": "1"} if sanitizer == "address" else {}))
    command = ["afl-clang-fast++", "-std=c++20", "-g", "-O2", *WARNINGS, *INCLUDES, *harnesses.flags(name),
               str(harnesses.SOURCES / f"{name}.cpp"), str(harnesses.SOURCES / "persistent.cpp"), "-o", str(program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=building.LIMIT, check=False)
    if done.returncode:
        raise LabError(f"building {name} for AFL++ failed ({' '.join(command)}):\n{done.stdout}{done.stderr}")
    return program


def dictionary(compiler: str, name: str, room: Path) -> Path:
    """The tokens of a harness, from the tables of the specifications."""
    printer, file = room / "dictionary", room / f"{name}.dict"
    building.quietly([compiler, "-std=c++20", "-O0", *INCLUDES, str(harnesses.SOURCES / "dictionary.cpp"), "-o",
                      str(printer)], "building the dictionary")
    file.write_text(subprocess.run([str(printer), name], capture_output=True, text=True, timeout=60, check=True).stdout,
                    encoding="utf-8")
    return file
