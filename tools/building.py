# SPDX-License-Identifier: BSL-1.0
"""Configuring and compiling with Meson: quiet when all is well, everything shown when not."""

import os
import subprocess
from pathlib import Path

from lab import ROOT, LabError

BUILD = Path(os.environ.get("PVHBOOT_BUILD", ROOT / "build"))
# The wraps are for those who want them: here everything comes from the system, and nothing waits for a network.
OPTIONS = ["--buildtype=debugoptimized", "--wrap-mode=nodownload"]


EXAMPLES = ["-Dexamples=enabled", "-Dtests=disabled"]
EVERYTHING = ["-Dexamples=enabled", "-Dtests=enabled"]


def configure(build: Path = BUILD, options: list[str] | None = None) -> None:
    """`meson setup`, unless the folder is set up for this, or for more than this."""
    options = options or EVERYTHING
    stamp = build / ".pvhboot-options"
    if (build / "build.ninja").exists() and stamp.exists():
        present = stamp.read_text(encoding="utf-8").splitlines()
        if present in (OPTIONS + options, OPTIONS + EVERYTHING):
            return
    mode = ["--wipe"] if (build / "meson-private" / "coredata.dat").exists() else []
    quietly(["meson", "setup", *mode, str(build), *OPTIONS, *options], "meson setup")
    stamp.write_text("\n".join(OPTIONS + options), encoding="utf-8")


def compile_all(build: Path = BUILD, targets: list[str] | None = None) -> None:
    quietly(["ninja", "-C", str(build), *(targets or [])], "the build")


def quietly(command: list[str], what: str) -> None:
    environment = dict(os.environ, CLICOLOR_FORCE="0")
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1800, check=False)
    if done.returncode:
        raise LabError(f"{what} failed ({' '.join(command)}):\n{done.stdout.strip()}")
