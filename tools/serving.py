# SPDX-License-Identifier: BSL-1.0
"""Serve a folder to this machine."""

import argparse
import functools
import http.server
from pathlib import Path

from lab import LabError

HERE = "127.0.0.1"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="the port to serve on (default: 8000; 0: any free one)")


def check(options: argparse.Namespace) -> None:
    if not 0 <= options.port < 1 << 16:
        raise LabError(f"--port {options.port}: a port is below 65536")


def serve(command: str, page: Path, port: int) -> int:
    """Serve the folder of the page, until the command is interrupted."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(page.parent))
    try:
        server = http.server.ThreadingHTTPServer((HERE, port), handler)
    except OSError as why:
        raise LabError(f"port {port}: {why.strerror}") from why
    with server:
        print(f"{command}: http://{HERE}:{server.server_port}/{page.name}", flush=True)
        server.serve_forever()
    return 0
