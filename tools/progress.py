# SPDX-License-Identifier: BSL-1.0
"""Show progress: one line that is rewritten on a terminal, or a new line every few seconds elsewhere."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, TextIO

QUIET = 10.0  # seconds between two lines without a terminal
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Line:
    """A live line."""

    def __init__(self, every: float | None = None, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.every = QUIET if every is None else every
        self.began = self.last = time.monotonic()
        self.shown = False

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def show(self, text: str) -> None:
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[K{text[:width]}")
            self.stream.flush()
            self.shown = True
        elif time.monotonic() - self.last >= self.every:
            self.last = time.monotonic()
            print(text, file=self.stream, flush=True)

    def clear(self) -> None:
        if self.shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.shown = False

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        print(text, file=self.stream, flush=True)


def listen(command: list[str], hear: Callable[[str], None], timeout: float, cwd: Path | None = None,
           environment: dict[str, str] | None = None, terminal: bool = False) -> int:
    """Run a command and call `hear` with each line of its output, and with "" after each second without output.

    With `terminal` the command runs on a terminal, on which ninja shows a target when it starts it, not only when it is
    done. Raise subprocess.TimeoutExpired after `timeout` seconds.
    """
    ours, theirs = pty.openpty() if terminal else os.pipe()
    deadline = time.monotonic() + timeout
    try:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=theirs,
                                   stderr=theirs)
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    rest = b""
    try:
        while True:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(command, timeout)
            if not select.select([ours], [], [], 1.0)[0]:
                hear("")
                continue
            data = read(ours)
            if not data:
                break
            *lines, rest = re.split(rb"[\r\n]+", rest + data)
            for line in lines:
                if line:
                    hear(text_of(line))
        if rest:
            hear(text_of(rest))
        return process.wait(max(1.0, deadline - time.monotonic()))
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
        process.wait()


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the command has closed the terminal
        return b""


def text_of(line: bytes) -> str:
    return ESCAPES.sub("", line.decode("utf-8", errors="replace"))
