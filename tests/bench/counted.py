# SPDX-License-Identifier: BSL-1.0
"""Count what an emulated machine executes and stores between addresses, with the plugin boot_cost.cpp."""

import dataclasses
import os
import re
from dataclasses import dataclass
from pathlib import Path

from common import missing, run, run_or_exit
from lab import LabError, packages, qemu, releases

HERE = Path(__file__).parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]
RESET = 0  # as the begin of a span: the machine's first instruction
# One instruction takes a nanosecond of the machine's time, so that two runs are equal.
CLOCK = ("-icount", "shift=0,sleep=off")
LINE = re.compile(r"count: (\d+) (\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class Count:
    """Between two addresses. `executed` counts each repetition of a string instruction, as QEMU's -icount does.
    `instructions` counts them as one, as a CPU does, and with them a loop of a single instruction."""

    executed: int
    instructions: int
    stored: int  # bytes


@dataclass(frozen=True)
class Counted:
    """The counts of all spans, and the console of the machine."""

    spans: list[Count]
    lines: list[str]


def plugin(folder: Path) -> Path:
    """The plugin, built for the QEMU that the lab runs."""
    if tool := missing("g++"):
        raise packages.Unavailable(f"{tool} is not installed")
    program, environment = releases.qemu()
    if tool := missing(program[0]):
        raise packages.Unavailable(f"{tool} is not installed")
    version = run([*program, "--version"], env=os.environ | environment).stdout
    major = re.search(r"version (\d+)\.", version)
    if not major:
        raise LabError(f"QEMU prints no version: {version}")
    if "-plugin " not in run([*program, "-help"], env=os.environ | environment).stdout:
        raise packages.Unavailable("this QEMU is built without plugins")
    library = folder / "boot_cost.so"
    run_or_exit(["g++", "-std=c++20", "-O2", *WARNINGS, f"-DPLUGIN_VERSION={1 if int(major[1]) < 9 else 2}", "-shared",
                 "-fPIC", HERE / "boot_cost.cpp", "-o", library])
    return library


def options(library: Path, spans: list[tuple[int, int]], excepted: tuple[int, int] | None = None) -> tuple[str, ...]:
    """The options for QEMU. Code at the excepted addresses is not counted."""
    words = [f"span={begin:#x}-{end:#x}" for begin, end in spans]
    if excepted:
        words.append(f"except={excepted[0]:#x}-{excepted[1]:#x}")
    return "-plugin", ",".join([str(library).replace(",", ",,"), *words])


def read(lines: list[str], spans: list[tuple[int, int]]) -> list[Count]:
    """The counts of all spans, from the console of the machine."""
    # The plugin's line may follow an unfinished line of the console.
    found = [Count(*map(int, match.groups()[1:])) for line in lines if (match := LINE.search(line))]
    if len(found) != len(spans):
        begin, end = spans[len(found)]
        raise LabError(f"the machine did not go from {begin:#x} to {end:#x}; its last lines:\n{qemu.Run(lines=lines).tail()}")
    return found


def on_qemu(machine: qemu.Machine, library: Path, spans: list[tuple[int, int]], timeout: float = 60) -> Counted:
    """Run the machine to the end of the last span. The machine microvm has a clock that counts instructions anyway."""
    clock = () if machine.machine == "microvm" else CLOCK
    lines: list[str] = []

    def on_line(_seconds: float, line: str) -> None:
        lines.append(line)
        if sum(LINE.search(line) is not None for line in lines) == len(spans):
            raise qemu.Stop

    machine = dataclasses.replace(machine, extra=(*machine.extra, *clock, *options(library, spans)))
    qemu.start(machine, timeout, on_line=on_line)
    return Counted(read(lines, spans), lines)
