# SPDX-License-Identifier: BSL-1.0
"""Make the Debian source package of this tree, and build it.

pvhboot-tools takes two minutes to compile, and a build profile leaves it out. Tests that need the other packages share
one build, which is kept as long as the sources are the same.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Iterator

from common import copy_project, last_lines, run, run_or_raise
from lab import ROOT, LabError

WITHOUT_TOOLS = "pkg.pvhboot.notools"
NEEDED = ("dpkg-buildpackage", "dh", "meson", "ninja", "g++")
SOURCE_FOLDER = "source"
LIMIT = 1800  # seconds for a build, or for lintian, on a busy machine


def version() -> tuple[str, str]:
    """The library's version and the Debian revision, of the first entry of debian/changelog."""
    head = (ROOT / "debian/changelog").read_text(encoding="utf-8").split("\n", 1)[0]
    match = re.match(r"pvhboot \((.+)-([^-]+)\) ", head)
    if not match:
        raise LabError(f"debian/changelog does not begin with a version: {head!r}")
    return match[1], match[2]


def make_source(folder: Path) -> Path:
    """The unpacked source package in `folder`, with the archive of the sources beside it."""
    upstream = version()[0]
    tree = folder / SOURCE_FOLDER
    copy_project(tree)
    # As in the archive of a release (.gitattributes), debian/ is left out.
    run_or_raise(["tar", "-C", folder, "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0",
                  f"--exclude={SOURCE_FOLDER}/debian", f"--transform=s,^{SOURCE_FOLDER},pvhboot-{upstream},",
                  "-cJf", folder / f"pvhboot_{upstream}.orig.tar.xz", SOURCE_FOLDER])
    return tree


def build(folder: Path, profiles: str = "") -> None:
    """Build source and binary packages in an empty folder, which then has them and the build's log."""
    tree = make_source(folder)
    # The test in the chroot checks Build-Depends.
    command = ["dpkg-buildpackage", "--no-check-builddeps", "--unsigned-source", "--unsigned-changes",
               f"--jobs={os.cpu_count() or 1}"]
    if profiles:
        command.append(f"--build-profiles={profiles}")
    # With ccache or flags of the user the packages would not be those of another machine.
    environment = {name: value for name, value in os.environ.items()
                   if not re.fullmatch(r"CC|CXX|(C|CPP|CXX|LD)FLAGS|DEB_.*", name)}
    done = run(command, cwd=tree, env=environment | {"LC_ALL": "C", "DEB_BUILD_OPTIONS": "nocheck"}, timeout=LIMIT)
    (folder / "build.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise LabError(f"{' '.join(command)}\n{last_lines(done.stdout + done.stderr)}")


def provide(build_folder: Path) -> Path:
    """The folder with the packages without pvhboot-tools, of the sources as they are."""
    wanted = state_of_sources()
    folder = build_folder / "packages"
    stamp = folder / "sources.sha256"
    with locked(build_folder):
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            began = time.monotonic()
            shutil.rmtree(folder, ignore_errors=True)
            # debhelper cannot build in a folder whose path has a space.
            with tempfile.TemporaryDirectory(prefix="pvhboot-packages-") as scratch:
                build(Path(scratch), WITHOUT_TOOLS)
                shutil.copytree(scratch, folder)
            stamp.write_text(wanted, encoding="ascii")
            print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    return folder


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Tests run in parallel: one builds, the others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def state_of_sources() -> str:
    """A number for the files that the packages are made of."""
    state = hashlib.sha256()
    for name in ("CHANGELOG.md", "CMakeLists.txt", "README.md", "cmake", "debian", "docs", "examples", "include",
                 "meson.build", "meson_options.txt", "spec", "tools/version.py", "tests/package"):
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                state.update(f"{path.relative_to(ROOT)} {path.stat().st_mode:o}\n".encode() + path.read_bytes())
    return state.hexdigest()


def packages(folder: Path) -> dict[str, Path]:
    """The binary packages in a folder by their names, without those of debugging information."""
    found = {path.name.split("_")[0]: path for path in sorted(folder.glob("*.deb"))}
    return {name: path for name, path in found.items() if not name.endswith("-dbgsym")}


def control(package: Path, field: str) -> str:
    return run_or_raise(["dpkg-deb", "--field", package, field]).strip()


def files(package: Path) -> dict[str, str]:
    """The files of a package, and their permissions."""
    rows = [line.split(None, 5) for line in run_or_raise(["dpkg-deb", "--contents", package]).splitlines()]
    return {row[5].removeprefix("./"): row[0] for row in rows if not row[0].startswith("d")}


def lintian(folder: Path) -> str:
    """What lintian prints about the packages of a folder. Errors and warnings raise LabError."""
    changes = sorted(folder.glob("*.changes"))
    done = run(["lintian", "--allow-root", "--fail-on", "error,warning", "--display-info", *changes], timeout=LIMIT)
    if done.returncode:
        raise LabError(f"lintian ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
