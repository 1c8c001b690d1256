#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Build the unit and layout tests for another machine, or with sanitizers, and run them.

Compiling the tests evaluates them as constant expressions, also for a big-endian machine. QEMU's user-mode emulators
run the programs of other machines. With -m32 the undefined-behaviour sanitizer is on; the address sanitizer hangs under
qemu-i386.
"""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from common import missing, run, run_or_exit, skip

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# With these checks g++ does not accept a comparison with nullptr in a constant expression (GCC bug 71962). The emulator
# traps null pointers.
UBSAN = ["-fsanitize=undefined", "-fno-sanitize=null,nonnull-attribute,returns-nonnull-attribute", "-fno-sanitize-recover=all"]


@dataclass
class Machine:
    compiler: str
    emulator: str  # empty: none is needed
    flags: list[str]
    package: str
    link: list[str] = field(default_factory=list)


MACHINES = {
    "m32": Machine("g++-12", "qemu-i386", ["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu", *UBSAN], "g++-12-multilib, libc6-dev-i386"),
    "native": Machine("g++-12", "", [], "g++-12"),
    # The build machine, with clang.
    "sanitizers": Machine("clang++-14", "", ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
                          "clang-14, libclang-rt-14-dev"),
    # The same machine and compiler as the suite unit, with optimisation.
    "optimized": Machine("g++-12", "", ["-O2"], "g++-12"),
    # A cross compiler does not search the folder of doctest and Boost, whose headers are for any machine.
    "big_endian": Machine("powerpc-linux-gnu-g++-12", "qemu-ppc", ["-idirafter", "/usr/include"],
                          "g++-12-powerpc-linux-gnu", ["-static"]),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--include", type=Path, help="the folder of pvhboot/, instead of the project's")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these files of tests/unit, and main")
    parser.add_argument("machine", choices=MACHINES)
    options = parser.parse_args()
    machine = MACHINES[options.machine]
    for tool, package in ((machine.compiler, machine.package), (machine.emulator, "qemu-user")):
        if tool and missing(tool):
            return skip(f"{tool} is not installed (Debian: {package})")
    compiler = [machine.compiler, *machine.flags, *FLAGS, f"-I{options.include or options.root / 'include'}"]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        probe = run([*compiler, "-x", "c++", "-", "-o", scratch / "probe", *machine.link], input="int main() {}")
        if probe.returncode:
            return skip(f"cannot link for {options.machine} (Debian: {machine.package}): {probe.stderr}")
        if options.only:
            sources = [options.root / "tests/unit" / f"{name}.cpp" for name in ("main", *options.only)]
        else:
            sources = sorted((options.root / "tests/unit").glob("*.cpp")) + [
                options.root / "tests/layout" / name for name in ("boot_params.cpp", "members.cpp", "query.cpp", "reflect.cpp")]
        objects = [scratch / f"{number}.o" for number in range(len(sources))]
        with ThreadPoolExecutor(2) as pool:
            built = list(pool.map(lambda pair: run([*compiler, "-c", "-o", pair[1], pair[0]], timeout=600),
                                  zip(sources, objects)))
        for done in built:
            if done.returncode:
                print(done.stderr)
                return 1
        program = scratch / "tests"
        run_or_exit([*compiler, "-o", program, *objects, *machine.link])
        command = [*filter(None, [machine.emulator]), str(program)]
        return subprocess.run(command, timeout=600, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
