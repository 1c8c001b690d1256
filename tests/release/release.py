#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Make a release as ./dev release does. Exit with 0, 1, or 77 (skipped).

Tests:
  agrees  versions, changelogs and numbers agree; each of them alone in error is refused, and so is a tree with changes
  whole   a release of a clean clone, twice, with the same archives
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import missing, skip
from lab import ROOT

# A file, what is replaced in it, and what the refusal says.
ERRORS = (
    ("include/pvhboot/version.hpp", ("PVHBOOT_VERSION_PATCH 0", "PVHBOOT_VERSION_PATCH 9"), "CHANGELOG.md: the newest release is"),
    ("CHANGELOG.md", ("## [Unreleased]\n", "## [Unreleased]\n\n* A change.\n"), "[Unreleased] is absent or not empty"),
    ("CHANGELOG.md", ("## [Unreleased]\n", ""), "[Unreleased] is absent or not empty"),
    ("debian/changelog", ("pvhboot (", "pvhboot (9."), "debian/changelog: the newest entry is not of"),
    ("include/pvhboot/core/errors.def", ("PVHBOOT_ERROR(0x100, start_info_absent", "PVHBOOT_ERROR(0x10f, start_info_absent"),
     "errc 0x100 was start_info_absent in a release"),
)
REPRODUCED = ("*.tar.xz", "*.hpp", "*.deb")


def command(tree: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(tree / "tools" / "devtool.py"), "release", *map(str, words)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=3600, check=False)


def clone(folder: Path) -> Path:
    """A clone of the commit, with the changes of the working tree as another commit."""
    tree = folder / "pvhboot"
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(tree)], timeout=300, check=True)
    changed = subprocess.run([*git, "-C", str(ROOT), "diff", "--binary", "HEAD"], capture_output=True, timeout=300, check=True).stdout
    if changed:
        subprocess.run([*git, "-C", str(tree), "apply", "--index"], input=changed, timeout=300, check=True)
        subprocess.run([*git, "-C", str(tree), "commit", "--quiet", "-m", "changes"], timeout=300, check=True)
    return tree


def agrees(folder: Path) -> int:
    tree = clone(folder)
    failed = 0
    done = command(tree, "--check")
    if done.returncode:
        print(f"NOT OK the tree as it is: {done.stdout}{done.stderr}")
        failed += 1
    for name, (old, new), wanted in ERRORS:
        kept = (tree / name).read_text(encoding="utf-8")
        if old not in kept:
            print(f"NOT OK {name} has no {old!r}")
            failed += 1
            continue
        (tree / name).write_text(kept.replace(old, new, 1), encoding="utf-8")
        done = command(tree, "--check")
        if done.returncode == 0 or wanted not in done.stdout + done.stderr:
            print(f"NOT OK {name} with {new!r} is not refused by {wanted!r}: {done.stdout}{done.stderr}")
            failed += 1
        (tree / name).write_text(kept, encoding="utf-8")
    (tree / "stray").write_text("", encoding="utf-8")
    done = command(tree, "--out", folder / "out")
    if done.returncode == 0 or "the tree has changes" not in done.stderr:
        print(f"NOT OK a tree with a stray file is not refused: {done.stdout}{done.stderr}")
        failed += 1
    print(f"{len(ERRORS) + 2} trees, {failed} without the answer that they need")
    return 1 if failed else 0


def whole(folder: Path) -> int:
    if lacking := missing("dpkg-buildpackage", "dh", "lintian", "doxygen", "wasm-ld", "clang++", "xz"):
        return skip(f"{lacking} is not installed")
    outs = []
    for number in ("first", "second"):
        place = folder / number
        place.mkdir()
        done = command(clone(place), "--out", place / "out")
        print(done.stdout, flush=True)
        if done.returncode:
            print(f"NOT OK {done.stderr}")
            return 1
        outs.append(place / "out")
        shutil.rmtree(place / "pvhboot")
    failed = 0
    compared = sorted(path.name for pattern in REPRODUCED for path in outs[0].glob(pattern))
    for name in compared:
        if (outs[0] / name).read_bytes() != (outs[1] / name).read_bytes():
            print(f"NOT OK {name} of the two releases differ")
            failed += 1
    sums = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=outs[0], timeout=300, check=False).returncode
    print(f"{len(compared)} files, {failed} of them differ between two releases")
    return 1 if failed or sums or len(compared) < 6 else 0


TESTS = {"agrees": agrees, "whole": whole}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("test", choices=TESTS)
    options = parser.parse_args()
    if missing("git") or not (ROOT / ".git").exists():
        return skip("the sources are no Git repository")
    with tempfile.TemporaryDirectory(prefix="pvhboot-release-") as folder:
        return TESTS[options.test](Path(folder))


if __name__ == "__main__":
    sys.exit(main())
