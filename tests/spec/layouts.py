# SPDX-License-Identifier: BSL-1.0
"""Runs in GDB: print the layout of every struct of pvhboot::abi and the enumerators of every enum, as JSON.

The objects of_NAME of the program have these types.
"""

import json
import re

import gdb

LE = re.compile(r"^pvhboot::le<(.+)>$")


def type_of(kind: gdb.Type) -> str:
    kind = kind.strip_typedefs()
    name = str(kind)
    if le := LE.match(name):
        inner = kind.template_argument(0)
        return inner.name.rpartition("::")[2] if inner.code == gdb.TYPE_CODE_ENUM else f"u{inner.sizeof * 8}"
    if name.startswith("pvhboot::array<"):
        elements = kind["elems_"].type
        return f"{type_of(elements.target())}[{elements.range()[1] + 1}]"
    if kind.code == gdb.TYPE_CODE_INT:
        return f"u{kind.sizeof * 8}"
    return name.rpartition("::")[2]


structs, enums = {}, {}
for symbol in gdb.lookup_static_symbols("main")[:1] or [gdb.lookup_global_symbol("main")]:
    for found in symbol.symtab.global_block():
        if not found.name.startswith("of_"):
            continue
        kind = found.type.strip_typedefs()
        name = found.name.removeprefix("of_")
        if kind.code == gdb.TYPE_CODE_ENUM:
            enums[name] = [kind.sizeof, [[value.name.rpartition("::")[2], value.enumval] for value in kind.fields()]]
        else:
            structs[name] = {"size": kind.sizeof, "fields": [
                [field.name, field.bitpos // 8, field.type.sizeof, type_of(field.type)] for field in kind.fields()]}
print(json.dumps({"structs": structs, "enums": enums}))
