#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Run one test of the Debian packages. Exit with 0, 1, or 77 (skipped).

Tests:
  contents   the packages without pvhboot-tools: versions, fields, files, lintian
  chroot     all packages, built twice in a chroot and compared; their files, lintian and autopkgtest in another chroot
  loader     the page of the packaged boot loader leads to Linux: its commands, in QEMU
  xen        the same in a domain of Xen with the page's configuration
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import chroot
import debian
import loader
from common import missing, run_or_raise, skip, skip_without
from lab import ROOT, LabError, packages

# The value of Architecture and Multi-Arch.
FIELDS = {"libpvhboot-dev": ("all", "foreign"), "pvhboot-loader": ("amd64", "foreign"), "pvhboot-tools": ("amd64", "foreign")}
# Files of each package, apart from headers, documents, examples, schemas and what debhelper adds.
FILES = {
    "libpvhboot-dev": {"usr/share/pkgconfig/pvhboot.pc"},
    "pvhboot-loader": {loader.LOADER, loader.PAGE},
    "pvhboot-tools": {"usr/bin/pvhboot", "usr/share/man/man1/pvhboot.1.gz", "usr/share/pvhboot/pvhboot.html",
                      "usr/share/bash-completion/completions/pvhboot", "usr/share/zsh/site-functions/_pvhboot",
                      "usr/share/fish/vendor_completions.d/pvhboot.fish"},
}
BY_DEBHELPER = re.compile(r"usr/share/doc/[^/]+/(changelog(\.Debian)?\.gz|copyright)|usr/share/lintian/overrides/[^/]+")
DOCUMENTS = "usr/share/doc/libpvhboot-dev/"


def check_contents(folder: Path, names: list[str]) -> list[str]:
    """What is wrong with the packages of a folder. Print a line for each package, and lintian's output."""
    problems = []
    found = debian.packages(folder)
    if sorted(found) != sorted(names):
        return [f"packages: {sorted(found)}, expected {sorted(names)}"]
    upstream, revision = debian.version()
    for name, package in found.items():
        fields = debian.control(package, "Architecture"), debian.control(package, "Multi-Arch")
        if fields != FIELDS[name]:
            problems.append(f"{name}: Architecture and Multi-Arch are {fields}, expected {FIELDS[name]}")
        if debian.control(package, "Version") != f"{upstream}-{revision}":
            problems.append(f"{name}: the version is not {upstream}-{revision}")
        files = debian.files(package)
        problems += [f"{name}: {text}" for text in problems_of_files(name, set(files))]
        print(f"{name} {upstream}-{revision} {fields[0]}: {len(files)} files, {package.stat().st_size} bytes")
    print(debian.lintian(folder), end="")
    return problems


def problems_of_files(name: str, files: set[str]) -> list[str]:
    expected = set(FILES[name])
    if name == "libpvhboot-dev":
        expected |= {f"usr/{path}" for path in below("include")}
        expected |= {f"usr/share/pvhboot/{Path(path).name}" for path in below("spec") if not path.endswith(".md")}
        expected |= {f"usr/share/cmake/pvhboot/{Path(path).name.removesuffix('.in')}" for path in below("cmake")
                     if Path(path).name.startswith("pvhboot") and ".cmake" in path}
        expected |= {f"{DOCUMENTS}{path}" for path in ["README.md", *below("docs"), *below("examples")]
                     if not path.startswith("examples/fuzz/")}
    if name == "pvhboot-tools":
        expected |= {f"usr/share/pvhboot/{path.removeprefix('tools/pvhboot/')}" for path in below("tools/pvhboot/schema")}
    files = {path for path in files if not BY_DEBHELPER.fullmatch(path)}
    return [f"{path} is missing" for path in sorted(expected - files)] + [
        f"{path} is unexpected" for path in sorted(files - expected)]


def below(folder: str) -> list[str]:
    """The files of a folder of the sources, if it exists."""
    return [str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()]


def test_contents(build: Path) -> list[str]:
    own = run_or_raise([sys.executable, ROOT / "tools/version.py", ROOT / "include/pvhboot/version.hpp"]).strip()
    stated = debian.version()[0]
    problems = [] if stated == own else [f"debian/changelog has the version {stated}, version.hpp has {own}"]
    if f'"pvhboot {own}"' not in (ROOT / "examples/chainload/pvhboot-chainload.7").read_text(encoding="utf-8"):
        problems.append(f"pvhboot-chainload.7 does not have the version {own}")
    return problems + check_contents(debian.provide(build), ["libpvhboot-dev", "pvhboot-loader"])


def test_chroot(build: Path) -> list[str]:
    """All packages, built twice in a chroot; their tests in another one, without what the build needs."""
    folder = build / "chroot"
    shutil.rmtree(folder, ignore_errors=True)
    source, results = folder / "source-package", folder / "results"
    source.mkdir(parents=True)
    debian.make_source(source)
    step("a new chroot, and two builds", lambda: chroot.run_script(BUILD_TWICE, sorted(source.iterdir()), results))
    first, second = results / "first", results / "second"
    problems = differences(first, second)
    problems += check_contents(first, list(FILES))
    inputs = [*debian.packages(first).values(), *first.glob("*.tar.*"), *first.glob("*.dsc")]
    print(step("a new chroot, and autopkgtest", lambda: chroot.run_script(AUTOPKGTEST, inputs, results)), end="")
    print((results / "autopkgtest/summary").read_text(encoding="utf-8"), end="")
    return problems


# The second build has another path, user, time zone, language, umask and number of jobs, and makes the packages for all
# architectures and those for one in two steps.
BUILD_TWICE = """
export DEBIAN_FRONTEND=noninteractive
apt-get -q -q update
apt-get -q -q -y --no-install-recommends install build-essential
apt-get -q -q -y --no-install-recommends build-dep ./source
mkdir first second
cp -a source *.orig.tar.xz first
useradd --create-home builder
mkdir -p /home/builder/another/folder
cp -a first/* /home/builder/another/folder
(cd first/source && dpkg-buildpackage -us -uc >../build.log 2>&1 || { tail -n 50 ../build.log; exit 1; })
rm -r first/source
chown -R builder: /home/builder
apt-get -q -q -y --no-install-recommends install locales
echo 'de_DE.UTF-8 UTF-8' >/etc/locale.gen
locale-gen
su builder -c 'set -e; cd ~/another/folder/source; umask 027; export TZ=Pacific/Auckland LC_ALL=de_DE.UTF-8
  for part in -A -B; do dpkg-buildpackage -us -uc -j1 $part >../build.log 2>&1 || { tail -n 50 ../build.log; exit 1; }; done'
rm -r /home/builder/another/folder/source
cp -a /home/builder/another/folder/. second
mv first second results
"""
AUTOPKGTEST = """
export DEBIAN_FRONTEND=noninteractive
apt-get -q -q update
apt-get -q -q -y --no-install-recommends install autopkgtest
autopkgtest --output-dir=results/autopkgtest *.deb *.dsc -- null >results/autopkgtest.log 2>&1 || {
  tail -n 100 results/autopkgtest.log
  exit 1
}
"""


def step(what: str, work: Callable[[], str]) -> str:
    began = time.monotonic()
    output = work()
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)
    return output


def differences(first: Path, second: Path) -> list[str]:
    """The packages that differ between two builds, those of debugging information included."""
    names = {path.name for folder in (first, second) for path in folder.glob("*.deb")}
    equal = {name for name in names if (first / name).exists() and (second / name).exists()
             and (first / name).read_bytes() == (second / name).read_bytes()}
    print(f"equal in two builds, byte for byte: {' '.join(sorted(equal))}")
    return [f"two builds of {name} differ" for name in sorted(names - equal)] if names else ["nothing was built"]


TESTS: dict[str, tuple[Callable[[Path], list[str]], tuple[str, ...]]] = {
    "contents": (test_contents, (*debian.NEEDED, "lintian")),
    "chroot": (test_chroot, ("mmdebstrap", "lintian")),
    "loader": (loader.test_qemu, (*debian.NEEDED, "cpio", "qemu-system-x86_64")),
    "xen": (loader.test_xen, (*debian.NEEDED, "cpio", "qemu-system-x86_64")),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("test", choices=TESTS)
    parser.add_argument("--build", type=Path, required=True, help="the folder for the packages")
    options = parser.parse_args()
    test, needed = TESTS[options.test]
    if tool := missing(*needed):
        return skip_without(tool)
    try:
        problems = test(options.build)
    except packages.Unavailable as why:
        return skip(why)
    except (LabError, subprocess.TimeoutExpired) as why:
        problems = [str(why)]
    print("\n".join(problems) or f"{options.test}: ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
