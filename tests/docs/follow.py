#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Follow a page of docs/ in an empty folder: write its files, run its commands, and compare what they print.

Blocks of code, in their order:
  ```LANGUAGE FILE   the content of FILE, which the reader writes
  ```console         lines that begin with "$ " are commands for bash, where $PVHBOOT is this project; a line that ends
                     in a backslash goes on. Other lines are what the command before prints, in this order; "…" stands
                     for any lines. A machine is stopped after its last line
Other blocks are for reading. The last line printed has the time that it took.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from common import missing, skip_without
from lab import ROOT, LabError

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT = 60  # seconds for a page
MACHINE = "qemu-system-x86_64"
MACHINES = (MACHINE, "$PVHBOOT/dev vmm ")  # commands that run until they are stopped


@dataclass
class Step:
    """A file to write, or a command and what it prints."""

    file: str = ""
    content: str = ""
    command: str = ""
    prints: list[str] = field(default_factory=list)


def steps_of(page: str) -> list[Step]:
    found: list[Step] = []
    for language, file, content in BLOCK.findall(page):
        if file:
            found.append(Step(file=file, content=content))
        elif language == "console":
            for line in content.replace("\\\n", "").splitlines():
                if line.startswith("$ "):
                    found.append(Step(command=line[2:]))
                elif line.strip() != "…":
                    found[-1].prints.append(line.strip())
    return found


def missing_lines(wanted: list[str], lines: list[str]) -> list[str]:
    """Of the wanted lines those that do not come in this order."""
    rest = iter(line.strip() for line in lines)
    return [line for line in wanted if line not in rest]


def perform(step: Step, folder: Path, limit: float) -> None:
    if step.file:
        (folder / step.file).write_text(step.content, encoding="utf-8")
        return
    lines: list[str] = []
    with subprocess.Popen(["bash", "-c", f"set -e\n{step.command}"], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=os.environ | {"PVHBOOT": str(folder.parent / "pvhboot"), "LC_ALL": "C"}, start_new_session=True) as process:

        def end() -> None:
            os.killpg(process.pid, signal.SIGKILL)

        watch = threading.Timer(limit, end)
        watch.start()
        stopped = False
        for line in process.stdout:
            lines.append(line)
            if step.command.startswith(MACHINES) and step.prints and not missing_lines(step.prints, lines):
                stopped = True
                end()
        status = process.wait()
        in_time = watch.is_alive()
        watch.cancel()
    output = "".join(lines)
    if not in_time:
        raise LabError(f"$ {step.command}\n{output}did not end within {limit:.0f} s")
    if not stopped and status:
        raise LabError(f"$ {step.command}\n{output}ended with {status}")
    if lost := missing_lines(step.prints, lines):
        raise LabError(f"$ {step.command}\n{output}did not print {lost[0]!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    page = parser.parse_args().page
    if tool := missing("bash", "make", "g++", MACHINE):
        return skip_without(tool)
    steps = steps_of(page.read_text(encoding="utf-8"))
    commands = sum(bool(step.command) for step in steps)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        reader = Path(scratch) / "reader"
        reader.mkdir()
        (reader.parent / "pvhboot").symlink_to(ROOT)  # make takes no path with spaces
        for step in steps:
            try:
                perform(step, reader, LIMIT)
            except LabError as why:
                print(f"{page.name}: {why}")
                return 1
    print(f"{page.name}: {len(steps) - commands} files, {commands} commands, {time.monotonic() - began:.1f} s")
    return 0 if commands >= 3 else 1


if __name__ == "__main__":
    sys.exit(main())
