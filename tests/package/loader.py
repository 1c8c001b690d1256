# SPDX-License-Identifier: BSL-1.0
"""Follow the page pvhboot-chainload(7) with the packaged boot loader: its commands make the bundle, of Debian's kernel and
the lab's initramfs; QEMU and a domain of Xen with the page's configuration boot it."""

import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

import debian
from common import run_or_raise
from lab import LabError, boot, packages, qemu, userspace, xen, xen_packages

LOADER = "usr/lib/pvhboot/chainload"
PAGE = "usr/share/man/man7/pvhboot-chainload.7.gz"


@dataclass
class Followed:
    """What the page's commands made, in a folder with the unpacked package."""

    folder: Path
    page: str
    kernel: Path
    made: userspace.Initramfs

    @property
    def bundle(self) -> Path:
        return self.folder / "guest.bundle"


def examples_of(page: str) -> list[str]:
    return [text.replace("\\-", "-") for text in re.findall(r"^\.EX\n(.*?)^\.EE$", page, re.MULTILINE | re.DOTALL)]


def follow(package: Path, folder: Path, kernel: Path) -> Followed:
    run_or_raise(["dpkg-deb", "-x", package, folder])
    page = run_or_raise(["gzip", "-dc", folder / PAGE])
    made = boot.userspace_of(kernel.read_bytes())
    (folder / "initrd").write_bytes(made.data)
    commands = examples_of(page)[0].replace("/boot/vmlinuz-VERSION", shlex.quote(str(kernel)))
    commands = commands.replace("/boot/initrd.img-VERSION", "initrd")
    print(commands, end="")
    run_or_raise(["sh", "-e", "-c", commands], cwd=folder)
    return Followed(folder, page, kernel, made)


def problems_of(followed: Followed, run: qemu.Run, append: str) -> list[str]:
    """Compare what was handed over with what Linux got."""
    plan = boot.Plan(followed.kernel, followed.folder / LOADER, append=append)
    rows = boot.conclude(plan, run, followed.made, len(followed.made.data)).rows
    for row in rows:
        print(f"{row.what}: {row.handed_over} -> {row.arrived}")
    return [f"{row.what}: not ok" for row in rows if not row.ok] if rows else ["nothing was compared"]


def test_qemu(build: Path) -> list[str]:
    kernel, package = packages.kernel(), debian.packages(debian.provide(build))["pvhboot-loader"]
    append = f"{boot.DEFAULT_APPEND} carried.over=1"
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        followed = follow(package, Path(scratch), kernel)
        run = qemu.start(qemu.Machine(followed.folder / LOADER, followed.bundle, append), 120)
        return problems_of(followed, run, append)


@dataclass(frozen=True)
class PageGuest(xen.Guest):
    """A domain whose configuration is text."""

    text: str = ""

    def configuration(self) -> str:
        return self.text


def configuration_of(page: str) -> tuple[str, str]:
    """The page's configuration with the files and the size of this lab, and the domain's command line. The lab has
    neither disks nor networks, and its dom0 looks at a domain after its end."""
    text = next((text for text in examples_of(page) if 'type = "pvh"' in text), "")
    for old, new in (("/usr/lib/pvhboot/chainload", "/guests/chainload"), ("/var/lib/xen/guest.bundle", "/guests/guest.bundle"),
                     ("memory = 1024", "memory = 256"), ("root=/dev/xvda1 ro ", "panic=-1 ")):
        if old not in text:
            raise LabError(f"the page's configuration does not contain {old!r}:\n{text}")
        text = text.replace(old, new)
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("disk", "vif")))
    cmdline = re.search(r'^cmdline = "(.*)"$', text, re.MULTILINE)
    if not cmdline:
        raise LabError(f"the page's configuration has no command line:\n{text}")
    return text + 'on_poweroff = "preserve"\non_crash = "preserve"\non_reboot = "preserve"\n', cmdline[1]


def test_xen(build: Path) -> list[str]:
    xen_packages.provide()
    package = debian.packages(debian.provide(build))["pvhboot-loader"]
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        followed = follow(package, Path(scratch), xen_packages.kernel())
        text, append = configuration_of(followed.page)
        print(text, end="")
        files = {"chainload": (followed.folder / LOADER).read_bytes(), "guest.bundle": followed.bundle.read_bytes()}
        guest = PageGuest("guest", "chainload", "guest.bundle", append, text=text)
        session = xen.run_guests([guest], files, 300, build / "xen")
        return problems_of(followed, session.guests["guest"].run(), append)
