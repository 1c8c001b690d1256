#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Tests of the boot tests: they must fail on a machine that hangs, on wrong facts and on broken input."""

import argparse
import bz2
import contextlib
import dataclasses
import fnmatch
import gzip
import hashlib
import io
import lzma
import os
import queue
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Callable
from unittest import mock

import boot_on_xen
import command_boot
import run as tests
import tiny_guest
from common import SKIP, script
from images import crafted
from lab import LabError, boot, bzimage, console, cpio, elf, inputs, packages, qemu, userspace, wire, xen, \
    xen_packages

HERE = Path(__file__).resolve().parent


class Folder(unittest.TestCase):
    """Each test has a scratch folder."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="pvhboot-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)


class Hanging(Folder):
    """A machine that hangs is ended at the timeout, and its last lines are shown."""

    def guest(self, text: str, exit_value: int | None, last: bytes = b"") -> Path:
        path = self.folder / "guest.elf"
        path.write_bytes(tiny_guest.elf(text, exit_value, last))
        return path

    def test_ends(self) -> None:
        run = qemu.start(qemu.Machine(self.guest("one\r\ntwo\r\n", 21)), timeout=30)
        self.assertEqual((run.debug_exit, run.lines[-2:], run.end), (21, ["one", "two"], qemu.EXITED))

    def test_reset_is_no_exit_and_no_hang(self) -> None:
        for machine in qemu.MACHINES:
            guest = self.guest("last words\r\n", None, tiny_guest.TRIPLE_FAULT)
            run = qemu.start(qemu.Machine(guest, machine=machine), timeout=30)
            self.assertEqual((run.end, run.debug_exit, run.lines[-1]), (qemu.RESET, None, "last words"))
        self.assertEqual(run.how(), "the machine reset (a triple fault or a reboot)")

    def test_power_off_is_no_reset(self) -> None:
        run = qemu.start(qemu.Machine(self.guest("last words\r\n", None, tiny_guest.POWER_OFF)), timeout=30)
        self.assertEqual((run.end, run.debug_exit, run.lines[-1]), (qemu.POWERED_OFF, None, "last words"))

    def test_reset_before_qemu_listens(self) -> None:
        """The machine runs only after QEMU can report its end."""

        class Late(qemu.Control):
            delay = 0.0

            def send(self, command: str, **arguments: object) -> None:
                self.delay += 0.4
                threading.Timer(self.delay, super().send, (command,), arguments).start()

        guest = self.guest("", None, tiny_guest.TRIPLE_FAULT)
        run = qemu.start(qemu.Machine(guest, machine="microvm"), timeout=30, control=Late())
        self.assertEqual(run.end, qemu.RESET)

    def test_boot_that_resets_or_hangs_or_exits(self) -> None:
        kernel = self.folder / "kernel"
        kernel.write_bytes(b"kernel")
        ends = {r"userspace was not reached: the machine reset \((.|\n)*\| half way": (None, tiny_guest.TRIPLE_FAULT),
                r"userspace was not reached: the machine powered off(.|\n)*\| half way": (None, tiny_guest.POWER_OFF),
                r"userspace was not reached: the machine ended through its exit port": (3, b""),
                r"did not end within 3 s(.|\n)*\| half way": (None, b"")}
        with mock.patch.object(packages, "busybox", return_value=kernel):
            for expected, (exit_value, last) in ends.items():
                plan = boot.Plan(kernel, self.guest("half way", exit_value, last), timeout=3)
                with self.subTest(expected), self.assertRaisesRegex(LabError, expected):
                    boot.boot(plan)

    def test_screens(self) -> None:
        """A program that draws a screen moves the cursor instead of ending lines."""

        def on_line(_seconds: float, line: str) -> None:
            if line == "two":
                raise qemu.Stop

        guest = self.guest("\x1b[2J\x1b[1;1Hone\x1b[2;40Htwo\x1b[H", None)
        run = qemu.start(qemu.Machine(guest), timeout=30, on_line=on_line)
        self.assertEqual((run.lines[-2:], run.end), (["one", "two"], qemu.STOPPED))

    def test_hang_is_an_error_with_the_last_lines(self) -> None:
        began = time.monotonic()
        with self.assertRaisesRegex(qemu.Hang, r"did not end within 3 s(.|\n)*\| first\n(.|\n)*\| half a li") as caught:
            qemu.start(qemu.Machine(self.guest("first\r\nhalf a li", None)), timeout=3)
        self.assertLess(time.monotonic() - began, 15)
        self.assertEqual(caught.exception.run.lines[-1], "half a li")

    def endless(self) -> Path:
        image = bytearray(tiny_guest.elf("again\r\n", 1))
        # A jump to the note's entry replaces the exit.
        at = image.index(b"\xb8\x01\0\0\0\xe7\xf4")
        image[at:at + 7] = b"\xeb" + struct.pack("b", -(5 + 4 + 8 + 2)) + b"\x90" * 5
        path = self.folder / "guest.elf"
        path.write_bytes(image)
        return path

    def test_endless_talk_is_a_hang_too(self) -> None:
        with self.assertRaises(qemu.Hang):
            qemu.start(qemu.Machine(self.endless()), timeout=3)

    def test_stop_in_the_middle_of_talk(self) -> None:
        failed: list[object] = []
        pump = qemu.pump

        def slow(process: subprocess.Popen, lines: "queue.Queue[str | None]") -> None:
            lines.put("first")
            time.sleep(0.5)
            pump(process, lines)

        def on_line(_seconds: float, _line: str) -> None:
            raise qemu.Stop

        with mock.patch.object(threading, "excepthook", failed.append), mock.patch.object(qemu, "pump", slow):
            run = qemu.start(qemu.Machine(self.endless()), timeout=30, on_line=on_line)
            time.sleep(1)
        self.assertEqual((run.end, failed), (qemu.STOPPED, []))

    def test_broken_machine_is_an_error(self) -> None:
        with self.assertRaisesRegex(LabError, "QEMU ended with status 1"):
            qemu.start(qemu.Machine(self.folder / "absent.elf"), timeout=30)
        with self.assertRaisesRegex(LabError, "invalid memory size"):
            qemu.start(qemu.Machine(self.guest("", 1), memory="lots"), timeout=30)


class WholeTests(Folder):
    """run.py, called as Meson calls it, with guests that print wrong facts."""

    def run_test(self, guest: bytes, *arguments: str, timeout: int = 60) -> subprocess.CompletedProcess:
        for name in ("kernel/kernel32.elf", "chainload/chainload.elf"):
            path = self.folder / "examples" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(guest)
        command = script(HERE / "run.py", "--build", self.folder, "--timeout", timeout, *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    def assert_fails(self, done: subprocess.CompletedProcess, pattern: str) -> None:
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, pattern)

    def test_hanging_kernel(self) -> None:
        guest = tiny_guest.elf("kernel: rsdp 0x1\r\nstuck here", None)
        self.assert_fails(self.run_test(guest, "kernel", timeout=4), r"did not end within 4 s(.|\n)*\| stuck here")

    def test_kernel_that_resets(self) -> None:
        done = self.run_test(tiny_guest.elf("kernel: rsdp 0x1\r\n", None, tiny_guest.TRIPLE_FAULT), "kernel")
        self.assert_fails(done, r"no address of its start_info, and the machine reset \(")

    def test_loader_that_resets(self) -> None:
        done = self.run_test(tiny_guest.elf("", None, tiny_guest.TRIPLE_FAULT), "refuse", "no-module")
        self.assert_fails(done, "NOT OK *end of the machine: reset instead of exit")

    def test_kernel_without_facts(self) -> None:
        self.assert_fails(self.run_test(tiny_guest.elf("kernel: result ok\r\n", 0x10), "kernel"),
                          "printed no address of its start_info, and the machine ended")

    def test_kernel_with_wrong_facts(self) -> None:
        guest = tiny_guest.elf("kernel: start_info 0x21e0 version 1 flags 0x5\r\nkernel: total ram 5 bytes\r\n"
                               "kernel: result ok\r\n", 0x10)
        done = self.run_test(guest, "kernel")
        for fact in ("flags: 5 instead of 0", "map as received", "total ram: 5 instead", "command line: None instead"):
            self.assert_fails(done, f"NOT OK *{fact}")

    def test_loader_that_does_not_refuse(self) -> None:
        done = self.run_test(tiny_guest.elf("chainload: entering 0x1000000\r\n", 0x10), "refuse", "no-module")
        self.assert_fails(done, "NOT OK *lines of error: 0 instead of 1")
        self.assert_fails(done, "NOT OK *Linux was entered: 16777216 instead of None")

    def test_refusal_with_the_wrong_status(self) -> None:
        text = "chainload: error: no_module: no module: a kernel is needed (address 0x0)\r\n"
        done = self.run_test(tiny_guest.elf(text, 2), "refuse", "no-module")
        self.assert_fails(done, "NOT OK *exit status: 2 instead")


def zero_page(**changes: int) -> bytes:
    """A zero page that agrees with `LINES`, except for the changes."""
    page = bytearray(4096)
    values = {"acpi_rsdp_addr": 0xF59E0, "e820_entries": 2, "boot_flag": 0xAA55, "header": 0x53726448, "version": 0x20F,
              "type_of_loader": 0xFF, "ramdisk_image": 0x7000000, "ramdisk_size": 4} | changes
    for name, value in values.items():
        offset, form = wire.ZERO_PAGE[name]
        struct.pack_into(form, page, offset, value)
    for number, entry in enumerate([(0, 0xA0000, 1), (0x100000, 0x7F00000, 1)]):
        wire.E820_ENTRY.pack_into(page, wire.E820_TABLE + number * wire.E820_ENTRY.size, *entry)
    return bytes(page)


LINES = [
    "chainload: start_info 0x21e0 version 1 flags 0x0",
    'chainload: command line 0x11c0 (12 bytes) "console=ttyS"',
    "chainload: module 0 [0x7000000, 0x7001004) 4100 bytes",
    "chainload: rsdp 0xf59e0",
    "chainload: map received [0x0, 0xa0000) type 1 ram",
    "chainload: map received [0x100000, 0x8000000) type 1 ram",
    "chainload: placed zero page 0x90000 command line 0x91000",
    "chainload: entering 0x1000000",
]


class Judging(unittest.TestCase):
    """A wrong fact makes its row of the verdict fail, and no other row."""

    def rows(self, lines: list[str] | None = None, page: bytes | None = None, **report: object) -> dict[str, bool]:
        made = userspace.Initramfs(b"data", "token", "digest")
        plan = boot.Plan(Path("vmlinuz"), Path("chainload.elf"), append="console=ttyS0")
        complete = userspace.Report(cmdline="console=ttyS0", zero_page=page or zero_page(), marker="token",
                                marker_sha256="digest")
        outcome = boot.Outcome(plan, qemu.Run(lines=LINES), console.read("chainload", lines or LINES),
                               dataclasses.replace(complete, **report), made, 4)
        return {row.what: row.ok for row in boot.judge(outcome)}

    def assert_only(self, wrong: str, rows: dict[str, bool]) -> None:
        self.assertEqual([what for what, ok in rows.items() if not ok], [wrong])

    def test_agreement(self) -> None:
        self.assertEqual(set(self.rows().values()), {True})

    def test_each_disagreement(self) -> None:
        self.assert_only("start_info", self.rows([line.replace("version 1", "version 0") for line in LINES]))
        self.assert_only("memory map", self.rows([line.replace("0x8000000", "0x8001000") for line in LINES]))
        self.assert_only("memory map", self.rows([line.replace("a0000) type 1", "a0000) type 2") for line in LINES]))
        self.assert_only("memory map", self.rows(page=zero_page(e820_entries=1)))
        self.assert_only("RSDP", self.rows(page=zero_page(acpi_rsdp_addr=0)))
        self.assert_only("RSDP", self.rows([line for line in LINES if "rsdp" not in line]))
        self.assert_only("command line", self.rows(cmdline="console=ttyS0 "))
        self.assert_only("initrd", self.rows(marker="other"))
        self.assert_only("initrd", self.rows(marker_sha256="other"))
        self.assert_only("initrd", self.rows(page=zero_page(ramdisk_size=5)))
        self.assert_only("zero page", self.rows(page=zero_page(type_of_loader=0)))
        self.assert_only("zero page", self.rows(page=zero_page(sentinel=0xFF)))

    def test_overfull_table(self) -> None:
        with self.assertRaisesRegex(LabError, "counts 129 e820 entries"):
            self.rows(page=zero_page(e820_entries=129))


class Reading(unittest.TestCase):
    """Malformed lines are errors."""

    def test_grammar(self) -> None:
        for line in ("start_info 21e0 version 1 flags 0x0", 'command line 0x0 (3 bytes) "four"', "map received [0x0,",
                     "module 1 [0x0, 0x1) 1 bytes", "module 0 [0x0, 0x1) 2 bytes", "error", "total ram many bytes"):
            with self.subTest(line), self.assertRaises(LabError):
                console.read("kernel", ["kernel: " + line])

    def test_counts(self) -> None:
        with self.assertRaisesRegex(LabError, "counts 2 ranges and prints 1"):
            console.read("kernel", ["kernel: memory map 2 entries at 0x5a8",
                                    "kernel: map received [0x0, 0x1) type 1 ram"])

    def test_report(self) -> None:
        with self.assertRaisesRegex(LabError, "not reached"):
            userspace.read(["Linux version"])
        with self.assertRaisesRegex(LabError, "in the middle"):
            userspace.read([userspace.BEGIN, "userspace: zeropage 00"])
        with self.assertRaisesRegex(LabError, "has 2 digits"):
            userspace.read([userspace.BEGIN, "userspace: zeropage 00", userspace.END])


class Images(Folder):
    """Unpacking kernels and writing archives, compared with the common tools."""

    KERNEL = b"\x7fELF" + bytes(range(256)) * 64

    def image(self, payload: bytes, offset: int = 64, length: int | None = None) -> bytes:
        image = bytearray(5 * 512 + 64) + payload
        image[0x202:0x206] = b"HdrS"
        struct.pack_into("<H", image, 0x206, 0x20F)
        struct.pack_into("<II", image, bzimage.PAYLOAD, offset, len(payload) if length is None else length)
        return bytes(image)

    def test_formats(self) -> None:
        size = struct.pack("<I", len(self.KERNEL))
        formats = {
            "gzip": gzip.compress(self.KERNEL),
            "bzip2": bz2.compress(self.KERNEL) + size,
            "xz": lzma.compress(self.KERNEL) + size,
            "lzma": lzma.compress(self.KERNEL, lzma.FORMAT_ALONE) + size,
            "none": self.KERNEL,
        }
        for tool, options in (("zstd", ["-q", "-c"]), ("lz4", ["-q", "-l", "-c"])):
            if shutil.which(tool):
                done = subprocess.run([tool, *options], input=self.KERNEL, capture_output=True, timeout=60, check=True)
                formats[tool] = done.stdout + size
        for name, payload in formats.items():
            with self.subTest(name):
                self.assertEqual(bzimage.unpack(self.image(payload)), self.KERNEL)

    def test_damage(self) -> None:
        whole = lzma.compress(self.KERNEL) + struct.pack("<I", len(self.KERNEL))
        for expected, image in (
                ("too few for a setup header", b"MZ"),
                ("no HdrS", b"\0" * 4096),
                ("not inside the file", self.image(whole, offset=0xFFFFFFF0)),
                ("not inside the file", self.image(whole, length=len(whole) + 1)),
                ("not inside the file", self.image(whole, length=0)),
                ("does not unpack", self.image(whole[:40] + b"\xff" * 8 + whole[48:])),
                ("unpacks to .* bytes, not to", self.image(whole[:-4] + b"\0\0\0\0")),
                ("unknown format", self.image(b"none of them")),
                ("not an ELF file", self.image(lzma.compress(b"text") + struct.pack("<I", 4)))):
            with self.subTest(expected), self.assertRaisesRegex(LabError, expected):
                bzimage.unpack(image)

    def test_elf(self) -> None:
        for bits in (32, 64):
            image = crafted.Image(bits).load(0x100000, b"12345", 0x100, flags=6).notes(
                crafted.BUILD_ID, crafted.entry(0x123456, bits)).written()
            first, second = elf.segments(image)
            self.assertEqual((first.kind, first.paddr, first.filesz, first.memsz, first.executable),
                             (elf.LOAD, 0x100000, 5, 0x100, False))
            self.assertEqual(second.kind, elf.NOTE)
            self.assertEqual(elf.placed_bytes(image), 5)
            self.assertEqual(elf.pvh_entry(image), 0x123456)
            self.assertTrue(elf.segments(crafted.kernel(bits).written())[0].executable)
        for expected, image in (("not a little-endian ELF file", b"\x7fELF\1\2"),
                                ("ends before its headers do", crafted.usual(64).written()[:100]),
                                ("no PHYS32_ENTRY note", crafted.kernel(32).written())):
            with self.subTest(expected), self.assertRaisesRegex(LabError, expected):
                elf.pvh_entry(image)

    def test_archive(self) -> None:
        entries = [cpio.directory("bin"), cpio.executable("bin/tool", b"12345"), cpio.symlink("link", "bin/tool"),
                   cpio.Entry("empty")]
        data = cpio.archive(entries)
        self.assertEqual(data, cpio.archive(list(entries)))
        if not shutil.which("cpio"):
            self.skipTest("cpio is not installed")
        subprocess.run(["cpio", "-i", "--quiet"], input=data, cwd=self.folder, timeout=60, check=True)
        tool = self.folder / "bin" / "tool"
        self.assertEqual((tool.read_bytes(), stat.S_IMODE(tool.stat().st_mode)), (b"12345", 0o755))
        self.assertEqual(str((self.folder / "link").readlink()), "bin/tool")
        self.assertEqual((self.folder / "empty").read_bytes(), b"")

    def test_module(self) -> None:
        module = cpio.chainload_module(b"K" * 5000, b"initrd", "words")
        self.assertEqual(module[8192:], b"initrd")
        self.assertTrue(module[:8192].rstrip(b"\0").endswith(b"TRAILER!!!"))
        self.assertEqual(len(cpio.chainload_module(b"K" * 5000)) % 4096, 0)

    def test_bits(self) -> None:
        image = bytearray(self.image(b"payload"))
        for version, flags, bits in ((0x20F, 1, 64), (0x20F, 0x7E, 32), (0x20C, 0, 32), (0x20B, 0, 64)):
            struct.pack_into("<H", image, bzimage.VERSION, version)
            struct.pack_into("<H", image, 0x236, flags)
            self.assertEqual(bzimage.bits(bytes(image)), bits, (version, flags))
        for other, bits in ((b"\x7fELF\x01", 32), (b"\x7fELF\x02", 64), (b"", 64), (bytes(4096), 64)):
            self.assertEqual(bzimage.bits(other), bits)

    def test_userspace_has_the_bits_of_the_kernel(self) -> None:
        path = self.folder / "busybox"
        path.write_bytes(b"\x7fELF\x01")
        with mock.patch.object(packages, "busybox", return_value=path) as requested:
            boot.userspace_of(b"\x7fELF\x01")
            boot.userspace_of(b"\x7fELF\x02")
        self.assertEqual([call.args for call in requested.call_args_list], [(32,), (64,)])

    def test_userspace_with_the_wrong_bits(self) -> None:
        path = self.folder / "busybox"
        path.write_bytes(b"\x7fELF\x02")
        with mock.patch.dict(os.environ, PVHBOOT_BUSYBOX=str(path)):
            self.assertEqual(packages.busybox(64), path)
            with self.assertRaisesRegex(LabError, "64-bit program, and the kernel is a 32-bit one"):
                packages.busybox(32)
            path.write_bytes(b"\x7fELF\x01")
            self.assertEqual(packages.busybox(32), path)


class Inputs(Folder):
    """Files that a user may name by mistake."""

    def refused(self, check: Callable[[], None]) -> str:
        with self.assertRaises(LabError) as caught:
            check()
        return str(caught.exception)

    def file(self, data: bytes) -> Path:
        path = self.folder / "file"
        path.write_bytes(data)
        return path

    def test_compressed_kernels(self) -> None:
        contents = {"gunzip": gzip.compress(b"kernel"), "unxz": lzma.compress(b"kernel"),
                    "bunzip2": bz2.compress(b"kernel"), "unlzma": lzma.compress(b"kernel", lzma.FORMAT_ALONE)}
        for tool, options, unpack in (("zstd", (), "unzstd"), ("lz4", (), "unlz4"), ("lz4", ("-l",), "unlz4")):
            if shutil.which(tool):
                done = subprocess.run([tool, "-q", "-c", *options], input=b"kernel", capture_output=True, timeout=60,
                                      check=True)
                contents[f"{unpack}{''.join(options)}"] = done.stdout
        for command, data in contents.items():
            path = self.file(data)
            for direct in (False, True):
                output = self.refused(lambda: inputs.kernel(path, "--kernel", direct))
                self.assertRegex(output, f"^--kernel: {path} is [A-Za-z0-9]*-compressed: unpack it with "
                                 f"{command.partition('-')[0]}$")
            inputs.initrd(path, "--initrd")  # Linux unpacks it

    def test_other_kernels(self) -> None:
        path = self.file(b"\x7fELF\x02" + bytes(600))
        self.assertEqual(self.refused(lambda: inputs.kernel(path, "--kernel", False)),
                         f"--kernel: {path} is an ELF image, not a bzImage: boot it directly with --direct")
        self.assertIn("without --xen", self.refused(lambda: inputs.kernel(path, "--kernel", False, on_xen=True)))
        inputs.kernel(path, "--kernel", True)
        self.file(b"")
        self.assertIn("is empty", self.refused(lambda: inputs.kernel(path, "--kernel", False)))
        self.file(cpio.archive([]))
        self.assertIn("give it with --initrd", self.refused(lambda: inputs.kernel(path, "--kernel", False)))
        self.assertIn("is a folder", self.refused(lambda: inputs.kernel(self.folder, "--kernel", False)))
        self.assertIn("no such file", self.refused(lambda: inputs.kernel(self.folder / "no", "--kernel", False)))
        self.file(b"MZ" + bytes(0x200) + b"HdrS")
        inputs.kernel(path, "--kernel", False)
        inputs.kernel(path, "--kernel", True)

    def test_initrds(self) -> None:
        path = self.file(b"")
        self.assertIn("is empty", self.refused(lambda: inputs.initrd(path, "--initrd")))
        self.file(b"\x7fELF\x02")
        self.assertIn("is an ELF image, not an initrd", self.refused(lambda: inputs.initrd(path, "--initrd")))
        self.file(b"MZ" + bytes(0x200) + b"HdrS")
        self.assertIn("give it with --kernel", self.refused(lambda: inputs.initrd(path, "--initrd")))
        self.file(cpio.archive([]))
        inputs.initrd(path, "--initrd")


class Commands(Folder):
    """./dev boot, without the machine."""

    def options(self, *arguments: str) -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        command_boot.arguments(parser)
        return parser.parse_args(arguments)

    def test_refuses_before_it_works(self) -> None:
        path = self.folder / "file"
        path.write_bytes(b"\x1f\x8b")
        with mock.patch.object(packages, "provide", side_effect=AssertionError), \
                mock.patch.object(command_boot.building, "configure", side_effect=AssertionError):
            for arguments, expected in ((("--kernel", str(path)), "--kernel: .* is gzip"),
                                    (("--xen", "--kernel", str(path)), "--kernel: .* is gzip"),
                                    (("--memory", "lots"), "invalid memory size"),
                                    (("--xen", "--memory", "5G"), "does not fit")):
                with self.subTest(arguments), self.assertRaisesRegex(LabError, expected):
                    command_boot.check(self.options(*arguments))
            path.write_bytes(b"")
            with self.assertRaisesRegex(LabError, "--initrd: .* is empty"):
                command_boot.check(self.options("--initrd", str(path)))
            with mock.patch.dict(os.environ, PVHBOOT_KERNEL=str(path)), \
                    self.assertRaisesRegex(LabError, r"\$PVHBOOT_KERNEL: .* is empty"):
                command_boot.check(self.options())

    def times(self, *arguments: str) -> list[float]:
        """The seconds before each stage of a boot whose build takes 0.3 s and whose machine takes another 0.3 s."""
        kernel = self.folder / "kernel"
        kernel.write_bytes(b"kernel")
        outcome = boot.Outcome(boot.Plan(kernel, kernel), qemu.Run(end=qemu.POWERED_OFF), None, None, None)

        def machine(*arguments: object) -> boot.Outcome:
            time.sleep(0.3)
            arguments[1](0.0, "chainload: start_info 0x21e0")
            return outcome

        def domain(_guests: object, _files: object, _timeout: float, _folder: Path,
                   on_line: Callable[[float, str, str], None]) -> xen.Session:
            machine(None, lambda seconds, line: on_line(seconds, boot_on_xen.NAME, line))
            return xen.Session({boot_on_xen.NAME: xen.GuestRun(boot_on_xen.NAME, end="poweroff")}, 0, [])

        output = io.StringIO()
        with contextlib.redirect_stdout(output), mock.patch.object(packages, "busybox", return_value=kernel), \
                mock.patch.object(command_boot.building, "configure", side_effect=lambda **_: time.sleep(0.3)), \
                mock.patch.object(command_boot.building, "compile_all"), \
                mock.patch.object(command_boot.building, "BUILD", self.folder), \
                mock.patch.object(boot, "boot", machine), mock.patch.object(boot, "conclude", return_value=outcome), \
                mock.patch.object(xen_packages, "provide"), mock.patch.object(xen, "run_guests", domain):
            (self.folder / boot.CHAINLOAD).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / boot.CHAINLOAD).touch()
            command_boot.run(self.options("--kernel", str(kernel), *arguments))
        return [float(seconds) for seconds in re.findall(r"^ *(\d+\.\d) s ", output.getvalue(), re.MULTILINE)]

    def test_one_clock(self) -> None:
        for arguments in ((), ("--xen",)):
            times = self.times(*arguments)
            with self.subTest(arguments, times=times):
                self.assertEqual(len(times), 4)
                self.assertEqual(times, sorted(times))
                self.assertGreaterEqual(times[0], 0.3)
                self.assertGreaterEqual(times[-1], 0.6)


class Packages(Folder):
    """Downloads from a folder as the mirror."""

    def setUp(self) -> None:
        super().setUp()
        self.fetched: list[str] = []
        for target, value in ((packages, self.folder / "the cache"), (xen_packages, self.folder / "the cache")):
            patch = mock.patch.object(target, "CACHE", value)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.object(xen_packages, "ROOM", self.folder / "the cache" / "xen")
        patch.start()
        self.addCleanup(patch.stop)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PVHBOOT_")}
        patch = mock.patch.dict(os.environ, environment, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def fetch(self, package: str, folder: Path, _archive: packages.Archive | None = None) -> Path:
        self.fetched.append(package)
        return Path(shutil.copy(os.devnull, folder / "package.deb"))

    def unpack(self, _deb: Path, members: tuple[str, ...], target: Path) -> None:
        xen_drivers = "lib/modules/6.1/kernel/drivers/xen"
        files = {"boot/vmlinuz-6.1": b"kernel", f"boot/xen-{xen_packages.XEN}-amd64.gz": gzip.compress(b"xen"),
                 **{f"{xen_drivers}/{name}.ko": b"module" for name in packages.XEN_MODULES[:-1]},
                 f"{xen_drivers}/xenfs/xenfs.ko": b"module"}
        for name, data in files.items():
            if any(fnmatch.fnmatch(name, member) for member in members):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (target / name).write_bytes(data)

    def test_xen_and_plain_boot_share_a_kernel(self) -> None:
        for first, second in ((packages.kernel, xen_packages.provide), (xen_packages.provide, packages.kernel)):
            shutil.rmtree(self.folder / "the cache", ignore_errors=True)
            self.fetched.clear()
            with self.subTest(first), mock.patch.multiple(packages, fetch=self.fetch, unpack=self.unpack,
                                                          known=lambda *_: True, has_apt=lambda: True):
                first()
                second()
                self.assertEqual(xen_packages.kernel(), packages.kernel())
                self.assertEqual([path.stem for path in xen_packages.modules()], list(packages.XEN_MODULES))
            self.assertEqual(self.fetched.count(packages.KERNEL_PACKAGE), 1, self.fetched)

    def test_another_architecture(self) -> None:
        """apt itself, with package lists in the cache."""
        if not packages.has_apt():
            self.skipTest("this system has no apt")
        package = self.folder / "package"
        (package / "DEBIAN").mkdir(parents=True)
        (package / "boot").mkdir()
        (package / "boot/vmlinuz-lab").write_bytes(b"kernel")
        control = "Package: linux-image-lab\nVersion: 1\nArchitecture: i386\nMaintainer: lab <lab@localhost>\n"
        (package / "DEBIAN/control").write_text(f"{control}Description: of the lab\n", encoding="ascii")
        mirror = self.folder / "a mirror"
        mirror.mkdir()
        deb = mirror / "lab.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", package, deb], capture_output=True, timeout=60,
                       check=True)
        (mirror / "Packages").write_text(
            f"{control}Filename: ./lab.deb\nSize: {deb.stat().st_size}\n"
            f"SHA256: {hashlib.sha256(deb.read_bytes()).hexdigest()}\nDescription: of the lab\n\n", encoding="ascii")
        line = f"deb [trusted=yes] file:{str(mirror).replace(' ', '%20')} ./"
        foreign = ["dpkg", "--print-foreign-architectures"]
        before = subprocess.run(foreign, capture_output=True, timeout=60, check=True).stdout
        with mock.patch.object(packages, "source_line", return_value=line), \
                contextlib.redirect_stdout(io.StringIO()):
            found = packages.provide("linux-image-lab", packages.KERNEL_FILE, "no other way", packages.I386)
            self.assertEqual(found.read_bytes(), b"kernel")
            with self.assertRaisesRegex(packages.Unavailable, "the i386 lists of this system do not have it"):
                packages.provide("linux-image-absent", packages.KERNEL_FILE, "no other way", packages.I386)
        self.assertEqual(subprocess.run(foreign, capture_output=True, timeout=60, check=True).stdout, before)
        self.assertFalse(packages.known("linux-image-lab"))

    def test_source_package(self) -> None:
        """apt itself, with a mirror that has one source package."""
        if not packages.has_apt():
            self.skipTest("this system has no apt")
        mirror = self.folder / "a mirror"
        mirror.mkdir()
        files = {"lab_1.dsc": b"Format: 1.0\nSource: lab\nVersion: 1\n", "lab_1.tar.gz": gzip.compress(b"")}
        for name, data in files.items():
            (mirror / name).write_bytes(data)
        sums = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in files.items())
        (mirror / "Sources").write_text(
            "Package: lab\nBinary: lab\nVersion: 1\nMaintainer: lab <lab@localhost>\nArchitecture: any\n"
            f"Directory: .\nFormat: 1.0\nChecksums-Sha256:\n{sums}\n", encoding="ascii")
        line = f"deb-src [trusted=yes] file:{str(mirror).replace(' ', '%20')} ./"
        with mock.patch.object(packages, "source_line", return_value=line), \
                contextlib.redirect_stdout(io.StringIO()):
            room = packages.source_package("lab")
            self.assertEqual({path.name: path.read_bytes() for path in room.iterdir()}, files)
            with self.assertRaisesRegex(packages.Unavailable, "cannot download the source of absent: "):
                packages.source_package("absent")
        with mock.patch.object(packages, "has_apt", return_value=False):
            self.assertEqual(packages.source_package("lab"), room)  # from the cache
            with self.assertRaisesRegex(packages.Unavailable, "the source of other is not in .* has no apt"):
                packages.source_package("other")

    def test_lists_that_are_out_of_reach(self) -> None:
        if not packages.has_apt():
            self.skipTest("this system has no apt")
        line = "deb [trusted=yes] http://127.0.0.1:9/ ./"
        options = packages.apt_options(packages.I386) + ["-o", "Acquire::Retries=0"]
        with mock.patch.object(packages, "source_line", return_value=line), \
                mock.patch.object(packages, "apt_options", lambda archive: options if archive else []), \
                contextlib.redirect_stdout(io.StringIO()), \
                self.assertRaisesRegex(packages.Unavailable, r"cannot fetch the package lists of i386: (.|\n)*127\.0"):
            packages.provide("linux-image-lab", packages.KERNEL_FILE, "no other way", packages.I386)

    def test_6_12_from_backports(self) -> None:
        requested: list[packages.Archive | None] = []

        def fetch(package: str, folder: Path, archive: packages.Archive | None = None) -> Path:
            requested.append(archive)
            if archive is None:
                raise packages.Unavailable("not in these lists")
            return self.fetch(package, folder)

        for version, expected in (("6.12.1", None), ("6.16.1", "have vmlinuz-6.16.1, not 6.12")):
            shutil.rmtree(self.folder / "the cache", ignore_errors=True)
            requested.clear()

            def unpack(_deb: Path, _members: tuple[str, ...], target: Path) -> None:
                (target / "boot").mkdir(parents=True)
                (target / f"boot/vmlinuz-{version}").touch()

            with mock.patch.multiple(packages, fetch=fetch, unpack=unpack, has_apt=lambda: True):
                if expected is None:
                    self.assertEqual(packages.kernel_6_12().name, "vmlinuz-6.12.1")
                else:
                    self.assertRaisesRegex(packages.Unavailable, expected, packages.kernel_6_12)
                self.assertEqual(requested, [None, packages.BACKPORTS])
                if expected is None:
                    packages.kernel_6_12()  # from the cache, without another download
                    self.assertEqual(len(requested), 2)

    def test_skipped_with_the_reason_as_the_last_line(self) -> None:
        for scenario in (("linux", "--kernel", "686"), ("linux", "--kernel", "686-pae"), ("linux", "--kernel", "6.12"),
                         ("installer",), ("memtest",), ("linux",)):
            output = io.StringIO()
            with self.subTest(scenario), contextlib.redirect_stdout(output), \
                    mock.patch.object(packages, "has_apt", return_value=False), \
                    mock.patch.object(sys, "argv", ["run.py", *scenario, "--build", str(self.folder)]):
                status = tests.main()
            last = output.getvalue().splitlines()[-1]
            if scenario == ("linux",):  # Debian's kernel is required: the test fails
                self.assertEqual((status, last), (1, "1 of the checks failed"))
            else:
                self.assertEqual(status, SKIP)
                self.assertRegex(last, "^skipped: .* is not in .* and this system has no apt to download it: ")


class Maps(unittest.TestCase):
    """Maps are compared by the addresses that they cover."""

    def test_differences(self) -> None:
        a = [wire.Range(0, 0x1000, 1), wire.Range(0x1000, 0x1000, 1), wire.Range(0x5000, 0x1000, 2),
             wire.Range(9, 0, 0)]
        self.assertEqual(wire.differences(a, [wire.Range(0x5000, 0x1000, 2), wire.Range(0, 0x2000, 1)]), [])
        self.assertEqual(len(wire.differences(a, [wire.Range(0, 0x2000, 1), wire.Range(0x5000, 0x1000, 3)])), 2)
        self.assertEqual(wire.ram_bytes(a), 0x2000)

    def test_order(self) -> None:
        self.assertTrue(wire.is_sorted_and_disjoint([wire.Range(0, 1, 1), wire.Range(1, 1, 1)]))
        self.assertFalse(wire.is_sorted_and_disjoint([wire.Range(0, 2, 1), wire.Range(1, 1, 1)]))
        self.assertFalse(wire.is_sorted_and_disjoint([wire.Range(5, 1, 1), wire.Range(1, 1, 1)]))


if __name__ == "__main__":
    unittest.main()
