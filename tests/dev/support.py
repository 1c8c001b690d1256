# SPDX-License-Identifier: BSL-1.0
"""Common code for the tests of ./dev: copies of the project, a PATH with few tools, an unprivileged user."""

import os
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from common import skip
from lab import ROOT

BUILD = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else ROOT / "build"

UNPRIVILEGED = 65534  # a user id that owns no files
SYSTEM_PYTHON = Path("/usr/bin/python3")  # sys.executable may lie in a folder that other users cannot enter
PYTHON = SYSTEM_PYTHON if SYSTEM_PYTHON.exists() else Path(sys.executable)
SHELL_TOOLS = ("awk", "bash", "cat", "dirname", "env", "grep", "ln", "mkdir", "readlink", "sed", "sort", "tail")


class Scratch(unittest.TestCase):
    """Each test has a scratch folder that every user may enter."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="pvhboot-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve()
        self.folder.chmod(0o755)

    def copy(self, name: str = "project") -> Path:
        """A copy of the project, without build folders and fetched files."""
        target = self.folder / name
        unwanted = shutil.ignore_patterns(".git", ".cache", "build", "build-*", "__pycache__")
        shutil.copytree(ROOT, target, ignore=unwanted)
        return target

    def run_in(self, project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder. The environment names no build folder."""
        return subprocess.run(words, cwd=project, env=clean(**environment), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=250, check=False)


class Bare(Scratch):
    """A machine with a shell, Python and stubs of apt, which record their calls."""

    def setUp(self) -> None:
        super().setUp()
        self.project = self.copy()
        self.tools = self.folder / "tools"
        self.tools.mkdir()
        for name in SHELL_TOOLS:
            (self.tools / name).symlink_to(shutil.which(name))
        (self.tools / "python3").symlink_to(PYTHON)
        self.calls = self.folder / "calls"
        self.calls.touch()
        self.script("apt-get", f'echo "$*" >>"{self.calls}"')
        self.script("apt-cache", "exit 0")
        self.script("dpkg-deb", "exit 0")
        self.become("1000")

    def script(self, name: str, text: str) -> None:
        path = self.tools / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def become(self, user: str) -> None:
        """Set the user id that `id -u` prints; 0 may install packages."""
        self.script("id", f"echo {user}")

    def dev(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run_in(self.project, "./dev", *words, PATH=str(self.tools), **environment)

    def assert_nothing_happened(self) -> None:
        self.assertEqual(self.calls.read_text(encoding="utf-8"), "")
        self.assertFalse((self.project / "build").exists())
        self.assertFalse((self.project / ".cache").exists())


def clean(**changes: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("PVHBOOT_", "MESON", "NINJA")) and name not in ("CI", "TMPDIR")}
    return environment | {"PYTHONDONTWRITEBYTECODE": "1"} | changes


def on_terminal(command: list[str], cwd: Path, columns: int = 100) -> tuple[int, str]:
    """Run a command on a terminal. Return its status and its output."""
    ours, theirs = pty.openpty()
    environment = clean(COLUMNS=str(columns), TERM="xterm")
    with subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=theirs,
                          stderr=theirs) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the command has closed the terminal
                break
            printed += data
        os.close(ours)
        return process.wait(60), printed.decode()


def main() -> None:
    """Run the tests of the file. Exit with 77 and the reason if tests were skipped and none failed."""
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    if result.wasSuccessful() and result.skipped:
        sys.exit(skip(result.skipped[0][1]))
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
