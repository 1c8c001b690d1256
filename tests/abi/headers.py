#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare every field and constant with the C headers of Xen, Linux or the C library.

The script writes a program with one row for each, compiles it with the C headers and the library, and runs it.
Constants come from the library's headers, whose comments have the C names; fields come from the tables of spec.hpp. In
the other direction, each constant of the families below that the C headers define must exist in the library.
"""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import abi
from common import run, skip

# Without __XEN_TOOLS__ Xen's headers declare the interface of 2005.
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-D__XEN_TOOLS__"]
# Neither libc6-dev-i386 nor gcc-multilib has the kernel's asm/ for -m32. The 64-bit one has the same contents.
M32 = ["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"]


@dataclass
class Witness:
    includes: list[str]
    headers: list[str]  # of the library, with the constants to compare
    table: str
    families: str  # macros that the library must have
    not_ours: dict[str, str]  # exceptions, with the reason
    may_lack: dict[str, str]  # rows that older C headers do not have, with the reason


WITNESSES = {
    "xen": Witness(
        includes=["stdint.h", "xen/xen.h", "xen/arch-x86/hvm/start_info.h", "xen/elfnote.h", "xen/features.h", "xen/memory.h"],
        headers=["start_info.hpp", "xen_note.hpp", "xen_memory.hpp"],
        table="xen",
        families=r"XEN_ELFNOTE_|XENFEAT_|__HYPERVISOR_|XEN_HVM_|SIF_|XENMEM_(machine_|set_)?memory_map$",
        not_ours={
            "XEN_ELFNOTE_MAX": "a count",
            "XENFEAT_NR_SUBMAPS": "a count",
            "XEN_HVM_DEBUGCONS_IOPORT": "not of the boot protocol",
            **{f"__HYPERVISOR_VIRT_{name}": "an address, not a hypercall"
               for name in ("START", "END", "START_PAE", "START_NONPAE")},
        },
        may_lack={
            "XEN_ELFNOTE_PHYS32_RELOC": "Xen 4.19",
            "XENFEAT_grant_map_identity": "a comment in Xen 4.17: obsolete",
        }),
    "linux": Witness(
        includes=["asm/bootparam.h", "asm/e820.h"],
        headers=["screen_info.hpp", "edd.hpp", "setup_header.hpp", "setup_data.hpp", "boot_params.hpp", "e820.hpp"],
        table="linux",
        families=r"SETUP_|XLF_|RAMDISK_|VIDEO_|EDD_EXT_|EDD_INFO_|LOADED_HIGH|.*_FLAG$|KEEP_SEG|CAN_USE|E820_[A-Z]",
        not_ours={
            "SETUP_ENUM_MAX": "differs by age",
            "SETUP_TYPE_MAX": "differs by age",
            "E820_X_MAX": "a count",
        },
        may_lack={
            "SETUP_KEXEC_KHO": "Linux 6.16",
            "XLF_MEM_ENCRYPTION": "newer than 6.1",
            "kho_data": "Linux 6.16",
            "kernel_info": "assembly in the kernel; the kernel's own bytes are compared instead",
            **{name: "private to the kernel; its debug information is compared instead"
               for name in ("efi_setup_data", "pci_setup_rom", "properties_header", "dev_header", "cc_setup_data")},
            **{f"efi_secureboot_mode_{name}": "private to the kernel; its debug information is compared instead"
               for name in ("unset", "unknown", "disabled", "enabled")},
        }),
    "elf": Witness(includes=["elf.h"], headers=["elf.hpp"], table="elf", families=r"$^", not_ours={}, may_lack={}),
}

# C names that are no integer constants, or no macros.
EXPRESSIONS = {"ELFMAG": "ELFMAG[0] | ELFMAG[1] << 8 | ELFMAG[2] << 16 | ELFMAG[3] << 24"}
ENUMERATORS = re.compile(r"X86_SUBARCH_")

# Constants that no C header has: the registry of loaders is a table in boot.rst, magic numbers are literals in C.
NAMELESS = re.compile(r"loader_id::|abi::(setup_header_|setup_type_enum_max|hvm_start_info_v0_size|rsdp_v1_size|rsdp_size)|"
                      r"memory_type::(unaccepted|coreboot|soft_reserved)")

# Structs that have no name of their own in C: the struct around them and the path to them.
VIEWS = {
    **{f"jailhouse_setup_data_{part}": ("jailhouse_setup_data", part) for part in ("hdr", "v1", "v2")},
    **{f"edd_interface_path_{bus}": ("edd_device_params", f"interface_path.{bus}") for bus in ("isa", "pci", "unknown")},
    **{f"edd_device_path_{kind}": ("edd_device_params", f"device_path.{kind}")
       for kind in ("ata", "atapi", "scsi", "usb", "i1394", "fibre", "i2o", "raid", "unknown")},
}


def their_struct(name: str, bits: int) -> tuple[str, str] | None:
    """The C struct and the path in it; None if the struct is for the other word size."""
    if name in VIEWS:
        return VIEWS[name]
    if match := re.fullmatch(r"((?:xen|pci)_\w+)_(32|64)", name):
        return (match[1], "") if int(match[2]) == bits else None
    return name, ""


def field_rows(struct: abi.Struct, theirs: str, path: str) -> list[str]:
    at = f"{path}." if path else ""
    rows = []
    for name, *_ in struct.fields:
        if struct.name.endswith(("_32", "_64")) and name == "_pad":
            continue  # the C compiler's own padding has no name
        rows.append(
            f'  if constexpr (requires(C c) {{ c.{at}{name}; }})\n'
            f'    rows::field("{struct.name}.{name}", offsetof(abi::{struct.name}, {name}), sizeof(abi::{struct.name}::{name}),'
            f' offsetof(C, {at}{name}){f" - offsetof(C, {path})" if path else ""},'
            f' sizeof(static_cast<C*>(nullptr)->{at}{name}));\n'
            f'  else rows::absent("{struct.name}.{name}", "{theirs}.{at}{name}", nullptr);')
    whole = f"sizeof(static_cast<C*>(nullptr)->{path})" if path else "sizeof(C)"
    rows.append(f'  rows::field("{struct.name}", 0, sizeof(abi::{struct.name}), 0, {whole});')
    # Elf32_Ehdr and the other ELF structs are typedefs in C. The name of a struct may also be the name of a function.
    keyword = "" if theirs.startswith("Elf") else "struct "
    return [f"[]<class C>(C*) {{", *rows, f"}}(static_cast<{keyword}::{theirs}*>(nullptr));"]


def constant_rows(constant: abi.Constant, witness: Witness) -> list[str]:
    rows = []
    for name in constant.theirs:
        value = EXPRESSIONS.get(name, name)
        row = (f'  rows::constant("{constant.name}", "{name}", static_cast<uint32_t>(pvhboot::{constant.name}),'
               f' static_cast<uint32_t>({value}));')
        if ENUMERATORS.match(name):
            rows.append(row)
        else:
            why = f'"{witness.may_lack[name]}"' if name in witness.may_lack else "nullptr"
            rows += [f"#ifdef {name}", row, "#else", f'  rows::absent("{constant.name}", "{name}", {why});', "#endif"]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("witness", choices=WITNESSES)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bits", type=int, choices=(32, 64), required=True)
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()
    witness = WITNESSES[options.witness]
    compiler = [*options.compiler, *FLAGS, *(M32 if options.bits == 32 else ["-m64"]), f"-I{options.root / 'include'}",
                f"-I{Path(__file__).parent}"]
    runner = []
    if options.bits == 32:
        runner = [shutil.which("qemu-i386") or ""]
        if not runner[0]:
            return skip("qemu-i386 is not installed (Debian: qemu-user), and the kernel may not run 32-bit programs")

    includes = "".join(f"#include <{name}>\n" for name in witness.includes)
    probe = preprocess(compiler, includes, "-P")
    if probe.returncode:
        # The package of the header or the 32-bit C library is missing.
        if "No such file" in probe.stderr or "not found" in probe.stderr:
            return skip(probe.stderr.strip().splitlines()[0])
        sys.exit(probe.stderr)
    macros = re.findall(r"^#define (\w+) \S", preprocess(compiler, includes, "-dM").stdout, re.M)

    constants = [c for c in abi.constants(options.root)
                 if c.header in witness.headers or (c.header == "memory_type.hpp" and options.witness != "elf")]
    for constant in constants:
        if not constant.theirs and not NAMELESS.match(constant.name):
            sys.exit(f"{constant.header}: {constant.name} has no C name in its comment")
    if options.witness != "elf":  # memory types have a Xen name, a Linux name, or both
        for constant in constants:
            if constant.header == "memory_type.hpp":
                constant.theirs = [n for n in constant.theirs if n.startswith("XEN") == (options.witness == "xen")]
    body: list[str] = []
    for struct in abi.structs(options.root).values():
        named = their_struct(struct.name, options.bits)
        if struct.table != witness.table or named is None:
            continue
        theirs, path = named
        if re.search(rf"struct {theirs}\s*\{{|\}}\s*{theirs}\s*;", probe.stdout):
            body += field_rows(struct, theirs, path)
        else:
            why = f'"{witness.may_lack[theirs]}"' if theirs in witness.may_lack else "nullptr"
            body.append(f'rows::absent("{struct.name}", "struct {theirs}", {why});')
    for constant in constants:
        body += constant_rows(constant, witness)
    known = {name for c in abi.constants(options.root) for name in c.theirs} | set(witness.not_ours)
    for name in sorted(set(macros)):
        if re.match(rf"(?:{witness.families})", name) and name not in known:
            body.append(f'rows::absent("a constant", "counterpart of {name} in pvhboot", nullptr);')

    options.out.mkdir(parents=True, exist_ok=True)
    source = options.out / f"{options.witness}{options.bits}.cpp"
    program = source.with_suffix("")
    # The C headers come first: their macros must not break the library's headers.
    source.write_text(f"{includes}#include <pvhboot/pvhboot.hpp>\n#include <pvhboot/abi/xen_note.hpp>\n#include <pvhboot/spec.hpp>\n#include \"rows.hpp\"\n"
                      f"namespace abi = pvhboot::abi;\nint main() {{\n" + "\n".join(body) +
                      f'\nreturn rows::summary("{options.witness}, -m{options.bits}");\n}}\n', encoding="utf-8")
    built = run([*compiler, "-fno-exceptions", "-static", "-o", program, source])
    if built.returncode:
        if "cannot find -l" in built.stderr or "cannot find crt" in built.stderr:
            return skip(f"cannot link with -m{options.bits}: {built.stderr.strip().splitlines()[0]}")
        print(built.stderr)
        return 1
    return subprocess.run([*runner, str(program)], timeout=60, check=False).returncode


def preprocess(compiler: list[str], text: str, how: str) -> subprocess.CompletedProcess:
    return run([*compiler, "-E", how, "-x", "c++", "-"], input=text)


if __name__ == "__main__":
    sys.exit(main())
