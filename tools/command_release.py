# SPDX-License-Identifier: BSL-1.0
"""Make what a release publishes, from a clean tree, and check it: ./dev release

The archive of the sources is made from the commit. All else is made from the unpacked archive, as a user would: the
library in one file, the Debian packages, the site of the documentation. SHA256SUMS has the hash of each file.
"""

import argparse
import functools
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import building
import values
import version
from common import missing, run_or_raise, script
from lab import ROOT, LabError

NUMBERS = ROOT / "tests" / "release" / "numbers.py"
SUMS = "SHA256SUMS"
LIMIT = 3600  # seconds for a step on a busy machine
called = functools.partial(run_or_raise, timeout=LIMIT, stdin=subprocess.DEVNULL)
RELEASED = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", re.M)
UNRELEASED = re.compile(r"^## \[Unreleased\]\n+(?=## )", re.M)
PACKAGED = re.compile(r"pvhboot \(([^)-]+)-[^)-]+\) ")
COMPILERS = ("g++", "clang++")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=values.folder, default=building.BUILD / "release", metavar="FOLDER",
                        help="a new or empty folder for the files (default: release in the build folder)")
    parser.add_argument("--check", action="store_true", help="only check that versions, changelogs and numbers agree")
    parser.add_argument("--without", action="append", choices=("packages", "site"), default=[], help="leave this out; may be repeated")


def check(options: argparse.Namespace) -> None:
    if not options.check and options.out.is_dir() and any(options.out.iterdir()):
        raise LabError(f"--out {options.out}: the folder is not empty")


def run(options: argparse.Namespace) -> int:
    number = agreed_version()
    print(f"ok     version.hpp, CHANGELOG.md, debian/changelog and the numbers of {number} agree", flush=True)
    if options.check:
        return 0
    commit = clean_commit()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pvhboot-release-") as folder:
        release = Release(number, commit, options.out, Path(folder))
        steps: list[tuple[str, Callable[[], str]]] = [("sources", release.archive), ("one file", release.one_file)]
        steps += [(name, step) for name, step in (("packages", release.packages), ("site", release.site)) if name not in options.without]
        for name, step in steps:
            print(f"ok     {name}: {step()}", flush=True)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(options.out.iterdir())]
    (options.out / SUMS).write_text("".join(sums), encoding="ascii")
    for path in sorted(options.out.iterdir()):
        print(f"{path.stat().st_size:>12,}  {path.name}")
    for name in options.without:
        print(f"left out: {name}")
    print(f"release: {number} of commit {commit} in {options.out}")
    return 0


def agreed_version() -> str:
    """The version that all files state."""
    try:
        number = version.of(ROOT / "include" / "pvhboot" / "version.hpp")
    except ValueError as why:
        raise LabError(str(why)) from why
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = RELEASED.findall(changes)
    if released[:1] != [number]:
        raise LabError(f"CHANGELOG.md: the newest release is {released[:1]}, and version.hpp has {number}")
    if not UNRELEASED.search(changes):
        raise LabError("CHANGELOG.md: the section [Unreleased] is absent or not empty")
    packaged = PACKAGED.match((ROOT / "debian" / "changelog").read_text(encoding="utf-8"))
    if packaged is None or packaged[1] != number:
        raise LabError(f"debian/changelog: the newest entry is not of {number}")
    called(script(NUMBERS, "--complete"))
    return number


def clean_commit() -> str:
    """The commit of the tree, which has no other changes."""
    if changed := called(["git", "-C", ROOT, "status", "--porcelain"]):
        raise LabError(f"the tree has changes: {changed.splitlines()[0].strip()}")
    return called(["git", "-C", ROOT, "rev-parse", "HEAD"]).strip()


class Release:
    """The steps. Each makes files in `out`, checks them, and says in a few words what it saw."""

    def __init__(self, number: str, commit: str, out: Path, scratch: Path) -> None:
        self.number = number
        self.commit = commit
        self.out = out
        self.scratch = scratch
        self.name = f"pvhboot-{number}"
        self.tarball = out / f"{self.name}.tar.xz"
        self.tree = scratch / self.name

    def archive(self) -> str:
        self.tarball.write_bytes(self.archived())
        if self.tarball.read_bytes() != self.archived():
            raise LabError("two archives of the same commit differ")
        unpack(self.tarball, self.scratch)
        found = {str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if not path.is_dir()}
        tracked = set(called(["git", "-C", ROOT, "ls-tree", "-r", "--name-only", "-z", "HEAD"]).split("\0")) - {""}
        wanted = {name for name in tracked if not name.startswith("debian/")}
        if found != wanted:
            raise LabError(f"the archive lacks {sorted(wanted - found)[:3]} or has {sorted(found - wanted)[:3]}")
        prefix = self.scratch / "prefix"
        called(["meson", "setup", self.scratch / "build", self.tree, f"--prefix={prefix}", "-Dtests=disabled", "-Dexamples=disabled",
                "-Dtool=disabled"])
        called(["meson", "install", "-C", self.scratch / "build"])
        source = self.tree / "tests" / "consume" / "user.cpp"
        for compiler in COMPILERS:
            called([compiler, "-std=c++20", f"-I{prefix / 'include'}", source, "-o", self.scratch / "user"])
            called([self.scratch / "user"])
        return f"{len(found)} files, the same bytes twice; installed, and a program runs with {' and '.join(COMPILERS)}"

    def archived(self) -> bytes:
        tar = subprocess.run(["git", "-C", str(ROOT), "archive", "--format=tar", f"--prefix={self.name}/", "HEAD"],
                             capture_output=True, timeout=LIMIT, check=True).stdout
        return subprocess.run(["xz", "-9", "--threads=1"], input=tar, capture_output=True, timeout=LIMIT, check=True).stdout

    def one_file(self) -> str:
        folder = self.scratch / f"{self.name}-single"
        self.developed("single", "--out", folder)
        whole = folder / "pvhboot_all.hpp"
        head = whole.read_text(encoding="utf-8")[:4000]
        if self.commit not in head or f"pvhboot {self.number} " not in head:
            raise LabError(f"{whole.name} does not state version {self.number} and commit {self.commit}")
        example = self.tree / "examples" / "single" / "roundtrip.cpp"
        for compiler in COMPILERS:
            called([compiler, "-std=c++20", f"-I{folder}", example, "-o", self.scratch / "roundtrip"])
            called([self.scratch / "roundtrip"])
        shutil.copy(whole, self.out)
        self.pack(folder)
        return f"{len(list(folder.iterdir()))} files with the commit; examples/single runs"

    def packages(self) -> str:
        if lacking := missing("dpkg-buildpackage", "dh", "lintian"):
            raise LabError(f"{lacking} is not installed; --without packages leaves them out")
        folder = self.scratch / "packages"
        folder.mkdir()
        shutil.copy(self.tarball, folder / f"pvhboot_{self.number}.orig.tar.xz")
        unpack(self.tarball, folder)
        with_debian = subprocess.run(["git", "-C", str(ROOT), "archive", "--format=tar", "HEAD:debian"], capture_output=True,
                                     timeout=LIMIT, check=True).stdout
        (folder / self.name / "debian").mkdir()
        subprocess.run(["tar", "-x", "-C", str(folder / self.name / "debian")], input=with_debian, timeout=LIMIT, check=True)
        called(["dpkg-buildpackage", "--unsigned-source", "--unsigned-changes"], cwd=folder / self.name)
        called(["lintian", "--allow-root", "--fail-on", "error,warning", *sorted(folder.glob("*.changes"))])
        made = [path for pattern in ("*.deb", "*.dsc", "*.debian.tar.xz", "*.orig.tar.xz") for path in sorted(folder.glob(pattern))
                if "-dbgsym_" not in path.name]
        for path in made:
            if path.suffix == ".deb" and not (found := called(["dpkg-deb", "--field", path, "Version"])).startswith(f"{self.number}-"):
                raise LabError(f"{path.name} has version {found.strip()}")
            shutil.copy(path, self.out)
        return f"{', '.join(path.name.split('_')[0] for path in made if path.suffix == '.deb')}; lintian is content"

    def site(self) -> str:
        folder = self.scratch / f"{self.name}-site"
        self.developed("docs", "--out", folder)
        checked = called([sys.executable, self.tree / "tests" / "launch.py", self.tree / "tests" / "site" / "site.py", "--built", folder,
                          "--artefacts", self.scratch / "artefacts"])
        self.pack(folder)
        return next((line.split("ok")[-1].strip() for line in checked.splitlines() if line.startswith("ok")), "checked")

    def developed(self, *words: object) -> None:
        """A command of ./dev of the unpacked archive."""
        called([sys.executable, self.tree / "tools" / "devtool.py", *words])

    def pack(self, folder: Path) -> None:
        """A folder as an archive whose bytes depend on its contents alone."""
        called(["tar", "-C", folder.parent, "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--mode=u=rwX,go=rX",
                "-cJf", self.out / f"{folder.name}.tar.xz", folder.name])


def unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder)  # our own archive
