# SPDX-License-Identifier: BSL-1.0
"""Read the field tables of include/pvhboot/spec, with the types and comments of the structs in include/pvhboot/abi.

The tables have names, offsets, sizes and versions; the structs have the types of the members. Both are C++ that the
compiler checks against each other, so a reader of text is enough here; tests/spec compares its result with what the
compiler wrote into debug information.
"""

import re
from pathlib import Path

import version

TABLES = ("xen", "linux", "elf")
PROTOCOLS = {"xen": "hvm_start_info.version", "linux": "the version of the boot protocol, major << 8 | minor", "elf": "none"}
STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.M | re.S)
MEMBER = re.compile(r"^  ([\w:<>(), -]+?) (\w+)(?:\{[^;\n]*\})?;(?:[ ]*///< (.*))?$", re.M)
ENUM = re.compile(r"^((?:///[^\n]*\n)*)enum class (\w+) : uint(\d+)_t \{\n(.*?)^\};", re.M | re.S)
ENUMERATOR = re.compile(r"^  (\w+) = (0x[0-9a-f]+|\d+)u?,(?:[ ]*///< (.*))?$", re.M)
ROW = re.compile(r"^PVHBOOT_(STRUCT|FIELD)\((\w+), (\w+), (\w+)(?:, (\w+), (\w+))?\)$")
MEANING = re.compile(r'^MEANING\((\w+), (\w+), "(.*)"\)$', re.M)
INTEGER = re.compile(r"le(16|32|64)|uint(8)_t")
ENUMERATION = re.compile(r"le<(\w+)>|(\w+)")
ARRAY = re.compile(r"array<([\w:]+), .+>")


class TableError(Exception):
    """A line that this reader does not understand, with its place."""


def read(root: Path) -> dict:
    headers = {path: path.read_text(encoding="utf-8") for path in sorted((root / "include/pvhboot/abi").glob("*.hpp"))}
    enums = {name: enum for text in headers.values() for name, enum in enums_of(text)}
    members = {name: member_rows(body) for text in headers.values() for name, body in STRUCT.findall(text)}
    meanings = {(struct, field): text.replace('\\"', '"') for struct, field, text in
                MEANING.findall((root / "tools/pvhboot/document/meanings.def").read_text(encoding="utf-8"))}
    structs = [struct for table in TABLES for struct in
               structs_of(root / f"include/pvhboot/spec/{table}.def", table, members, enums, meanings)]
    sizes = {struct["name"]: struct["size"] for struct in structs}
    for struct in structs:
        for field in struct["fields"]:
            check_size(struct["name"], field, sizes)
    return {"$schema": "fields.schema.json", "version": version.of(root / "include/pvhboot/version.hpp"),
            "structs": structs, "enums": list(enums.values())}


def enums_of(text: str) -> list[tuple[str, dict]]:
    found = []
    for comment, name, bits, body in ENUM.findall(text):
        values = [with_text({"name": value, "value": int(number, 0)}, "doc", doc)
                  for value, number, doc in ENUMERATOR.findall(body)]
        found.append((name, with_text({"name": name, "size": int(bits) // 8}, "doc", prose(comment)) | {"values": values}))
    return found


def member_rows(body: str) -> dict[str, tuple[str, str]]:
    return {name: (kind, doc) for kind, name, doc in MEMBER.findall(body)}


def structs_of(path: Path, table: str, members: dict, enums: dict, meanings: dict) -> list[dict]:
    found: list[dict] = []
    comments: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("//"):
            comments.append(line.removeprefix("//").strip())
            continue
        if not line:
            comments = []  # a citation stands above its structs; a blank line ends it
            continue
        row = ROW.match(line)
        if row is None:
            if not line.startswith("PVHBOOT_END("):
                raise TableError(f"{path}:{number}: not a row of a table: {line}")
            continue
        kind, struct, name, *numbers = row.groups()
        if kind == "STRUCT":
            source = " ".join(comments) or found[-1]["source"]
            found.append({"name": struct, "source": source, "since_counts": PROTOCOLS[table], "base": int(name, 0),
                          "size": int(numbers[0], 0), "fields": []})
            continue
        offset, size, since = (int(text, 0) for text in numbers)
        if struct not in members or name not in members[struct]:
            raise TableError(f"{path}:{number}: struct {struct} of include/pvhboot/abi has no member {name}")
        declared, comment = members[struct][name]
        field = {"name": name, "offset": offset, "size": size, "since": since} | shape(declared, size, enums)
        found[-1]["fields"].append(with_text(field, "doc", meanings.get((struct, name), comment)))
    return found


def shape(declared: str, size: int, enums: dict) -> dict:
    """The type of a member."""
    if integer := INTEGER.fullmatch(declared):
        return {"type": f"u{integer[1] or integer[2]}"}
    if array := ARRAY.fullmatch(declared):
        inner = shape(array[1], 0, enums)
        return {"type": "bytes"} if inner["type"] == "u8" else {"type": "array", "element": inner}
    if (enumeration := ENUMERATION.fullmatch(declared)) and (name := enumeration[1] or enumeration[2]) in enums:
        return {"type": f"u{enums[name]['size'] * 8}", "enum": name}
    return {"type": "struct", "struct": declared.removeprefix("abi::")}


def check_size(struct: str, field: dict, sizes: dict) -> None:
    """Adds the number of elements of an array. Raises TableError if type and size differ."""
    def size_of(kind: dict) -> int:
        return sizes[kind["struct"]] if kind["type"] == "struct" else int(kind["type"][1:]) // 8

    if field["type"] == "bytes":
        return
    if field["type"] == "array":
        element = size_of(field["element"])
        field["count"], rest = divmod(field["size"], element)
        if rest == 0:
            return
    elif size_of(field) == field["size"]:
        return
    raise TableError(f"{struct}.{field['name']}: {field['size']} bytes are not a {field['type']}")


def with_text(row: dict, key: str, text: str) -> dict:
    return row | {key: text} if text else row


def prose(comment: str) -> str:
    """The text of a comment of several lines."""
    return " ".join(line.removeprefix("///").strip() for line in comment.splitlines())
