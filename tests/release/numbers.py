#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check that no number of a rule, an oddity or an image reason has changed since it was released.

numbers.txt has the numbers of all releases. --write adds the ones that it lacks, for the next release; it changes none.
"""

import argparse
import re
import sys
from pathlib import Path

from lab import ROOT

LIST = Path(__file__).with_name("numbers.txt")
TABLES = {"errc": "core/errors.def", "oddity": "pvh/oddities.def", "image_reason": "pvh/image_reasons.def"}
ROW = re.compile(r"^PVHBOOT_(?:ERROR|ODDITY|IMAGE_REASON)\((0x[0-9a-f]+), (\w+),", re.M)


def current() -> dict[str, str]:
    """The name of each number, as `errc 0x100`."""
    found: dict[str, str] = {}
    for kind, file in TABLES.items():
        rows = ROW.findall((ROOT / "include/pvhboot" / file).read_text(encoding="utf-8"))
        if len(rows) < 20:
            sys.exit(f"{file}: only {len(rows)} rows were understood")
        for number, name in rows:
            if f"{kind} {number}" in found:
                sys.exit(f"{file}: two rows have the number {number}")
            found[f"{kind} {number}"] = name
    return found


def released() -> dict[str, str]:
    lines = [line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {f"{kind} {number}": name for kind, number, name in lines}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="add new numbers to numbers.txt")
    parser.add_argument("--complete", action="store_true", help="fail if numbers.txt lacks a number, as a release must")
    options = parser.parse_args()
    now, before = current(), released()
    wrong = [f"{key} was {name} in a release and is {now.get(key, 'gone')} now" for key, name in before.items() if now.get(key) != name]
    names = {f"{key.split()[0]} {name}": key for key, name in before.items()}
    for key, name in now.items():
        if key not in before and (other := names.get(f"{key.split()[0]} {name}")):
            wrong.append(f"{name} was {other} in a release and is {key} now")
    new = [f"{key} {name}" for key, name in now.items() if key not in before]
    if options.write and not wrong:
        with open(LIST, "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in new)
    elif options.complete and new:
        wrong.append(f"numbers.txt lacks {len(new)} numbers: {new[0]}, ...")
    for line in wrong:
        print(line)
    print(f"{len(before)} released numbers, {len(new)} new ones, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
