# SPDX-License-Identifier: BSL-1.0
"""Print the version in the header named on the command line. Meson reads the version of the project from here."""

import re
import sys
from pathlib import Path

PARTS = ("MAJOR", "MINOR", "PATCH")


def of(header: Path) -> str:
    """The version, as MAJOR.MINOR.PATCH. Raises ValueError if a part is missing."""
    text = header.read_text(encoding="utf-8")
    numbers = [re.findall(rf"^#define PVHBOOT_VERSION_{part} (\d+)$", text, re.MULTILINE) for part in PARTS]
    if any(len(found) != 1 for found in numbers):
        raise ValueError(f"{header}: each of PVHBOOT_VERSION_MAJOR, _MINOR and _PATCH must be defined once as a number")
    return ".".join(found[0] for found in numbers)


def main() -> int:
    try:
        print(of(Path(sys.argv[1])))
    except ValueError as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
