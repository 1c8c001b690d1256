# SPDX-License-Identifier: BSL-1.0
"""Make pvhboot_all.hpp, the library in one file, and the opt-ins beside it.

The commit in the files is the one of the Git repository, or of the archive that Git made.
"""

import argparse
import re
import subprocess
from pathlib import Path

import building
import single_header
import values
import version
from lab import ROOT, LabError

COMMIT = re.compile(r"[0-9a-f]{7,64}")
UNKNOWN = "unknown"
ARCHIVED = Path("tools/source_commit.txt")  # git archive writes the commit into it


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=values.folder, default=building.BUILD / "single", metavar="FOLDER",
                        help="where the files are written (default: single in the build folder)")
    parser.add_argument("--commit", metavar="ID", help="the source's commit, if the folder is no Git repository")


def check(options: argparse.Namespace) -> None:
    if options.commit is not None and not COMMIT.fullmatch(options.commit):
        raise LabError(f"--commit {options.commit!r}: a commit is 7 to 64 hexadecimal digits")


def run(options: argparse.Namespace) -> int:
    made = make(options.commit or commit_of(ROOT))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (options.out / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as why:
        raise LabError(f"{why.filename}: {why.strerror}") from why
    print(f"single: {options.out / single_header.ALL} and {len(made) - 1} opt-ins")
    return 0


def make(commit: str, root: Path = ROOT) -> dict[str, str]:
    headers = single_header.Headers(root / "include" / "pvhboot")
    try:
        licence = (root / "LICENSE").read_text(encoding="utf-8")
        number = version.of(headers.folder / "version.hpp")
    except (OSError, ValueError) as why:
        raise LabError(str(why)) from why
    return single_header.files(headers, licence, number, commit)


def commit_of(root: Path) -> str:
    """The commit that the headers are from, with a note if they were changed since."""
    archived = (root / ARCHIVED).read_text(encoding="utf-8").strip() if (root / ARCHIVED).exists() else ""
    if COMMIT.fullmatch(archived):
        return archived
    top = git(root, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != root.resolve():
        return UNKNOWN
    changed = git(root, "status", "--porcelain", "--", "include", "LICENSE")
    return (git(root, "rev-parse", "HEAD") or UNKNOWN) + (" with changes" if changed else "")


def git(root: Path, *words: str) -> str:
    """What Git prints; empty if it fails or is not installed."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
