#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""./dev vmm: where it runs examples/vmm, and the console of the emulated machine."""

import argparse
import contextlib
import io
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import command_vmm
from images import crafted
from lab import ROOT, LabError
from vmm import programs

TIMEOUT = 60
# `python -c PROGRAM VMM OPTIONS` is ./dev vmm without its build.
PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT / "tools")!r})
import argparse, command_vmm, pathlib
parser = argparse.ArgumentParser()
command_vmm.arguments(parser)
sys.exit(command_vmm.launch(pathlib.Path(sys.argv[1]), parser.parse_args(sys.argv[2:])))
"""


def options(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command_vmm.arguments(parser)
    return parser.parse_args([str(word) for word in words])


def command(*words: object) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(programs.vmm), *map(str, words)]


class Choice(unittest.TestCase):
    """Where a guest runs."""

    def launch(self, probe: subprocess.CompletedProcess | Exception, *words: object) -> tuple[int, str, list[str]]:
        """The exit status, the output, and the programs that were run after the probe."""
        ran: list[str] = []

        def run(given: list, **_options: object) -> subprocess.CompletedProcess:
            if "--probe" in given:
                if isinstance(probe, Exception):
                    raise probe
                return probe
            ran.append(" ".join(map(str, given)))
            return subprocess.CompletedProcess(given, 7)

        def on_console(given: str, _files: dict[str, bytes]) -> int:
            ran.append(f"nested {given}")
            return 8

        with mock.patch("subprocess.run", run), mock.patch("command_vmm.run_on_console", on_console), \
                contextlib.redirect_stdout(io.StringIO()) as printed:
            status = command_vmm.launch(programs.vmm, options("--kernel", __file__, *words))
        return status, printed.getvalue(), ran

    def test_kvm_works(self) -> None:
        status, printed, ran = self.launch(subprocess.CompletedProcess([], 0), "--append", "-a b", "--cpus", "2")
        self.assertEqual((status, printed), (7, "vmm: runs on /dev/kvm\n"))
        self.assertEqual(ran, [f"{programs.vmm} --kernel {__file__} --memory 256M --cpus 2 --append=-a b"])

    def test_kvm_does_not_work(self) -> None:
        refused = subprocess.CompletedProcess([], 1, stderr="vmm: cannot open /dev/kvm (why)\n")
        cases = ((refused, [], "(cannot open /dev/kvm (why))"), (subprocess.TimeoutExpired("vmm", 1), [], "did not end"),
                 (subprocess.CompletedProcess([], 0), ["--nested"], "(--nested was given)"))
        for probe, more, reason in cases:
            status, printed, ran = self.launch(probe, "--append", "a b", *more)
            self.assertEqual(status, 8)
            self.assertIn("vmm: runs inside a machine that QEMU emulates", printed)
            self.assertIn(reason, printed)
            name = f"0-{Path(__file__).name}"
            self.assertEqual(ran, [f"nested ./vmm --kernel {name} --memory 256M --cpus 1 '--append=a b'"])

    def test_description_needs_no_machine(self) -> None:
        status, printed, ran = self.launch(AssertionError(), "--describe", "--module", f"{__file__}=x y")
        self.assertEqual((status, printed), (7, ""))
        self.assertIn(f"--module {__file__}=x y --describe", ran[0])
        with self.assertRaisesRegex(LabError, "give --describe as well"):
            self.launch(subprocess.CompletedProcess([], 0), "--nested", "--dump-handoff", "file")


class Emulated(unittest.TestCase):
    def test_files_and_status(self) -> None:
        done = subprocess.run(command("--nested", "--kernel", programs.build / "examples/kernel/kernel32.elf", "--debug-exit",
                                      "--append", "first 'second'", "--module", f"{__file__}=x"), timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 33, done)
        self.assertIn("kernel: command line", done.stdout)
        self.assertIn("\"first 'second'\"", done.stdout)
        self.assertRegex(done.stdout, rf"kernel: module 0 .* {Path(__file__).stat().st_size} bytes")

    def test_console_is_this_terminal(self) -> None:
        with tempfile.NamedTemporaryFile() as kernel:
            kernel.write(crafted.Image(64).load(crafted.PVH, b"\xeb\xfe").notes(crafted.entry()).written())  # 1: jmp 1b
            kernel.flush()
            ours, theirs = pty.openpty()
            with subprocess.Popen(command("--nested", "--kernel", kernel.name), stdin=theirs, stdout=theirs,
                                  stderr=theirs, start_new_session=True) as process:
                os.close(theirs)
                try:
                    printed = self.read_until(ours, b"bytes  ACPI")
                    for keys in (b"\x03", b"\x01x"):  # Ctrl-C reaches the guest
                        time.sleep(1)
                        os.write(ours, keys)
                    printed += self.read_until(ours, b"ended from the keyboard")
                    self.read_until(ours, None)
                    status = process.wait(timeout=20)
                finally:
                    process.kill()
            os.close(ours)
        self.assertEqual(status, 0, printed)

    def read_until(self, terminal: int, text: bytes | None) -> bytes:
        """Read until the text, or until the end."""
        read = b""
        last = time.monotonic() + TIMEOUT
        while text is None or text not in read:
            ready = select.select([terminal], [], [], max(0.0, last - time.monotonic()))[0]
            self.assertTrue(ready, read)
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                chunk = b""
            if not chunk:
                self.assertIsNone(text, read)
                break
            read += chunk
        return read


if __name__ == "__main__":
    programs.main(__doc__)
