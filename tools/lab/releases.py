# SPDX-License-Identifier: BSL-1.0
"""Programs of other Debian releases, beside those of the system: a package and all that it depends on are downloaded and
unpacked into one folder of the cache, and run with the loader and libraries of that folder.

Tests choose a release by environment variables, so that a scenario need not know of it:

  PVHBOOT_LAB_QEMU=trixie    QEMU of that release (qemu.py)
  PVHBOOT_LAB_XEN=trixie     Xen, its toolstack and GRUB (xen_packages.py)
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import CACHE, LabError, packages

RELEASES = {"trixie": packages.TRIXIE, "sid": packages.SID}
LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio")
LOADERS = ("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")


def chosen(program: str) -> packages.Archive | None:
    """The release that PVHBOOT_LAB_<PROGRAM> names; None for the system's own."""
    name = os.environ.get(f"PVHBOOT_LAB_{program}", "")
    if not name:
        return None
    if name not in RELEASES:
        raise LabError(f"PVHBOOT_LAB_{program}={name}: one of {', '.join(RELEASES)}")
    return RELEASES[name]


def provide(package: str, archive: packages.Archive) -> Path:
    """The folder with the files of a package and of everything that it depends on."""
    room = CACHE / "releases" / f"{package}-{archive.name}"
    if room.is_dir():
        return room
    with packages.locked():
        if not room.is_dir():
            download(package, archive, room)
    return room


def download(package: str, archive: packages.Archive, room: Path) -> None:
    if not packages.has_apt():
        raise packages.Unavailable(f"{package} of {archive.name} is not in {CACHE} and this system has no apt")
    if not packages.known(package, archive):
        packages.refresh_lists(archive)
    room.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=room.parent) as scratch:
        debs, files = Path(scratch) / "debs", Path(scratch) / "files"
        (debs / "partial").mkdir(parents=True)
        files.mkdir()
        fetch(package, archive, debs)
        for deb in sorted(debs.glob("*.deb")):
            done = subprocess.run(["dpkg-deb", "--extract", deb, files], capture_output=True, text=True, timeout=300,
                                  check=False)
            if done.returncode:
                raise LabError(f"cannot unpack {deb.name}: {done.stderr.strip()}")
        shutil.rmtree(files / "usr/share/doc", ignore_errors=True)
        files.rename(room)


def fetch(package: str, archive: packages.Archive, debs: Path) -> None:
    """The package and its dependencies. If a version is gone from the mirror, the lists are refreshed once."""
    why = ""
    for attempt in (1, 2):
        print(f"lab: downloading {package} of {archive.name} (unpacked into the cache, not installed)", flush=True)
        command = ["apt-get", *packages.apt_options(archive), "-q", "-q", "-o", f"Dir::Cache::archives={debs}",
                   "--download-only", "--no-install-recommends", "--yes", "install", package]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode == 0:
            return
        why = (done.stderr or done.stdout).strip()
        if attempt == 1:
            packages.refresh_lists(archive)
    raise packages.Unavailable(f"cannot download {package} of {archive.name}: {why}")


def command(room: Path, program: str) -> list[str]:
    """The words that run a program of the folder with its own loader and libraries."""
    loader = next((room / name for name in LOADERS if (room / name).exists()), None)
    if loader is None:
        raise LabError(f"{room} has no dynamic loader: delete this folder to download it again")
    return [str(loader), "--inhibit-cache", "--library-path", ":".join(str(room / name) for name in LIBRARIES),
            str(room / program)]


def qemu() -> tuple[list[str], dict[str, str]]:
    """The words that start QEMU, and what it needs in its environment."""
    archive = chosen("QEMU")
    if archive is None:
        return ["qemu-system-x86_64"], {}
    room = provide("qemu-system-x86", archive)
    firmware = [word for name in ("qemu", "seabios") for word in ("-L", str(room / "usr/share" / name))]
    return ([*command(room, "usr/bin/qemu-system-x86_64"), *firmware],
            {"QEMU_MODULE_DIR": str(room / "usr/lib/x86_64-linux-gnu/qemu")})
