#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot probe.cpp with each option of the entry code, and compare what it prints. Exit with 0, 1, or 77 (skipped).

A relocating loader is played by this script: it changes the physical addresses of the segments and of the note.
"""

import argparse
import os
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from common import missing, run, skip_without
from lab import ROOT, LabError, qemu

HERE = Path(__file__).resolve().parent
SCRIPTS = ROOT / "examples" / "template" / "make"
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT / 'include'}", "-ffreestanding",
         "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-mgeneral-regs-only", "-mno-red-zone", "-nostdinc++"]
LINK = ["-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", "-Wl,-z,noexecstack"]
HIGH = 0xFFFFFFFF80000000
OTHER_HIGH = 0xFFFF800000000000
MIB = 1 << 20
LINKED_AT = 2 * MIB
TIMEOUT = 60
NX = 0xD00  # LME, LMA, NXE
NO_CPU = "pvhboot: this CPU has no "


@dataclass(frozen=True)
class Case:
    """A kernel, the place where it is loaded, the machine, and what it prints in place of its facts."""

    name: str
    bits: int = 64
    base: int = 0
    options: str = "0"
    flags: tuple[str, ...] = ("-O2", "-fno-pic")
    assembler: bool = False
    moved: int = 0
    memory: str = "256M"
    machine: str = "q35"
    extra: tuple[str, ...] = ()
    dirty: bool = False  # the loader fills the BSS instead of clearing it
    high: bool = False
    refusal: str = ""
    efer: int = NX

    def entry(self) -> str:
        if self.base:
            return f"PVHBOOT_ENTRY_64_HIGH(kernel_main, 8192, {self.base:#x}, {self.options})"
        return f"PVHBOOT_ENTRY_{self.bits}(kernel_main, 8192, {self.options})"


MOVABLE = "PVHBOOT_ENTRY_RELOCATABLE"
PIE = ("-O2", "-fpie", "-fvisibility=hidden")
KERNEL = ("-O2", "-fno-pic", "-mcmodel=kernel")
LARGE = ("-O2", "-fno-pic", "-mcmodel=large")
BELOW_4G = ("-machine", "max-ram-below-4g=3584M")

CASES = [
    Case("32 bits", 32),
    Case("32 bits, arguments in registers", 32, flags=("-O2", "-fno-pic", "-mregparm=3")),
    Case("32 bits, not optimised", 32, flags=("-O0", "-fno-pic")),
    Case("32 bits, assembler source", 32, assembler=True),
    Case("32 bits, BSS", 32, options="PVHBOOT_ENTRY_CLEAR_BSS", dirty=True),
    Case("32 bits, moved", 32, options=MOVABLE, flags=PIE, moved=200 * MIB),
    Case("32 bits, may move and stays", 32, options=MOVABLE, flags=PIE),
    Case("64 bits"),
    Case("64 bits, not optimised", flags=("-O0", "-fno-pic")),
    Case("64 bits, link-time optimisation", flags=("-O2", "-fno-pic", "-flto")),
    Case("64 bits, assembler source", assembler=True),
    Case("64 bits, BSS", options="PVHBOOT_ENTRY_CLEAR_BSS", dirty=True),
    Case("64 bits, moved", options=MOVABLE, flags=PIE, moved=100 * MIB),
    Case("64 bits, moved above 2 GiB", options=MOVABLE, flags=PIE, moved=3000 * MIB, memory="4G", machine="pc",
         extra=BELOW_4G),
    Case("64 bits, 1 GiB pages", options="PVHBOOT_ENTRY_1G_PAGES", memory="5G", extra=("-cpu", "max"), high=True),
    Case("64 bits, no 1 GiB pages", options="PVHBOOT_ENTRY_1G_PAGES", refusal=f"{NO_CPU}pages of 1 GiB"),
    Case("64 bits, no long mode", extra=("-cpu", "qemu64,-lm"), refusal=f"{NO_CPU}long mode"),
    Case("64 bits, no CPUID leaf", extra=("-cpu", "qemu32"), refusal=f"{NO_CPU}long mode"),
    Case("64 bits, no NX", extra=("-cpu", "qemu64,-nx"), efer=0x500),
    Case("higher half", base=HIGH, flags=KERNEL),
    Case("higher half, assembler source", base=HIGH, flags=KERNEL, assembler=True),
    Case("higher half, BSS", base=HIGH, flags=KERNEL, options="PVHBOOT_ENTRY_CLEAR_BSS", dirty=True),
    Case("higher half, all options", base=HIGH, flags=KERNEL, memory="5G", extra=("-cpu", "max"), high=True, dirty=True,
         options="PVHBOOT_ENTRY_CLEAR_BSS | PVHBOOT_ENTRY_RELOCATABLE | PVHBOOT_ENTRY_1G_PAGES", moved=32 * MIB),
    Case("higher half, moved", base=HIGH, flags=KERNEL, options=MOVABLE, moved=2 * MIB),
    Case("higher half, moved to the end of RAM", base=HIGH, flags=KERNEL, options=MOVABLE, moved=250 * MIB),
    Case("higher half, moved above 2 GiB", base=HIGH, flags=KERNEL, options=MOVABLE, moved=3000 * MIB, memory="4G",
         machine="pc", extra=BELOW_4G),
    Case("higher half, moved by a page", base=HIGH, flags=KERNEL, options=MOVABLE, moved=2 * MIB + 4096,
         refusal="pvhboot: the image was not moved by a multiple of 2 MiB"),
    Case("higher half, not the top", base=OTHER_HIGH, flags=LARGE),
]


def build(case: Case, compiler: str, folder: Path) -> bytes:
    """The image, with the segments where a loader puts them."""
    folder.mkdir()
    word = f"-m{case.bits}"
    entry = [] if case.assembler else [f"-DENTRY={case.entry()}"]
    base = f"-DBASE={case.base:#x}u"
    make([compiler, *FLAGS, *case.flags, word, base, *entry, "-c", HERE / "probe.cpp", "-o", folder / "probe.o"])
    objects = [folder / "probe.o"]
    if case.assembler:
        objects.append(folder / "start.o")
        make([compiler, word, f"-I{ROOT / 'include'}", f"-DENTRY={case.entry()}", "-c", HERE / "start.S", "-o", objects[1]])
    script = (SCRIPTS / ("higher-half.ld" if case.base else "identity.ld")).read_text(encoding="utf-8")
    if case.base:
        script = script.replace(f"{HIGH:#x}", f"{case.base:#x}")
    (folder / "kernel.ld").write_text(script, encoding="utf-8")
    linker = ["-fuse-ld=lld"] if "clang" in compiler else []
    lto = [flag for flag in case.flags if flag in ("-flto", "-O2")]
    make([compiler, word, *linker, *lto, *LINK, f"-Wl,-T,{folder / 'kernel.ld'}", *objects, "-o", folder / "kernel.elf"])
    return load((folder / "kernel.elf").read_bytes(), case)


def make(command: list) -> None:
    done = run(command)
    if done.returncode or done.stderr:
        raise LabError(f"{' '.join(map(str, command))}\n{done.stderr}")


def load(image: bytes, case: Case) -> bytes:
    """Move all segments and the entry of the note, and fill the BSS with ones if it is to be dirty."""
    if not case.moved and not case.dirty:
        return image
    out = bytearray(image)
    header, paddr, word = (54, 24, "Q") if case.bits == 64 else (42, 12, "I")
    start, = struct.unpack_from(f"<{word}", out, 32 if case.bits == 64 else 28)
    size, count = struct.unpack_from("<HH", out, header)
    for at in range(start, start + size * count, size):
        kind, = struct.unpack_from("<I", out, at)
        place, = struct.unpack_from(f"<{word}", out, at + paddr)
        struct.pack_into(f"<{word}", out, at + paddr, place + case.moved)
        offsets = (8, 32, 40) if case.bits == 64 else (4, 16, 20)
        offset, in_file, in_memory = (struct.unpack_from(f"<{word}", out, at + field)[0] for field in offsets)
        if kind == 4:  # PT_NOTE; the first note is PHYS32_ENTRY
            entry, = struct.unpack_from("<I", out, offset + 16)
            struct.pack_into("<I", out, offset + 16, (entry + case.moved) & 0xFFFFFFFF)
        if kind == 1 and case.dirty and in_memory > in_file:
            struct.pack_into(f"<{word}", out, at + offsets[0], (len(out) + 4095) & ~4095)
            struct.pack_into(f"<{word}", out, at + offsets[1], in_memory)
            content = out[offset:offset + in_file] + b"\xff" * (in_memory - in_file)
            out += bytes(-len(out) % 4096) + content
    return bytes(out)


def boot(case: Case, compiler: str, folder: Path) -> list[str]:
    """What is wrong."""
    image = folder / "kernel.elf"
    image.write_bytes(build(case, compiler, folder))
    machine = qemu.Machine(image, machine=case.machine, memory=case.memory, extra=case.extra, append="high" if case.high
                           else None, debug_exit=False)

    def on_line(_seconds: float, line: str) -> None:
        if line in ("entry: done", case.refusal):
            raise qemu.Stop

    lines = qemu.start(machine, TIMEOUT, on_line=on_line).lines
    if case.refusal:
        return [] if case.refusal in lines else [f"no line {case.refusal!r}: {lines}"]
    if "entry: done" not in lines:
        return [f"it did not end: {lines[-10:]}"]
    words = [line.split() for line in lines]
    found = {pair[0]: int(pair[1], 16) for pair in words if len(pair) == 2 and pair[1].startswith("0x")}
    return wrong(case, found)


def wrong(case: Case, found: dict[str, int]) -> list[str]:
    code = 0x20 if case.bits == 64 else 0x10
    wanted = {"distance": case.moved, "flags": 0, "cs": code, "ss": 0x18, "es": 0x18, "initialised": 0x12345678,
              "garbage": 0, "parse": 0}
    if case.bits == 64:
        wanted |= {"efer": case.efer, "alias": 0x336EC578 if case.base and not case.moved else 0}
    if case.high:
        wanted["high"] = 0x89ABCDEF
    problems = [f"{name}: {found.get(name, -1):#x} instead of {value:#x}" for name, value in wanted.items()
                if found.get(name) != value]
    # Where code, stack and GDT are: a higher half stays where it was linked, and everything else moves.
    low = case.base + LINKED_AT + (0 if case.base else case.moved)
    problems += [f"{name} at {found[name]:#x}" for name in ("code", "stack", "gdt") if not low <= found[name] < low + MIB]
    if found["stack"] % 16 != (0 if case.bits == 64 else 8):
        problems.append(f"the stack is not aligned: {found['stack']:#x}")
    if not 0 < found["ram"] <= 5 << 10 or found["ram"] < 255:
        problems.append(f"RAM: {found['ram']} MiB")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compiler")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    if tool := missing(options.compiler, "ld.lld", "qemu-system-x86_64"):
        return skip_without(tool)
    cases = [case for case in CASES if options.only in case.name]
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:

        def attempt(numbered: tuple[int, Case]) -> list[str]:
            try:
                return boot(numbered[1], options.compiler, Path(scratch) / str(numbered[0]))
            except (LabError, KeyError) as why:
                return [str(why)]

        failures = 0
        for case, problems in zip(cases, pool.map(attempt, enumerate(cases))):
            failures += bool(problems)
            print(f"{'NOT OK' if problems else 'ok':<7}{case.name}" + "".join(f"\n       {text}" for text in problems),
                  flush=True)
    print(f"{len(cases) - failures} of {len(cases)} cases")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
