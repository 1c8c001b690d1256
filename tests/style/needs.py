#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check that ./dev installs every package in tests/packages.txt."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    table = re.search(r"^NEEDS='\n(.*?)^'$", (ROOT / "dev").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    rows = [row.split("|") for row in table[1].splitlines()] if table else []
    installed = {word for row in rows for word in re.split(r"[ /]+", row[2]) if "test" in row[0].split()}
    lines = (ROOT / "tests" / "packages.txt").read_text(encoding="utf-8").splitlines()
    wanted = {line.split("#")[0].strip() for line in lines} - {""}
    missing = sorted(wanted - installed)
    print(f"./dev test does not install: {', '.join(missing)}" if missing else f"./dev test installs all {len(wanted)}")
    return 1 if missing or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
