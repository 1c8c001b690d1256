# SPDX-License-Identifier: BSL-1.0
"""What the tests and the commands of ./dev share: skipped tests, scripts of tests/, compilers, copies of the
project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lab import ROOT, LabError

SKIP = 77  # the exit status of a test that cannot run on this machine
LAUNCH = ROOT / "tests" / "launch.py"


def skip(reason: object) -> int:
    """Print the reason as the last line, and return the exit status."""
    print(f"skipped: {' '.join(str(reason).split())}")
    return SKIP


def missing(*tools: str) -> str:
    """The first of the tools that is not installed, or an empty string."""
    return next((tool for tool in tools if not shutil.which(tool)), "")


def skip_without(tool: str) -> int:
    return skip(f"{tool} is not installed")


def script(path: Path, *arguments: object) -> list[str]:
    """The command that runs a Python script of tests/."""
    return [sys.executable, str(LAUNCH), str(path), *map(str, arguments)]


def run(command: list, **options) -> subprocess.CompletedProcess[str]:
    """Run a command and capture its output. Its messages are in English, since tests search them."""
    settings = {"capture_output": True, "text": True, "timeout": 300, "env": dict(os.environ, LC_ALL="C")} | options
    return subprocess.run([str(word) for word in command], check=False, **settings)


def has_header(compiler: str, name: str) -> bool:
    """Whether a compiler finds a header."""
    return run([compiler, "-fsyntax-only", "-include", name, "-x", "c++" if "++" in compiler else "c", os.devnull]).returncode == 0


def run_or_exit(command: list, **options) -> str:
    """The standard output of a command. If the command fails, print its output and exit."""
    done = run(command, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def last_lines(text: str, count: int = 40) -> str:
    return "\n".join(text.splitlines()[-count:])


def run_or_raise(command: list, **options) -> str:
    """The standard output of a command. If the command fails, raise LabError with the end of what it printed."""
    done = run(command, **options)
    if done.returncode:
        raise LabError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{last_lines(done.stdout + done.stderr)}")
    return done.stdout


def copy_project(target: Path) -> None:
    """Copy the sources, without build folders and fetched files."""
    unwanted = shutil.ignore_patterns(".git", ".cache", "build", "build-*", "__pycache__")

    def ignore(folder: str, names: list[str]) -> set[str]:
        fetched = {name for name in names if Path(folder) == ROOT / "subprojects" and name != "packagefiles"
                   and not name.endswith(".wrap")}
        return set(unwanted(folder, names)) | fetched

    shutil.copytree(ROOT, target, ignore=ignore)
