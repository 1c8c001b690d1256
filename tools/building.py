# SPDX-License-Identifier: BSL-1.0
"""Configuring and compiling with Meson: quiet when all is well, everything shown when not."""

import os
import subprocess
from pathlib import Path

from lab import ROOT, LabError

BUILD = Path(os.environ.get("PVHBOOT_BUILD", ROOT / "build"))
# The wraps are for those who want them: here everything comes from the system, and nothing waits for a network.
OPTIONS = ["--buildtype=debugoptimized", "--wrap-mode=nodownload"]


def configure(build: Path = BUILD, options: list[str] | None = None) -> None:
    """`meson setup`, when it was not done, or was done with other options."""
    wanted = "\n".join(OPTIONS + (options or []))
    stamp = build / ".pvhboot-options"
    if (build / "build.ninja").exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    mode = ["--wipe"] if (build / "meson-private" / "coredata.dat").exists() else []
    quietly(["meson", "setup", *mode, str(build), *wanted.splitlines()], "meson setup")
    stamp.write_text(wanted, encoding="utf-8")


def compile_all(build: Path = BUILD, targets: list[str] | None = None) -> None:
    quietly(["ninja", "-C", str(build), *(targets or [])], "the build")


def quietly(command: list[str], what: str) -> None:
    environment = dict(os.environ, CLICOLOR_FORCE="0")
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1800, check=False)
    if done.returncode:
        raise LabError(f"{what} failed ({' '.join(command)}):\n{done.stdout.strip()}")
