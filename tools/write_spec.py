#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Write the files of spec/ that are made from the field tables: fields.json and pvh.ksy. --check only compares."""

import argparse
import json
import sys
from pathlib import Path

import spec_tables
from lab import ROOT

FOLDER = ROOT / "spec"
COMPACT = {"ensure_ascii": False, "separators": (", ", ": ")}


def as_json(spec: dict) -> str:
    """A line for each field and each enumerator, so that a change is a change of its line."""
    lines = ["{", f'"$schema": {json.dumps(spec["$schema"])},', f'"version": {json.dumps(spec["version"])},']
    for key, rows in (("structs", "fields"), ("enums", "values")):
        lines.append(f'"{key}": [')
        for number, entry in enumerate(spec[key]):
            head = json.dumps({name: value for name, value in entry.items() if name != rows}, **COMPACT)
            lines.append(f'{head[:-1]}, "{rows}": [')
            lines.append(",\n".join(f"  {json.dumps(row, **COMPACT)}" for row in entry[rows]))
            lines.append("]}" + ("," if number + 1 < len(spec[key]) else ""))
        lines.append("]," if key == "structs" else "]")
    return "\n".join([*lines, "}", ""])


# The part of the Kaitai description that is no table: how the structures of a handoff lead to each other.
HANDOFF = """\
# SPDX-License-Identifier: BSL-1.0
# Made by tools/write_spec.py from fields.json.
meta:
  id: pvh
  title: x86 PVH boot protocol
  license: BSL-1.0
  endian: le
  ks-version: 0.9
doc: |
  The handoff of the PVH boot protocol in a window of guest memory, and the structures of the Linux boot protocol. The
  window holds every address that hvm_start_info names, or reading it fails.
params:
  - id: window_paddr
    type: u8
    doc: physical address of the first byte of the window
  - id: start_info_paddr
    type: u8
    doc: physical address of hvm_start_info, the value of ebx at entry
instances:
  start_info:
    pos: start_info_paddr - window_paddr
    type: hvm_start_info
  cmdline:
    pos: start_info.cmdline_paddr - window_paddr
    type: strz
    encoding: ASCII
    if: start_info.cmdline_paddr != 0
  modules:
    pos: start_info.modlist_paddr - window_paddr
    type: hvm_modlist_entry
    repeat: expr
    repeat-expr: start_info.nr_modules
    if: start_info.nr_modules != 0
  memmap:
    pos: start_info.memmap_paddr - window_paddr
    type: hvm_memmap_table_entry
    repeat: expr
    repeat-expr: start_info.memmap_entries
    if: start_info.version >= 1 and start_info.memmap_entries != 0
"""
# The bytes after a field that is newer than the structure need not be there.
GROWING = ("hvm_start_info",)


def as_kaitai(spec: dict) -> str:
    lines = ["types:"]
    for struct in spec["structs"]:
        lines += [f"  {kaitai_name(struct['name'])}:", f"    doc-ref: {quoted(struct['source'])}", "    seq:"]
        for field in struct["fields"]:
            lines += [f"      {line}" for line in kaitai_field(struct["name"], field)]
    lines.append("enums:")
    for enum in spec["enums"]:
        lines.append(f"  {kaitai_name(enum['name'])}:")
        lines += [f"    {value['value']}: {quoted(kaitai_name(value['name']))}" for value in enum["values"]]  # one is null
    return HANDOFF + "\n".join([*lines, ""])


def kaitai_field(struct: str, field: dict) -> list[str]:
    kind = field["element"] if field["type"] == "array" else field
    lines = [f"- id: {kaitai_name(field['name'])}", f"  -orig-id: {field['name']}"]
    if kind["type"] == "bytes":
        lines.append(f"  size: {field['size']}")
    elif kind["type"] == "struct":
        lines.append(f"  type: {kaitai_name(kind['struct'])}")
    else:
        lines.append(f"  type: u{int(kind['type'][1:]) // 8}")
    if "enum" in kind:
        lines.append(f"  enum: {kaitai_name(kind['enum'])}")
    if field["type"] == "array":
        lines += ["  repeat: expr", f"  repeat-expr: {field['count']}"]
    if struct in GROWING and field["since"]:
        lines.append(f"  if: version >= {field['since']}")
    if "doc" in field:
        lines.append(f"  doc: {quoted(field['doc'])}")
    return lines


def kaitai_name(name: str) -> str:
    """Kaitai has lower-case names that begin with a letter."""
    return name.lower().lstrip("_").replace("isvga", "is_vga")


def quoted(text: str) -> str:
    """A YAML scalar; JSON's strings are some."""
    return json.dumps(text, ensure_ascii=False)


def contents(root: Path) -> dict[str, str]:
    spec = spec_tables.read(root)
    return {"fields.json": as_json(spec), "pvh.ksy": as_kaitai(spec)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file is not what it would be")
    options = parser.parse_args()
    try:
        made = contents(ROOT)
    except spec_tables.TableError as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    old = [name for name, text in made.items()
           if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text]
    for name in old:
        if options.check:
            print(f"spec/{name} is not what tools/write_spec.py writes")
        else:
            (FOLDER / name).write_text(made[name], encoding="utf-8")
            print(f"spec/{name} is written")
    return 1 if options.check and old else 0


if __name__ == "__main__":
    sys.exit(main())
