# SPDX-License-Identifier: BSL-1.0
"""What the ways to use the library share: commands that must succeed or fail, installs, and copies of the project."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Sequence

from lab import ROOT

HERE = Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
HEADERS_ONLY = ["-Dtests=disabled", "-Dexamples=disabled", "-Dtool=disabled"]


class Failure(Exception):
    """A step that failed."""


class Skip(Exception):
    """Something that the test needs is missing on this machine."""


def run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=os.environ | environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def refusal(*command: object, **environment: str) -> str:
    """The output of a command, which must fail."""
    try:
        printed = run(*command, **environment)
    except Failure as why:
        return str(why)
    raise Failure(f"{' '.join(map(str, command))} does not fail:\n{printed}")


def copy_sources(target: Path) -> None:
    """Copy what a project needs that uses the library: the headers and the build files."""
    for folder in ("include", "cmake", "spec"):
        shutil.copytree(ROOT / folder, target / folder)
    shutil.copy(ROOT / "CMakeLists.txt", target)


def local_repository(folder: Path, tag: str = "") -> None:
    """Make a folder a repository with one commit on the branch main."""
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    steps = [["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "copy"], *([["tag", tag]] if tag else [])]
    for step in steps:
        run(*git, *step, cwd=folder, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")


def install(scratch: Path, prefix: str = "", options: Sequence[str] = (), **environment: str) -> Path:
    """Install the headers with Meson. Return the prefix."""
    prefix = prefix or str(scratch / "prefix")
    run("meson", "setup", scratch / "build", ROOT, f"--prefix={prefix}", *HEADERS_ONLY, *options)
    run("meson", "install", "-C", scratch / "build", **environment)
    return Path(prefix)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def compile_and_run(scratch: Path, flags: list[str], source: Path = HERE / "user.cpp") -> None:
    for compiler in ("g++", "clang++"):
        program = scratch / compiler
        run(compiler, "-std=c++20", *WARNINGS, source, *flags, "-o", program)
        run(program)
