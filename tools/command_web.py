# SPDX-License-Identifier: BSL-1.0
"""Build the page of tools/pvhboot/web and serve it to this machine: ./dev web

The page also works from its file. --build-only prints where that is.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import building
import serving
import values
from lab import ROOT, LabError

BUILDER = ROOT / "tools" / "pvhboot" / "web" / "build.py"
PAGE = "pvhboot.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--build-only", action="store_true", help="build the page, and print its path")
    serving.arguments(parser)
    parser.add_argument("--output", type=values.folder, default=building.BUILD / "web", metavar="FOLDER", help="where it is built")


def check(options: argparse.Namespace) -> None:
    serving.check(options)


def run(options: argparse.Namespace) -> int:
    page = build(options.output)
    if options.build_only:
        print(page)
        return 0
    return serving.serve("web", page, options.port)


def build(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    done = subprocess.run([sys.executable, str(BUILDER), str(page)], capture_output=True, text=True, timeout=building.LIMIT, check=False)
    if done.returncode:
        raise LabError(f"the page cannot be built: {done.stderr.strip()}")
    return page
