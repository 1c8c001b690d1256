# SPDX-License-Identifier: BSL-1.0
"""List the fuzz harnesses: the C++ files of examples/fuzz that define LLVMFuzzerTestOneInput.

As a program it prints their names, or with --with-corpus the names of those with a corpus, or with --flags NAME the
flags that clang needs for one. Meson and the build of OSS-Fuzz read these lists.
"""

import re
import sys

from lab import ROOT

SOURCES = ROOT / "examples" / "fuzz"
CORPUS = SOURCES / "corpus"
FLAGS = re.compile(r"^// Flags: (.*)$", re.M)  # in the comment at the top of a harness
HOSTED = ("tool", "vmm")  # need the libraries of tools/pvhboot and examples/vmm, and the build machine
ENTRY = re.compile(r"\bLLVMFuzzerTestOneInput\s*\([^)]*\)\s*(?:noexcept\s*)?\{")


def names() -> list[str]:
    return sorted(path.stem for path in SOURCES.glob("*.cpp") if ENTRY.search(path.read_text(encoding="utf-8")))


def with_corpus() -> list[str]:
    return [name for name in names() if (CORPUS / name).is_dir() and any((CORPUS / name).iterdir())]


def flags(name: str) -> list[str]:
    found = FLAGS.search((SOURCES / f"{name}.cpp").read_text(encoding="utf-8"))
    return found[1].split() if found else []


if __name__ == "__main__":
    if sys.argv[1:2] == ["--flags"]:
        print(" ".join(flags(sys.argv[2])))
    else:
        print("\n".join(with_corpus() if "--with-corpus" in sys.argv[1:] else names()))
