#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Boot guests with examples/vmm under KVM, inside a machine whose CPU QEMU emulates (lab/nested.py).

One outer machine runs all guests of a group, one after the other. What each receives is compared with what
`vmm --describe` promises, or with the picture that vmm prints where the plan is random.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import run as boots
from common import skip
from conformance import tap
from images import crafted
from lab import LabError, bzimage, console, nested, packages, userspace, wire
from vmm import breaks

APPEND = "console=ttyS0 panic=-1 reboot=t quiet"
KERNEL_OK = boots.KERNEL_OK << 1 | 1
REFUSED = boots.REFUSED << 1 | 1
CRAFTED_END = 1 << 1 | 1
CRASHED = 3
TYPES = {1: "System RAM", 3: "ACPI Tables"}  # Linux's names in /sys/firmware/memmap


@dataclass(frozen=True)
class Guest:
    """One run of vmm: its arguments, its exit status, and what is checked."""

    arguments: str
    status: int
    kind: str
    cmdline: str = ""


LINUX = f"--initrd initrd --append '{APPEND}'"
RANDOM = Guest(f"--kernel vmlinux-6.12 --kaslr --memory 1G {LINUX}", 0, "kaslr", APPEND)
GROUPS: dict[str, dict[str, Guest]] = {
    "guests": {
        "kernel32": Guest("--debug-exit --kernel kernel32.elf --append 'first second' --module marker=hello", KERNEL_OK,
                          "kernel", "first second"),
        "kernel64-5G": Guest("--debug-exit --kernel kernel64.elf --append 'first second' --module marker "
                             "--module marker=two --memory 5G", KERNEL_OK, "kernel", "first second"),
        "moved": Guest("--debug-exit --kernel relocatable --kaslr", CRAFTED_END, "moved"),
        "crash": Guest("--kernel crafted", CRASHED, "crash"),
        "late-crash": Guest("--kernel slow", CRASHED, "late crash"),
        "vmlinux-2-cpus": Guest(f"--kernel vmlinux --cpus 2 --module marker=ignored {LINUX}", 0, "linux", APPEND),
        "chainload": Guest(f"--kernel vmlinuz --loader chainload.elf {LINUX}", 0, "linux", APPEND),
        "linux32-2-cpus": Guest(f"--kernel vmlinuz --via linux32 --cpus 2 {LINUX}", 0, "linux", APPEND),
        "linux64-5G": Guest(f"--kernel vmlinuz --via linux64 --memory 5G {LINUX}", 0, "linux", APPEND),
    },
    "breaks": {name: Guest(f"--kernel kernel32.elf --check-entry --break {name}", 0, "broken state") for name in breaks.ENTRY},
    "kaslr": {"kaslr-1": RANDOM, "kaslr-2": RANDOM},
    "kaslr-all": {f"kaslr-{number}": RANDOM for number in range(1, 9)},
}


JUDGED = f"--debug-exit --append {tap.CMDLINE} --module module=words --module marker --kernel"
IMAGES = ("conformance32", "conformance64", "conformance-low32", "conformance-16m64", "conformance-notes32",
          "conformance-notes64")
GROUPS["conformance"] = {
    **{image: Guest(f"{JUDGED} {image}.elf", KERNEL_OK, "conformance") for image in IMAGES},
    "conformance-1g64": Guest(f"{JUDGED} conformance-1g64.elf --memory 2G", KERNEL_OK, "conformance"),
    "conformance-reloc32": Guest(f"{JUDGED} conformance-reloc32.elf", KERNEL_OK, "conformance"),
    "conformance-5G-2-cpus": Guest(f"{JUDGED} conformance64.elf --memory 5G --cpus 2", KERNEL_OK, "conformance"),
    # Without A20 an image at 1 MiB would lie at 0.
    **{f"break-{name}": Guest(f"{JUDGED} conformance-16m32.elf --break {name}", REFUSED, "red")
       for name in sorted(set(breaks.CLAUSES.values()))},
}
PRODUCER = "`examples/vmm`"  # in the table of docs/protocol.md


def slow_image() -> bytes:
    """Crashes after more instructions than vmm repeats."""
    # mov $0x8000, %esp; mov $0x1000000, %ecx; 1: loop 1b
    code = b"\xbc\0\x80\0\0\xb9\0\0\0\x01\xe2\xfe" + crafted.END
    return crafted.Image(64).load(crafted.PVH, code).notes(crafted.entry()).written()


def files_for(guests: dict[str, Guest], options: argparse.Namespace, made: userspace.Initramfs) -> dict[str, bytes]:
    examples = options.build / "examples"
    kernel = packages.debian_kernel()
    sources = {
        "vmlinuz": kernel.read_bytes,
        "vmlinux": lambda: bzimage.vmlinux(kernel).read_bytes(),
        "vmlinux-6.12": lambda: bzimage.vmlinux(packages.kernel_6_12()).read_bytes(),
        "initrd": lambda: made.data,
        "marker": lambda: b"m" * 5000,
        "crafted": lambda: crafted.usual(64).written(),
        "slow": slow_image,
        "relocatable": lambda: crafted.reloc(0x200000, 0x1000000, 0x0FFFFFFF).written(),
        "chainload.elf": (examples / "chainload/chainload.elf").read_bytes,
        "module": lambda: tap.MODULE,
        **{path.name: path.read_bytes for path in (examples / "conformance").glob("*.elf")},
        "kernel32.elf": (examples / "kernel/kernel32.elf").read_bytes,
        "kernel64.elf": (examples / "kernel/kernel64.elf").read_bytes,
    }
    words = {word.partition("=")[0] for guest in guests.values() for word in shlex.split(guest.arguments)}
    return {"vmm": options.vmm.read_bytes(), **{name: read() for name, read in sources.items() if name in words}}


def promises(guests: dict[str, Guest], files: dict[str, bytes], vmm: Path) -> dict[str, dict]:
    """What vmm --describe prints for each guest. It needs no KVM."""
    found = {}
    with TemporaryDirectory(prefix="pvhboot-") as scratch:
        for name, data in files.items():
            (Path(scratch) / name).write_bytes(data)
        for name, guest in guests.items():
            words = [arg for arg in shlex.split(guest.arguments) if arg != "--debug-exit"]
            done = subprocess.run([vmm, *words, "--describe"], cwd=scratch, text=True, capture_output=True, timeout=60,
                                  check=False)
            if done.returncode:
                raise LabError(f"vmm --describe {name}: {done.stderr}")
            found[name] = json.loads(done.stdout)
    return found


def piece(promise: dict, what: str) -> dict:
    return next(piece for piece in promise["pieces"] if piece["what"] == what)


def ranges(promise: dict) -> list[wire.Range]:
    return [wire.Range(entry["address"], entry["size"], entry["type"]) for entry in promise["memory_map"]]


def picture(lines: list[str], what: str) -> int:
    """The address of a piece in the picture that vmm prints."""
    for line in lines:
        if match := re.fullmatch(rf"vmm: \[0x([0-9a-f]+), .* bytes  {what}", line):
            return int(match[1], 16)
    raise LabError(f"vmm printed no place for {what}")


def check_kernel(verdict: boots.Verdict, guest: Guest, promise: dict, lines: list[str]) -> None:
    printed = console.read("kernel", lines)
    verdict.equal("result", printed.result, "ok")
    verdict.equal("start info", printed.start_info, promise["start_info"])
    verdict.equal("command line", printed.cmdline, guest.cmdline)
    verdict.equal("modules", printed.modules, [(m["address"], m["size"]) for m in promise["modules"]])
    verdict.equal("map as received", printed.received, ranges(promise))
    # What the arguments force: several modules, and RAM that this kernel does not map.
    forced = ("more than one module", "RAM whose first or last byte")
    odd = [text for text in printed.oddities if not text.startswith(forced) or "5G" not in guest.arguments]
    verdict.equal("oddities that the arguments do not force", odd, [])
    verdict.equal("RSDP", (printed.rsdp, printed.rsdp_state), (piece(promise, "ACPI")["address"], "checksum ok"))


def check_linux(verdict: boots.Verdict, guest: Guest, promise: dict, lines: list[str], made: userspace.Initramfs) -> None:
    report = userspace.read(lines)
    params = report.boot_params
    given = ranges(promise)
    rsdp = piece(promise, "ACPI")["address"]
    check_userspace(verdict, guest, report, made)
    for kind, text in TYPES.items():
        seen = [wire.Range(r.addr, r.size, kind) for r, name in report.firmware_map if name == text]
        verdict.equal(f"firmware map, {text}", wire.coverage(seen, kind), wire.coverage(given, kind))
    verdict.check("Linux found the RSDP of the plan", any(f"RSDP 0x{rsdp:016X}" in line for line in report.dmesg),
                  f"{rsdp:#x}")
    if "vmlinuz" not in guest.arguments:
        verdict.equal("zero page: the map of the plan and the ISA hole", params.e820, given + [wire.ISA_HOLE])
        verdict.equal("zero page: made by Linux's PVH entry", (params.type_of_loader, params.version), (0xB0, 0x20C))
        verdict.equal("zero page: initrd", (params.ramdisk_image, params.ramdisk_size),
                      (promise["modules"][0]["address"], promise["modules"][0]["size"]))
        return
    verdict.equal("zero page: RSDP", params.acpi_rsdp_addr, rsdp)
    verdict.equal("zero page: the map of the plan", wire.differences(wire.without_isa_ram(given), params.e820), [])
    if "--via" in guest.arguments:
        initrd = piece(promise, "initrd")
        verdict.equal("zero page: initrd", (params.ramdisk_image, params.ramdisk_size), (initrd["address"], initrd["size"]))


def check_userspace(verdict: boots.Verdict, guest: Guest, report: userspace.Report, made: userspace.Initramfs) -> None:
    verdict.equal("command line", report.cmdline, guest.cmdline)
    verdict.equal("initrd", (report.marker, report.marker_sha256), (made.token, made.marker_sha256))
    verdict.equal("CPUs", report.cpus, 2 if "--cpus 2" in guest.arguments else 1)
    size = re.search(r"--memory (\d+)G", guest.arguments)
    mib = int(size[1]) << 10 if size else 256
    verdict.check("memory", report.memtotal_kib >> 10 > mib - mib // 8 - 64, f"{report.memtotal_kib >> 10} of {mib} MiB")


def check_kaslr(verdict: boots.Verdict, guest: Guest, lines: list[str], made: userspace.Initramfs) -> None:
    report = userspace.read(lines)
    check_userspace(verdict, guest, report, made)
    base = picture(lines, "kernel")
    verdict.equal("kernel code in /proc/iomem", hex(report.kernel_code), hex(base))
    bases = next((int(match[1]) for line in lines if (match := re.search(r"one of (\d+) bases", line))), 0)
    verdict.check("there are many bases", bases > 100, bases)


def check_moved(verdict: boots.Verdict, lines: list[str]) -> None:
    entry = picture(lines, "kernel") + crafted.PVH - crafted.BASE
    verdict.check("it is entered where it was loaded", f"{crafted.TEXT} @{entry:08x} pvh" in lines, f"{entry:#x}")


def check_crash(verdict: boots.Verdict, lines: list[str], repeated: bool) -> None:
    """The guest ends in an int3 without an IDT. It comes after the text, so the address is known."""
    def shows(pattern: str) -> None:
        verdict.check(f"vmm prints {pattern}", any(re.search(pattern, line) for line in lines))

    shows(r"^vmm: CPU 0 had a triple fault$")
    shows(r"^vmm: entry state: esp is 0 \(0x0\)")
    shows(r"^vmm: cr0 0x11 ") if repeated else shows(r"KVM has reset the CPU, and the guest does not crash within")
    if repeated:
        shows(r"^vmm: rip 0x[0-9a-f]+ rflags 0x[0-9a-f]+ rsp 0x[0-9a-f]+")
        shows(r"^vmm: instruction: cc ")


def check_conformance(verdict: boots.Verdict, name: str, part: nested.Part, guest: Guest) -> None:
    report = tap.read(part.lines)
    verdict.equal("exit status", part.status, guest.status)
    verdict.equal("broken clauses", report.broken, [])
    # What the arguments force, and what the protocol leaves open.
    verdict.equal("findings of lint", sorted({*report.lint} - {"several_modules", "esp_zero"}), [])
    verdict.equal("what is not checked", report.skipped, {})
    if name == "conformance64":
        verdict.equal("table of docs/protocol.md", tap.problems(PRODUCER, report), [])


def check_red(verdict: boots.Verdict, name: str, part: nested.Part, guest: Guest) -> None:
    """The lines of these clauses are red, in a guest that passes everything otherwise."""
    report = tap.read(part.lines)
    wanted = [clause for clause, broken in breaks.CLAUSES.items() if f"break-{broken}" == name]
    verdict.check(f"{', '.join(wanted)} not ok", set(wanted) <= set(report.broken), report.broken)
    verdict.equal("exit status", part.status, guest.status)


def check_broken(verdict: boots.Verdict, name: str, part: nested.Part) -> None:
    found = [line for line in part.lines if line.startswith("vmm: entry state: ")]
    wanted = f"vmm: entry state: {breaks.ENTRY[name]}"
    verdict.check(f"{name}: {breaks.ENTRY[name]}", any(line.startswith(wanted) for line in found),
                  len(found))


def check(verdict: boots.Verdict, name: str, guest: Guest, promise: dict, part: nested.Part, made: userspace.Initramfs) -> None:
    if guest.kind in ("conformance", "red"):
        (check_conformance if guest.kind == "conformance" else check_red)(verdict, name, part, guest)
        return
    verdict.equal("exit status", part.status, guest.status)
    verdict.check("exits are counted", any(re.fullmatch(r"vmm: +[1-9]\d* exits: .+", line) for line in part.lines) or
                  guest.kind == "late crash")
    if guest.kind == "kernel":
        check_kernel(verdict, guest, promise, part.lines)
    elif guest.kind == "linux":
        check_linux(verdict, guest, promise, part.lines, made)
    elif guest.kind == "kaslr":
        check_kaslr(verdict, guest, part.lines, made)
    elif guest.kind == "moved":
        check_moved(verdict, part.lines)
    else:
        check_crash(verdict, part.lines, guest.kind == "crash")
    if guest.kind in ("linux", "kaslr"):
        verdict.check("vmm says that the guest powered off", "vmm: the guest powered off" in part.lines)


def boot(options: argparse.Namespace, guests: dict[str, Guest], verdict: boots.Verdict) -> None:
    made = userspace.build(packages.busybox().read_bytes())
    files = files_for(guests, options, made)
    promised = promises({name: guest for name, guest in guests.items() if "--break" not in guest.arguments}, files, options.vmm)

    def on_line(seconds: float, text: str) -> None:
        if text.startswith((nested.BEGIN, nested.END)):
            print(f"{seconds:6.1f} s  {text}", flush=True)

    commands = {name: f"./vmm {guest.arguments}" for name, guest in guests.items()}
    parts, run = nested.run(commands, files, options.timeout, options.log, on_line)
    for name, guest in guests.items():
        part = parts.get(name, nested.Part())
        if guest.kind == "broken state":
            check_broken(verdict, name, part)
            continue
        print(f"\n== {name}")
        before = verdict.failures
        try:
            check(verdict, name, guest, promised.get(name, {}), part, made)
        except LabError as why:
            verdict.check(name, False, why)
        print("\n".join(line for line in part.lines if re.match(r"vmm: .*(exits:|first byte)", line)))
        if verdict.failures > before:
            print("\n".join(part.lines[-40:]))
    if not parts:
        print(run.tail())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("names", nargs="*", help="only these guests")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--vmm", type=Path, required=True)
    parser.add_argument("--timeout", type=float, default=280)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    options.vmm = options.vmm.resolve()
    guests = {name: guest for name, guest in GROUPS[options.group].items() if not options.names or name in options.names}
    verdict = boots.Verdict()
    if options.group == "conformance" and not options.names:
        verdict.equal("clauses that a broken guest shows", {*breaks.CLAUSES, *breaks.UNREPORTED}, {*tap.clauses()})
    try:
        boot(options, guests, verdict)
    except packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        verdict.check("outer machine", False, why)
    return verdict.status()


if __name__ == "__main__":
    sys.exit(main())
