# SPDX-License-Identifier: BSL-1.0
"""Xen under QEMU's emulation: a dom0 that starts guests with xl, one after the other, or a program as dom0.

The first serial port is dom0's console, which the lab reads. The second is Xen's console, which goes to a file.
"""

import re
import stat
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from lab import LabError, cpio, packages, qemu, xen_packages

# A PV dom0 under emulation crashes with -cpu max. Xen needs nested paging for PVH.
CPU = "qemu64,+svm,+npt"
# bootscrub=0: without the scrubbing at boot, the host allocates only the memory that is used.
XEN_OPTIONS = "com2=115200,8n1 console=com2 loglvl=all guest_loglvl=all noreboot bootscrub=0"
XEN_LAST_LINES = 8


@dataclass(frozen=True)
class Guest:
    """The configuration of a domain. `kernel` and `ramdisk` name files of the session."""

    name: str
    kernel: str
    ramdisk: str | None = None
    cmdline: str = ""
    type: str = "pvh"
    memory: int = 256  # MiB
    extra: tuple[str, ...] = ()  # further lines of the configuration
    timeout: int = 180  # seconds
    unread: bool = False  # dom0 does not read the console while the domain runs

    def configuration(self) -> str:
        lines = [f'type="{self.type}"', f'name="{self.name}"', f'kernel="/guests/{self.kernel}"',
                 f"memory={self.memory}", "vcpus=1", 'on_poweroff="preserve"', 'on_crash="preserve"',
                 'on_reboot="preserve"', *self.extra]
        if self.ramdisk is not None:
            lines.append(f'ramdisk="/guests/{self.ramdisk}"')
        if self.cmdline:
            lines.append(f"cmdline={quoted(self.cmdline)}")
        return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A string for xl's configuration. xl has no escapes: the string ends at the next quote of the same kind."""
    quote = "'" if "'" not in text else '"'
    if quote in text or "\\" in text or "\n" in text:
        raise LabError(f"xl's configuration cannot contain {text!r}: both kinds of quotes, a backslash or a line feed")
    return f"{quote}{text}{quote}"


# How a guest ended, as dom0's script prints it.
ENDS = {"poweroff": qemu.POWERED_OFF, "reboot": qemu.RESET, "crash": qemu.CRASHED, "timeout": qemu.RAN_ON}


@dataclass
class GuestRun:
    """The console of a guest, and how the guest ended: a key of ENDS, "not-created", or, if dom0 stopped early,
    "never-begun" or "unfinished"."""

    name: str
    lines: list[str] = field(default_factory=list)
    began: float = 0.0
    seconds: float = 0.0
    end: str = "never-begun"
    domid: int | None = None  # None if the domain was not created

    def tail(self) -> str:
        return "\n".join(f"    | {line}" for line in self.lines[-qemu.LAST_LINES:]) or "    | (nothing was printed)"

    def run(self) -> qemu.Run:
        """The same as the run of a machine."""
        if self.end not in ENDS:
            raise LabError(f"dom0 did not run the domain {self.name} to its end ({self.end}):\n{self.tail()}")
        return qemu.Run(0, ENDS[self.end], self.seconds, self.lines)


INIT_HEAD = f"""#!/bin/busybox sh
# SPDX-License-Identifier: BSL-1.0
/bin/busybox --install -s /bin
export PATH=/bin:/{xen_packages.TOOLS} LD_LIBRARY_PATH=/{':/'.join(xen_packages.LIBRARIES)}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /etc/xen /run/xen /run/xenstored /var/lib/xen /var/lib/xenstored /var/log/xen/console /tmp
ln -s /run /var/run
: >/etc/xen/xl.conf
# xenconsoled needs devpts for the terminals of guests.
mount -t devpts devpts /dev/pts
exec >/dev/ttyS0 2>&1
say() {{ echo "lab: $*"; }}
for module in {' '.join(packages.XEN_MODULES)}; do insmod /modules/$module.ko || say "cannot load $module"; done
mount -t xenfs xenfs /proc/xen
xenstored --no-fork &
xen-init-dom0 || say "xen-init-dom0 failed"
xenconsoled --log=all --log-dir=/var/log/xen/console
show() {{  # the new lines of the guest's log
  lines=$(wc -l <$log)
  [ $lines -gt $shown ] && sed -n "$((shown + 1)),${{lines}}s/^/guest $name| /p" $log
  shown=$lines
}}
run() {{  # NAME SECONDS [unread]
  name=$1
  reader=$3
  log=/var/log/xen/console/guest-$name.log
  shown=0
  : >$log
  say "begin $name"
  if ! xl create -p -q /guests/$name.cfg >/tmp/xl 2>&1; then
    sed "s/^/guest $name| xl: /" /tmp/xl
    say "end $name not-created"
    return
  fi
  say "domid $name $(xl domid $name)"
  [ "$reader" = unread ] && killall -STOP xenconsoled
  xl unpause $name
  deadline=$(($(cut -d . -f 1 /proc/uptime) + $2))
  end=
  while [ -z "$end" ]; do
    sleep 0.5
    show
    set -- $(xl list -v $name 2>/dev/null | tail -n 1)
    case "$5 $8" in  # state and reason; 1 is SHUTDOWN_reboot, also for a triple fault
      *c*) end=crash ;;
      *s*" 1") end=reboot ;;
      *s*) end=poweroff ;;
      *) [ "$(cut -d . -f 1 /proc/uptime)" -gt $deadline ] && end=timeout ;;
    esac
  done
  [ "$reader" = unread ] && killall -CONT xenconsoled
  sleep 0.5
  show
  sed -n "$((shown + 1)),\\$s/^/guest $name| /p" $log
  xl destroy $name
  say "end $name $end"
}}
say ready
"""
INIT_TAIL = """say done
poweroff -f
"""


def guest_init(guests: list[Guest]) -> bytes:
    calls = "".join(f"run {guest.name} {guest.timeout}{' unread' * guest.unread}\n" for guest in guests)
    return (INIT_HEAD + calls + INIT_TAIL).encode()


def dom0_image(guests: list[Guest], files: dict[str, bytes]) -> bytes:
    """The initramfs of dom0: busybox, the toolstack and the files of the guests."""
    room = xen_packages.provide()
    names = ["bin", "dev", "guests", "lib64", "modules", "proc", "sys"]
    for path in (*xen_packages.LIBRARIES, xen_packages.TOOLS):
        parts = path.split("/")
        names += ["/".join(parts[:depth + 1]) for depth in range(len(parts))]
    entries = [cpio.directory(name) for name in dict.fromkeys(names)]
    entries += [cpio.character_device("dev/console", 5, 1),
                cpio.executable("bin/busybox", packages.busybox().read_bytes()),
                cpio.executable("init", guest_init(guests))]
    for folder in (*xen_packages.LIBRARIES, xen_packages.TOOLS, "lib64"):
        entries += [of_file(path, f"{folder}/{path.name}") for path in sorted((room / folder).iterdir())
                    if path.is_symlink() or path.is_file()]
    entries += [of_file(path, f"modules/{path.name}") for path in xen_packages.modules()]
    entries += [cpio.Entry(f"guests/{name}", data) for name, data in files.items()]
    entries += [cpio.Entry(f"guests/{guest.name}.cfg", guest.configuration().encode()) for guest in guests]
    return cpio.archive(entries)


def of_file(path: Path, name: str) -> cpio.Entry:
    if path.is_symlink():
        return cpio.symlink(name, str(path.readlink()))
    return cpio.Entry(name, path.read_bytes(), stat.S_IFREG | 0o755)


@dataclass(frozen=True)
class Until:
    """Stop the machine after a line of dom0's console matches `line` and, if `xen` is given, Xen's console has it."""

    line: str
    xen: str | None = None
    patience: float = 20.0  # seconds to wait for `xen`


@dataclass
class XenRun:
    """The two consoles of the machine: dom0's and Xen's."""

    run: qemu.Run
    xen: list[str]


def start(modules: list[tuple[bytes, str]], xen_options: str, memory: str, timeout: float,
          on_line: Callable[[float, str], None] | None = None, log: Path | None = None,
          until: Until | None = None, extra: tuple[str, ...] = ()) -> XenRun:
    """Run Xen with modules and their arguments, dom0's kernel first, until the machine ends. `extra` are options for
    QEMU."""
    run = qemu.Run()

    def listen(seconds: float, line: str) -> None:
        run.lines.append(line)
        run.times.append(seconds)
        run.seconds = seconds
        if on_line:
            on_line(seconds, line)
        if until and re.search(until.line, line):
            give_up = time.monotonic() + until.patience
            while until.xen and until.xen not in console.read_text(encoding="utf-8", errors="replace"):
                if time.monotonic() > give_up:
                    raise LabError(f"Xen did not print {until.xen!r}")
                time.sleep(0.1)
            raise qemu.Stop

    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        names = []
        for number, (data, arguments) in enumerate(modules):
            path = Path(scratch) / f"module{number}"
            path.write_bytes(data)
            names.append(f"{path} {arguments}".strip().replace(",", ",,"))
        console = Path(scratch) / "xen.log"
        console.touch()
        machine = qemu.Machine(xen_packages.hypervisor(), None, f"{XEN_OPTIONS} {xen_options}", "q35", memory, "tcg",
                               False, ("-cpu", CPU, "-initrd", ",".join(names), "-serial", f"file:{console}", *extra))
        try:
            run.end = qemu.start(machine, timeout, on_line=listen).end
        except LabError as why:
            raise LabError(f"{why}\n  and those of Xen:\n{tail(read_console(console), XEN_LAST_LINES)}") from why
        finally:
            xen = read_console(console)
            if log is not None:
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text("\n".join([*run.lines, "", "Xen's console:", *xen, ""]), encoding="utf-8")
    return XenRun(run, xen)


def read_console(path: Path) -> list[str]:
    return [line.strip("\r\n") for line in path.read_text(encoding="utf-8", errors="replace").split("\n")]


def tail(lines: list[str], count: int) -> str:
    return "\n".join(f"    | {line}" for line in lines[-count:])


@dataclass
class Session:
    """The guests of one boot of dom0."""

    guests: dict[str, GuestRun]
    seconds: float
    xen: list[str]


def run_guests(guests: list[Guest], files: dict[str, bytes], timeout: float, folder: Path,
               on_line: Callable[[float, str, str], None] | None = None, memory: str = "2048M",
               xen_options: str = "", extra: tuple[str, ...] = ()) -> Session:
    """Boot dom0 and create the guests one after the other. Each guest's console is kept as `folder`/NAME.log. A guest
    that does not end within its timeout is destroyed, and its console is kept. `memory` is the machine's; dom0 has 1200
    MiB of it. `extra` are options for QEMU."""
    runs = {guest.name: GuestRun(guest.name) for guest in guests}

    def listen(seconds: float, line: str) -> None:
        match = re.fullmatch(r"lab: (begin|domid|end) (\S+) ?(\S*)|guest (\S+?)\| ?(.*)|lab: (.*)", line)
        if not match:
            return
        verb, name, end, speaker, text, other = match.groups()
        if verb == "begin":
            runs[name].began, runs[name].end = seconds, "unfinished"
        elif verb == "domid":
            runs[name].domid = int(end)
        elif verb == "end":
            runs[name].seconds, runs[name].end = seconds - runs[name].began, end
        elif speaker:
            runs[speaker].lines.append(text.rstrip("\r"))
        if on_line:
            on_line(seconds, speaker or name or "dom0", text if speaker else other or f"{verb} {end}".strip())

    dom0 = [(xen_packages.kernel().read_bytes(), "console=hvc0 earlyprintk=xen rdinit=/init panic=-1 quiet"),
            (dom0_image(guests, files), "")]
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = start(dom0, f"dom0_mem=1200M {xen_options}", memory, timeout, listen, folder / "dom0.log", extra=extra)
    finally:
        for run in runs.values():
            (folder / f"{run.name}.log").write_text("\n".join([*run.lines, ""]), encoding="utf-8")
    return Session(runs, time.monotonic() - began, done.xen)
