#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Check the files of spec/.

Checks:
  tables  fields.json and pvh.ksy are what tools/write_spec.py writes; fields.json obeys its schema and has no gaps
  debug   fields.json against the debug information that g++ writes of include/pvhboot: names, offsets, sizes, types
  gdb     the pretty-printers, in GDB
  kaitai  the parser that Kaitai Struct makes of pvh.ksy, on every capture of tests/data
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import npm_packages
import write_spec
from common import missing, run_or_exit, script, skip
from lab import ROOT
from tool.tool import DATA, capture

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / "spec"
SYSTEM = Path("/usr/bin/python3")
PRINTED = re.compile(r"^\$\d+ = ", re.M)
# What a person sees. The first lines are of version 0, which has no memory map.
SESSION = (
    ("print old_info", "hvm_start_info = {magic = 0x336ec578, version = 0, flags = 3, nr_modules = 1, modlist_paddr = 0x1000, "
                       "cmdline_paddr = 0, rsdp_paddr = 0xfffffffffffffffe}"),
    ("print new_info", "hvm_start_info = {magic = 0x336ec578, version = 1, flags = 0, nr_modules = 0, modlist_paddr = 0, "
                       "cmdline_paddr = 0, rsdp_paddr = 0, memmap_paddr = 0x2000, memmap_entries = 2, reserved = 0}"),
    ("print/x table[0]", "hvm_memmap_table_entry = {addr = 0, size = 0x9fc00, type = 1 (ram), reserved = 0}"),
    ("print table[1].type", "0xbad"),
    ("print kernel.hdr.version", "0x20f"),
    ("print path", "edd_info = {device = 0, version = 0, interface_support = 0, legacy_max_cylinder = 0, legacy_max_head = 0, "
                   "legacy_sectors_per_track = 0, params = edd_device_params = {length = 0"),
    ("print path.params.host_bus_type", "50 43 49 20"),
    ("print text", '"console=ttyS0"'),
    ("print sizeof(kernel)", "4096"),
    ("pvhboot-fields old_info", "0x020  rsdp_paddr      0xfffffffffffffffe  address of the ACPI RSDP; 0: none given"),
    ("pvhboot-fields old_info", "0x028  memmap_paddr    absent before version 1  address of the memory map"),
    ("pvhboot-fields table[0]", "0x010  type      1 (ram)"),
    ("pvhboot-fields text", "is no struct of pvhboot::abi with a table of fields"),
)


class Failed(Exception):
    """A check that does not hold."""


def check(what: str, holds: bool, detail: object = "") -> None:
    if not holds:
        raise Failed(f"{what}: {detail}")


def fields() -> dict:
    return json.loads((FOLDER / "fields.json").read_text(encoding="utf-8"))


def check_tables(_: argparse.Namespace, _scratch: Path) -> str:
    for name, text in write_spec.contents(ROOT).items():
        check(f"spec/{name} is what tools/write_spec.py writes", (FOLDER / name).read_text(encoding="utf-8") == text, "it differs")
    if not has("jsonschema"):
        return "skipped: python3-jsonschema is not installed"
    jsonschema = importlib.import_module("jsonschema")
    spec, schema = fields(), json.loads((FOLDER / "fields.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(spec)
    enums = {enum["name"] for enum in spec["enums"]}
    for struct in spec["structs"]:
        end = struct["base"]
        for field in struct["fields"]:
            place = f"{struct['name']}.{field['name']}"
            check(f"{place} begins where the field before it ends", field["offset"] == end, field["offset"])
            check(f"{place} has a known enum", field.get("enum") in {None, *enums}, field.get("enum"))
            end += field["size"]
        check(f"{struct['name']} ends where its fields do", end == struct["base"] + struct["size"], end)
    rows = sum(len(struct["fields"]) for struct in spec["structs"])
    check("no table was lost", len(spec["structs"]) > 50 and rows > 300, f"{len(spec['structs'])} structs, {rows} fields")
    return f"{len(spec['structs'])} structs, {rows} fields, {len(enums)} enums"


def gdb(scratch: Path, source: str, *words: str | Path) -> str:
    """What GDB prints about an object file of a source."""
    (scratch / "unit.cpp").write_text(source, encoding="utf-8")
    run_or_exit(["g++-12", "-std=c++20", "-g", "-O0", f"-I{ROOT / 'include'}", "-c", scratch / "unit.cpp", "-o", scratch / "unit.o"])
    run_or_exit(["g++-12", scratch / "unit.o", "-o", scratch / "unit"])
    done = subprocess.run(["gdb", "-batch", "-nx", *map(str, words), str(scratch / "unit")], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=120, check=False)
    return done.stdout + done.stderr


def check_debug(_: argparse.Namespace, scratch: Path) -> str:
    spec = fields()
    objects = "".join(f"pvhboot::abi::{struct['name']} of_{struct['name']};\n" for struct in spec["structs"])
    objects += "".join(f"pvhboot::{enum['name']} of_{enum['name']};\n" for enum in spec["enums"])
    headers = "".join(f"#include <pvhboot/abi/{path.name}>\n" for path in sorted((ROOT / "include/pvhboot/abi").glob("*.hpp")))
    printed = gdb(scratch, f"{headers}{objects}int main() {{}}\n", "-x", HERE / "layouts.py")
    try:
        layouts = json.loads(printed)
    except json.JSONDecodeError:
        raise Failed(f"GDB printed {printed[-1500:]}") from None
    for struct in spec["structs"]:
        found = layouts["structs"][struct["name"]]
        check(f"sizeof {struct['name']}", found["size"] == struct["size"], found["size"])
        wanted = [[field["name"], field["offset"] - struct["base"], field["size"], type_of(field)] for field in struct["fields"]]
        check(f"fields of {struct['name']}", found["fields"] == wanted,
              next((pair for pair in zip(found["fields"], wanted) if pair[0] != pair[1]), "another number of fields"))
    for enum in spec["enums"]:
        found = layouts["enums"][enum["name"]]
        check(f"enum {enum['name']}", found == [enum["size"], [[value["name"], value["value"]] for value in enum["values"]]], found)
    return f"{len(spec['structs'])} structs and {len(spec['enums'])} enums are as the compiler has them"


def type_of(field: dict) -> str:
    if field["type"] == "array":
        return f"{type_of(field['element'])}[{field['count']}]"
    if field["type"] == "bytes":
        return f"u8[{field['size']}]"
    return field.get("enum") or field.get("struct") or field["type"]


def check_gdb(_: argparse.Namespace, scratch: Path) -> str:
    source = """#include <pvhboot/pvhboot.hpp>
namespace abi = pvhboot::abi;
abi::hvm_start_info old_info{.magic = abi::hvm_start_magic_value, .flags = 3, .nr_modules = 1, .modlist_paddr = 0x1000,
                             .rsdp_paddr = ~uint64_t{1}, .memmap_paddr = 0xdead};
abi::hvm_start_info new_info{.magic = abi::hvm_start_magic_value, .version = 1, .memmap_paddr = 0x2000, .memmap_entries = 2};
abi::hvm_memmap_table_entry table[2] = {{.size = 0x9fc00, .type = pvhboot::memory_type::ram}, {.type = pvhboot::memory_type{0xbad}}};
abi::boot_params kernel{.hdr = {.version = 0x20f}};
abi::edd_info path{.params = {.host_bus_type = {{'P', 'C', 'I', ' '}}}};
pvhboot::string_ref text{"console=ttyS0"};
int main() {}
"""
    for command, wanted in SESSION:
        printed = gdb(scratch, source, "-ex", f"source {FOLDER / 'pvhboot_gdb.py'}", "-ex", "set print max-depth 3", "-ex", command)
        answer = PRINTED.sub("", printed)
        check(f"(gdb) {command}", wanted in answer and "Traceback" not in printed, answer)
    # The same in memory of a process, through a pointer.
    printed = gdb(scratch, source, "-ex", f"source {FOLDER / 'pvhboot_gdb.py'}", "-ex", "break main", "-ex", "run", "-ex", "print *(&new_info)")
    if "Couldn't" in printed or "ptrace" in printed:
        return f"{len(SESSION)} answers of GDB; skipped: no process can be traced here"
    check("(gdb) print *(&new_info), in a process", SESSION[1][1] in printed, printed)
    return f"{len(SESSION) + 1} answers of GDB"


def check_kaitai(options: argparse.Namespace, scratch: Path) -> str:
    if lacking := missing("node", "npm"):
        return f"skipped: {lacking} is not installed"
    if not has("kaitaistruct"):
        return "skipped: python3-kaitaistruct is not installed"
    for wrong in npm_packages.check_lock(HERE):
        raise Failed(wrong)
    if why := npm_packages.install(HERE, options.packages):
        return f"skipped: {why}"
    run_or_exit(["node", HERE / "compile.mjs", FOLDER / "pvh.ksy", scratch],
                env=os.environ | {"PVHBOOT_NODE_MODULES": str(options.packages)})
    sys.path.insert(0, str(scratch))
    parser = importlib.import_module("pvh").Pvh
    names = sorted(path.stem for path in DATA.glob("*.inc"))
    pages = 0
    for name in names:
        check_handoff(name, parser, importlib.import_module("kaitaistruct").KaitaiStream, scratch / "window")
        pages += check_zero_pages(name, parser)
    check("no capture was lost", len(names) >= 6 and pages >= 7, f"{len(names)} handoffs, {pages} zero pages")
    return f"{len(names)} handoffs and {pages} zero pages"


def check_handoff(name: str, parser: type, stream: type, file: Path) -> None:
    pieces = capture(name)
    base = min(paddr for paddr, _ in pieces) & ~0xFFF
    with open(file, "wb+") as window:  # sparse: the pieces may lie 4 GiB apart
        for paddr, data in pieces:
            window.seek(paddr - base)
            window.write(data)
        at, info = pieces[0]
        read = parser(base, at, stream(window))

        def number(offset: int, size: int) -> int:
            return int.from_bytes(info[offset:offset + size], "little")

        start = read.start_info
        values = (start.magic, start.version, start.flags, start.nr_modules, start.modlist_paddr, start.cmdline_paddr, start.rsdp_paddr)
        check(f"{name}: start info", values == tuple(number(o, s) for o, s in ((0, 4), (4, 4), (8, 4), (12, 4), (16, 8), (24, 8), (32, 8))),
              values)
        memory = dict(pieces)
        check(f"{name}: modules", [(m.paddr, m.size) for m in read.modules or []] == pairs(memory, start.modlist_paddr, start.nr_modules, 32),
              read.modules)
        if start.version >= 1:
            check(f"{name}: memory map", [(r.addr, r.size) for r in read.memmap or []] ==
                  pairs(memory, start.memmap_paddr, start.memmap_entries, 24), read.memmap)
            types = [at_address(pieces, start.memmap_paddr)[i * 24 + 16] for i in range(start.memmap_entries)]
            check(f"{name}: types", [int(getattr(r.type, "value", r.type)) for r in read.memmap or []] == types, types)
        else:
            check(f"{name}: version 0 has no map", read.memmap is None and not hasattr(start, "memmap_paddr"))
        if start.cmdline_paddr:
            text = read.cmdline
            check(f"{name}: command line", text and at_address(pieces, start.cmdline_paddr).startswith(text.encode() + b"\0"), text)


def at_address(pieces: list[tuple[int, bytes]], paddr: int) -> bytes:
    return next(data[paddr - start:] for start, data in pieces if start <= paddr < start + len(data))


def pairs(memory: dict[int, bytes], paddr: int, count: int, stride: int) -> list[tuple[int, int]]:
    """The first two numbers of each entry of a table."""
    data = at_address(list(memory.items()), paddr) if count else b""
    return [(int.from_bytes(data[i:i + 8], "little"), int.from_bytes(data[i + 8:i + 16], "little"))
            for i in range(0, count * stride, stride)]


def check_zero_pages(name: str, parser: type) -> int:
    """Each zero page of a capture. Returns how many there are."""
    text = (DATA / f"{name}.inc").read_text(encoding="ascii")
    pages = re.findall(rf"page_row {name}_(\w+)\[\] = \{{(.*?)\}};", text, re.S)
    for producer, rows in pages:
        page = bytearray(4096)
        for offset, digits in re.findall(r"\{(0x[0-9a-f]+), \{([^}]*)\}\}", rows):
            at = int(offset, 16)
            page[at:at + 16] = bytes(int(n, 16) for n in digits.split(", "))
        read = parser.BootParams.from_bytes(bytes(page))
        what = f"{name}, zero page of {producer}"
        check(f"{what}: number of entries", read.e820_entries == page[0x1E8] > 0, read.e820_entries)
        check(f"{what}: setup header", (read.hdr.version, read.hdr.cmd_line_ptr) ==
              (int.from_bytes(page[0x206:0x208], "little"), int.from_bytes(page[0x228:0x22C], "little")), hex(read.hdr.version))
        check(f"{what}: e820 table", [(e.addr, e.size) for e in read.e820_table[:read.e820_entries]] ==
              pairs({0x2D0: bytes(page[0x2D0:])}, 0x2D0, page[0x1E8], 20))
        check(f"{what}: RSDP", read.acpi_rsdp_addr == int.from_bytes(page[0x70:0x78], "little"), hex(read.acpi_rsdp_addr))
    return len(pages)


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


CHECKS = {"tables": check_tables, "debug": check_debug, "gdb": check_gdb, "kaitai": check_kaitai}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--packages", type=Path, default=ROOT / ".cache" / "spec-npm", help="folder for the npm packages")
    options = parser.parse_args()
    module = {"tables": "jsonschema", "kaitai": "kaitaistruct"}.get(options.check)
    if module and not has(module) and SYSTEM.exists() and not SYSTEM.samefile(sys.executable):
        # A distribution installs its modules for its own Python.
        os.execv(SYSTEM, [str(SYSTEM), *script(Path(__file__), *sys.argv[1:])[1:]])
    if options.check in ("debug", "gdb") and (lacking := missing("g++-12", "gdb")):
        return skip(f"{lacking} is not installed")
    with tempfile.TemporaryDirectory(prefix="pvhboot-spec-") as scratch:
        try:
            outcome = CHECKS[options.check](options, Path(scratch))
        except Failed as why:
            print(f"{options.check}: {why}")
            return 1
    if "skipped: " in outcome:
        return skip(outcome.partition("skipped: ")[2])
    print(f"{options.check}: {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
