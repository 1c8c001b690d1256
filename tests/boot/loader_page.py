#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Start Linux with a boot loader made of the C++ blocks of docs/loader.md. Exit with 0, 1, or 77 (skipped)."""

import re
import sys
import tempfile
from pathlib import Path

from common import missing, run_or_exit, skip, skip_without
from lab import ROOT, LabError, boot, packages, qemu

TEMPLATE = ROOT / "examples" / "template" / "make"
FLAGS = ["-m32", "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", "-ffreestanding",
         "-fno-exceptions", "-fno-rtti", "-fno-pic", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-fcf-protection=none", "-mgeneral-regs-only", "-nostdinc++", "-fno-threadsafe-statics"]
LINK = ["-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", "-Wl,-z,noexecstack",
        f"-Wl,-T,{TEMPLATE / 'identity.ld'}"]
BEFORE = f"""#include "{ROOT / 'tests/docs/prelude.hpp'}"
#include "{TEMPLATE / 'support.hpp'}"
#include <pvhboot/pvh/entry.hpp>
extern "C" const char kernel_end[];
uint8_t* pointer(uint64_t paddr) {{ return reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(paddr)); }}
uint64_t address(const char* symbol) {{ return reinterpret_cast<uintptr_t>(symbol); }}
uint64_t kernel_size() {{ return address(kernel_end) - address(kernel_begin); }}
"""
AFTER = """
static void kernel_main(uint32_t start_info) {
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info);
  if (!boot) return print(message(boot.error().code));
  const auto r = prepare(*boot);
  if (!r) return print(message(r.error().code));
  print("loader: entering");
  enter(r->layout, r->code);
}
PVHBOOT_ENTRY_32(kernel_main, 16384);
"""


def build(folder: Path) -> Path:
    page = (ROOT / "docs" / "loader.md").read_text(encoding="utf-8")
    source, program = folder / "loader.cpp", folder / "loader.elf"
    source.write_text(BEFORE + "\n".join(re.findall(r"^```cpp\n(.*?)^```$", page, re.M | re.S)) + AFTER, encoding="utf-8")
    run_or_exit(["g++", *FLAGS, "-c", source, "-o", folder / "loader.o"])
    run_or_exit(["g++", "-m32", *LINK, folder / "loader.o", "-o", program])
    return program


def main() -> int:
    if tool := missing("g++", "qemu-system-x86_64"):
        return skip_without(tool)
    try:
        kernel = packages.kernel()
    except packages.Unavailable as why:
        return skip(why)
    append = f"{boot.DEFAULT_APPEND} carried.over=1"
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        try:
            done = qemu.start(qemu.Machine(build(Path(scratch)), kernel, append), 200)
        except LabError as why:
            print(why)
            return 1
    # Without an initrd Linux panics, and restarts the machine.
    wanted = ("loader: entering", "Linux version", f"Command line: {append}", "ACPI: RSDP",
              "Kernel panic - not syncing: VFS")
    lost = [text for text in wanted if not any(text in line for line in done.lines)]
    print("\n".join(f"the console does not show {text!r}" for text in lost) or "Linux started")
    if lost or done.end != qemu.RESET:
        print(f"{done.how()}:\n{done.tail()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
