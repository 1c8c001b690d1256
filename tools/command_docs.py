# SPDX-License-Identifier: BSL-1.0
"""Build the site of the documentation: ./dev docs

The site has the documents, the reference of all public names, and the web inspector. It works from every folder of a
server, and from its files.
"""

import argparse

import building
import serving
import values
from lab import LabError
from manual import build


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=values.folder, default=building.BUILD / "site", metavar="FOLDER",
                        help="where it is built: a new folder, an empty one, or one with an earlier site, which is removed")
    parser.add_argument("--serve", action="store_true", help="serve it to this machine")
    serving.arguments(parser)


def check(options: argparse.Namespace) -> None:
    serving.check(options)
    if options.out.is_dir() and any(options.out.iterdir()) and not build.is_site(options.out):
        raise LabError(f"--out {options.out}: the folder has files, and no site")


def run(options: argparse.Namespace) -> int:
    if module := build.missing_module():
        raise LabError(f"{build.PYTHON} has no module {module}")
    build.build(options.out, building.BUILD / "site-work")
    index = options.out / "index.html"
    if options.serve:
        return serving.serve("docs", index, options.port)
    print(index)
    return 0
