# SPDX-License-Identifier: BSL-1.0
"""Run clang-tidy on the headers, each through a file that includes it, on the C interface and on the examples. A warning
is an error.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import command_single
import single_header
import sources
from common import skip
from lab import ROOT, LabError

FLAGS = ["-std=c++20", f"-I{ROOT / 'include'}"]
EXAMPLE_FLAGS = ["-m32", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-nostdinc++"]
HOSTED = ("examples/fuzz/", "examples/single/", "examples/vmm/")  # programs for the build machine
TEMPLATE = "examples/template/"
TEMPLATE_FLAGS = ["-ffreestanding", "-fno-exceptions", "-fno-rtti", "-nostdinc++", "-DVIRTUAL_BASE=0"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these files (default: all)")


def check(options: argparse.Namespace) -> None:
    known = sources.public_headers() + sources.tracked((".cpp",), ("include", "examples"))
    unknown = [name for name in options.files if not any(path.endswith(name) for path in known)]
    if unknown:
        raise LabError(f"no header and no example ends with {', '.join(unknown)}")


def run(options: argparse.Namespace) -> int:
    try:
        tool = sources.llvm_tool("clang-tidy")
    except sources.WrongVersion as why:
        return skip(why)
    with tempfile.TemporaryDirectory(prefix="pvhboot-lint-") as scratch:
        jobs = header_jobs(Path(scratch)) + example_jobs(Path(scratch))
        if options.files:
            jobs = [job for job in jobs if any(job[0].endswith(name) for name in options.files)]
        results = sources.parallel(lambda job: (job[0], *tidy(tool, job[1], job[2])), jobs)
    bad = [(name, text) for name, status, text in results if status]
    for warning in sources.distinct(text for _, text in bad):
        print(warning)
    for name, _ in bad:
        print(f"lint: {name} has warnings")
    print(f"lint: {len(jobs) - len(bad)} files are clean, {len(bad)} have warnings")
    return 1 if bad or not jobs else 0


def header_jobs(scratch: Path) -> list[tuple[str, Path, list[str]]]:
    """Name, file and flags. Each header has a file that includes it: clang-tidy treats a main file differently. The C
    interface is one."""
    jobs = []
    for header in sources.public_headers():
        unit = scratch / (header.replace("/", "_") + ".cpp")
        unit.write_text(f"#include <{header}>\n", encoding="utf-8")
        jobs.append((header, unit, FLAGS))
    return jobs + [(path, ROOT / path, FLAGS) for path in sources.tracked((".cpp",), ("include",))]


def example_jobs(scratch: Path) -> list[tuple[str, Path, list[str]]]:
    """Those of examples/single need the one file."""
    text = command_single.make(command_single.UNKNOWN)[single_header.ALL]
    (scratch / single_header.ALL).write_text(text, encoding="utf-8")
    return [(path, ROOT / path, [*FLAGS, f"-I{scratch}", *flags_of(path)]) for path in sources.tracked((".cpp",), ("examples",))]


def flags_of(path: str) -> list[str]:
    if path.startswith(HOSTED):
        return []
    return TEMPLATE_FLAGS if path.startswith(TEMPLATE) else EXAMPLE_FLAGS


def tidy(tool: str, file: Path, flags: list[str]) -> tuple[int, str]:
    command = [tool, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(file), "--", *flags]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)
    return done.returncode, (done.stdout + done.stderr).strip()
