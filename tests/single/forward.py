# SPDX-License-Identifier: BSL-1.0
"""A folder with pvhboot_all.hpp and its opt-ins, and with headers pvhboot/... that include them.

So every test that includes <pvhboot/...> compiles with the one file without a change.
"""

import shutil
from pathlib import Path

import command_single
import single_header
from lab import ROOT

COMMIT = "0123456789abcdef"


def write(folder: Path) -> None:
    for name, text in command_single.make(COMMIT).items():
        (folder / name).write_text(text, encoding="utf-8")
    headers = single_header.Headers(ROOT / "include" / "pvhboot")
    shared, consumer, producer = single_header.parts(headers)
    for path in headers.folder.rglob("*"):
        target = folder / "pvhboot" / path.relative_to(headers.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.suffix != ".hpp":
            shutil.copy(path, target)  # tests include tables, and C the C interface
    for name in headers.names():
        if name in shared or name in consumer:
            text = selecting("PVHBOOT_CONSUMER")
        elif name in producer:
            text = selecting("PVHBOOT_PRODUCER")
        else:
            text = f"#include <{single_header.file_of(name)}>\n"
        (folder / "pvhboot" / name).write_text(f"#pragma once\n{text}", encoding="utf-8")


def selecting(macro: str) -> str:
    return (f'#pragma push_macro("{macro}")\n#undef {macro}\n#define {macro}\n#include <{single_header.ALL}>\n'
            f'#pragma pop_macro("{macro}")\n')
