#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The progress of a build: one line that is rewritten on a terminal, or a new line every few seconds elsewhere."""

import re
import subprocess
import sys
import time

import support
import progress

# Three sequential steps, and one that fails.
NINJA = """
rule step
  command = sleep 0.3 && touch $out
  description = Making $out
rule fault
  command = echo "what is wrong" >&2; echo "in file x"; false
  description = Making $out
build one: step
build two: step one
build three: step two
build broken: fault
default three
"""
BUILD = """
import sys
sys.path.insert(0, {tools!r})
from pathlib import Path
import building, progress
from lab import LabError
progress.QUIET = 0.4
try:
    building.compile_all(Path({folder!r}), {targets!r})
except LabError as why:
    print(why)
print("after")
"""


class Build(support.Scratch):
    def setUp(self) -> None:
        super().setUp()
        (self.folder / "build.ninja").write_text(NINJA, encoding="utf-8")

    def program(self, *targets: str) -> list[str]:
        text = BUILD.format(tools=str(support.ROOT / "tools"), folder=str(self.folder), targets=list(targets))
        return [sys.executable, "-c", text]

    def test_live_line_on_a_terminal(self) -> None:
        status, printed = support.on_terminal(self.program(), self.folder, columns=60)
        self.assertEqual(status, 0)
        # A target is shown while it is built, on one line that is cleared at the end.
        *updates, last = printed.split("\r\x1b[K")
        self.assertEqual(last, "after\r\n")
        self.assertNotIn("\n", "".join(updates))
        for done, name in ((0, "one"), (1, "two"), (2, "three")):
            self.assertTrue(any(re.fullmatch(rf"building {done} of 3 \(\d+ s\): {name}", text) for text in updates),
                            f"{name}: {updates}")

    def test_live_line_fits_the_terminal(self) -> None:
        _, printed = support.on_terminal(self.program(), self.folder, columns=20)
        updates = printed.split("\r\x1b[K")[:-1]
        self.assertEqual(max(map(len, updates)), 19)

    def test_a_line_now_and_then_elsewhere(self) -> None:
        began = time.monotonic()
        done = subprocess.run(self.program(), capture_output=True, text=True, timeout=60, check=True)
        *lines, last = done.stdout.splitlines()
        self.assertEqual(last, "after")
        self.assertTrue(1 <= len(lines) <= (time.monotonic() - began) / 0.4, lines)
        for line in lines:
            self.assertRegex(line, r"^building \d of 3 \(\d+ s\): \w+$")

    def test_quick_build_prints_nothing(self) -> None:
        self.assertEqual(subprocess.run(self.program(), capture_output=True, timeout=60, check=True).returncode, 0)
        done = subprocess.run(self.program(), capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual(done.stdout, "after\n")

    def test_failure_shows_everything(self) -> None:
        done = subprocess.run(self.program("broken"), capture_output=True, text=True, timeout=60, check=True)
        for text in ("the build failed (ninja -C ", "FAILED: broken", "what is wrong\n", "in file x\n"):
            self.assertIn(text, done.stdout)
        self.assertNotIn("\x1b", done.stdout)


class Listen(support.Scratch):
    """Running a command and receiving its lines."""

    def hear(self, script: str, timeout: float = 30, **options: object) -> tuple[int, list[str]]:
        heard: list[str] = []
        status = progress.listen(["sh", "-c", script], heard.append, timeout, **options)
        return status, heard

    def test_lines(self) -> None:
        for terminal in (False, True):
            status, heard = self.hear(r"printf 'a\nb\r\033[Kc\n'; printf 'd\351' >&2; exit 3", terminal=terminal)
            self.assertEqual((status, heard), (3, ["a", "b", "c", "d\ufffd"]))

    def test_silence(self) -> None:
        status, heard = self.hear("sleep 2.5; echo end")
        self.assertEqual((status, heard), (0, ["", "", "end"]))

    def test_time_is_up(self) -> None:
        for terminal in (False, True):
            for script in ("exec sleep 60", "exec yes", "exec >/dev/null 2>&1; exec sleep 60"):
                began = time.monotonic()
                with self.assertRaises(subprocess.TimeoutExpired):
                    self.hear(script, timeout=0.5, terminal=terminal)
                self.assertLess(time.monotonic() - began, 10)

    def test_no_such_command(self) -> None:
        with self.assertRaises(FileNotFoundError):
            progress.listen(["/nonexistent"], print, 1)


if __name__ == "__main__":
    support.main()
