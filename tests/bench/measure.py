#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Count the instructions of the library and of C code with callgrind, in one run and with -O2 for both.

translate: parse and translate a handoff with 128 sorted entries, compared with the loop of Linux's PVH entry, which has
no checks. write: a handoff with 128 entries, compared with one memcpy of the same bytes. find the entry: in an ELF
kernel with 24 notes, compared with C that has the same checks, and with libelf. sanitize: maps of 8 to 131072
ranges in four orders, compared with Linux's sweep; the exponent describes the growth.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from callgrind import counts, exponent, series
from common import has_header, missing, run_or_exit, skip_without

HERE = Path(__file__).parent
FLAGS = ["-O2", "-g", "-Wall", "-Wextra", "-Werror"]
AS_LINUX_LIMIT = 1.3
STRICT_LIMIT = 1.5
WRITE_LIMIT = 3.0  # beside one memcpy of the same bytes
FIND_ENTRY_LIMIT = 2.0  # beside C with the same checks
LIBELF_LIMIT = 1.25  # beside libelf, which stops at the first note and checks less
SWEEP_LIMIT = 1.25  # beside Linux's own sweep, at every size
EXPONENT_LIMIT = 1.15
KINDS = ("clean", "shuffled", "overlapping", "nested")


def build(include: Path, folder: Path, libelf: bool) -> Path:
    peers = ["libelf.c"] if libelf else []
    flags = ["-DWITH_LIBELF"] if libelf else []
    sources = ["main.c", "linux_like.c", "note_search.c", *peers]
    for name in sources:
        run_or_exit(["gcc", "-std=c17", *FLAGS, *flags, "-c", HERE / name, "-o", folder / f"{name}.o"])
    run_or_exit(["g++", "-std=c++20", *FLAGS, f"-I{include}", "-c", HERE / "library.cpp", "-o", folder / "library.o"])
    run_or_exit(["g++", *(folder / f"{name}.o" for name in sources), folder / "library.o", "-o", folder / "bench",
                 *(["-lelf"] if libelf else [])])
    return folder / "bench"


def show_translate(found: dict[str, int]) -> int:
    linux = found["linux_translate"]
    rows = (("as Linux does it", "library_as_linux", linux, "Linux's loop", AS_LINUX_LIMIT),
            ("strict, from a sanitised map", "library_strict", linux, "Linux's loop", STRICT_LIMIT),
            ("strict, map and all", "library_strict_and_map", linux + found["linux_clean 128"],
             "Linux's loop and sweep", 1.0))
    bad = 0
    print(f"{'parse + translate, 128 entries':32}{'library':>9}{'C':>9}{'ratio':>8}{'allowed':>9}")
    for title, name, other, what, limit in rows:
        ratio = found[name] / other
        bad += ratio > limit
        verdict = "  TOO MUCH" if ratio > limit else ""
        print(f"{title:32}{found[name]:9}{other:9}{ratio:8.2f}{limit:9.2f}  {what}{verdict}")
    return bad


def show_write(found: dict[str, int]) -> int:
    ours, copy = found["library_write"], found["memcpy"]
    bad = ours > WRITE_LIMIT * copy
    print(f"{'write, 128 entries':32}{ours:9}{copy:9}{ours / copy:8.2f}{WRITE_LIMIT:9.2f}  one memcpy"
          f"{'  TOO MUCH' if bad else ''}")
    return bad


def show_find_entry(found: dict[str, int]) -> int:
    ours = found["library_find_entry"]
    bad = 0
    for name, what, limit in (("c_find_entry", "the same checks", FIND_ENTRY_LIMIT), ("libelf_find_entry", "libelf", LIBELF_LIMIT)):
        if name not in found:
            print(f"{'find the entry, 24 notes':32}skipped: {what} is not installed (Debian: libelf-dev)")
            continue
        ratio = ours / found[name]
        bad += ratio > limit
        print(f"{'find the entry, 24 notes':32}{ours:9}{found[name]:9}{ratio:8.2f}{limit:9.2f}  {what}"
              f"{'  TOO MUCH' if ratio > limit else ''}")
    return bad


def show_sanitize(found: dict[str, int]) -> int:
    bad = 0
    print(f"\n{'sanitize, instructions a range':32}" + "".join(f"{n:>9}" for n in series(found, "library_clean")) +
          f"{'exponent':>10}{'allowed':>9}{'ratio':>9}{'allowed':>9}")
    for kind in KINDS:
        for who in ("library", "linux"):
            points = series(found, f"{who}_{kind}")
            slope = exponent(points)
            theirs = series(found, f"linux_{kind}")
            ratio = max(points[n] / theirs[n] for n in theirs)
            wrong = who == "library" and (slope > EXPONENT_LIMIT or len(points) < 8 or ratio > SWEEP_LIMIT)
            bad += wrong
            cells = "".join(f"{count / n:9.0f}" for n, count in points.items()).ljust(72)
            limit = f"{EXPONENT_LIMIT:9.2f}{ratio:9.2f}{SWEEP_LIMIT:9.2f}" if who == "library" else ""
            print(f"{kind + ', ' + who:32}{cells}{slope:10.3f}{limit}{'  TOO MUCH' if wrong else ''}")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=Path, required=True)
    options = parser.parse_args()
    if tool := missing("gcc", "g++", "valgrind"):
        return skip_without(tool)
    with tempfile.TemporaryDirectory() as scratch:
        found = counts(build(options.include, Path(scratch), has_header("gcc", "gelf.h")), Path(scratch))
    bad = show_translate(found) + show_write(found) + show_find_entry(found) + show_sanitize(found)
    print(f"\n{bad} figures are worse than allowed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
