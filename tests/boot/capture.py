#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Recreate tests/data: the handoffs of producers, and the zero pages of the Linux kernels that they start.

examples/kernel dumps a handoff; userspace dumps Linux's zero page. Run it with tests/launch.py; it takes some minutes.
"""

import argparse
import datetime
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from lab import LabError, boot, console, cpio, packages, qemu, userspace, wire, xen, xen_packages

DATA = Path(__file__).resolve().parents[1] / "data"
QEMU_APPEND = "console=ttyS0 panic=-1 dump"
XEN_APPEND = "console=hvc0 panic=-1 quiet dump"
MEMORY = 256
ROW = 16


@dataclass
class Capture:
    """A handoff, and the zero pages that were made from it."""

    name: str
    producer: str
    handoff: list[tuple[int, bytes]]
    hypercall_map: bytes = b""
    zero_pages: dict[str, bytes] = field(default_factory=dict)

    def text(self) -> str:
        lines = ["// SPDX-License-Identifier: BSL-1.0", f"// {self.producer}",
                 "// Made by tests/boot/capture.py; see PROVENANCE.md. The first piece is start_info."]
        for number, (paddr, data) in enumerate(self.handoff):
            lines += array(f"inline constexpr uint8_t {self.name}_{number}[]", data)
        pieces = ", ".join(f"{{{paddr:#x}, {self.name}_{number}, {len(data)}}}"
                           for number, (paddr, data) in enumerate(self.handoff))
        lines.append(f"inline constexpr piece {self.name}[] = {{{pieces}}};")
        if self.hypercall_map:
            lines += array(f"inline constexpr uint8_t {self.name}_hypercall_map[]", self.hypercall_map)
        for by, page in self.zero_pages.items():
            lines.append(f"inline constexpr page_row {self.name}_{by}[] = {{")
            lines += [f"    {{{at:#05x}, {{{numbers(page[at:at + ROW])}}}}}," for at in range(0, len(page), ROW)
                      if any(page[at:at + ROW])]
            lines.append("};")
        return "\n".join(lines) + "\n"


def numbers(data: bytes) -> str:
    return ", ".join(f"{value:#04x}" for value in data)


def array(declaration: str, data: bytes) -> list[str]:
    return [declaration + " = {", *(f"    {numbers(data[at:at + ROW])}," for at in range(0, len(data), ROW)), "};"]


def pieces(printed: console.Facts) -> list[tuple[int, bytes]]:
    """The dumped rows, with adjacent rows joined. start_info is the first piece."""
    if printed.result != "ok" or not printed.bytes:
        raise LabError(f"examples/kernel did not dump its handoff: {printed.error or 'no bytes'}")
    found: list[tuple[int, bytes]] = []
    for paddr, data in printed.bytes:
        if found and found[-1][0] + len(found[-1][1]) == paddr:
            found[-1] = (found[-1][0], found[-1][1] + data)
        else:
            found.append((paddr, data))
    return found


def of_qemu(build: Path, machine: str, initramfs: userspace.Initramfs) -> Capture:
    """The handoff to examples/kernel. vmlinux gets an equal one; chainload gets another module with the same map."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        module = Path(scratch) / "initrd"
        module.write_bytes(initramfs.data)
        kernel = build / "examples/kernel/kernel32.elf"
        run = qemu.start(qemu.Machine(kernel, module, QEMU_APPEND, machine, f"{MEMORY}M"), 120)
        pages = {}
        for by, chainload in (("linux", None), ("chainload", build / boot.CHAINLOAD)):
            plan = boot.Plan(packages.kernel(), chainload, module, QEMU_APPEND, machine, f"{MEMORY}M")
            pages[by] = boot.boot(plan).report.zero_page
    return Capture(f"qemu_{machine}", f"QEMU {machine}, {MEMORY} MiB", pieces(console.read("kernel", run.lines)),
                   zero_pages=pages)


def of_dom0(build: Path) -> Capture:
    program = (build / "examples/kernel/kernel32.elf").read_bytes()
    modules = [(program, "first second dump"), (b"module", "")]
    done = xen.start(modules, "dom0=pvh dom0-iommu=none dom0_mem=128M", "512M", 120,
                     until=xen.Until("kernel: (result|error)"))
    printed = console.read("kernel", [line for line in done.run.lines if line.startswith("kernel: ")])
    # The kernel prints the values of the hypercall's map: pack them again.
    table = b"".join(wire.E820_ENTRY.pack(entry.addr, entry.size, entry.type) for entry in printed.received)
    return Capture("xen_dom0", "Xen's own dom0 builder, version 0; the map is that of XENMEM_memory_map",
                   pieces(printed), table)


def of_domu(build: Path, initramfs: userspace.Initramfs) -> tuple[list[Capture], list[str]]:
    vmlinuz = xen_packages.kernel().read_bytes()
    files = {"kernel": (build / "examples/kernel/kernel32.elf").read_bytes(), "vmlinuz": vmlinuz,
             "initrd": initramfs.data, "chainload": (build / boot.CHAINLOAD).read_bytes(),
             "bundle": cpio.chainload_module(vmlinuz, initramfs.data),
             "grub": xen_packages.grub_image(vmlinuz, initramfs.data, XEN_APPEND)}
    guests = [xen.Guest("kernel", "kernel", "initrd", XEN_APPEND),
              xen.Guest("above-4g", "kernel", None, "dump", extra=("maxmem=4352",)),
              xen.Guest("linux", "vmlinuz", "initrd", XEN_APPEND),
              xen.Guest("chainload", "chainload", "bundle", XEN_APPEND), xen.Guest("grub", "grub")]
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as logs:
        session = xen.run_guests(guests, files, 800, Path(logs), lambda seconds, who, text: None)
    handoffs = {name: pieces(console.read("kernel", session.guests[name].lines)) for name in ("kernel", "above-4g")}
    pages = {by: userspace.read(session.guests[by].lines).zero_page for by in ("linux", "chainload", "grub")}
    return [Capture("xen_domu", f"Xen's libxl, a domain of {MEMORY} MiB", handoffs["kernel"], zero_pages=pages),
            Capture("xen_domu_above_4g", "Xen's libxl, a domain of up to 4352 MiB", handoffs["above-4g"])], session.xen


def version(command: list[str], pattern: str) -> str:
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return re.search(pattern, text)[0]


def provenance(captures: list[Capture], xen_lines: list[str]) -> str:
    xen_version = next((match[1] for line in xen_lines if (match := re.search(r"Xen version (\S+)", line))), "unknown")
    kernel = re.search(rb"\d+\.\d+\.\S+ \([^)]*\) #\d[^\0]*", packages.kernel().read_bytes())[0].decode()
    qemu_version = version(["qemu-system-x86_64", "--version"], r"[0-9]+\.[0-9.]+[^\n]*")
    rows = "\n".join(f"| `{capture.name}.inc` | {capture.producer} | {', '.join(capture.zero_pages) or '-'} |"
                     for capture in captures)
    return f"""<!-- SPDX-License-Identifier: BSL-1.0 -->
# Where these bytes come from

All files were captured on {datetime.date.today().isoformat()} from machines that the lab started, with
`tests/launch.py tests/boot/capture.py`. This command recreates all files, this page included. Nothing was fetched. The
handoffs are the memory that a hypervisor or its firmware wrote, dumped by `examples/kernel`. The zero pages are
`/sys/kernel/boot_params/data` in the userspace that Linux started.

| file | producer of the handoff | producers of the zero pages |
|---|---|---|
{rows}

Versions: QEMU {qemu_version}; Xen {xen_version};
GRUB {xen_packages.grub_version()}; Linux {kernel}.

Commands, without the options that `tools/lab` adds to read the console:

* QEMU: `qemu-system-x86_64 -machine MACHINE -m {MEMORY}M -kernel kernel32.elf -initrd INITRD -append "{QEMU_APPEND}"`;
  for the zero pages, `vmlinux` (`linux`), or `chainload.elf` and its module, in place of the kernel.
* Xen, dom0: `-kernel xen -initrd "kernel32.elf first second dump,module"` and
  `-append "dom0=pvh dom0-iommu=none dom0_mem=128M"`. The hypercall's map was printed as values and packed again.
* Xen, domU: `xl create` with `type="pvh"`, `memory={MEMORY}`, `cmdline="{XEN_APPEND}"`, and `kernel32.elf`, Debian's
  `vmlinuz` (`linux`), `chainload.elf` or GRUB's `i386-xen_pvh` image as `kernel`. The addresses in a handoff
  depend on the size of the kernel: only the map and the RSDP are common to all of them.

In the zero pages of `chainload` and `grub` the kernel's decompressor has changed the fields scratch, heap_end_ptr and
loadflags.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder with the examples")
    build = parser.parse_args().build
    initramfs = userspace.build(packages.busybox().read_bytes())
    try:
        captures = []
        for machine in qemu.MACHINES:
            print(f"capture: QEMU {machine}", flush=True)
            captures.append(of_qemu(build, machine, initramfs))
        print("capture: Xen's dom0", flush=True)
        captures.append(of_dom0(build))
        print("capture: Xen's domains", flush=True)
        domains, xen_lines = of_domu(build, initramfs)
        captures += domains
        DATA.mkdir(exist_ok=True)
        for capture in captures:
            (DATA / f"{capture.name}.inc").write_text(capture.text(), encoding="ascii")
        (DATA / "PROVENANCE.md").write_text(provenance(captures, xen_lines), encoding="utf-8")
    except LabError as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    print(f"capture: {len(captures)} handoffs and their zero pages are in tests/data")
    return 0


if __name__ == "__main__":
    sys.exit(main())
