# SPDX-License-Identifier: BSL-1.0
"""Compare the library's instructions and bytes of code with those of equivalent C code; with `vmm`, examples/vmm with
QEMU: bytes moved, and the time to a kernel's first instruction.
"""

import argparse
import subprocess

import building
from common import SKIP, script
from lab import ROOT

VMM = "examples/vmm/vmm"
KERNEL = "examples/kernel/kernel64.elf"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("code", "vmm"), default="code", help="default: code")


def run(options: argparse.Namespace) -> int:
    if options.what == "vmm":
        building.configure(options=building.EXAMPLES)
        building.compile_all(targets=[str(VMM), str(KERNEL)])
        command = script(ROOT / "tests" / "bench" / "vmm.py", "--build", building.BUILD)
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=1200, check=False).returncode
    statuses = []
    for name in ("measure.py", "size.py"):
        command = script(ROOT / "tests" / "bench" / name, "--include", ROOT / "include")
        statuses.append(subprocess.run(command, stdin=subprocess.DEVNULL, timeout=600, check=False).returncode)
    return 1 if any(status not in (0, SKIP) for status in statuses) or 0 not in statuses else 0
