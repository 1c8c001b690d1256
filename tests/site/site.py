#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Build the site of the documentation, check its links, and look at it in Chromium.

checks.mjs drives the browser, with the npm packages of tests/web. Screenshots are kept in the folder --artefacts.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import links
import npm_packages
from common import missing, skip
from lab import LabError
from manual import build
from web import web

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artefacts", type=Path, required=True)
    parser.add_argument("--full", action="store_true", help="look at every combination of width and theme")
    parser.add_argument("--built", type=Path, metavar="FOLDER", help="check the site in this folder, and build none")
    options = parser.parse_args()
    site = options.built or options.artefacts / "site"
    if not options.built:
        if lacking := missing("doxygen", "clang++", "wasm-ld") or build.missing_module():
            return skip(f"{lacking} is not installed")
        began = time.monotonic()
        try:
            build.build(site, options.artefacts / "work")
        except LabError as why:
            print(f"NOT OK {why}")
            return 1
        print(f"ok     built without a warning in {time.monotonic() - began:.1f} s")
    found, checked = links.wrong(site)
    for text in found:
        print(f"NOT OK {text}")
    print(f"{'NOT OK' if found else 'ok    '} {checked}")
    if lacking := missing("node", "npm", "chromium"):
        print(f"not tried in a browser: {lacking} is not installed")
        return 1 if found else 0
    if why := npm_packages.install(web.HERE, options.artefacts / "npm"):
        print(f"not tried in a browser: {why}")
        return 1 if found else 0
    with tempfile.TemporaryDirectory(prefix="pvhboot-site-") as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps({"site": str(site.resolve()), "artefacts": str(options.artefacts.resolve()), "full": options.full,
                                    "chromium": shutil.which("chromium")}), encoding="utf-8")
        limit = 1200 if options.full else 400
        return web.drive(HERE / "checks.mjs", options.artefacts / "npm", plan, limit) or (1 if found else 0)


if __name__ == "__main__":
    sys.exit(main())
