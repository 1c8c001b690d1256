#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare the zero page of this machine with its Linux kernel's memory map. Exit with 0, 1, or 77 (skipped).

A boot loader or hypervisor wrote the page in /sys/kernel/boot_params/data. read_zero_page and linux_e820 must arrive at
the map that the kernel shows in /sys/firmware/memmap.
"""

import subprocess
import sys
from pathlib import Path

from common import skip

BOOT_PARAMS = Path("/sys/kernel/boot_params")
MEMMAP = Path("/sys/firmware/memmap")
SETUP_E820_EXT = 1
# The names in drivers/firmware/memmap.c, from arch/x86/kernel/e820.c.
TYPES = {"System RAM": 1, "Reserved": 2, "ACPI Tables": 3, "ACPI Non-volatile Storage": 4, "Unusable memory": 5,
         "Persistent Memory": 7, "Persistent Memory (legacy)": 12, "Soft Reserved": 0xEFFFFFFF}


def firmware_map() -> list[tuple[int, int, int]]:
    found = []
    for entry in MEMMAP.iterdir():
        start, end = (int((entry / name).read_text(), 16) for name in ("start", "end"))
        found.append((start, end - start + 1, TYPES.get((entry / "type").read_text().strip(), -1)))
    return sorted(found)


def main() -> int:
    program = sys.argv[1]
    data = BOOT_PARAMS / "data"
    try:
        page = data.read_bytes()
        wanted = firmware_map()
    except OSError as why:
        return skip(f"this machine does not show its zero page: {why}")
    for node in BOOT_PARAMS.glob("setup_data/*/type"):
        if int(node.read_text(), 16) == SETUP_E820_EXT:
            return skip("part of this machine's map is in a setup_data node, which cannot be read here")
    run = subprocess.run([program], input=f"zero_page {page.hex()}\n", capture_output=True, text=True, timeout=60)
    got = [tuple(int(word, 16) for word in line.split()) for line in run.stdout.splitlines()]
    print(f"type_of_loader {page[0x210]:#x}, {page[0x1e8]} entries; {len(wanted)} in {MEMMAP}")
    if run.returncode != 0 or got != wanted:
        print(run.stderr, f"read back: {got}\nin {MEMMAP}: {wanted}", sep="")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
