#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Use the page of tools/pvhboot/web in Chromium, and compare what it shows with the program and with tests/images.

This script makes the files and what the page must show of them; checks.mjs drives the browser. The npm packages are
those of package-lock.json. Screenshots are kept in the folder --artefacts. The last line says how much was tried.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import npm_packages
from common import missing, skip
from images import crafted
from lab import ROOT, LabError, bzimage, packages
from tool.tool import DATA, capture, core, node, zero_page

HERE = Path(__file__).resolve().parent
READERS = {"xen": "xen-toolstack"}  # names of --for, and those of tests/images/explain.cpp where they differ
MIB = 1 << 20
START_INFO = struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, 0, 0, 0, 0, 0, 0, 0)
LIMIT = 120 * 1024  # bytes of the module


class Plan:
    """Files, and the documents that the program has of them."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.program = program
        self.files: list[dict] = []

    def add(self, kind: str, name: str, data: bytes | Path, **more: object) -> None:
        path = data if isinstance(data, Path) else self.folder / name
        if isinstance(data, bytes):
            path.write_bytes(data)
        self.files.append({"kind": kind, "name": path.name, "path": str(path), **self.inspected(path), **more})

    def inspected(self, path: Path, *words: str) -> dict:
        done = subprocess.run([self.program, "inspect", path, "--json", *words], capture_output=True, text=True, timeout=60,
                              check=False)
        if done.returncode:
            return {"refused": done.stderr.strip().removeprefix("pvhboot: ")}
        return {"document": json.loads(done.stdout)}

    def document(self, data: bytes) -> dict:
        path = self.folder / "edited"
        path.write_bytes(data)
        return self.inspected(path)["document"]


def add_images(plan: Plan, explain: Path) -> None:
    """The crafted images with the verdicts that QEMU and Xen confirm."""
    paths = []
    for name, (_, make) in crafted.IMAGES.items():
        plan.add("image", name, make().written())
        paths.append(plan.files[-1]["path"])
    lines = subprocess.run([explain, *paths], capture_output=True, text=True, timeout=60, check=True).stdout
    confirmed: dict[tuple[str, str], list] = {}
    for path, reader, outcome, entry, reason in (line.split(" ") for line in lines.splitlines()):
        confirmed[path, reader] = [outcome.replace("-", " "), int(entry), reason]
    for file in plan.files:
        if file["kind"] == "image":
            part = file["document"].get("kernel") or file["document"].get("bzimage")
            verdicts = part["verdicts"] if part else []
            file["confirmed"] = [confirmed[file["path"], READERS.get(v["reader"], v["reader"])] for v in verdicts]


def add_captures(plan: Plan) -> None:
    for name in sorted(path.stem for path in DATA.glob("*.inc")):
        plan.add("capture", name, core(capture(name)))


def add_others(plan: Plan) -> None:
    plan.add("zero page", "zero.page", zero_page(0))
    chain = core([(0x10000, zero_page(0x20000)), (0x20000, node(0x20100, 9, b"seed") + bytes(236) + node(0, 0x80000000, bytes(24)))])
    plan.add("chain", "chain", chain)
    plan.add("raw", "raw", bytes(64) + START_INFO)
    plan.add("broken", "cut", core([(0x1000, b"x" * 64)])[:80])
    plan.add("broken", "empty", b"")
    plan.add("broken", "text", b"This is no kernel.\n" * 40)
    plan.add("broken", "half.elf", crafted.IMAGES["usual-64"][1]().written()[:100])
    plan.add("broken", "flood", START_INFO * 5000)
    for name, size, at in (("large", 200 * MIB, 200 * MIB - 4096), ("too-large", 1100 * MIB, 0)):
        with open(plan.folder / name, "wb") as file:
            file.truncate(size)
            file.seek(at)
            file.write(START_INFO)
        plan.add(name, name, plan.folder / name)


def add_kernels(plan: Plan) -> str:
    """Debian's kernel as it is and unpacked. Returns why they are not there."""
    try:
        image = packages.kernel()
        plan.add("bzImage", "vmlinuz", image)
        plan.add("vmlinux", "vmlinux", bzimage.vmlinux(image))
    except (LabError, OSError) as why:
        return str(why)
    return ""


def edits(plan: Plan) -> list[dict]:
    """Fields of a capture and a byte of a kernel: what is typed, and what the program says of the changed file."""
    start = capture("qemu_q35")
    found = []
    for field, offset, size, value in (("reserved", 0x34, 4, 1), ("flags", 8, 4, 5), ("cmdline_paddr", 0x18, 8, 0xFFFFFFFFFFFFFF),
                                       ("magic", 0, 4, 7)):
        data = bytearray(start[0][1])
        data[offset:offset + size] = value.to_bytes(size, "little")
        memory = plan.document(core([(start[0][0], bytes(data)), *start[1:]]))["memory"]
        found.append({"file": "qemu_q35", "field": field, "value": hex(value), "handoffs": memory["handoffs"]})
    image = bytearray(crafted.IMAGES["usual-64"][1]().written())
    at = image.index(struct.pack("<III", 4, 8, 18) + b"Xen\0") + 8
    image[at] = 0x13
    found.append({"file": "usual-64", "byte": at, "digits": "13", "verdicts": plan.document(bytes(image))["kernel"]["verdicts"]})
    return found


def is_reproducible(page: Path) -> bool:
    """A build in another folder gives the same bytes."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-page-") as folder:
        again = Path(folder) / page.name
        subprocess.run([sys.executable, ROOT / "tools/pvhboot/web/build.py", again], timeout=300, check=True)
        return again.read_bytes() == page.read_bytes()


def drive(script: Path, installed: Path, plan: Path, limit: int = 400) -> int:
    """Run the script beside its packages, for so many seconds at most."""
    for path in (HERE / "browser.mjs", script):
        shutil.copy(path, installed)
    environment = dict(os.environ, HOME=str(plan.parent))
    return subprocess.run(["node", installed / script.name, plan], env=environment, stdin=subprocess.DEVNULL, timeout=limit,
                          check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--tool", type=Path, required=True, help="the program pvhboot")
    parser.add_argument("--explain", type=Path, required=True, help="tests/images/explain")
    parser.add_argument("--artefacts", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], metavar="GROUP", help="only these groups of checks.mjs")
    options = parser.parse_args()
    for wrong in npm_packages.check_lock(HERE):
        print(f"NOT OK {wrong}")
        return 1
    module = options.page.with_suffix(".wasm")
    if module.stat().st_size > LIMIT:
        print(f"NOT OK the module has {module.stat().st_size} bytes, more than {LIMIT}")
        return 1
    print(f"ok     the module has {module.stat().st_size} of at most {LIMIT} bytes")
    if not is_reproducible(options.page):
        print("NOT OK another build of the page has other bytes")
        return 1
    if lacking := missing("node", "npm", "chromium"):
        return skip(f"{lacking} is not installed")
    if why := npm_packages.install(HERE, options.artefacts / "npm"):
        return skip(why)
    with tempfile.TemporaryDirectory(prefix="pvhboot-web-") as folder:
        plan = Plan(Path(folder), options.tool.resolve())
        add_images(plan, options.explain.resolve())
        add_captures(plan)
        add_others(plan)
        if why := add_kernels(plan):
            print(f"not tried: Debian's kernel: {why}")
        request = {"page": str(options.page.resolve()), "module": str(module.resolve()), "artefacts": str(options.artefacts.resolve()),
                   "chromium": shutil.which("chromium"), "files": plan.files, "edits": edits(plan), "only": options.only,
                   "pictures": str(ROOT / "docs/pictures")}
        (Path(folder) / "plan.json").write_text(json.dumps(request), encoding="utf-8")
        return drive(HERE / "checks.mjs", options.artefacts / "npm", Path(folder) / "plan.json")


if __name__ == "__main__":
    sys.exit(main())
