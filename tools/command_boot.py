# SPDX-License-Identifier: BSL-1.0
"""Boot a Debian Linux kernel in QEMU: PVH, examples/chainload, Linux, userspace; then compare handoff and zero page.

The packages of the kernel and of busybox are downloaded into .cache and never installed.
"""

import argparse
import os
import time
from pathlib import Path

import boot_on_xen
import building
import values
from lab import LabError, boot, bzimage, inputs, packages, qemu, userspace


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", type=Path, metavar="FILE", help="a bzImage instead of Debian's, 64-bit or 32-bit")
    parser.add_argument("--initrd", type=Path, metavar="FILE", help="an initrd instead of the reporting userspace")
    parser.add_argument("--append", default=boot.DEFAULT_APPEND, metavar="TEXT",
                        help=f"Linux's command line (default: {boot.DEFAULT_APPEND})")
    parser.add_argument("--memory", default="256M", metavar="SIZE",
                        help="guest memory, such as 512M or 5G (default: 256M)")
    parser.add_argument("--machine", default="q35", choices=qemu.MACHINES)
    parser.add_argument("--xen", action="store_true",
                        help="boot in a domain of Debian's Xen, which xl creates in an emulated dom0")
    parser.add_argument("--direct", action="store_true",
                        help="enter the kernel's vmlinux through its own PVH note, without chainload")
    parser.add_argument("--accel", default=qemu.DEFAULT_ACCELERATOR, choices=qemu.ACCELERATORS,
                        help="tcg, QEMU's software emulation (default), or kvm, if the host can run Linux with it")
    parser.add_argument("--timeout", type=values.seconds, default=120.0, metavar="SECONDS",
                        help="until the machine is ended (default: 120)")
    parser.add_argument("--verbose", action="store_true", help="show the whole console")


class Progress:
    """Print a line for each stage that the console shows, with the seconds since the start of the command."""

    def __init__(self, verbose: bool, direct: bool) -> None:
        self.began = time.monotonic()
        self.verbose = verbose
        self.stages = [
            ("chainload: start_info", "chainload", "entered through PVH"),
            ("chainload: placed kernel", "chainload", "placed the kernel"),
            ("chainload: entering", "chainload", "entered Linux"),
        ] * (not direct) + [
            ("Linux version", "linux", "prints on the console"),
            ("Run /init as init process", "linux", "starts userspace"),
            (userspace.BEGIN, "userspace", "reached"),
            (userspace.END, "userspace", "reported what arrived"),
        ]

    def line(self, text: str) -> None:
        if self.verbose:
            print(f"  | {text}", flush=True)
        for number, (mark, who, what) in enumerate(self.stages):
            if mark in text:
                detail = text[text.find(mark) + len(mark):].strip() if who == "chainload" else ""
                self.stage(who, f"{what}{': ' + detail if detail else ''}")
                del self.stages[:number + 1]
                return

    def stage(self, who: str, what: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {who:<10} {what}", flush=True)


def check(options: argparse.Namespace) -> None:
    """Check the options before anything is downloaded or built."""
    if options.xen and (options.direct or options.accel == "kvm" or options.machine != "q35"):
        raise LabError("--xen allows only --kernel, --initrd, --append, --memory, --timeout and --verbose")
    qemu.check_memory_size(options.memory)
    if options.xen:
        boot_on_xen.mebibytes(options.memory)
    given = os.environ.get("PVHBOOT_KERNEL")
    if options.kernel:
        inputs.kernel(options.kernel, "--kernel", options.direct, options.xen)
    elif given:
        inputs.kernel(Path(given), "$PVHBOOT_KERNEL", options.direct, options.xen)
    if options.initrd:
        inputs.initrd(options.initrd, "--initrd")
    else:
        values.file_named_by("PVHBOOT_BUSYBOX")


def run(options: argparse.Namespace) -> int:
    progress = Progress(options.verbose, options.direct)
    if options.xen:
        plan, log = boot_on_xen.plan(options), boot_on_xen.LOGS / f"{boot_on_xen.NAME}.log"
        progress.stage("ready", f"Xen {boot_on_xen.VERSION}, kernel {plan.kernel.name}, examples built")
        outcome = boot_on_xen.boot(plan, progress.line, progress.stage)
        return show(outcome, log)
    kernel = options.kernel or packages.kernel()
    image = kernel.read_bytes()
    if not options.initrd:
        packages.busybox(bzimage.bits(image))
    chainload = None
    if not options.direct:
        building.configure(options=building.EXAMPLES)
        building.compile_all(targets=[str(boot.CHAINLOAD)])
        chainload = building.BUILD / boot.CHAINLOAD
    elif image[:4] != bzimage.ELF:
        bzimage.vmlinux(kernel)
    progress.stage("ready", f"kernel {kernel.name}{', examples built' if chainload else ''}")
    log = building.BUILD / "boot" / "console.log"
    plan = boot.Plan(kernel, chainload, options.initrd, options.append, options.machine, options.memory, options.accel,
                     options.timeout, log)
    progress.stage("qemu", f"{plan.machine}, {plan.memory}, {plan.accel}")
    outcome = boot.boot(plan, lambda _seconds, text: progress.line(text))
    progress.stage("qemu", outcome.run.how())
    return show(outcome, log)


def show(outcome: boot.Outcome, log: Path) -> int:
    print()
    print(table(outcome.rows))
    print(f"\nconsole log: {os.path.relpath(log)}")
    return 0 if all(row.ok is not False for row in outcome.rows) else 1


def table(rows: list[boot.Row]) -> str:
    words = {True: "ok", False: "NOT OK", None: "not judged"}
    cells = [("", "handed over", "arrived", "")] + [(r.what, r.handed_over, r.arrived, words[r.ok]) for r in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return "\n".join(" | ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in cells)
