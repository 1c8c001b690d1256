#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare the tables of spec.hpp with a Debian kernel's debug information (BTF, read by pahole) and setup header.

spec.hpp checks the structs against these tables. Each member of a C struct must have a row, and each row a member.
"""

import argparse
import re
import struct as pack
import sys
from pathlib import Path

import abi
from common import missing, run, skip
from lab import LabError, bzimage, packages

NODE = 16  # sizeof(struct setup_data), which begins some of the C structs

# Structs with another name in the kernel: its name, the path to the struct in it, and the bytes before the payload.
ALIASES = {
    **{f"Elf{bits}_{ours}": (f"elf{bits}_{theirs}", "", 0)
       for bits in (32, 64) for ours, theirs in (("Ehdr", "hdr"), ("Phdr", "phdr"), ("Shdr", "shdr"), ("Nhdr", "note"))},
    "pci_setup_rom_64": ("pci_setup_rom", "", NODE),
    "cc_setup_data": ("cc_setup_data", "", NODE),
    "xen_memory_map_64": ("xen_memory_map", "", 0),
    "xen_foreign_memory_map_64": ("xen_foreign_memory_map", "", 0),
    **{f"edd_interface_path_{bus}": ("edd_device_params", f"interface_path.{bus}", 0) for bus in ("isa", "pci", "unknown")},
    **{f"edd_device_path_{kind}": ("edd_device_params", f"device_path.{kind}", 0)
       for kind in ("ata", "atapi", "scsi", "usb", "i1394", "fibre", "i2o", "raid", "unknown")},
}
MEMBERS = {("efi_setup_data", "__unused"): "unused"}  # a reserved word in C++
NOT_IN_BTF = {
    "pci_setup_rom_32": "a 64-bit kernel",
    "xen_memory_map_32": "a 64-bit kernel",
    "xen_foreign_memory_map_32": "a 64-bit kernel",
    "xen_foreign_memory_map_64": "Linux does not set the map",
    "kernel_info": "assembly: compare_bytes reads it",
    "kho_data": "Linux 6.16",
    "jailhouse_setup_data": "not configured by Debian",
    "jailhouse_setup_data_hdr": "not configured by Debian",
    "jailhouse_setup_data_v1": "not configured by Debian",
    "jailhouse_setup_data_v2": "not configured by Debian",
}
ENUMS = ("x86_hardware_subarch", "efi_secureboot_mode")

MEMBER = re.compile(r"^\s*(?:[\w ]+?[\s*]+)?\}?[^/;]*?(\w+)(?:\[\d*\])?;\s*/\*\s*(\d+)\s+(\d+)\s*\*/")


class Report:
    def __init__(self) -> None:
        self.agreed = self.absent = self.wrong = 0

    def row(self, name: str, ours: object, theirs: object) -> None:
        if ours == theirs:
            self.agreed += 1
            print(f"agrees   {name}: {theirs}")
        else:
            self.wrong += 1
            print(f"DIFFERS  {name}: {ours}; the kernel: {theirs}")

    def not_there(self, name: str, why: str | None) -> None:
        if why is None:
            self.wrong += 1
        else:
            self.absent += 1
        print(f"{'MISSING ' if why is None else 'absent  '} {name}: not in the debug information{': ' + why if why else ''}")


def members(text: str) -> dict[str, list[tuple[str, int, int]]]:
    """The members by the path of their struct: "" is the top level, "interface_path.isa" a nested one."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    stack: list[list[tuple[str, int, int]]] = []
    nested: list[list[tuple[str, list]]] = []
    for line in text.splitlines():
        if line.rstrip().endswith("{"):
            stack.append([])
            nested.append([])
            continue
        closing = line.lstrip().startswith("}")
        if closing and len(stack) == 1:
            collect("", stack.pop(), nested.pop(), found)
            continue
        match = MEMBER.match(line)
        if closing:
            inner, deeper = stack.pop(), nested.pop()
            if match:
                nested[-1].append((match[1], [inner, deeper]))
        if match and stack:
            stack[-1].append((match[1], int(match[2]), int(match[3])))
    return found


def collect(path: str, rows: list, below: list, found: dict) -> None:
    found[path] = rows
    for name, (inner, deeper) in below:
        collect(f"{path}.{name}" if path else name, inner, deeper, found)


def pahole(names: set[str], kernel: Path) -> dict[str, str]:
    """pahole's output for each type. pahole stops at an unknown type: continue after it."""
    found: dict[str, str] = {}
    left = sorted(names)
    while left:
        done = run(["pahole", "-C", ",".join(left), kernel])
        for match in re.finditer(r"^(?:struct|enum) (\w+) \{$.*?^\}", done.stdout, re.M | re.S):
            found[match[1]] = match[0]
        missing = re.search(r"type '(\w+)' not found", done.stderr)
        left = left[left.index(missing[1]) + 1:] if missing else []
    return found


def c_struct(struct: abi.Struct) -> tuple[str, str, int]:
    return ALIASES.get(struct.name, (struct.name, "", 0))


def compare_struct(struct: abi.Struct, types: dict[str, str], report: Report) -> None:
    theirs, path, before = c_struct(struct)
    rows = members(types.get(theirs, "")).get(path)
    if not rows:
        report.not_there(f"struct {theirs} {path}".strip(), NOT_IN_BTF.get(struct.name))
        return
    start = rows[0][1] if path else before
    seen = {MEMBERS.get((theirs, name), name): (offset - start, size) for name, offset, size in rows
            if offset >= before and size}
    ours = {name: (offset, size) for name, offset, size, _ in struct.fields}
    for name in ours:
        if name == "_pad" and name not in seen:
            continue  # the C compiler's own padding has no name
        report.row(f"{struct.name}.{name}", ours[name], seen.get(name))
    for name in seen.keys() - ours.keys():
        report.row(f"{struct.name}.{name}", None, seen[name])


def compare_enum(name: str, types: dict[str, str], constants: list[abi.Constant], report: Report) -> None:
    ours = {c.theirs[0]: int(c.value, 0) for c in constants if c.name.startswith(f"{name}::")}
    seen = {key: int(value) for key, value in re.findall(r"^\s+(\w+)\s*= (\d+),", types.get(name, ""), re.M)}
    for key in ours | seen:
        if not key.endswith("_NR_SUBARCHS"):
            report.row(key, ours.get(key), seen.get(key))


def compare_bytes(image: bytes, structs: dict[str, abi.Struct], report: Report) -> None:
    """Compare the setup header and kernel_info of the kernel image with the tables."""
    header = {name: int.from_bytes(image[0x1F1 + offset:0x1F1 + offset + size], "little")
              for name, offset, size, _ in structs["setup_header"].fields}
    report.row("setup_header.boot_flag", 0xAA55, header["boot_flag"])
    report.row("setup_header.header", 0x53726448, header["header"])
    end = 0x1F1 + max(offset + size for _, offset, size, since in structs["setup_header"].fields if since <= header["version"])
    report.row("the jump leads to the end of the header", hex(end), hex(0x202 + (header["jump"] >> 8)))
    info = (header["setup_sects"] + 1) * 512 + header["kernel_info_offset"]
    table = structs["kernel_info"]
    magic, size, total, type_max = pack.unpack_from("<4I", image, info)
    report.row("kernel_info.header", 0x506F544C, magic)
    report.row("kernel_info.size", table.size, size)
    report.row("kernel_info.size_total", True, total >= size)
    report.row("kernel_info.setup_type_max has the indirect bit", 0x80000000, type_max & 0xFFFFFF00)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    options = parser.parse_args()
    if missing("pahole"):
        return skip("pahole is not installed (Debian: dwarves)")
    try:
        image = packages.kernel()
        kernel = bzimage.vmlinux(image)
    except (LabError, OSError) as why:
        return skip(f"no kernel: {why}")

    print(f"witness: {image.name}")
    report = Report()
    structs = abi.structs(options.root)
    types = pahole({c_struct(struct)[0] for struct in structs.values()} | set(ENUMS), kernel)
    for struct in structs.values():
        compare_struct(struct, types, report)
    for name in ENUMS:
        compare_enum(name, types, abi.constants(options.root), report)
    compare_bytes(image.read_bytes(), structs, report)
    print(f"btf: {report.agreed} rows agree, {report.absent} absent as known, {report.wrong} wrong")
    return 0 if report.wrong == 0 and report.agreed else 1


if __name__ == "__main__":
    sys.exit(main())
