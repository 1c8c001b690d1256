# SPDX-License-Identifier: BSL-1.0
"""A machine with KVM on any host: QEMU emulates a CPU with AMD's extensions, on which Debian's Linux runs examples/vmm.

Its userspace runs one command after the other and prints the lines of each between BEGIN and END.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lab import bzimage, cpio, packages, qemu, userspace

BEGIN, END = "inner: begin", "inner: end"
MEMORY = "3000M"
CPU = ("-cpu", "max,-vmx,+svm,+npt")  # with vmx or without npt, KVM emulates more and is slower
APPEND = "console=ttyS0 panic=-1 quiet"
STATUS_PORT = 0xE9  # QEMU's debugcon
PREPARE = f"""{userspace.PREPARE}
for module in /modules/*; do insmod $module; done
cd /files
"""
# `list` has a name and the words of a command on each line.
ALL = f"""{PREPARE}
echo
while read -r name line; do
  echo "{BEGIN} $name"
  eval "$line" < /dev/null 2>&1
  status=$?
  echo
  echo "{END} $status"
done < /list
poweroff -f
"""
# `command` is run on the console. Its exit status goes to the debug port as a byte.
ONE = f"""{PREPARE}
sh /command < /dev/console > /dev/console 2>&1
printf "\\\\$(printf %03o $?)" | dd of=/dev/port bs=1 seek={STATUS_PORT} 2> /dev/null
poweroff -f
"""


@dataclass
class Part:
    """What one command printed, and its exit status; None if it did not end."""

    lines: list[str] = field(default_factory=list)
    status: int | None = None


def initramfs(init: str, commands: cpio.Entry, files: dict[str, bytes]) -> bytes:
    """The commands find the files in their working folder, as programs."""
    busybox = packages.busybox().read_bytes()
    entries = [cpio.directory(name) for name in ("bin", "dev", "proc", "sys", "modules", "files")]
    entries += [cpio.character_device("dev/console", 5, 1), cpio.executable("bin/busybox", busybox),
                cpio.executable("init", init.encode()), commands]
    entries += [cpio.Entry(f"modules/{number}-{path.name}", path.read_bytes())
                for number, path in enumerate(packages.kvm_modules())]
    entries += [cpio.executable(f"files/{name}", data) for name, data in files.items()]
    return cpio.archive(entries)


def machine(module: Path) -> qemu.Machine:
    return qemu.Machine(bzimage.vmlinux(packages.debian_kernel()), module, APPEND, "q35", MEMORY, debug_exit=False,
                        extra=CPU)


def run(commands: dict[str, str], files: dict[str, bytes], timeout: float, log: Path | None = None,
        on_line: Callable[[float, str], None] | None = None) -> tuple[dict[str, Part], qemu.Run]:
    """Run named commands of the shell. Those that a hanging command leaves out have no part."""
    listed = "".join(f"{name} {words}\n" for name, words in commands.items())
    with tempfile.NamedTemporaryFile(prefix="pvhboot-") as module:
        module.write(initramfs(ALL, cpio.Entry("list", listed.encode()), files))
        module.flush()
        try:
            done = qemu.start(machine(Path(module.name)), timeout, log, on_line)
        except qemu.Hang as why:
            done = why.run
    return parts_of(done.lines), done


def parts_of(lines: list[str]) -> dict[str, Part]:
    found: dict[str, Part] = {}
    part: Part | None = None
    for line in lines:
        if line.startswith(BEGIN + " "):
            part = found[line.removeprefix(BEGIN + " ")] = Part()
        elif line.startswith(END + " ") and part is not None:
            part.status = int(line.removeprefix(END + " "))
            part = None
        elif part is not None:
            part.lines.append(line)
    return found
