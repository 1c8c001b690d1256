#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Follow the first steps of one user in the README, in an empty folder, and print each command with its time.

A user's steps are the block of commands after the user's name in bold. Ten commands or more are too many; the time is
never too long.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from common import missing, skip_without
from follow import LIMIT, MACHINE, Step, perform, steps_of
from lab import ROOT, LabError

USERS = ("kernel", "boot loader", "hypervisor")
TOO_MANY = 10
OWN = "$PVHBOOT/dev "  # a command that may build programs first
OWN_LIMIT = 1500  # seconds


def steps_for(user: str, readme: str) -> list[Step]:
    section = re.search(r"^## First steps\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    found = section and re.search(rf"\*\*{user}\*\*.*?(^```console\n.*?^```$)", section[1], re.MULTILINE | re.DOTALL)
    if not found:
        raise LabError(f"README.md has no first steps for a {user}")
    return steps_of(found[1])


def commands_in(step: Step) -> int:
    """The commands that the reader types, also those in one line."""
    return len(re.split(r"&&|;|\|", step.command))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("user", choices=USERS)
    user = parser.parse_args().user
    if tool := missing("bash", "make", "g++", MACHINE):
        return skip_without(tool)
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        reader = Path(scratch) / "reader"
        reader.mkdir()
        (reader.parent / "pvhboot").symlink_to(ROOT)
        os.environ["PVHBOOT_BUILD"] = str(reader.parent / "build")
        began = time.monotonic()
        try:
            steps = steps_for(user, (ROOT / "README.md").read_text(encoding="utf-8"))
            for step in steps:
                start = time.monotonic()
                perform(step, reader, OWN_LIMIT if step.command.startswith(OWN) else LIMIT)
                print(f"{time.monotonic() - start:6.1f} s  $ {step.command}")
        except LabError as why:
            print(f"{user}: {why}")
            return 1
    commands = sum(map(commands_in, steps))
    print(f"{time.monotonic() - began:6.1f} s  {user}: {commands} commands, allowed are {TOO_MANY - 1}")
    return 0 if 0 < commands < TOO_MANY else 1


if __name__ == "__main__":
    sys.exit(main())
