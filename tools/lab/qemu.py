# SPDX-License-Identifier: BSL-1.0
"""Run a QEMU machine, read its console line by line, and end it at a timeout."""

import contextlib
import dataclasses
import json
import os
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

from lab import LabError, packages, releases

MACHINES = ("q35", "pc", "microvm")
ACCELERATORS = ("tcg", "kvm")
# Software emulation works everywhere. On some hosts /dev/kvm opens but Linux does not run on it.
DEFAULT_ACCELERATOR = "tcg"
DEBUG_EXIT_PORT = 0xF4
LAST_LINES = 20

# How a machine ends.
EXITED, POWERED_OFF, RESET, CRASHED, RAN_ON, STOPPED = "exit", "power-off", "reset", "crash", "time", "stop"
SENTENCES = {
    EXITED: "ended through its exit port",
    POWERED_OFF: "powered off",
    RESET: "reset (a triple fault or a reboot)",
    CRASHED: "crashed",
    RAN_ON: "was still running at the timeout",
    STOPPED: "was stopped by the test",
}
# QEMU, qapi/run-state.json, ShutdownCause: the reason in the event SHUTDOWN.
REASONS = {"guest-shutdown": POWERED_OFF, "guest-reset": RESET, "subsystem-reset": RESET, "guest-panic": CRASHED,
           "host-qmp-quit": STOPPED}


@dataclass(frozen=True)
class Machine:
    """The configuration of a machine. QEMU enters `kernel` through its PVH note."""

    kernel: Path
    module: Path | None = None
    append: str | None = None
    machine: str = "q35"
    memory: str = "256M"
    accel: str = DEFAULT_ACCELERATOR
    debug_exit: bool = True  # without it the guest keeps running at its end, and its memory can be read
    extra: tuple[str, ...] = ()
    seabios: bool = False  # on microvm, instead of the firmware that this QEMU takes

    def command(self) -> list[str]:
        if self.machine not in MACHINES:
            raise LabError(f"unknown machine {self.machine}: one of {', '.join(MACHINES)}")
        check_memory_size(self.memory)
        if self.accel not in ACCELERATORS:
            raise LabError(f"unknown accelerator {self.accel}: one of {', '.join(ACCELERATORS)}")
        # -nodefaults: the option ROMs of a network card, a display and drives take time.
        command = [
            *releases.qemu()[0], "-machine", self.machine, "-accel", self.accel, "-m", self.memory,
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-kernel", str(self.kernel)]
        if self.machine == "microvm" and self.accel == "tcg":
            # The PIT is the only timer of this machine. On a busy host Linux fails to calibrate against it and stops.
            # A clock that counts instructions is independent of the load.
            command += ["-icount", "shift=3,sleep=off"]
        if self.seabios:
            command += ["-bios", str(seabios_for_microvm())]
        if self.debug_exit:
            command += ["-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4"]
        if self.module is not None:
            command += ["-initrd", str(self.module)]
        if self.append is not None:
            command += ["-append", self.append]
        return command + list(self.extra)


def seabios_for_microvm() -> Path:
    """SeaBIOS for microvm. Since Debian 13 QEMU takes it; before, the same name in QEMU's folder is a link to qboot."""
    path = Path("/usr/share/seabios/bios-microvm.bin")
    if not path.exists():
        raise packages.Unavailable(f"{path} is not there; Debian's package seabios has it")
    return path


def check_memory_size(text: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]*[MG]?", text):
        raise LabError(f"invalid memory size {text!r}: expected a number of MiB, or a number with M or G")


@dataclass
class Run:
    """The lines of a machine, their times, and how it ended: `end` is one of the words above."""

    status: int = -1
    end: str = RAN_ON
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def debug_exit(self) -> int | None:
        """The value that the guest wrote to the exit port; None if the machine ended in another way."""
        return self.status >> 1 if self.status > 0 and self.status & 1 and self.status != 1 else None

    def how(self) -> str:
        return f"the machine {SENTENCES[self.end]}"

    def tail(self) -> str:
        return "\n".join(f"    | {line}" for line in self.lines[-LAST_LINES:]) or "    | (nothing was printed)"


class Stop(Exception):
    """Raised by a listener to end the machine."""


class Hang(LabError):
    """The machine did not end before the timeout. The message contains the last lines."""

    def __init__(self, timeout: float, run: Run) -> None:
        super().__init__(f"the machine did not end within {timeout:g} s; its last lines:\n{run.tail()}")
        self.run = run


class Control:
    """QEMU's control socket, for commands and events."""

    def __init__(self) -> None:
        self.socket, self.qemus_end = socket.socketpair()
        self.socket.settimeout(10)
        self.stream = self.socket.makefile("rw", encoding="utf-8")
        self.sent = 0
        self.events: list[dict] = []
        # QEMU reads these two when it starts. It sends events after the first, and the machine runs after the second.
        self.send("qmp_capabilities")
        self.send("cont")

    def arguments(self) -> list[str]:
        return ["-S", "-chardev", f"socket,id=control,fd={self.qemus_end.fileno()}",
                "-mon", "chardev=control,mode=control"]

    def send(self, command: str, **arguments: object) -> None:
        self.sent += 1
        print(json.dumps({"execute": command, "arguments": arguments, "id": self.sent}), file=self.stream, flush=True)

    def receive(self) -> dict | None:
        """The next message; None if QEMU has closed the connection."""
        try:
            line = self.stream.readline()
        except ConnectionError:  # QEMU closed the socket before it read the last command
            return None
        except OSError as why:
            raise LabError(f"QEMU's control socket does not answer: {why}") from why
        message = json.loads(line) if line else None
        if message and "event" in message:
            self.events.append(message)
        return message

    def ask(self, command: str, **arguments: object) -> None:
        self.send(command, **arguments)
        while message := self.receive():
            if "error" in message:
                raise LabError(f"QEMU refuses {command}: {message['error']['desc']}")
            if message.get("id") == self.sent:
                return
        raise LabError(f"QEMU refuses {command}: the connection was closed")

    def end(self) -> str:
        """How the machine ended, as one of the words above. Call it after the end."""
        while self.receive():
            pass
        reasons = [event["data"]["reason"] for event in self.events if event["event"] == "SHUTDOWN"]
        if not reasons or reasons[-1] not in REASONS:
            raise LabError(f"QEMU ended without a known reason: {', '.join(reasons) or 'none'}")
        return REASONS[reasons[-1]]

    def close(self) -> None:
        self.stream.close()
        self.socket.close()
        self.qemus_end.close()


class Memory:
    """The guest physical memory of a running machine, read through QEMU's control socket."""

    def __init__(self, control: Control, folder: Path) -> None:
        self.control = control
        self.folder = folder

    def read(self, paddr: int, size: int) -> bytes:
        """Exactly `size` bytes."""
        target = self.folder / "memory"
        self.control.ask("pmemsave", val=paddr, size=size, filename=str(target))
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
    """Run until a line contains `last_line`; then call `look` with the machine's memory and end the machine."""
    control = Control()
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as folder:

        def on_line(_seconds: float, line: str) -> None:
            if last_line in line:
                look(Memory(control, Path(folder)))
                raise Stop

        run = start(dataclasses.replace(machine, debug_exit=False), timeout, on_line=on_line, control=control)
    if run.end != STOPPED:
        raise LabError(f"{run.how()}, without the line {last_line!r}:\n{run.tail()}")
    return run


def start(machine: Machine, timeout: float, log: Path | None = None,
          on_line: Callable[[float, str], None] | None = None, control: Control | None = None) -> Run:
    """Run to the end. Raise Hang after `timeout` seconds."""
    program, environment = releases.qemu()
    if not shutil.which(program[0]):
        raise LabError("qemu-system-x86_64 is not installed")
    run = Run()
    with contextlib.closing(control or Control()) as control:
        command = [*machine.command(), *control.arguments()]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=os.environ | environment, pass_fds=[control.qemus_end.fileno()]) as process:
            control.qemus_end.close()
            lines: queue.Queue[str | None] = queue.Queue()
            reader = threading.Thread(target=pump, args=(process, lines), daemon=True)
            reader.start()
            try:
                in_time = listen(process, lines, run, timeout, on_line)
            except Stop:
                run.end = STOPPED
            finally:
                if process.poll() is None:
                    process.kill()
                reader.join(timeout=10)
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("\n".join(run.lines) + "\n", encoding="utf-8")
        if run.end == STOPPED:
            return run
        if not in_time:
            raise Hang(timeout, run)
        run.status = process.returncode
        if run.debug_exit is not None:
            run.end = EXITED
        elif run.status != 0:
            raise LabError(f"QEMU ended with status {run.status}:\n{run.tail()}")
        else:
            run.end = control.end()
    return run


def listen(process: subprocess.Popen, lines: "queue.Queue[str | None]", run: Run, timeout: float,
           on_line: Callable[[float, str], None] | None) -> bool:
    """Collect lines until the machine ends (true), or kill it at the timeout (false)."""
    began = time.monotonic()
    in_time = True
    while True:
        left = began + timeout - time.monotonic()
        if in_time and left <= 0:
            in_time = False
            process.kill()  # the output so far, also an unfinished line, is still in the pipe
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
    """Read lines, without carriage returns and escape sequences: firmware clears the screen, and programs that draw a
    screen move the cursor instead of ending a line."""
    end_of_line = re.compile(rb"\n|\x1b\[[0-9;]*H")
    escape = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|c)")
    rest = b""
    while chunk := process.stdout.read1(65536):
        begin = 0
        rest += chunk
        for end in end_of_line.finditer(rest):
            text = escape.sub("", rest[begin:end.start()].decode("utf-8", "replace")).strip("\r")
            if text or end[0] == b"\n":
                lines.put(text)
            begin = end.end()
        rest = rest[begin:]
    if rest:
        lines.put(escape.sub("", rest.decode("utf-8", "replace")).strip("\r"))
    lines.put(None)
