#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Tests of the boot tests on Xen: each comparison must fail on a difference."""

import contextlib
import io
import re
import struct
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Iterator
from unittest import mock

import run as boots
import tiny_guest
import xen as tests
import xen_zero_pages as zero_pages
from common import SKIP
from lab import LabError, packages, qemu, wire, xen, xen_packages

ROOT = Path(__file__).resolve().parents[2]


def page(entries: list[tuple[int, int, int]], **values: int) -> wire.BootParams:
    data = bytearray(4096)
    for name, value in values.items():
        start, size = zero_pages.FIELDS[name]
        data[start:start + size] = value.to_bytes(size, "little")
    data[0x1E8] = len(entries)
    for number, entry in enumerate(entries):
        struct.pack_into("<QQI", data, 0x2D0 + 20 * number, *entry)
    return wire.BootParams(bytes(data))


OURS = [(0, 0xA0000, 1), (0xA0000, 0x60000, 2), (0x100000, 0xFF00000, 1), (0xFC000000, 0x8040, 3)]
GRUBS = [(0, 0x10000000, 1), (0xFC000000, 0x9000, 3)]
KNOWN = {"type_of_loader": "numbers", "e820_entries": "rounded", "e820_table": "rounded"}


class ZeroPages(unittest.TestCase):
    def failures(self, ours: wire.BootParams, theirs: wire.BootParams, known: dict[str, str]) -> int:
        verdict = boots.Verdict()
        with contextlib.redirect_stdout(io.StringIO()):
            tests.compare(verdict, ours, theirs, known)
        return verdict.failures

    def test_agreement_and_each_disagreement(self) -> None:
        ours = page(OURS, type_of_loader=0xFF, acpi_rsdp_addr=0xFC008000)
        theirs = page(GRUBS, type_of_loader=0x72, acpi_rsdp_addr=0xFC008000)
        self.assertEqual(self.failures(ours, theirs, KNOWN), 0)
        self.assertEqual(self.failures(ours, page(GRUBS, type_of_loader=0x72), KNOWN), 1)  # no RSDP
        self.assertEqual(self.failures(ours, page(GRUBS[:1], type_of_loader=0x72, acpi_rsdp_addr=0xFC008000), KNOWN), 1)
        other = [GRUBS[0], (0xFC000000, 0x9000, 4)]
        self.assertEqual(self.failures(ours, page(other, type_of_loader=0x72, acpi_rsdp_addr=0xFC008000), KNOWN), 1)
        self.assertEqual(self.failures(ours, theirs, KNOWN | {"cl_magic": "does not occur"}), 1)
        self.assertEqual(self.failures(ours, ours, {}), 1)  # a page compared with itself proves nothing

    def test_fields_cover_the_page_once(self) -> None:
        taken = sorted(zero_pages.FIELDS.values())
        self.assertTrue(all(a + n <= b for (a, n), (b, _) in zip(taken, taken[1:])))
        self.assertEqual(zero_pages.field_of(0x70), "acpi_rsdp_addr")
        self.assertEqual(zero_pages.field_of(0x26C), "the hole at 0x26c")
        changed = bytearray(4096)
        changed[0x27F] = 1
        self.assertEqual(list(zero_pages.differing(bytes(4096), bytes(changed))), ["the hole at 0x27f"])


class Maps(unittest.TestCase):
    def test_isa_hole(self) -> None:
        whole = [wire.Range(0, 0x200000, 1), wire.Range(0xFC000000, 0x40, 3)]
        cut = [wire.Range(0, 0xA0000, 1), wire.Range(0xA0000, 0x60000, 2), wire.Range(0x100000, 0x100000, 1), whole[1]]
        self.assertEqual(wire.differences(wire.without_isa_ram(whole), cut), [])
        self.assertEqual(len(wire.differences(whole, cut)), 2)
        self.assertEqual(wire.without_isa_ram(cut), cut)
        self.assertEqual(wire.without_isa_ram(cut[2:]), cut[2:])

    def test_pages(self) -> None:
        ragged = [wire.Range(0x100800, 0x2000, 1), wire.Range(0x200010, 0x10, 3)]
        whole = [wire.Range(0x101000, 0x1000, 1), wire.Range(0x200000, 0x1000, 3)]
        self.assertEqual(zero_pages.types_of_pages(ragged), whole)

    def test_order(self) -> None:
        self.assertTrue(tests.is_unsorted([wire.Range(2, 1, 1), wire.Range(1, 1, 1)]))
        self.assertFalse(tests.is_unsorted([wire.Range(1, 1, 1), wire.Range(2, 1, 1)]))


class Consoles(unittest.TestCase):
    def test_in_order(self) -> None:
        self.assertEqual(tests.in_order(["a", "x", "b"], ["a", "b"]), [])
        self.assertEqual(tests.in_order(["b", "a"], ["a", "b"]), ["b"])
        self.assertEqual(tests.in_order([], ["a"]), ["a"])

    def test_first(self) -> None:
        self.assertEqual(tests.first(["one", "two 2"], r"two (\d)"), "2")
        self.assertEqual(tests.first(["one", "two 2"], r"two"), "two")
        self.assertIsNone(tests.first(["one"], r"two"))

    def test_configuration(self) -> None:
        text = xen.Guest("name", "file", "initrd", "two words", memory=64, extra=("maxmem=128",)).configuration()
        for line in ('type="pvh"', 'kernel="/guests/file"', 'ramdisk="/guests/initrd"', "cmdline='two words'",
                     "memory=64", "maxmem=128"):
            self.assertIn(line + "\n", text)
        self.assertNotIn("ramdisk", xen.Guest("name", "file").configuration())
        self.assertEqual(xen.quoted("it's"), '"it\'s"')
        for text in ("it's \"it\"", "back\\slash", "two\nlines"):
            with self.assertRaises(LabError):
                xen.quoted(text)


class Machines(unittest.TestCase):
    """A small guest replaces Xen: a hang ends at the timeout, and the console is kept."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="pvhboot-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    @contextlib.contextmanager
    def printing(self, text: str) -> Iterator[None]:
        program = self.folder / "xen"
        program.write_bytes(tiny_guest.elf(text, None))
        module = self.folder / "module"
        module.write_bytes(b"module")
        real = qemu.Machine

        def machine(*arguments: object) -> qemu.Machine:
            """Without -initrd: QEMU accepts a list of modules only for a multiboot kernel such as Xen."""
            *rest, extra = arguments
            return real(*rest, extra[extra.index("-serial"):])

        with mock.patch.object(xen_packages, "hypervisor", return_value=program), \
                mock.patch.object(xen_packages, "kernel", return_value=module), \
                mock.patch.object(qemu, "Machine", machine), \
                mock.patch.object(xen, "dom0_image", return_value=b"image"):
            yield

    def test_hang(self) -> None:
        log = self.folder / "log"
        expected = r"within 2 s(.|\n)*\| last\n(.|\n)*those of Xen"
        with self.printing("first\r\nlast\r\n"), self.assertRaisesRegex(LabError, expected):
            xen.start([(b"module", "words, and a comma")], "", "64M", 2, log=log)
        self.assertIn("last\n", log.read_text(encoding="utf-8"))

    def test_until(self) -> None:
        began = time.monotonic()
        with self.printing("first\r\nlast\r\n"):
            done = xen.start([(b"module", "")], "", "64M", 30, until=xen.Until("^last$"))
            with self.assertRaisesRegex(LabError, "Xen did not print 'halted'"):
                xen.start([(b"module", "")], "", "64M", 30, until=xen.Until("^last$", "halted", 0.5))
        self.assertEqual(done.run.lines[-1], "last")
        self.assertLess(time.monotonic() - began, 20)

    def test_guests(self) -> None:
        text = "lab: begin one\nguest one| hello\nlab: end one poweroff\nlab: begin two\nguest two| half\n"
        seen: list[tuple[str, str]] = []
        with self.printing(text.replace("\n", "\r\n")), self.assertRaisesRegex(LabError, "guest two| half"):
            xen.run_guests([xen.Guest("one", "a"), xen.Guest("two", "b")], {}, 3, self.folder / "logs",
                           lambda seconds, who, line: seen.append((who, line)))
        self.assertEqual(seen, [("one", "begin"), ("one", "hello"), ("one", "end poweroff"), ("two", "begin"),
                                ("two", "half")])
        self.assertEqual((self.folder / "logs/two.log").read_text(encoding="utf-8"), "half\n")


class Skipping(unittest.TestCase):
    def test_without_packages(self) -> None:
        output = io.StringIO()
        with tempfile.TemporaryDirectory(prefix="pvhboot-") as folder, contextlib.redirect_stdout(output), \
                mock.patch.object(xen_packages, "ROOM", Path(folder) / "absent"), \
                mock.patch.object(packages, "has_apt", return_value=False), \
                mock.patch.object(sys, "argv", ["xen.py", "dom0-kernel", "--build", folder]):
            kernels = Path(folder) / "examples/kernel"
            kernels.mkdir(parents=True)
            (kernels / "kernel32.elf").write_bytes(b"")
            self.assertEqual(tests.main(), SKIP)
        self.assertRegex(output.getvalue().splitlines()[-1], "no apt")


class Document(unittest.TestCase):
    """docs/protocol.md shows bytes of tests/data, and names tests that exist."""

    TEXT = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")

    def test_bytes(self) -> None:
        blocks = re.findall(r"```\n(78 c5 .*?)```", self.TEXT, re.DOTALL)
        for name, block in zip(("xen_domu", "xen_dom0"), blocks, strict=True):
            shown = [int(number, 16) for line in block.splitlines()
                     for number in re.match(r"(?:[0-9a-f]{2} +)+", line + " ")[0].split()]
            data = (ROOT / f"tests/data/{name}.inc").read_text(encoding="ascii")
            start_info = re.search(r"_0\[\] = \{(.*?)\};", data, re.DOTALL)[1]
            captured = [int(number, 16) for number in start_info.replace(",", " ").split()]
            self.assertEqual(shown, captured[:len(shown)])
            self.assertGreaterEqual(len(shown), 40)

    def test_names(self) -> None:
        titles = re.findall(r'ROW\("([^"]*)"', (ROOT / "tests/captures/captures.cpp").read_text(encoding="utf-8"))
        boots = (ROOT / "tests/boot/meson.build").read_text(encoding="utf-8")
        known = [*titles, *tests.CHECKS, *(f"xen-{name}" for name in tests.SCENARIOS),
                 *re.findall(r"test\('([\w-]+)'", boots),
                 *(f"linux-{name}" for name in re.findall(r"^ +'([\w-]+)': \['--", boots, re.MULTILINE))]
        rows = re.findall(r"^\| .* \| (.*) \|$", self.TEXT.partition("## Quirks")[2], re.MULTILINE)[1:]
        self.assertGreater(len(rows), 10)
        for row in rows:
            for name in re.findall(r"`([^`]+)`", row):
                if not (ROOT / name).is_file():
                    self.assertTrue(any(title.startswith(name.rstrip("… ")) for title in known), name)


if __name__ == "__main__":
    unittest.main()
