#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check that examples/vmm leaves all of the boot protocols to the library: it includes no header of abi/, has none of
their numbers, and its boot part is short. Each run first checks that violations are found."""

import re
import sys

from lab import ROOT

VMM = ROOT / "examples" / "vmm"
BOOT_PART, LONGEST = "boot.cpp", 150
# Numbers of the machine that boot protocols do not have: the ISA hole, 4 GiB.
ALLOWED = {0xA0000, 0x100000, 0xFFFFFFFF}
# Files about devices and KVM, with numbers of their own.
MACHINE = {"acpi.cpp", "acpi.hpp", "crash.cpp", "devices.cpp", "devices.hpp", "kvm.cpp", "machine.cpp", "machine.hpp",
           "probe.cpp", "serial.cpp", "serial.hpp"}
PATTERNS = {
    "includes abi/": r"#\s*include\s*[<\"]pvhboot/abi/",
    "has an offset": r"\boffsetof\b|\breinterpret_cast<\s*(?:const\s+)?(?:\w+::)*(?:hvm_|boot_params|setup_header|Elf)",
    "names an ABI structure": r"\babi::|\bhvm_\w+|\bboot_params\b|\bsetup_header\b|\bElf(?:32|64)_",
    "encodes a descriptor": r"\b(?:0x)?00cf9|\bGDT_ENTRY\b",
}


def problems_of(name: str, text: str) -> list[str]:
    code = re.sub(r"//.*", "", text)
    found = [f"{name} {what}: {match[0]}" for what, pattern in PATTERNS.items() if (match := re.search(pattern, code))]
    if name not in MACHINE:
        code = re.sub(r'"(?:[^"\\\n]|\\.)*"', "", code)
        numbers = {int(word, 16) for word in re.findall(r"\b0x([0-9a-fA-F]+)", code)}
        found += [f"{name} has the number {number:#x}" for number in sorted(numbers - ALLOWED)]
    lines = text.count("\n")
    if name == BOOT_PART and lines >= LONGEST:
        found.append(f"{name} has {lines} lines")
    return found


def main() -> int:
    wrong = ('#include <pvhboot/abi/start_info.hpp>\n', "store(p, 0x336ec578);", "offsetof(x, y)", "abi::hvm_start_info i;",
             "segment = {0x8, 0xc9b};", "\n" * LONGEST)
    missed = [text for text in wrong if not problems_of(BOOT_PART, text)]
    found = [f"no problem is found in {text!r}" for text in missed]
    files = sorted(path for path in VMM.iterdir() if path.suffix in (".cpp", ".hpp"))
    for path in files:
        found += problems_of(path.name, path.read_text(encoding="utf-8"))
    print("\n".join(found) or f"{len(files)} files of examples/vmm have no boot protocol of their own")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
