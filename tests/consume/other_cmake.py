# SPDX-License-Identifier: BSL-1.0
"""CMake of other Debian releases: an old one and the newest. Nothing is installed."""

import os
from pathlib import Path

from lab import LabError, packages, releases

RELEASES = {"bullseye": packages.Archive("bullseye", release="bullseye"), "sid": packages.SID}  # CMake 3.18; 4
SYSTEM = Path("/")


def use(name: str, scratch: Path) -> None:
    """Let every command find this CMake first."""
    room = releases.provide("cmake", RELEASES[name])
    # An older program runs with the system's C library, a newer one with its own.
    rooms = [SYSTEM, room] if name == "bullseye" else [room]
    loader = next((rooms[0] / path for path in releases.LOADERS if (rooms[0] / path).exists()), None)
    if loader is None:
        raise LabError(f"{rooms[0]} has no dynamic loader")
    libraries = ":".join(str(folder / path) for folder in rooms for path in releases.LIBRARIES)
    folder = scratch / "cmake-of-another-release"
    program = folder / "bin" / "cmake"
    program.parent.mkdir(parents=True)
    # CMake finds its modules from the path by which it was started.
    (folder / "share").symlink_to(room / "usr/share")
    program.write_text(f'#!/bin/sh\nexec {loader} --inhibit-cache --argv0 "$0" --library-path {libraries} '
                       f'{room / "usr/bin/cmake"} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
