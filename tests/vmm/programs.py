# SPDX-License-Identifier: BSL-1.0
"""The programs that the unit tests of examples/vmm run: options before those of unittest."""

import argparse
import sys
import unittest
from pathlib import Path

build = Path("build")
vmm = Path("vmm")


def main(description: str) -> None:
    global build, vmm  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", type=Path, default=build)
    parser.add_argument("--vmm", type=Path, required=True)
    given, rest = parser.parse_known_args()
    build, vmm = given.build.resolve(), given.vmm.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
