#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Count the public names of the headers that have no documentation: there is none.

Doxygen lists the names. That it lists all of them is checked by lists that do not come from it: the rows of the .def files,
and the functions of the C header.
"""

import re
import sys
import tempfile
from pathlib import Path

from common import missing, skip
from lab import ROOT
from manual import borrowed, build
from manual.names import Name, everything

INCLUDE = ROOT / "include/pvhboot"
FIELD = re.compile(r"^PVHBOOT_FIELD\((\w+), (\w+),", re.M)
ROWS = {"core/errors.def": "errc", "pvh/oddities.def": "oddity", "pvh/image_reasons.def": "image_reason"}
C_FUNCTION = re.compile(r"^[a-z][\w *]*?\b(pvhboot_\w+)\(", re.M)


def expected() -> set[str]:
    """Names that must be among those that Doxygen lists."""
    found = {f"{enum}::{name}" for path, enum in ROWS.items()
             for name in re.findall(r"^PVHBOOT_(?!\w*GROUP)\w+\(0x[0-9a-f]+, (\w+),", (INCLUDE / path).read_text(encoding="utf-8"), re.M)}
    for table in (INCLUDE / "spec").glob("*.def"):
        found |= {f"abi::{struct}::{field}" for struct, field in FIELD.findall(table.read_text(encoding="utf-8"))}
    return found | set(C_FUNCTION.findall((INCLUDE / "c/pvhboot.h").read_text(encoding="utf-8")))


def place(name: Name) -> str:
    return f"{name.header}: {name.kind} {name.full}"


def main() -> int:
    if lacking := missing("doxygen"):
        return skip(f"{lacking} is not installed")
    with tempfile.TemporaryDirectory(prefix="pvhboot-names-") as folder:
        headers = build.read_headers(Path(folder))
    borrowed.lend(headers, build.MEANINGS)
    names = everything(headers)
    unknown = sorted(expected() - {name.full for name in names})
    bare = [place(name) for name in names if not name.docs] + [f"{header.path}: the head of the file" for header in headers if not header.head]
    for text in unknown:
        print(f"NOT OK {text} is not among the names that Doxygen lists")
    for text in bare:
        print(f"NOT OK undocumented: {text}")
    own = sum(not name.borrowed for name in names)
    print(f"{len(names)} public names in {len(headers)} headers, {len(bare)} undocumented; {own} have comments of their own, "
          f"{len(names) - own} have them from a table or from another name; {len(expected())} names compared with other lists")
    return 1 if unknown or bare else 0


if __name__ == "__main__":
    sys.exit(main())
