#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot the conformance guest with handoffs that QEMU does not make (forge.cpp): what the specification allows breaks no
clause."""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tap
from lab import LabError, qemu

# What the guest cannot check in each of them. The structures of the forged handoff lie in the image: see ALWAYS.
LINT = {"initial_domain", "structures_apart", "modules_there", "modules_apart", "modules_metadata", "modules_image",
        "map_pointer", "map_wraps", "map_ram"}
ALWAYS = {"image_apart"}
NOTHING = {"handoff", "module_contents", "map_covers_image", "ram", "rsdp", "acpi_tables"} | LINT
SKIPPED = {"module": {"module_contents"}, "modlist": NOTHING, "cmdline": NOTHING, "map": NOTHING,
           "rsdp": {"rsdp", "acpi_tables"}, "entries": LINT, "acpi": set(),
           "dsdt": set()}
BROKEN = {"dsdt": ["acpi_tables"]}
IN_RAM = "# an ACPI table lies in RAM of the map:"


def problems(image: Path, change: str, module: Path, timeout: float) -> list[str]:
    # With "acpi" the ACPI tables are RAM, which the guest writes and restores.
    run = qemu.start(qemu.Machine(image, module, f"{change} {tap.CMDLINE}", "q35", "256M"), timeout)
    report = tap.read(run.lines)
    broken = [name for name in report.broken if name not in ALWAYS]
    skipped = {name for name, why in report.skipped.items() if not why.startswith("not observable")} - ALWAYS
    found = [f"broken: {broken}"] if broken != BROKEN.get(change, []) else []
    if skipped != SKIPPED[change]:
        found.append(f"skipped: {sorted(skipped)} instead of {sorted(SKIPPED[change])}")
    if any(line.startswith(IN_RAM) for line in run.lines) != (change == "acpi"):
        found.append(f"the line {IN_RAM!r}")
    return [f"{change}: {text}" for text in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()
    try:
        with tempfile.NamedTemporaryFile() as module, ThreadPoolExecutor(2) as pool:
            module.write(tap.MODULE)
            module.flush()
            found = sum(pool.map(lambda change: problems(options.image, change, Path(module.name), options.timeout),
                                 SKIPPED), [])
    except LabError as why:
        found = [str(why)]
    print("\n".join(f"NOT OK {line}" for line in found) or f"{len(SKIPPED)} handoffs are judged right")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
