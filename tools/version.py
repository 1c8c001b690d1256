# SPDX-License-Identifier: BSL-1.0
"""Print the version in the header named on the command line. Meson reads the version of the project from here."""

import re
import sys
from pathlib import Path

PARTS = ("MAJOR", "MINOR", "PATCH")


def main() -> int:
    header = sys.argv[1]
    text = Path(header).read_text(encoding="utf-8")
    numbers = [re.findall(rf"^#define PVHBOOT_VERSION_{part} (\d+)$", text, re.MULTILINE) for part in PARTS]
    if any(len(found) != 1 for found in numbers):
        print(f"{header}: each of PVHBOOT_VERSION_MAJOR, _MINOR and _PATCH must be defined once as a number",
              file=sys.stderr)
        return 1
    print(".".join(found[0] for found in numbers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
