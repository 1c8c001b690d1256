#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Give each image of crafted.py to a real reader, and compare what happens with what `explain` says.

Some images are given once more after set_phys32_entry, and must then be entered where it says.

Readers:
  qemu   each image in a machine of its own, several at a time
  xen    xl create of each image, one after the other, in one boot of dom0
  dom0   some of the images as PVH dom0, each in a boot of Xen
"""

import argparse
import concurrent.futures
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import crafted
from common import run_or_exit, skip
from lab import LabError, qemu, xen, xen_packages

ENTERED = re.compile(rf"{crafted.TEXT} @([0-9a-f]{{8}}) (pvh|other)")
DOM0 = ("usual-64", "usual-32", "patched-no-note-32", "section-64", "no-note-32", "foreign", "two-notes", "entry-outside", "entry-above-4g",
        "sections-outside", "multiboot-64", "property-before", "sixteen-bytes")
# What set_phys32_entry makes right. "patched-" before the name.
PATCHED = ("usual-64", "usual-32", "no-note-64", "no-note-32", "section-64", "section-32", "foreign", "align-0", "align-8",
           "two-notes", "entry-0", "entry-outside-32", "sixteen-bytes", "pv-only", "xen-guest-32", "notes-at-0")
PATCH = "patched-"
PVH_DOM0 = "dom0=pvh dom0-iommu=none dom0_mem=128M"
# What QEMU prints for some reasons.
QEMU_ERRORS = dict.fromkeys(("no_note", "note_in_section_only", "padded_by_alignment", "entry_unset"),
                            "without PVH ELF Note")
QEMU_ERRORS |= {"multiboot_64": "Cannot load x86-64 image", "segments_overlap": "overlapping",
                "wrong_flags": "unsupported flags"}


@dataclass(frozen=True)
class Verdict:
    """A line of the program that calls explain."""

    outcome: str
    entry: int
    reason: str

    def __str__(self) -> str:
        return f"{self.outcome} {self.entry:#x} ({self.reason})"


@dataclass(frozen=True)
class Seen:
    """What a reader did: whether it refused, and what the image printed."""

    refused: bool
    text: str
    said: str = ""  # by the reader

    @property
    def entered(self) -> tuple[int, str] | None:
        match = ENTERED.search(self.text)
        return (int(match[1], 16), match[2]) if match else None

    def __str__(self) -> str:
        if self.entered:
            return f"entered at {self.entered[0]:#x} by {self.entered[1]}"
        return (f"refused: {self.said}" if self.refused else
                "fell through zeroes" if crafted.FELL in self.text else "nothing was printed")


def explained(program: Path, images: dict[str, Path], reader: str) -> dict[str, Verdict]:
    done = subprocess.run([program, *images.values()], capture_output=True, text=True, timeout=120, check=True)
    lines = [line.split(" ") for line in done.stdout.splitlines()]
    names = {str(path): name for name, path in images.items()}
    return {names[path]: Verdict(outcome, int(entry), reason)
            for path, who, outcome, entry, reason in lines if who == reader}


def agrees(verdict: Verdict, seen: Seen) -> bool:
    """Whether the reader did what explain says. An entry outside the image cannot print anything."""
    if verdict.outcome == "undefined":
        return True
    if verdict.outcome == "refuses":
        return seen.refused
    if verdict.outcome not in ("enters", "other-protocol") or seen.refused:
        return False
    if is_silent(verdict):
        return seen.entered is None
    return seen.entered == (verdict.entry, "pvh" if verdict.outcome == "enters" else "other")


def is_silent(verdict: Verdict) -> bool:
    """The image is entered where it has no code. What executes zeroes does so until the timeout."""
    return verdict.reason == "entry_outside" or (verdict.entry not in (crafted.PVH, crafted.E_ENTRY, crafted.OTHER) and
                                                 verdict.outcome in ("enters", "other-protocol"))


def run_qemu(path: Path, timeout: float) -> Seen:
    machine = qemu.Machine(path, memory="64M")
    try:
        run = qemu.start(machine, timeout)
    except qemu.Hang as why:
        return Seen(False, "\n".join(why.run.lines))
    except LabError as why:  # it ended with an error
        lines = [line.removeprefix("    | ") for line in str(why).splitlines()]
        return Seen("status 1:" in lines[0], "", next((line for line in lines[1:] if "qemu-system" in line and "warning:" not in line),
                                                            lines[-1]))
    return Seen(False, "\n".join(run.lines))


def said_by_qemu(verdict: Verdict, seen: Seen) -> bool:
    return not seen.refused or QEMU_ERRORS.get(verdict.reason, "") in seen.said


def by_qemu(images: dict[str, Path], verdicts: dict[str, Verdict], _options: argparse.Namespace) -> dict[str, Seen]:
    def run(name: str) -> Seen:
        short = is_silent(verdicts[name]) or verdicts[name].outcome == "undefined"
        return run_qemu(images[name], 5 if short else 60)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(zip(images, pool.map(run, images)))


def by_xen(images: dict[str, Path], verdicts: dict[str, Verdict], options: argparse.Namespace) -> dict[str, Seen]:
    guests = [xen.Guest(name, name, memory=32, timeout=2 if is_silent(verdicts[name]) else 30)
              for name in images]
    files = {name: path.read_bytes() for name, path in images.items()}
    session = xen.run_guests(guests, files, options.timeout, options.logs)
    seen = {}
    for name, guest in session.guests.items():
        if guest.end in ("never-begun", "unfinished"):
            raise LabError(f"dom0 did not run {name} ({guest.end})")
        text = "\n".join(line for line in session.xen if line.startswith(f"(d{guest.domid}) ")) if guest.domid else ""
        said = next((line for line in guest.lines if "error" in line.lower()), "")
        seen[name] = Seen(guest.end == "not-created", text, said)
    print(f"all images in one boot of dom0: {session.seconds:.0f} s")
    return seen


def by_dom0(images: dict[str, Path], verdicts: dict[str, Verdict], options: argparse.Namespace) -> dict[str, Seen]:
    seen = {}
    for name, path in images.items():
        lines: list[str] = []

        def listen(_seconds: float, line: str, lines: list[str] = lines) -> None:
            lines.append(line)

        until = xen.Until(rf"{ENTERED.pattern}|Panic on CPU|Hardware Dom0|{crafted.FELL}$")
        try:
            xen.start([(path.read_bytes(), "")], f"{PVH_DOM0} console=com1 com1=115200,8n1", "512M",
                      20 if is_silent(verdicts[name]) else options.timeout, listen, options.logs / f"dom0-{name}.log", until)
        except qemu.Hang:
            pass
        text = "\n".join(lines)
        said = next((line for line in lines if re.search("ERROR|overflow|Unable to (parse|init|find)", line)), "")
        seen[name] = Seen("Failed to load Dom0 kernel" in text, text, said)
    return seen


READERS = {"qemu": ("qemu", by_qemu), "xen": ("xen-toolstack", by_xen), "dom0": ("xen-dom0", by_dom0)}


def self_test() -> list[str]:
    """A comparison that accepts anything is worth nothing."""
    right = Verdict("enters", crafted.PVH, "as_the_note_says")
    printed = f"{crafted.TEXT} @{crafted.PVH:08x} pvh"
    wrong = (Seen(False, ""), Seen(True, printed), Seen(False, printed.replace("pvh", "other")), Seen(False, crafted.FELL),
             Seen(False, printed.replace("1", "2")))
    bad = [f"accepts {seen}" for seen in wrong if agrees(right, seen)]
    if agrees(Verdict("refuses", 0, "no_note"), Seen(False, "")):
        bad.append("accepts a silent image as refused")
    if not agrees(right, Seen(False, printed)):
        bad.append("does not accept what is right")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--explain", type=Path, required=True, help="the program that prints what explain says")
    parser.add_argument("--patch", type=Path, required=True, help="the program that calls set_phys32_entry")
    parser.add_argument("--logs", type=Path, default=Path("build/images"))
    parser.add_argument("--timeout", type=float, default=400)
    options = parser.parse_args()
    if bad := self_test():
        print("\n".join(bad))
        return 1
    reader, run = READERS[options.reader]
    names = DOM0 if options.reader == "dom0" else (*crafted.IMAGES, *(PATCH + name for name in PATCHED))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as folder:
        images = {name: Path(folder) / name for name in names}
        for name, path in images.items():
            path.write_bytes(crafted.IMAGES[name.removeprefix(PATCH)][1]().written())
            if name.startswith(PATCH):
                run_or_exit([options.patch, path, crafted.PATCHED_ENTRY])
        verdicts = explained(options.explain, images, reader)
        try:
            seen = run(images, verdicts, options)
        except xen_packages.Unavailable as why:
            return skip(why)
    failures = 0
    for name in names:
        good = agrees(verdicts[name], seen[name])
        if name.startswith(PATCH):
            good = good and seen[name].entered == (crafted.PATCHED_ENTRY, "pvh")
        if options.reader == "qemu":
            good = good and said_by_qemu(verdicts[name], seen[name])
        failures += not good
        print(f"{'ok    ' if good else 'NOT OK'} {name:<24} {str(verdicts[name]):<44} {seen[name]}")
    undefined = sum(verdict.outcome == "undefined" for verdict in verdicts.values())
    print(f"{len(names)} images, {undefined} of them undefined, {failures} differ; {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
