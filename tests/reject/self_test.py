#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Tests of expect_fail.py: it must pass a correct case, and fail each wrong one with the reason."""

import argparse
import sys
from pathlib import Path

from common import run, script

VERDICTS = {
    "right.cpp": (0, "refused, as expected"),
    "compiles.cpp": (1, "compiled, but must not"),
    "other_reason.cpp": (1, "failed for another reason"),
    "control_fails.cpp": (1, "the control build does not compile"),
    "no_expectation.cpp": (1, "no EXPECT line"),
    "nothing_to_replace.cpp": (1, "nothing to replace"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("compiler")
    options = parser.parse_args()
    here = Path(__file__).parent
    wrong = 0
    for name, (status, words) in VERDICTS.items():
        done = run(script(here / "expect_fail.py", "--root", options.root, here / "harness" / name, options.compiler))
        good = done.returncode == status and words in done.stdout + done.stderr
        wrong += not good
        print(f"{'ok   ' if good else 'WRONG'} {name}: exit {done.returncode}, {(done.stdout + done.stderr).splitlines()[0]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
