# SPDX-License-Identifier: BSL-1.0
"""Parse the library's own files: the constants in include/pvhboot/abi and the rows in include/pvhboot/spec."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ABI = "include/pvhboot/abi"
SPEC = "include/pvhboot/spec"

SCOPE = re.compile(r"^(?:enum class (\w+) : (\w+) \{|namespace (\w+) \{)$")
ENUMERATOR = re.compile(r"^\s+(\w+) = ([^,]+),(?:\s+///< (.*))?$")
VARIABLE = re.compile(r"^inline constexpr (\w+) (\w+) = ([^;]+);(?:\s+///< (.*))?$")
C_NAME = re.compile(r"(?:[A-Z_][A-Z0-9_]{2,}|XENFEAT_\w+|XENMEM_\w+|__HYPERVISOR_\w+|efi_secureboot_mode_\w+)(?=[,:]|$)")


@dataclass
class Constant:
    header: str
    name: str  # within namespace pvhboot
    value: str  # as written in the header
    theirs: list[str]  # the C names in its comment


@dataclass
class Struct:
    name: str
    table: str  # the .def file's stem
    base: int
    size: int
    fields: list[tuple[str, int, int, int]] = field(default_factory=list)  # name, offset, size, first version


def c_names(comment: str | None) -> list[str]:
    """The C names at the beginning of a comment: "NAME, OTHER: description"."""
    names = []
    text = comment or ""
    while match := C_NAME.match(text):
        names.append(match[0])
        text = text[match.end():]
        if not text.startswith(", "):
            break
        text = text[2:]
    return names


def constants(root: Path) -> list[Constant]:
    found = []
    for path in sorted((root / ABI).glob("*.hpp")):
        scope = ""
        comment_above: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := SCOPE.match(line):
                scope = match[1] or match[3]
            elif line.startswith("}"):
                scope = ""
            match = ENUMERATOR.match(line)
            if match and scope:
                found.append(Constant(path.name, f"{scope}::{match[1]}", match[2], c_names(match[3])))
            elif match := VARIABLE.match(line):
                names = c_names(match[4]) or c_names(" ".join(comment_above))
                found.append(Constant(path.name, f"{scope or 'abi'}::{match[2]}", match[3], names))
            comment_above = [line[4:]] if line.startswith("/// ") else []
    return found


def structs(root: Path) -> dict[str, Struct]:
    found: dict[str, Struct] = {}
    for path in sorted((root / SPEC).glob("*.def")):
        for macro, arguments in re.findall(r"^PVHBOOT_(STRUCT|FIELD)\((.*)\)$", path.read_text(encoding="utf-8"), re.M):
            words = [word.strip() for word in arguments.split(",")]
            if macro == "STRUCT":
                found[words[0]] = Struct(words[0], path.stem, int(words[1], 0), int(words[2], 0))
            else:
                owner = found[words[0]]
                owner.fields.append((words[1], int(words[2], 0) - owner.base, int(words[3], 0), int(words[4], 0)))
    return found
