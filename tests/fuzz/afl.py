#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""AFL++ with a main and a secondary process on one harness: both run, and they exchange inputs. The same source has a
main for honggfuzz."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import fuzz_build
import harnesses
from common import missing, run, skip
from lab import ROOT

# Stands in for honggfuzz, whose library is not packaged: three inputs, then the end.
HONGGFUZZ = """
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
extern "C" void HF_ITER(const uint8_t** data, size_t* size) {
  static const uint8_t bytes[] = {2, 4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 1, 0, 16, 0};
  static unsigned turns = 0;
  if (turns == 3) {
    std::puts("three inputs");
    std::exit(0);
  }
  *data = bytes;
  *size = sizeof bytes - turns++;
}
"""


def honggfuzz(compiler: str, folder: Path) -> str:
    """What is wrong with the main for honggfuzz, or an empty string."""
    stub = folder / "honggfuzz.cpp"
    stub.write_text(HONGGFUZZ, encoding="utf-8")
    program = folder / "notes-honggfuzz"
    built = run([compiler, "-std=c++20", "-DFUZZ_HONGGFUZZ", f"-I{ROOT / 'include'}", harnesses.SOURCES / "notes.cpp",
                 harnesses.SOURCES / "persistent.cpp", stub, "-o", program])
    if built.returncode:
        return built.stderr
    done = run([program])
    return "" if (done.returncode, done.stdout) == (0, "three inputs\n") else f"{done.returncode}: {done.stdout}{done.stderr}"


def main() -> int:
    compiler = fuzz_build.clang()
    if not compiler:
        return skip("no clang++ with libFuzzer is installed")
    with tempfile.TemporaryDirectory(prefix="pvhboot-afl-") as folder:
        if wrong := honggfuzz(compiler, Path(folder)):
            print(f"the main for honggfuzz: {wrong}")
            return 1
        if tool := missing("afl-fuzz", "afl-clang-fast++"):
            return skip(f"{tool} is not installed (Debian: afl++)")
        done = subprocess.run([sys.executable, str(ROOT / "tools" / "devtool.py"), "fuzz", "notes", "--engine", "afl",
                               "--jobs", "2", "--time", "25", "--seed", "7", "--build", folder],
                              capture_output=True, text=True, timeout=600, check=False)
        print(done.stdout)
        stats = list(Path(folder).glob("notes/afl-out/*/fuzzer_stats"))
    exchanged = re.search(r"notes: Done (\d+) runs, (\d+) inputs exchanged", done.stdout)
    if done.returncode or not exchanged or int(exchanged[1]) == 0 or int(exchanged[2]) == 0 or len(stats) != 2:
        print(f"two processes that exchange inputs did not run:\n{done.stderr}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
