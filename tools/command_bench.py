# SPDX-License-Identifier: BSL-1.0
"""Compare the library with equivalent C code and with peers: instructions, bytes of code, growth, and times, which no
check depends on. With `vmm`, examples/vmm with QEMU: bytes moved, and the time to a kernel's first instruction. With
`boot`, examples/chainload with GRUB and QEMU: instructions up to Linux's entry, and bytes moved.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import building
from common import SKIP, has_header, missing, script
from lab import ROOT, boot

VMM = "examples/vmm/vmm"
KERNEL = "examples/kernel/kernel64.elf"
FOLDER = ROOT / "tests" / "bench"
CHECKS = ("measure.py", "growth.py", "size.py")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("code", "boot", "vmm"), default="code", help="default: code")
    parser.add_argument("--check", action="store_true", help="fail if a count or a number of bytes is worse than allowed")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write pictures of the curves there, with gnuplot")


def run(options: argparse.Namespace) -> int:
    if options.what == "boot":
        return compare_example("boot_cost.py", [str(boot.CHAINLOAD)], "--logs", building.BUILD / "boot" / "cost")
    if options.what == "vmm":
        return compare_example("vmm.py", [VMM, KERNEL])
    statuses = []
    for name in CHECKS:
        plots = ["--plots", options.plots.resolve()] if options.plots and name == "growth.py" else []
        command = script(FOLDER / name, "--include", ROOT / "include", *plots)
        statuses.append(subprocess.run(command, stdin=subprocess.DEVNULL, timeout=600, check=False).returncode)
        print()
    show_times()
    if 0 not in statuses:
        return 1
    return 1 if options.check and any(status not in (0, SKIP) for status in statuses) else 0


def compare_example(name: str, targets: list[str], *arguments: object) -> int:
    """Build examples and run the script that compares them."""
    building.configure(options=building.EXAMPLES)
    building.compile_all(targets=targets)
    command = script(FOLDER / name, "--build", building.BUILD, *arguments)
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=1800, check=False).returncode


def show_times() -> None:
    """With Google Benchmark, where it is installed."""
    if missing("g++") or not has_header("g++", "benchmark/benchmark.h"):
        print("times: skipped: Google Benchmark is not installed (Debian: libbenchmark-dev)")
        return
    with tempfile.TemporaryDirectory(prefix="pvhboot-bench-") as folder:
        program = Path(folder) / "times"
        subprocess.run(["g++", "-std=c++20", "-O2", f"-I{ROOT / 'include'}", FOLDER / "times.cpp", "-o", program,
                        "-lbenchmark", "-lpthread"], timeout=300, check=True)
        subprocess.run([program, "--benchmark_min_time=0.1"], timeout=300, check=True)
