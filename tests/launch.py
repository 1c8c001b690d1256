#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""launch.py SCRIPT [ARGUMENT...]: run a Python script of tests/, which may import the modules of tools/ and tests/.

Meson runs every Python test this way. By hand: tests/launch.py tests/boot/run.py linux
"""

import runpy
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent

if len(sys.argv) < 2:
    sys.exit(__doc__)
del sys.argv[0]
sys.path[:1] = [str(Path(sys.argv[0]).resolve().parent), str(TESTS.parent / "tools"), str(TESTS)]
runpy.run_path(sys.argv[0], run_name="__main__")
