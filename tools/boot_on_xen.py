# SPDX-License-Identifier: BSL-1.0
"""`./dev boot --xen`: boot examples/chainload in a domain that Xen's toolstack creates."""

import argparse
import math
from typing import Callable

import building
from lab import LabError, boot as booting, bzimage, cpio, packages, qemu, xen, xen_packages

NAME = "guest"
VERSION = xen_packages.XEN
LOGS = building.BUILD / "boot" / "xen"
DEFAULT_APPEND = "console=hvc0 panic=-1"  # hvc0 is the console that xl shows
DOM0_TIME = 120  # seconds for dom0, in addition to the guest's timeout


def plan(options: argparse.Namespace) -> booting.Plan:
    """Download and build everything that the boot needs."""
    xen_packages.provide()
    kernel = options.kernel or packages.kernel()
    packages.busybox()  # of dom0
    if not options.initrd:
        packages.busybox(bzimage.bits(kernel.read_bytes()))
    building.configure(options=building.EXAMPLES)
    building.compile_all(targets=[str(booting.CHAINLOAD)])
    append = DEFAULT_APPEND if options.append == booting.DEFAULT_APPEND else options.append
    return booting.Plan(kernel, building.BUILD / booting.CHAINLOAD, options.initrd, append, "xen", options.memory,
                        "tcg", options.timeout)


def mebibytes(text: str) -> int:
    qemu.check_memory_size(text)
    number = text.rstrip("MG")
    size = int(number) * (1024 if text.endswith("G") else 1)
    if size > 768:
        raise LabError(f"a domain of {size} MiB does not fit into the emulated machine: at most 768M with --xen")
    return size


def boot(wanted: booting.Plan, on_line: Callable[[str], None], on_stage: Callable[[str, str], None]) -> booting.Outcome:
    """Boot Xen, dom0 and the domain, and judge what arrived."""
    image = wanted.kernel.read_bytes()
    made = None if wanted.initrd else booting.userspace_of(image)
    initrd = wanted.initrd.read_bytes() if wanted.initrd else made.data
    guest = xen.Guest(NAME, "chainload.elf", "bundle", wanted.append, memory=mebibytes(wanted.memory),
                      timeout=math.ceil(wanted.timeout))
    files = {"chainload.elf": wanted.chainload.read_bytes(), "bundle": cpio.chainload_module(image, initrd)}
    events = {"ready": "the toolstack is ready", "begin": "xl create", "end poweroff": "the domain powered off",
              "end reboot": "the domain reset", "end crash": "the domain crashed",
              "end timeout": "destroyed the domain at its timeout"}

    def listen(_seconds: float, who: str, text: str) -> None:
        if who == NAME and text not in events:
            on_line(text)
        elif text in events:
            on_stage("dom0", events[text])

    on_stage("qemu", "q35, emulated; Xen, and Linux as dom0")
    session = xen.run_guests([guest], files, wanted.timeout + DOM0_TIME, LOGS, listen)
    on_stage("qemu", "the machine ended")
    seen = session.guests[NAME]
    if seen.end == "not-created":
        raise LabError(f"xl did not create the domain:\n{seen.tail()}")
    return booting.conclude(wanted, seen.run(), made, len(initrd))
