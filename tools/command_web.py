# SPDX-License-Identifier: BSL-1.0
"""Build the page of tools/pvhboot/web and serve it to this machine: ./dev web

The page also works from its file. --build-only prints where that is.
"""

import argparse
import functools
import http.server
import subprocess
import sys
from pathlib import Path

import building
import values
from lab import ROOT, LabError

BUILDER = ROOT / "tools" / "pvhboot" / "web" / "build.py"
PAGE = "pvhboot.html"
HERE = "127.0.0.1"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--build-only", action="store_true", help="build the page, and print its path")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="the port to serve on (default: 8000; 0: any free one)")
    parser.add_argument("--output", type=values.folder, default=building.BUILD / "web", metavar="FOLDER", help="where it is built")


def check(options: argparse.Namespace) -> None:
    if not 0 <= options.port < 1 << 16:
        raise LabError(f"--port {options.port}: a port is below 65536")


def run(options: argparse.Namespace) -> int:
    page = build(options.output)
    if options.build_only:
        print(page)
        return 0
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(page.parent))
    try:
        server = http.server.ThreadingHTTPServer((HERE, options.port), handler)
    except OSError as why:
        raise LabError(f"port {options.port}: {why.strerror}") from why
    with server:
        print(f"web: http://{HERE}:{server.server_port}/{PAGE}", flush=True)
        server.serve_forever()
    return 0


def build(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    done = subprocess.run([sys.executable, str(BUILDER), str(page)], capture_output=True, text=True, timeout=building.LIMIT, check=False)
    if done.returncode:
        raise LabError(f"the page cannot be built: {done.stderr.strip()}")
    return page
