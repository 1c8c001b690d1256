# SPDX-License-Identifier: BSL-1.0
"""The fuzz harnesses: every C++ file of examples/fuzz that defines LLVMFuzzerTestOneInput.

As a program it prints their names, or with --with-corpus those for which inputs are kept; Meson reads that.
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
