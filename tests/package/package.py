#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Run one test of the Debian packages. Exit with 0, 1, or 77 (skipped).

Tests:
  contents   the packages without pvhboot-tools: versions, fields, files, lintian
  loader     the commands of the boot loader's page, with the packaged boot loader, start Linux
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Callable

import debian
from common import missing, skip, skip_without
from lab import ROOT, LabError, boot, packages, qemu

LOADER = "usr/lib/pvhboot/chainload"
PAGE = "usr/share/man/man7/pvhboot-chainload.7.gz"
# The value of Architecture and Multi-Arch.
FIELDS = {"libpvhboot-dev": ("all", "foreign"), "pvhboot-loader": ("amd64", "foreign"), "pvhboot-tools": ("amd64", "foreign")}
# Files of each package, apart from headers, documents, examples, schemas and what debhelper adds.
FILES = {
    "libpvhboot-dev": {"usr/share/pkgconfig/pvhboot.pc"},
    "pvhboot-loader": {LOADER, PAGE},
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
    if name == "libpvhboot-dev":
        expected = FILES[name] | {f"usr/{path.relative_to(ROOT)}" for path in (ROOT / "include").rglob("*") if path.is_file()}
        expected |= {f"usr/share/cmake/pvhboot/{path.name.removesuffix('.in')}" for path in (ROOT / "cmake").glob("pvhboot*.cmake*")}
        expected |= {f"{DOCUMENTS}{path.relative_to(ROOT)}" for path in (ROOT / "docs").rglob("*") if path.is_file()}
        expected |= {f"{DOCUMENTS}README.md"}
        expected |= {f"{DOCUMENTS}{path.relative_to(ROOT)}" for path in (ROOT / "examples").glob("*/**/*")
                     if path.is_file() and "fuzz" not in path.parts}
    else:
        expected = FILES[name] | {f"usr/share/pvhboot/schema/{path.name}" for path in (ROOT / "tools/pvhboot/schema").iterdir()
                                  if name == "pvhboot-tools"}
    files = {path for path in files if not BY_DEBHELPER.fullmatch(path)}
    return [f"{path} is missing" for path in sorted(expected - files)] + [f"{path} is unexpected" for path in sorted(files - expected)]


def test_contents(build: Path) -> list[str]:
    own = debian.run_or_fail([sys.executable, ROOT / "tools/version.py", ROOT / "include/pvhboot/version.hpp"]).strip()
    stated = debian.version()[0]
    problems = [] if stated == own else [f"debian/changelog has the version {stated}, version.hpp has {own}"]
    return problems + check_contents(debian.provide(build), ["libpvhboot-dev", "pvhboot-loader"])


def commands_of_page(page: str) -> list[str]:
    """The commands that make the bundle: the first example of the page."""
    block = re.search(r"^\.EX\n(.*?)^\.EE$", page, re.MULTILINE | re.DOTALL)
    if not block:
        raise LabError("the page has no example")
    return [line.replace("\\-", "-") for line in block[1].splitlines()]


def test_loader(build: Path) -> list[str]:
    """The commands of the page make the bundle, of Debian's kernel and the lab's initramfs."""
    kernel, loader = packages.kernel(), debian.packages(debian.provide(build))["pvhboot-loader"]
    made = boot.userspace_of(kernel.read_bytes())
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        place = Path(scratch)
        debian.run_or_fail(["dpkg-deb", "-x", loader, place])
        (place / "initrd").write_bytes(made.data)
        commands = "\n".join(commands_of_page(debian.run_or_fail(["gzip", "-dc", place / PAGE])))
        commands = commands.replace("/boot/vmlinuz-VERSION", str(kernel)).replace("/boot/initrd.img-VERSION", "initrd")
        debian.run_or_fail(["sh", "-e", "-c", commands], cwd=place)
        plan = boot.Plan(kernel, place / LOADER, append=f"{boot.DEFAULT_APPEND} carried.over=1")
        done = qemu.start(qemu.Machine(plan.chainload, place / "guest.bundle", plan.append), plan.timeout)
    rows = boot.conclude(plan, done, made, len(made.data)).rows
    for row in rows:
        print(f"{row.what}: {row.handed_over} -> {row.arrived}")
    return [f"{row.what}: not ok" for row in rows if not row.ok] if rows else ["nothing was compared"]


TESTS: dict[str, tuple[Callable[[Path], list[str]], tuple[str, ...]]] = {
    "contents": (test_contents, (*debian.NEEDED, "lintian")),
    "loader": (test_loader, (*debian.NEEDED, "cpio", "qemu-system-x86_64")),
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
    except LabError as why:
        problems = [str(why)]
    print("\n".join(problems) or f"{options.test}: ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
