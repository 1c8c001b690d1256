# SPDX-License-Identifier: BSL-1.0
"""Configure and compile with Meson, and show one live line, or all output after a failure."""

import os
import re
import subprocess
from pathlib import Path

import harnesses
import progress
from lab import ROOT, LabError

BUILD = Path(os.environ.get("PVHBOOT_BUILD") or ROOT / "build").absolute()
# ./dev takes all dependencies from the system. The wraps are for builds without it.
OPTIONS = ["--buildtype=debugoptimized", "--wrap-mode=nodownload"]
EXAMPLES = ["-Dexamples=enabled", "-Dtests=disabled", "-Dtool=disabled"]
TOOL = ["-Dexamples=disabled", "-Dtests=disabled", "-Dtool=enabled"]
EVERYTHING = ["-Dexamples=enabled", "-Dtests=enabled", "-Dtool=enabled"]
LIMIT = 1800  # seconds
STATUS = re.compile(r"\[(\d+)/(\d+)\] .*?(\S+)$")  # Meson's descriptions end in the name of the target


def configure(build: Path = BUILD, options: list[str] | None = None) -> None:
    """Run `meson setup`, unless the folder is configured for these options or for EVERYTHING."""
    options = options or EVERYTHING
    stamp = build / ".pvhboot-options"
    # Meson lists the harnesses when it configures, and does not notice a new file.
    files = [f"harnesses: {' '.join(harnesses.names())}; with a corpus: {' '.join(harnesses.with_corpus())}"]
    present = stamp.read_text(encoding="utf-8").splitlines() if stamp.exists() else []
    configured = (build / "build.ninja").exists()
    if configured and present in (OPTIONS + options + files, OPTIONS + EVERYTHING + files):
        quietly(["ninja", "-C", str(build), "build.ninja"], "meson setup")  # reconfigures if a meson.build has changed
        return
    if configured and present[:-1] in (OPTIONS + options, OPTIONS + EVERYTHING):
        options = present[len(OPTIONS):-1]
        mode = ["--reconfigure"]
    else:
        mode = ["--wipe"] if (build / "meson-private" / "coredata.dat").exists() else []
    quietly(["meson", "setup", *mode, str(build), *OPTIONS, *options], "meson setup")
    stamp.write_text("\n".join(OPTIONS + options + files), encoding="utf-8")


def compile_all(build: Path = BUILD, targets: list[str] | None = None) -> None:
    """Build the targets, or all, and show the progress."""
    line = progress.Line()
    printed: list[str] = []
    count, name = "", ""

    def hear(text: str) -> None:
        nonlocal count, name
        if status := STATUS.match(text):
            count, name = f"{status[1]} of {status[2]}", status[3]
        elif text and not text.startswith("ninja: Entering directory"):
            printed.append(text)
        if count:
            line.show(f"building {count} ({line.seconds():.0f} s): {name}")

    command = ["ninja", "-C", str(build), *(targets or [])]
    environment = dict(os.environ, NINJA_STATUS="[%f/%t] ", TERM="xterm")
    try:
        failed = progress.listen(command, hear, LIMIT, ROOT, environment, terminal=True)
    except subprocess.TimeoutExpired as why:
        raise LabError(f"the build did not end within {LIMIT} s") from why
    finally:
        line.clear()
    if failed:
        raise LabError("the build failed ({}):\n{}".format(" ".join(command), "\n".join(printed)))


def quietly(command: list[str], what: str) -> None:
    environment = dict(os.environ, CLICOLOR_FORCE="0")
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT, check=False)
    if done.returncode:
        raise LabError(f"{what} failed ({' '.join(command)}):\n{done.stdout.strip()}")
