# SPDX-License-Identifier: BSL-1.0
"""A QEMU machine: started, listened to line by line, and never waited for longer than agreed."""

import dataclasses
import json
import queue
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lab import LabError

MACHINES = ("q35", "pc", "microvm")
ACCELERATORS = ("tcg", "kvm")
# Software emulation: the same everywhere. A /dev/kvm that can be opened is no promise that Linux runs on it.
DEFAULT_ACCELERATOR = "tcg"
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
    accel: str = DEFAULT_ACCELERATOR
    debug_exit: bool = True  # without it a guest that wants to end stays, and its memory can be read
    extra: tuple[str, ...] = ()

    def command(self) -> list[str]:
        if self.machine not in MACHINES:
            raise LabError(f"unknown machine {self.machine}: one of {', '.join(MACHINES)}")
        if not re.fullmatch(r"[1-9][0-9]*[MG]?", self.memory):
            raise LabError(f"strange memory size {self.memory!r}: a number of MiB, or with M or G")
        if self.accel not in ACCELERATORS:
            raise LabError(f"unknown accelerator {self.accel}: one of {', '.join(ACCELERATORS)}")
        # -nodefaults: no network card, display or drives, whose option ROMs cost time.
        command = [
            "qemu-system-x86_64", "-machine", self.machine, "-accel", self.accel, "-m", self.memory,
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-kernel", str(self.kernel)]
        if self.machine == "microvm" and self.accel == "tcg":
            # This machine has no timer but the PIT. On a busy host Linux fails to calibrate against it and stands
            # still; with a clock that counts instructions it does not depend on the host.
            command += ["-icount", "shift=3,sleep=off"]
        if self.debug_exit:
            command += ["-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4"]
        if self.module is not None:
            command += ["-initrd", str(self.module)]
        if self.append is not None:
            command += ["-append", self.append]
        return command + list(self.extra)


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


class Memory:
    """Guest physical memory of a running machine, read through QEMU's control socket."""

    def __init__(self, socket_path: Path) -> None:
        self.folder = socket_path.parent
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        try:
            self.socket.connect(str(socket_path))
            self.stream = self.socket.makefile("rw", encoding="utf-8")
            self.stream.readline()  # the greeting
            self.ask("qmp_capabilities")
        except OSError as why:
            raise LabError(f"QEMU's control socket does not answer: {why}") from why

    def ask(self, command: str, **arguments: object) -> None:
        print(json.dumps({"execute": command, "arguments": arguments}), file=self.stream, flush=True)
        while True:
            answer = json.loads(self.stream.readline() or '{"error": {"desc": "the connection was closed"}}')
            if "error" in answer:
                raise LabError(f"QEMU refuses {command}: {answer['error']['desc']}")
            if "return" in answer:
                return

    def read(self, paddr: int, size: int) -> bytes:
        """Exactly `size` bytes."""
        target = self.folder / "memory"
        self.ask("pmemsave", val=paddr, size=size, filename=str(target))
        data = target.read_bytes()
        if len(data) != size:
            raise LabError(f"QEMU gave {len(data)} of {size} bytes at {paddr:#x}")
        return data

    def string(self, paddr: int) -> bytes:
        """The bytes up to a NUL."""
        text = b""
        while b"\0" not in text:
            text += self.read(paddr + len(text), 256)
        return text[:text.index(b"\0")]


def inspect(machine: Machine, last_line: str, look: Callable[[Memory], None], timeout: float) -> Run:
    """Run until a line contains `last_line`; then give the machine's memory to `look`, and end the machine."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as folder:
        control = Path(folder) / "control"
        looked = []

        def on_line(_seconds: float, line: str) -> None:
            if last_line in line and not looked:
                memory = Memory(control)
                looked.append(True)
                look(memory)
                memory.ask("quit")

        kept = dataclasses.replace(machine, debug_exit=False,
                                   extra=machine.extra + ("-qmp", f"unix:{control},server=on,wait=off"))
        run = start(kept, timeout, on_line=on_line)
    if not looked:
        raise LabError(f"the machine ended without the line {last_line!r}:\n{run.tail()}")
    return run


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
