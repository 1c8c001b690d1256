#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""examples/vmm without KVM: its plans, as JSON and in a dump of the handoff, and its errors."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from images import crafted
from lab import LabError, packages, wire
from vmm import breaks, programs

MIB = 1 << 20
SEVERAL = "vmm: lint: more than one module (0x14100c); Linux uses the first and ignores the others\n"


class Dump:
    """A piece of guest memory in a file."""

    def __init__(self, base: int, data: bytes) -> None:
        self.base, self.data = base, data

    def read(self, paddr: int, size: int) -> bytes:
        at = paddr - self.base
        if at < 0 or at + size > len(self.data):
            raise LabError(f"the dump does not have {size} bytes at {paddr:#x}")
        return self.data[at:at + size]

    def string(self, paddr: int) -> bytes:
        return self.data[paddr - self.base:].partition(b"\0")[0]


class Vmm(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="pvhboot-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def file(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return name

    def vmm(self, *words: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([programs.vmm, *map(str, words)], cwd=self.folder, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertIn(done.returncode, (0, 1, 2), done)
        self.assertNotRegex(done.stderr, "Sanitizer|runtime error")
        return done

    def plan(self, *words: object) -> dict:
        done = self.vmm(*words, "--describe")
        self.assertEqual((done.returncode, re.findall("warning|error", done.stderr)), (0, []), done)
        return json.loads(done.stdout)

    def refused(self, status: int, sentence: str, *words: object) -> None:
        with self.subTest(sentence):
            done = self.vmm(*words)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done)
            self.assertRegex(done.stderr, sentence)
            self.assertTrue(all(line.startswith("vmm: ") for line in done.stderr.splitlines()), done.stderr)


class Plans(Vmm):
    def test_apart_and_in_ram(self) -> None:
        kernel, marker = programs.build / "examples/kernel/kernel64.elf", self.file("marker", b"m" * 5000)
        for memory, size in (("256M", 256 * MIB), ("3G", 3072 * MIB), ("5G", 5120 * MIB)):
            plan = self.plan("--kernel", kernel, "--memory", memory, "--module", marker, "--module", f"{marker}=a",
                             "--cpus", 3)
            pieces = sorted((piece["address"], piece["address"] + piece["size"]) for piece in plan["pieces"])
            self.assertEqual(len(pieces), 6)
            self.assertTrue(all(a[1] <= b[0] for a, b in zip(pieces, pieces[1:])), pieces)
            given = [wire.Range(entry["address"], entry["size"], entry["type"]) for entry in plan["memory_map"]]
            self.assertEqual(sum(r.size for r in given) + 0x60000, size)
            ram = wire.coverage(given, 1) + wire.coverage(given, 3)
            self.assertTrue(all(any(first <= start and end <= last for first, last in ram) for start, end in pieces))

    def test_dump_has_what_the_plan_promises(self) -> None:
        marker = self.file("marker", b"m" * 5000)
        plan = self.plan("--kernel", programs.build / "examples/kernel/kernel32.elf", "--append", "first second", "--initrd",
                         marker, "--module", f"{marker}=its words", "--dump-handoff", "dump")
        dump = Dump(plan["start_info"], (self.folder / "dump").read_bytes())
        found = wire.read_start_info(dump, plan["start_info"])
        self.assertEqual((found.version, found.flags, found.cmdline), (1, 0, b"first second"))
        self.assertEqual(found.modules, [(m["address"], m["size"]) for m in plan["modules"]])
        self.assertEqual(found.memory_map, [wire.Range(e["address"], e["size"], e["type"]) for e in plan["memory_map"]])
        self.assertEqual([found.rsdp], [p["address"] for p in plan["pieces"] if p["what"] == "ACPI"])
        self.assertIn(b"its words\0", dump.data)

    def test_command_line_of_any_bytes(self) -> None:
        kernel = programs.build / "examples/kernel/kernel32.elf"
        done = subprocess.run([programs.vmm, "--kernel", kernel, "--append", b"\xff\xfe", "--describe"], capture_output=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(json.loads(done.stdout)["command_line"], "\ufffd\ufffd")

    def test_random_base(self) -> None:
        image = self.file("relocatable", crafted.reloc(0x200000, 0x1000000, 0xFFFFFFF).written())
        plans = [self.plan("--kernel", image, "--kaslr", "--memory", "256M") for _ in range(8)]
        bases = [next(piece["address"] for piece in plan["pieces"] if piece["what"] == "kernel") for plan in plans]
        self.assertGreater(len(set(bases)), 1)
        for plan, base in zip(plans, bases):
            self.assertEqual((base % 0x200000, plan["entry"] - base), (0, crafted.PVH - crafted.BASE))
            self.assertTrue(0x1000000 <= base <= 0xFFFFFFF)
            self.assertGreater(plan["bases"], 100)

    def test_ways_of_a_bzimage(self) -> None:
        kernel, initrd = packages.debian_kernel(), self.file("initrd", b"i" * 5000)
        words = ("--kernel", kernel, "--initrd", initrd)
        chainload = programs.build / "examples/chainload/chainload.elf"
        sizes = [kernel.stat().st_size, 5000]
        for more in (("--loader", chainload), ("--via", "pvh-loader", "--loader", chainload)):
            self.assertEqual([m["size"] for m in self.plan(*words, *more)["modules"]], sizes)
        entries = {way: self.plan(*words, "--via", way) for way in ("linux32", "linux64")}
        self.assertEqual(entries["linux64"]["entry"], entries["linux32"]["entry"] + 0x200)
        lonely = self.file("lonely", programs.vmm.read_bytes())
        (self.folder / lonely).chmod(0o755)
        for loader, size in ((None, 0), (chainload, 2)):  # beside the program
            if loader:
                self.file("chainload.elf", loader.read_bytes())
            done = subprocess.run([self.folder / lonely, *map(str, words), "--describe"], cwd=self.folder, text=True,
                                  capture_output=True, timeout=60, check=True)
            self.assertEqual(len(json.loads(done.stdout)["modules"]), size)

    def test_every_crafted_image(self) -> None:
        for name, (_, make) in crafted.IMAGES.items():
            with self.subTest(name):
                done = self.vmm("--kernel", self.file("image", make().written()), "--describe")
                if done.returncode == 0:
                    self.assertGreaterEqual(json.loads(done.stdout)["entry"], crafted.BASE)
                elif name == "unsorted":  # its segments reach over the ISA hole
                    self.assertRegex(done.stderr, "have no room for the kernel, 3670032 bytes from 0x80000 on")
                else:
                    verdicts = r"(vmm: .*: (refuses|enters|other protocol|undefined): .+\n)+"
                    self.assertRegex(done.stderr, rf"^vmm: image: .+\n{verdicts}$")


class Broken(Vmm):
    """--break: what the library finds in the handoff. What it finds in the registers needs KVM: tests/boot/nested.py."""

    def words(self) -> tuple[object, ...]:
        return ("--kernel", programs.build / "examples/kernel/kernel32.elf", "--append", "words", "--module",
                f"{self.file('marker', b'm' * 5000)}=its words", "--module", "marker", "--describe")

    def test_all_are_known(self) -> None:
        listed = {line.split()[0] for line in self.vmm("--break", "list").stdout.splitlines()}
        self.assertEqual(listed, breaks.EVERY)
        self.refused(1, "unknown breakage nothing", *self.words(), "--break", "nothing")

    def test_handoff(self) -> None:
        self.assertEqual(self.vmm(*self.words()).stderr, SEVERAL)
        for name, sentence in breaks.HANDOFF.items():
            with self.subTest(name):
                done = self.vmm(*self.words(), "--break", name)
                found = re.findall(r"^vmm: (?:lint|the handoff): (.+)$", done.stderr, re.MULTILINE)
                self.assertTrue(any(line.startswith(sentence) for line in found), done)

    def test_what_only_a_guest_finds(self) -> None:
        for name in sorted(breaks.GUEST | set(breaks.ENTRY)):
            with self.subTest(name):
                self.assertEqual(self.vmm(*self.words(), "--break", name).stderr, SEVERAL)

    def test_nothing_to_break(self) -> None:
        kernel = programs.build / "examples/kernel/kernel32.elf"
        self.refused(1, "the guest has no such module", "--kernel", kernel, "--describe", "--break", "module-empty")
        self.refused(1, "--break is for guests that are entered through PVH", "--kernel", packages.debian_kernel(), "--via",
                     "linux64", "--describe", "--break", "magic")


class Errors(Vmm):
    def test_images(self) -> None:
        self.refused(2, r"the file does not begin with the ELF magic(.|\n)*vmm: QEMU, .*Firecracker: refuses: .*; give it",
                     "--kernel", self.file("text", b"no kernel at all\n" * 100))
        no_note = self.file("no-note", crafted.kernel(64).written())
        self.refused(2, r"the image has no PHYS32_ENTRY note(.|\n)*vmm: QEMU.*: refuses: ", "--kernel", no_note)
        self.refused(2, "--kaslr needs a PHYS32_RELOC note, which the image does not have", "--kernel",
                     self.file("fixed", crafted.usual(64).written()), "--kaslr")
        cut = self.file("cut", packages.debian_kernel().read_bytes()[:1 << 20])
        self.refused(1, "^vmm: cut: the kernel image is truncated", "--kernel", cut)

    def test_memory(self) -> None:
        kernel = programs.build / "examples/kernel/kernel32.elf"
        large = self.file("large", b"l" * (3 * MIB))
        self.refused(2, r"1048576 bytes of RAM have no room for the kernel, \d+ bytes from 0x100000 on", "--kernel", kernel,
                     "--memory", "1M")
        self.refused(2, r"4194304 bytes of RAM have no room for module 1 \(large\), 3145728 bytes", "--kernel", kernel,
                     "--memory", "4M", "--initrd", self.file("small", b"s"), "--module", f"{large}=words")
        linux = ("--kernel", packages.debian_kernel(), "--via", "linux64")
        self.refused(2, r"33554432 bytes of RAM have no room for the kernel, \d+ bytes", *linux, "--memory", "32M")
        self.refused(2, r"have no room for the initrd \(initrd\), 83886080 bytes", *linux, "--memory", "128M", "--initrd",
                     self.file("initrd", b"i" * (80 * MIB)))
        relocatable = self.file("relocatable", crafted.reloc(0x200000, 0x1000000, 0x10003FF).written())
        self.refused(2, r"no room for the kernel, \d+ bytes", "--kernel", relocatable, "--kaslr")
        self.refused(1, "--memory is not a multiple of 4096", "--kernel", kernel, "--memory", "1000001")

    def test_files(self) -> None:
        kernel = programs.build / "examples/kernel/kernel32.elf"
        self.refused(1, "^vmm: nothing: No such file or directory$", "--kernel", "nothing")
        self.refused(1, r"^vmm: \.: not a regular file$", "--kernel", ".")
        self.refused(1, "^vmm: empty: the file is empty$", "--kernel", self.file("empty", b""))
        self.refused(1, "^vmm: nothing: No such file", "--kernel", kernel, "--module", "nothing=words")
        self.refused(1, "^vmm: nowhere/dump: No such file", "--kernel", kernel, "--describe", "--dump-handoff",
                     "nowhere/dump")

    def test_options(self) -> None:
        kernel, linux = programs.build / "examples/kernel/kernel32.elf", packages.debian_kernel()
        self.refused(1, "--kernel is required", "--memory", "1G")
        self.refused(1, "--via and --loader are for a bzImage", "--kernel", kernel, "--via", "linux32")
        self.refused(1, "--kaslr is for an ELF kernel", "--kernel", linux, "--kaslr")
        self.refused(1, "--loader is for --via pvh-loader", "--kernel", linux, "--loader", kernel, "--via", "linux64")
        self.refused(1, "--dump-handoff|there is no handoff", "--kernel", linux, "--via", "linux64", "--describe",
                     "--dump-handoff", "dump")

    def test_without_kvm(self) -> None:
        kernel = programs.build / "examples/kernel/kernel32.elf"
        self.refused(1, r"cannot open /nonexistent/kvm \(the CPU has .+\): No such file or directory", "--kernel", kernel,
                     "--kvm", "/nonexistent/kvm")
        self.refused(1, "/dev/null is not KVM: Inappropriate ioctl", "--kernel", kernel, "--kvm", "/dev/null")
        self.assertEqual(self.vmm("--probe", "--kvm", "/dev/null").returncode, 1)


if __name__ == "__main__":
    programs.main(__doc__)
