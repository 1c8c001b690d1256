# SPDX-License-Identifier: BSL-1.0
"""Pretty-printers of GDB for le<T>, array<T, N>, string_ref and the wire structs.

    (gdb) source /usr/share/pvhboot/pvhboot_gdb.py
    (gdb) print *start_info
    (gdb) pvhboot-fields *start_info

A wire struct prints without the fields that its version does not have. `pvhboot-fields` prints a line for each field,
with its offset, value and meaning. The tables are those of fields.json, in the folder of this file.
"""

import json
import re
from pathlib import Path

import gdb
import gdb.printing

SPEC = json.loads((Path(__file__).resolve().parent / "fields.json").read_text(encoding="utf-8"))
STRUCTS = {struct["name"]: struct for struct in SPEC["structs"]}
ENUMS = {enum["name"]: {value["value"]: value["name"] for value in enum["values"]} for enum in SPEC["enums"]}
WIRE = re.compile(r"^pvhboot::abi::(\w+)$")
LE = re.compile(r"^pvhboot::le<(.+)>$")
FEW = 10  # smaller numbers are the same in decimal and hexadecimal digits


def bytes_of(value: gdb.Value) -> bytes:
    """The bytes of a value, also of one that is not in the memory of a process."""
    size = value.type.sizeof
    if value.address is not None:
        return bytes(gdb.selected_inferior().read_memory(int(value.address), size))
    raw = value.cast(gdb.lookup_type("unsigned char").array(size - 1)) if size else []
    return bytes(int(raw[i]) for i in range(size))


def number(value: gdb.Value) -> int:
    return int.from_bytes(bytes_of(value), "little")


def written(n: int, enum: str = "") -> str:
    """A number as a person reads it, with the name of its enumerator."""
    digits = str(n) if n < FEW else hex(n)
    name = ENUMS.get(enum, {}).get(n)
    return f"{digits} ({name})" if name else digits


class LePrinter:
    """le<T>: the number, and the name if T is an enumeration."""

    def __init__(self, value: gdb.Value) -> None:
        self.value = value

    def to_string(self) -> str:
        kind = LE.match(str(self.value.type.strip_typedefs().unqualified()))
        return written(number(self.value), kind[1].rpartition("::")[2] if kind else "")


class ArrayPrinter:
    """array<T, N>: bytes in hexadecimal digits, other elements one by one."""

    def __init__(self, value: gdb.Value) -> None:
        self.elements = value["elems_"]

    def display_hint(self) -> str:
        return "array"

    def to_string(self) -> str | None:
        if self.elements.type.target().strip_typedefs().sizeof != 1:
            return None
        return bytes_of(self.elements).hex(" ")

    def children(self):
        if self.elements.type.target().strip_typedefs().sizeof == 1:
            return
        low, high = self.elements.type.range()
        for i in range(low, high + 1):
            yield str(i), self.elements[i]


class StringPrinter:
    """string_ref: its characters."""

    def __init__(self, value: gdb.Value) -> None:
        self.value = value

    def display_hint(self) -> str:
        return "string"

    def to_string(self) -> str:
        data = self.value["bytes_"] if int(self.value["bytes_"]) else self.value["chars_"]
        return data.string(length=int(self.value["size_"]), errors="replace") if int(data) else ""


def present_fields(value: gdb.Value, struct: dict) -> list[dict]:
    """The fields that the structure has. One that can grow has its version in a field of this name."""
    counted = struct["since_counts"] == f"{struct['name']}.version"
    version = number(value["version"]) if counted else 0xFFFF
    return [field for field in struct["fields"] if field["since"] <= version]


class WirePrinter:
    """A struct of pvhboot::abi: the fields that its version has."""

    def __init__(self, value: gdb.Value, struct: dict) -> None:
        self.value = value
        self.struct = struct

    def to_string(self) -> str:
        return self.struct["name"]

    def children(self):
        for field in present_fields(self.value, self.struct):
            member = self.value[field["name"]]
            # GDB would print a byte as a character too.
            yield field["name"], gdb.Value(number(member)) if field["type"] == "u8" else member


class Printers(gdb.printing.PrettyPrinter):
    """Chooses a printer by the name of the type, without typedefs and qualifiers."""

    def __init__(self) -> None:
        super().__init__("pvhboot")

    def __call__(self, value: gdb.Value):
        name = str(value.type.strip_typedefs().unqualified())
        if LE.match(name):
            return LePrinter(value)
        if name.startswith("pvhboot::array<"):
            return ArrayPrinter(value)
        if name == "pvhboot::string_ref":
            return StringPrinter(value)
        wire = WIRE.match(name)
        return WirePrinter(value, STRUCTS[wire[1]]) if wire and wire[1] in STRUCTS else None


class Fields(gdb.Command):
    """pvhboot-fields EXPRESSION: print each field of a wire struct, with its offset, value and meaning."""

    def __init__(self) -> None:
        super().__init__("pvhboot-fields", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        if not argument:
            raise gdb.GdbError("pvhboot-fields: expected an expression")
        value = gdb.parse_and_eval(argument)
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF):
            value = value.referenced_value()
        wire = WIRE.match(str(value.type.strip_typedefs().unqualified()))
        if wire is None or wire[1] not in STRUCTS:
            raise gdb.GdbError(f"pvhboot-fields: {value.type} is no struct of pvhboot::abi with a table of fields")
        struct = STRUCTS[wire[1]]
        present = present_fields(value, struct)
        widest = max(len(field["name"]) for field in struct["fields"])
        for field in struct["fields"]:
            text = self.text(value[field["name"]], field) if field in present else f"absent before version {field['since']}"
            meaning = f"  {field['doc']}" if "doc" in field else ""
            gdb.write(f"{field['offset']:#05x}  {field['name']:<{widest}}  {text:<18}{meaning}\n")

    @staticmethod
    def text(value: gdb.Value, field: dict) -> str:
        if field["type"].startswith("u"):
            return written(number(value), field.get("enum", ""))
        return f"{field['size']} bytes" if field["type"] == "bytes" else value.format_string(max_elements=4)


gdb.printing.register_pretty_printer(gdb.current_objfile(), Printers(), replace=True)
Fields()
