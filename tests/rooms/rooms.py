#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check the order of rooms: a header includes headers of its own room or of the rooms below it.

The table in docs/design.md must agree with ROOMS. Each run first checks that wrong includes are found.
"""

import argparse
import re
import sys
from pathlib import Path

# A room, and the other rooms that it may include. "" is the top folder, with the headers for users and the opt-ins.
ROOMS = {
    "abi": set(),
    "core": {"abi"},
    "elf": {"core", "abi"},
    "pvh": {"elf", "core", "abi"},
    "linux": {"core", "abi"},
    "xen": {"core", "abi"},
    "bridge": {"xen", "linux", "pvh", "elf", "core", "abi"},
    "spec": set(),
    "c": {"bridge", "xen", "linux", "pvh", "elf", "core", "abi"},
    "": {"bridge", "xen", "linux", "pvh", "elf", "core", "abi", "spec"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
ALLOWED = {"stddef.h", "stdint.h"}
LIBRARIES = {"reflect.hpp": ("boost/pfr/", "type_traits", "utility"), "ranges.hpp": ("ranges",)}
NEVER_FOUND = "pvhboot/abi/needs-std=c++20"  # ends a compilation in an older standard


def room_of(path: str) -> str:
    return path.partition("/")[0] if "/" in path else ""


def problems_of(name: str, text: str) -> list[str]:
    """The wrong includes of a header. `name` is its path below include/pvhboot."""
    found = []
    here = room_of(name)
    if here not in ROOMS:
        return [f"{name}: the room {here} is not in the table"]
    for target in INCLUDE.findall(text):
        if target.startswith("pvhboot/"):
            there = room_of(target.removeprefix("pvhboot/"))
            if target != NEVER_FOUND and there != here and there not in ROOMS[here]:
                found.append(f"{name} includes {target}: {here or 'the top'} may not include {there or 'the top'}")
        elif target not in ALLOWED and not target.startswith(LIBRARIES.get(name, ("\0",))):
            found.append(f"{name} includes {target}")
    return found


def documented(page: str) -> dict[str, set[str]]:
    """The table of docs/design.md."""
    rows = re.findall(r"^\| `(\w+)/` \|[^|]*\| (.*) \|$", page, re.M)
    names = [name for name, _ in rows]
    return {name: set(names[:names.index(name)]) if cell == "all of the above" else
            set(re.findall(r"`(\w+)/`", cell)) - {name} for name, cell in rows}


def self_test() -> list[str]:
    wrong = {"core/a.hpp": "#include <pvhboot/pvh/parse.hpp>\n", "linux/a.hpp": "#include <pvhboot/pvh/parse.hpp>\n",
             "abi/a.hpp": "#include <string.h>\n", "attic/a.hpp": "", "pvh/a.hpp": "# include <pvhboot/pvhboot.hpp>\n"}
    missed = [f"self-test: {name} was not found" for name, text in wrong.items() if not problems_of(name, text)]
    return missed + problems_of("bridge/a.hpp", "#include <pvhboot/pvh/parse.hpp>\n#include <stdint.h>\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    root = parser.parse_args().root
    include = root / "include/pvhboot"
    headers = sorted(path for path in include.rglob("*") if path.suffix in (".hpp", ".cpp", ".def", ".h", ".S"))
    problems = self_test()
    for path in headers:
        problems += problems_of(str(path.relative_to(include)), path.read_text(encoding="utf-8"))
    table = documented((root / "docs/design.md").read_text(encoding="utf-8"))
    for name, below in table.items():
        if ROOMS.get(name) != below:
            problems.append(f"docs/design.md: {name} may include {sorted(below)}, in ROOMS {sorted(ROOMS.get(name, ()))}")
    used = {room_of(str(path.relative_to(include))) for path in headers} - {"", "spec"}
    if missing := used - table.keys():
        problems.append(f"docs/design.md: no row for {sorted(missing)}")
    print("\n".join(problems) or f"{len(headers)} headers include only what lies below them")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
