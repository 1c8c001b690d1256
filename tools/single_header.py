# SPDX-License-Identifier: BSL-1.0
"""Make one file of the headers that pvhboot.hpp and producer.hpp include, and one file of each opt-in.

A header lies once in pvhboot_all.hpp, after the headers that it includes. A table (.def) is copied to every place that
includes it. The result depends on the headers, the licence and the commit alone, not on the folder, the time or Git.
"""

import re
from pathlib import Path

from lab import LabError

ALL = "pvhboot_all.hpp"
BEGIN, END = "abi/begin.def", "abi/end.def"
CONSUMER, PRODUCER = "pvhboot.hpp", "producer.hpp"  # what these include is what the macros of the same names select
INCLUDE = re.compile(r"#include <pvhboot/(\S+)>")
LICENCE_LINE = "// SPDX-License-Identifier: BSL-1.0"
ONCE = "#pragma once"
HEAD = """\
// pvhboot {version} in one file, commit {commit}.
//
// The headers of a kernel or a boot loader, <pvhboot/pvhboot.hpp>, are the default. Those of a hypervisor,
// <pvhboot/producer.hpp>, are selected by a macro, which replaces the default; define both macros for both:
//
//     #define PVHBOOT_PRODUCER  // and PVHBOOT_CONSUMER
//     #include "{all}"
//
// The file may be included again with another selection. The opt-ins are files beside this one, with the path of their
// header in the name: <pvhboot/pvh/lint.hpp> is pvhboot_pvh_lint.hpp. Do not include the headers of <pvhboot/> as well.
// tools/single_header.py made this file; change the headers instead.
"""
HEAD_OF_OPT_IN = """\
// <pvhboot/{name}> for use with {all}: pvhboot {version},
// commit {commit}.
"""


class Headers:
    """The headers below a folder include/pvhboot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: dict[str, list[str]] = {}

    def read(self, name: str) -> list[str]:
        """The lines after the licence."""
        if name not in self.lines:
            try:
                text = (self.folder / name).read_text(encoding="utf-8")
            except OSError as why:
                raise LabError(f"{self.folder / name}: {why.strerror}") from why
            self.lines[name] = text.removeprefix(f"{LICENCE_LINE}\n").removeprefix("//\n").splitlines()
        return self.lines[name]

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.hpp"))

    def included(self, name: str) -> list[str]:
        """The headers that a header includes itself. The one file would have one in a conditional for everybody."""
        found, depth = [], 0
        for line in self.read(name):
            depth += line.startswith("#if")
            depth -= line.startswith("#endif")
            include = INCLUDE.match(line)
            if include and include[1].endswith(".hpp"):
                if depth:
                    raise LabError(f"{self.folder / name}: {line}: a header is included in a conditional")
                found.append(include[1])
        return found

    def order(self, name: str, before: tuple[str, ...] = ()) -> list[str]:
        """A header and all that it includes, each after what it includes itself."""
        if name in before:
            raise LabError(f"{self.folder / name}: the header includes itself, by {' and '.join(before)}")
        found: list[str] = []
        for other in self.included(name):
            found += [one for one in self.order(other, (*before, name)) if one not in found]
        return [*found, name]


class Text:
    """The text of one file. A table has its comments only where it comes first."""

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.lines: list[str] = []
        self.tables: set[str] = set()

    def add(self, *lines: str) -> None:
        self.lines += lines

    def add_table(self, name: str) -> None:
        again = name in self.tables
        self.tables.add(name)
        for line in self.headers.read(name):
            include = INCLUDE.match(line)
            if include and include[1].endswith(".def"):
                self.add_table(include[1])
            elif not (again and line.startswith("//")):
                self.add(line)

    def add_header(self, name: str, between: bool) -> None:
        """Without the headers that it includes. `between`: it comes after begin.def and before end.def."""
        for line in self.headers.read(name):
            include = INCLUDE.match(line)
            if include and include[1].endswith(".def"):
                if not between or include[1] not in (BEGIN, END):
                    self.add_table(include[1])
            elif not include and line != ONCE:
                if between and line.startswith("#include"):
                    raise LabError(f"{self.headers.folder / name}: {line}: {ALL} needs no other header")
                self.add(line)

    def __str__(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)) + "\n"


def file_of(name: str) -> str:
    """The name of the file of an opt-in: pvhboot_pvh_lint.hpp."""
    return f"pvhboot_{name.replace('/', '_')}"


def parts(headers: Headers) -> tuple[list[str], list[str], list[str]]:
    """The headers of both selections, of the consumer's alone and of the producer's alone."""
    consumer, producer = headers.order(CONSUMER), headers.order(PRODUCER)
    return ([name for name in consumer if name in producer], [name for name in consumer if name not in producer],
            [name for name in producer if name not in consumer])


def files(headers: Headers, licence: str, version: str, commit: str) -> dict[str, str]:
    """The text of each file by its name."""
    values = {"version": version, "commit": commit, "all": ALL}
    shared, consumer, producer = parts(headers)
    text = Text(headers)
    text.add(LICENCE_LINE, "//", *HEAD.format(**values).splitlines(), "//",
             *(f"// {line}".rstrip() for line in licence.splitlines()), "")
    text.add_table(BEGIN)
    for condition, mark, names in (
            ("!defined(PVHBOOT_ALL_SHARED_)", "PVHBOOT_ALL_SHARED_", shared),
            ("!defined(PVHBOOT_ALL_CONSUMER_) && (defined(PVHBOOT_CONSUMER) || !defined(PVHBOOT_PRODUCER))",
             "PVHBOOT_ALL_CONSUMER_", consumer),
            ("!defined(PVHBOOT_ALL_PRODUCER_) && defined(PVHBOOT_PRODUCER)", "PVHBOOT_ALL_PRODUCER_", producer)):
        text.add("", f"#if {condition}", f"#define {mark}")
        for name in names:
            text.add("", f"// <pvhboot/{name}>")
            text.add_header(name, between=True)
        text.add("", "#endif")
    text.add("")
    text.add_table(END)
    made = {ALL: str(text)}
    within = {*shared, *consumer, *producer}
    for name in headers.names():
        if name not in within:
            made[file_of(name)] = opt_in(headers, name, HEAD_OF_OPT_IN.format(name=name, **values))
    return made


def opt_in(headers: Headers, name: str, head: str) -> str:
    """The file of a header that is not in the one file: it selects what it needs there and includes other opt-ins."""
    shared, consumer, producer = map(set, parts(headers))
    within = shared | consumer | producer
    needed = set(headers.order(name))
    text = Text(headers)
    text.add(LICENCE_LINE, "//", *head.splitlines(), ONCE, "")
    selections = [macro for macro, block in (("PVHBOOT_CONSUMER", consumer), ("PVHBOOT_PRODUCER", producer)) if needed & block]
    if needed & within:
        for macro in selections:
            text.add(f'#pragma push_macro("{macro}")', f"#undef {macro}", f"#define {macro}")
        text.add(f'#include "{ALL}"')
        text.add(*(f'#pragma pop_macro("{macro}")' for macro in selections))
    text.add(*(f'#include "{file_of(other)}"' for other in headers.included(name) if other not in within))
    text.add("")
    text.add_header(name, between=False)
    return str(text)
