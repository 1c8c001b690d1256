#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What it costs to start Linux: instructions up to Linux's entry and bytes moved, for examples/chainload, GRUB's PVH
image, QEMU's own loading of a bzImage, and PVH without a boot loader. Exit with 0, 1, or 77 (skipped).

All start the same kernel with the same initrd. The kernel must be moved to where it runs, and a zero page and a command
line must be written; the initrd can stay where it is. examples/chainload may store 1.05 of these bytes, and execute a
tenth of what GRUB executes.
"""

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import counted
import tsc
from common import skip
from counted import Count
from lab import LabError, boot, bzimage, console, cpio, elf, packages, qemu, wire, xen, xen_packages

BYTES_LIMIT = 1.05
GRUB_LIMIT = 0.1
ZERO_PAGE = 4096
SIXTEEN_BIT_ENTRY = 0x10200  # where QEMU's option ROM enters a bzImage
APPEND = "console=ttyS0 panic=-1"
XEN_APPEND = "console=hvc0 panic=-1 quiet earlyprintk=xen"  # the latter also prints on Xen's console
MACHINES = ("q35", "microvm")


@dataclass
class Files:
    """The same Linux for every path."""

    chainload: Path
    kernel: Path
    initrd: bytes
    folder: Path

    def path(self, name: str, data: bytes) -> Path:
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def bundle(self) -> bytes:
        return cpio.chainload_module(self.kernel.read_bytes(), self.initrd)

    def needed(self, append: str, initrd: bool = False) -> int:
        """The bytes that a boot loader must move or write, with the initrd or without it."""
        image = self.kernel.read_bytes()
        return (len(image) - bzimage.protected_mode_offset(image) + ZERO_PAGE + len(append) + 1 +
                (len(self.initrd) if initrd else 0))

    def needed_by_chainload(self, append: str, lines: list[str]) -> int:
        """The initrd must be moved if it is not in RAM: microvm with SeaBIOS reserves its end."""
        given = console.read("chainload", lines)
        start, size = given.modules[0]
        end = start + size
        stays = any(first <= end - len(self.initrd) and end <= last for first, last in wire.coverage(given.received, wire.RAM))
        return self.needed(append, not stays)


@dataclass
class Row:
    """One path. `firmware` ends at the entry of the boot loader, or else of Linux. `placed` are the bytes that QEMU or
    the toolstack copy into the machine's memory."""

    path: str
    firmware: Count | None
    loader: Count | None
    placed: int
    needed: int | None = None

    def machine(self) -> str:
        return self.path.partition(":")[0]

    def is_ours(self) -> bool:
        return self.path.endswith("chainload")

    def moved(self) -> float:
        return self.loader.stored / self.needed


def qemu_rows(files: Files, library: Path, machine: str) -> list[Row]:
    image = files.kernel.read_bytes()
    chainload = files.chainload.read_bytes()
    vmlinux = bzimage.vmlinux(files.kernel)
    entry32, preferred = bzimage.entries(image)
    initrd = files.path("initrd", files.initrd)

    def count(kernel: Path, module: Path, *marks: int) -> counted.Counted:
        return counted.on_qemu(qemu.Machine(kernel, module, APPEND, machine), library,
                               list(zip((counted.RESET, *marks), marks)))

    entry = elf.pvh_entry(vmlinux.read_bytes())
    rows = [Row(f"{machine}: QEMU, vmlinux by PVH", *count(vmlinux, initrd, entry).spans, None,
                elf.placed_bytes(vmlinux.read_bytes()) + len(files.initrd))]
    rows.append(Row(f"{machine}: QEMU, bzImage", *count(files.kernel, initrd, SIXTEEN_BIT_ENTRY, entry32).spans,
                    len(image) + len(files.initrd)))
    bundle = files.path("bundle", files.bundle())
    marks = elf.pvh_entry(chainload), preferred
    found = count(files.chainload, bundle, *marks)
    if count(files.chainload, bundle, *marks).spans != found.spans:
        raise LabError(f"{machine}: two runs of examples/chainload have different counts")
    return [*rows, Row(f"{machine}: chainload", *found.spans, elf.placed_bytes(chainload) + len(files.bundle()),
                       files.needed_by_chainload(APPEND, found.lines))]


def xen_rows(files: Files, library: Path, logs: Path) -> list[Row]:
    """Each in a domain. The busybox of dom0 has addresses below 4 GiB and is not counted."""
    image, chainload = files.kernel.read_bytes(), files.chainload.read_bytes()
    grub = xen_packages.grub_image(image, files.initrd, XEN_APPEND)
    guests = [xen.Guest("linux", "vmlinuz", "initrd", XEN_APPEND),
              xen.Guest("chainload", "chainload.elf", "bundle", XEN_APPEND), xen.Guest("grub", "grub")]
    preferred = bzimage.entries(image)[1]
    spans = [(elf.pvh_entry(loader), preferred) for loader in (chainload, grub)]
    busybox = [s for s in elf.segments(packages.busybox().read_bytes()) if s.executable]
    excepted = min(s.paddr for s in busybox), max(s.paddr + s.memsz for s in busybox)
    session = xen.run_guests(guests, {"vmlinuz": image, "initrd": files.initrd, "chainload.elf": chainload,
                                      "bundle": files.bundle(), "grub": grub}, 1500, logs, xen_options="console_timestamps=boot",
                             extra=(*counted.CLOCK, *counted.options(library, spans, excepted)))
    ours, theirs = counted.read((logs / "dom0.log").read_text(encoding="utf-8").split("\n"), spans)
    show_times(session)
    vmlinux = elf.placed_bytes(bzimage.vmlinux(files.kernel).read_bytes())
    grub_append = f"BOOT_IMAGE=(memdisk)/vmlinuz {XEN_APPEND}"
    return [Row("Xen: vmlinuz, by xl", None, None, vmlinux + len(files.initrd)),
            Row("Xen: chainload", None, ours, elf.placed_bytes(chainload) + len(files.bundle()),
                files.needed_by_chainload(XEN_APPEND, session.guests["chainload"].lines)),
            Row("Xen: GRUB", None, theirs, elf.placed_bytes(grub), files.needed(grub_append))]


def show_times(session: xen.Session) -> None:
    """By Xen's clock, from the complete domain to the begin of Linux's own clock. Linux's lines have both clocks."""
    for name, guest in session.guests.items():
        built = first_match(rf"\(XEN\) \[ *([\d.]+)\] HVM{guest.domid} restore: CPU 0", session.xen)
        linux = first_match(rf"\(d{guest.domid}\) \[ *([\d.]+)\] \[ *([\d.]+)\]", session.xen)
        took = f"{float(linux[1]) - float(linux[2]) - float(built[1]):.3f} s" if built and linux else "not on Xen's console"
        print(f"Xen's clock, from the complete domain to Linux's clock: {name}: {took}")
    print()


def first_match(pattern: str, lines: list[str]) -> re.Match | None:
    return next((match for line in lines if (match := re.match(pattern, line))), None)


def show(rows: list[Row]) -> None:
    """`ratio` is to the repetitions of examples/chainload on the same machine."""
    print(f"{'':28}{'instructions':>14}{'instructions':>14}{'with each':>14}{'':9}{'bytes':>14}{'bytes':>14}{'of the':>9}")
    print(f"{'path':28}{'of firmware':>14}{'of the loader':>14}{'repetition':>14}{'ratio':>9}{'placed':>14}{'stored':>14}{'needed':>9}")
    ours = {row.machine(): row.loader.executed for row in rows if row.is_ours()}
    for row in rows:
        firmware = f"{row.firmware.instructions:,}" if row.firmware else "-"
        own, ratio, stored, moved = ["-", "-"], "-", "-", "-"
        if row.loader:
            own = [f"{n:,}" for n in (row.loader.instructions, row.loader.executed)]
            ratio = f"{row.loader.executed / ours[row.machine()]:.3f}"
            stored = f"{row.loader.stored:,}"
        if row.needed:
            moved = f"{row.moved():.3f}"
        print(f"{row.path:28}{firmware:>14}{own[0]:>14}{own[1]:>14}{ratio:>9}{row.placed:>14,}{stored:>14}{moved:>9}")


def verdict(sentence: str, ratio: float, limit: float) -> bool:
    """Whether it is too much."""
    print(f"{sentence}, allowed {limit}{'  TOO MUCH' if ratio > limit else ''}")
    return ratio > limit


def judge(rows: list[Row]) -> int:
    bad = 0
    ours = [row for row in rows if row.is_ours()]
    for row in ours:
        bad += verdict(f"{row.path}: {row.moved():.3f} of the {row.needed:,} bytes that are needed", row.moved(), BYTES_LIMIT)
    grub = next((row for row in rows if row.path.endswith("GRUB")), None)
    for row in ours if grub else []:
        for what, name in (("instructions", "instructions"), ("executed", "instructions with each repetition")):
            ratio = getattr(row.loader, what) / getattr(grub.loader, what)
            bad += verdict(f"{row.path}: {ratio:.4f} of GRUB's {name}", ratio, GRUB_LIMIT)
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--qemu-only", action="store_true", help="without Xen, and so without GRUB")
    parser.add_argument("--logs", type=Path, default=Path("build/boot/cost"), help="a folder for the consoles of Xen's guests")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
            library = counted.plugin(Path(scratch))
            kernel = packages.kernel()
            files = Files(options.build / boot.CHAINLOAD, kernel, boot.userspace_of(kernel.read_bytes()).data, Path(scratch))
            wrong = tsc.problems(library, Path(scratch))
            for line in wrong:
                print(f"NOT OK {line}")
            print()
            rows = [row for machine in MACHINES for row in qemu_rows(files, library, machine)]
            if not options.qemu_only:
                rows += xen_rows(files, library, options.logs)
    except packages.Unavailable as why:
        return skip(why)
    except LabError as why:
        print(f"NOT OK {why}")
        return 1
    show(rows)
    print()
    return 1 if judge(rows) or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
