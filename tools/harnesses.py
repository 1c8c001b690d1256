# SPDX-License-Identifier: BSL-1.0
"""List the fuzz harnesses: the C++ files of examples/fuzz that define LLVMFuzzerTestOneInput.

As a program it prints their names, or with --with-corpus the names of those with a corpus. Meson reads this list.
"""

import re
import sys

from lab import ROOT

SOURCES = ROOT / "examples" / "fuzz"
CORPUS = SOURCES / "corpus"
ENTRY = re.compile(r"\bLLVMFuzzerTestOneInput\s*\([^)]*\)\s*(?:noexcept\s*)?\{")


def names() -> list[str]:
    return sorted(path.stem for path in SOURCES.glob("*.cpp") if ENTRY.search(path.read_text(encoding="utf-8")))


def with_corpus() -> list[str]:
    return [name for name in names() if (CORPUS / name).is_dir() and any((CORPUS / name).iterdir())]


if __name__ == "__main__":
    print("\n".join(with_corpus() if "--with-corpus" in sys.argv[1:] else names()))
