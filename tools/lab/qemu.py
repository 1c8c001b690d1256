# SPDX-License-Identifier: BSL-1.0
"""A QEMU machine: started, listened to line by line, and never waited for longer than agreed."""

import os
import queue
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lab import LabError

MACHINES = ("q35", "pc", "microvm")
DEBUG_EXIT_PORT = 0xF4
LAST_LINES = 20


@dataclass(frozen=True)
class Machine:
    """What QEMU is asked for. Everything here is entered through the PVH note of `kernel`."""

    kernel: Path
    module: Path | None = None
    append: str | None = None
    machine: str = "q35"
    memory: str = "256M"
    accel: str = "auto"
    extra: tuple[str, ...] = ()

    def command(self) -> list[str]:
        if self.machine not in MACHINES:
            raise LabError(f"unknown machine {self.machine}: one of {', '.join(MACHINES)}")
        if not re.fullmatch(r"[1-9][0-9]*[MG]?", self.memory):
            raise LabError(f"strange memory size {self.memory!r}: a number of MiB, or with M or G")
        # -nodefaults: no network card, display or drives, whose option ROMs cost time.
        command = [
            "qemu-system-x86_64", "-machine", self.machine, "-accel", accelerator(self.accel), "-m", self.memory,
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4", "-kernel", str(self.kernel)]
        if self.module is not None:
            command += ["-initrd", str(self.module)]
        if self.append is not None:
            command += ["-append", self.append]
        return command + list(self.extra)


def accelerator(wanted: str) -> str:
    if wanted == "auto":
        return "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"
    if wanted not in ("kvm", "tcg"):
        raise LabError(f"unknown accelerator {wanted}: auto, kvm or tcg")
    return wanted


@dataclass
class Run:
    """What a machine said, when, and how it ended."""

    status: int = -1
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def debug_exit(self) -> int | None:
        """The value that the guest wrote to the exit port; None if the machine ended otherwise."""
        return self.status >> 1 if self.status > 0 and self.status & 1 and self.status != 1 else None

    def tail(self) -> str:
        return "\n".join(f"    | {line}" for line in self.lines[-LAST_LINES:]) or "    | (nothing was printed)"


class Hang(LabError):
    """The machine did not end in time; the message holds the last lines."""

    def __init__(self, timeout: float, run: Run) -> None:
        super().__init__(f"the machine did not end within {timeout:g} s; its last lines:\n{run.tail()}")
        self.run = run


def start(machine: Machine, timeout: float, log: Path | None = None,
          on_line: Callable[[float, str], None] | None = None) -> Run:
    """Run to the end. Raises Hang when it takes longer than `timeout` seconds."""
    if not shutil.which("qemu-system-x86_64"):
        raise LabError("qemu-system-x86_64 is not installed")
    run = Run()
    with subprocess.Popen(machine.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            in_time = listen(process, run, timeout, on_line)
        finally:
            if process.poll() is None:
                process.kill()
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("\n".join(run.lines) + "\n", encoding="utf-8")
    if not in_time:
        raise Hang(timeout, run)
    run.status = process.returncode
    if run.status != 0 and run.debug_exit is None:
        raise LabError(f"QEMU ended with status {run.status}:\n{run.tail()}")
    return run


def listen(process: subprocess.Popen, run: Run, timeout: float, on_line: Callable[[float, str], None] | None) -> bool:
    """Collect lines until the machine ends (true) or the time is up (false; the machine is killed then)."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=pump, args=(process, lines), daemon=True).start()
    began = time.monotonic()
    in_time = True
    while True:
        left = began + timeout - time.monotonic()
        if in_time and left <= 0:
            in_time = False
            process.kill()  # what was printed until now, even half a line, still comes through the pipe
        try:
            line = lines.get(timeout=left if in_time else 5)
        except queue.Empty:
            if in_time:
                continue
            return False
        if line is None:
            break
        run.seconds = time.monotonic() - began
        run.lines.append(line)
        run.times.append(run.seconds)
        if on_line:
            on_line(run.seconds, line)
    if in_time:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return False
        run.seconds = time.monotonic() - began
    return in_time


def pump(process: subprocess.Popen, lines: "queue.Queue[str | None]") -> None:
    """Consoles send carriage returns and escape sequences: firmware clears a screen that is not there."""
    escape = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|c)")
    for raw in process.stdout:
        lines.put(escape.sub("", raw.decode("utf-8", "replace")).strip("\r\n"))
    lines.put(None)
