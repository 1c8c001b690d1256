#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Plant bugs in copies of the project. Each harness must find its own within five minutes.

A bug is an exact replacement of text, in the library or in the example that the harness drives. The harness starts with
the committed corpus, as ./dev fuzz does. docs/robustness.md has a table of the results.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import fuzz_build
import fuzz_libfuzzer
import harnesses
from common import skip
from lab import ROOT

LIMIT = 300  # seconds
COPIED = ("include", "examples/fuzz", "examples/chainload", "examples/vmm", "tools/pvhboot")

@dataclass
class Bug:
    harness: str
    kind: str
    file: str  # below include/pvhboot, or below the project
    old: str
    new: str

BUGS = (
    Bug("parse", "a bound off by one", "pvh/parse.hpp", "if (n > limits.modules)", "if (n > limits.modules + 1)"),
    Bug("parse", "text read one byte past its limit", "pvh/parse.hpp",
        "const uint64_t last = limit < ~paddr ? paddr + limit : ~uint64_t{};",
        "const uint64_t last = limit < ~paddr ? paddr + limit + 1 : ~uint64_t{};"),
    Bug("parse", "lint forgets to read the RSDP within its size", "pvh/lint.hpp",
        "for (size_t i = 0; i < abi::rsdp_v1_size; ++i) {", "for (size_t i = 0; i <= abi::rsdp_v1_size; ++i) {"),
    Bug("sanitize", "a shared byte is no overlap", "core/memory_map.hpp",
        "if (i != 0 && r.addr <= before) return false;", "if (i != 0 && r.addr < before) return false;"),
    Bug("map", "a wrapped sum", "core/memory_map.hpp",
        "parts[2] = {r.addr, r.last() - r.addr + 1, r.type};", "parts[2] = {r.addr, r.size, r.type};"),
    Bug("map", "a merge whose size wraps to 0", "core/memory_map.hpp",
        "low->last() + 1 == r.addr && low->size + r.size != 0)", "low->last() + 1 == r.addr)"),
    Bug("bzimage", "a sum of 32 bits", "linux/bzimage.hpp",
        "if (payload_end > image.code_size_)", "if (static_cast<uint32_t>(payload_end) > image.code_size_)"),
    Bug("translate", "a counter of eight bits", "linux/zero_page.hpp",
        "static_cast<uint8_t>(all.first(slots).size());", "static_cast<uint8_t>(all.size());"),
    Bug("notes", "padding by p_align", "elf/notes.hpp",
        "return align == 8 && !fits(bytes, 4, budget) && fits(bytes, 8, budget) ? 8 : 4;",
        "return align == 8 && fits(bytes, 8, budget) ? 8 : 4;"),
    Bug("notes", "a bound off by one", "elf/notes.hpp", "if (name_end > size) {", "if (name_end > size + 1) {"),
    Bug("image", "a bound off by one", "elf/image.hpp",
        "n * entry_size <= file_.size() - offset;", "n * entry_size <= file_.size() - offset + 1;"),
    Bug("image", "a wrapped sum", "elf/image.hpp",
        "if (s.memsz > ~s.paddr) return", "if (s.memsz > ~s.paddr + 1) return"),
    Bug("explain", "a bound of the wrong size", "pvh/explain.hpp",
        "!has(desc, is_64_ ? 8 : 4)", "!has(desc, 4)"),
    Bug("patch", "used bytes taken for free ones", "pvh/patch_note.hpp",
        "if (s.type != segment_type::null && meets(s.offset, s.filesz)) return false;",
        "if (s.type == segment_type::load && meets(s.offset, s.filesz)) return false;"),
    Bug("write", "a missing check for NUL", "pvh/handoff.hpp",
        "if (first_nul(m.cmdline) != m.cmdline.size()) return {errc::handoff_nul_in_module_cmdline, i};", ""),
    Bug("plan", "a limit of 33 bits", "pvh/plan.hpp",
        "find_page(m.size != 0 ? m.size : 1, request_.modules_highest, {});",
        "find_page(m.size != 0 ? m.size : 1, request_.modules_highest << 1, {});"),
    Bug("plan", "a piece that is not taken out", "pvh/plan.hpp",
        "for (size_t i = 0; i < things(); ++i) take(placed(i));",
        "for (size_t i = 1; i < things(); ++i) take(placed(i));"),
    Bug("xen", "a full buffer accepted", "xen/xen.hpp",
        "if (nr_entries == capacity) return", "if (nr_entries > capacity) return"),
    Bug("setup_data", "a wrapped sum", "linux/setup_data.hpp",
        "if (node.len.get() > 0xffffffff - sizeof node) return", "if (node.len.get() + uint32_t{sizeof node} > 0xffffffff) return"),
    Bug("setup_data", "room for the payload but not its header", "linux/setup_data.hpp",
        "size_of(payload) <= storage_.size() - used_", "payload <= storage_.size() - used_"),
    Bug("live", "a double fetch", "linux/setup_data.hpp",
        ".payload = {payload, node.len}});",
        ".payload = {payload, static_cast<size_t>(head[12]) | static_cast<size_t>(head[13]) << 8}});"),
    Bug("live", "a double fetch of a count", "pvh/parse.hpp",
        "modules_ = memory_.bytes(info_.modlist_paddr, uint64_t{n} * sizeof(abi::hvm_modlist_entry));",
        "modules_ = memory_.bytes(info_.modlist_paddr, uint64_t{n} * sizeof(abi::hvm_modlist_entry));\n"
        "    load_part(info_, 12, head + 12, 4);"),
    Bug("interface", "two limits confused", "c/pvhboot_c.cpp",
        "chosen = {limits->memmap_entries, limits->modules,", "chosen = {limits->modules, limits->memmap_entries,"),
    Bug("interface", "a place that is not reported", "c/pvhboot_c.cpp",
        "return {static_cast<errc>(stop), node.paddr};", "return {static_cast<errc>(stop), node.next};"),
    Bug("chainload", "a bound off by one", "examples/chainload/cpio.hpp",
        "size > entry.size() - data_at) return found;", "size > entry.size() - data_at + 1) return found;"),
    Bug("chainload", "a module that is not reserved", "pvh/extents.hpp",
        "static_cast<void>(reserve(map, e.addr, e.size));",
        "if (e.module != 1) static_cast<void>(reserve(map, e.addr, e.size));"),
    Bug("tool", "verdicts on a part of the file", "tools/pvhboot/document/kernel.hpp",
        "pvhboot::explain(file, reader);", "pvhboot::explain(file.after(1), reader);"),
    Bug("vmm", "two things in one place", "examples/vmm/boot.cpp",
        "if (auto done = map.overwrite({*rsdp, acpi_bytes, memory_type::acpi}); !done) return done.error();", ""),
)

def planted(bug: Bug, to: Path) -> None:
    for folder in COPIED:
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("corpus", "web"))
    file = to / bug.file if (to / bug.file).exists() else to / "include" / "pvhboot" / bug.file
    text = file.read_text(encoding="utf-8")
    if bug.old not in text:
        sys.exit(f"{bug.harness}: {bug.file} has no line: {bug.old}")
    file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")

def search(compiler: str, bug: Bug, limit: int) -> str:
    """Run the harness until it finds the bug. What it reports, with seconds and executions; empty if it finds none."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-planted-") as folder:
        room = Path(folder)
        planted(bug, room)
        program = fuzz_build.libfuzzer(compiler, bug.harness, "address", "-O1", room, room)
        tokens = fuzz_build.dictionary(compiler, bug.harness, room)
        found = room / "found"
        found.mkdir()
        began = time.monotonic()
        done = subprocess.run([program, f"-max_total_time={limit}", fuzz_libfuzzer.ONE_INPUT, "-seed=1",
                               fuzz_libfuzzer.longest([harnesses.CORPUS / bug.harness]), "-entropic=0",
                               f"-dict={tokens}", found, harnesses.CORPUS / bug.harness], cwd=room,
                              capture_output=True, text=True, errors="replace", timeout=limit + 120, check=False)
        seconds = time.monotonic() - began
    if done.returncode == 0:
        return ""
    counts = [int(n) for n in re.findall(r"^#(\d+)\s", done.stderr, re.M)]
    reports = re.findall(r"broken law: .*|ERROR: AddressSanitizer: [\w-]+|runtime error: .*|ERROR: libFuzzer: timeout", done.stderr)
    return f"{reports[0] if reports else 'stopped'} | {seconds:.1f} s, about {max(counts, default=0)} executions"

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("harnesses", nargs="*", metavar="HARNESS", help="only the bugs of these harnesses")
    parser.add_argument("--limit", type=int, default=LIMIT, help="seconds for each bug")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    compiler = fuzz_build.clang()
    if not compiler:
        return skip("no clang++ with libFuzzer is installed")
    without = sorted(set(harnesses.names()) - {bug.harness for bug in BUGS})
    if without:
        print(f"no bug is planted for: {', '.join(without)}")
        return 1
    bugs = [bug for bug in BUGS if not options.harnesses or bug.harness in options.harnesses]
    missed = 0

    def one(bug: Bug) -> bool:
        report = search(compiler, bug, options.limit)
        print(f"{bug.harness}: {bug.kind} ({bug.file}): {report or 'NOT FOUND'}", flush=True)
        return bool(report)

    with ThreadPoolExecutor(options.jobs) as pool:
        missed = list(pool.map(one, bugs)).count(False)
    print(f"{len(bugs) - missed} of {len(bugs)} planted bugs were found")
    return 1 if missed else 0

if __name__ == "__main__":
    sys.exit(main())
