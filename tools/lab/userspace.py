# SPDX-License-Identifier: BSL-1.0
"""The userspace of the lab: an initramfs that reports what Linux received, and the parser of its report.

It consists of busybox, a script and a file of random bytes, the marker. Between the lines BEGIN and END the script
prints the kernel's zero page and firmware memory map, the command line, the marker's digest and some kernel messages.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field

from lab import LabError
from lab.cpio import archive, character_device, directory, executable, Entry
from lab.wire import BootParams, Range

BEGIN = "userspace: begin"
END = "userspace: end"
DONE = 0x2A  # the script writes it to port 0xf4 at the end

PREPARE = """#!/bin/busybox sh
# SPDX-License-Identifier: BSL-1.0
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo 1 > /proc/sys/kernel/printk"""

INIT = f"""{PREPARE}
say() {{ echo "userspace: $*"; }}
echo
echo '{BEGIN}'
say "kernel $(uname -r)"
say "cmdline $(cat /proc/cmdline)"
[ -e /sys/hypervisor/guest_type ] && say "hypervisor $(cat /sys/hypervisor/type) $(cat /sys/hypervisor/guest_type)"
say "boot protocol $(cat /sys/kernel/boot_params/version)"
xxd -p -c 32 /sys/kernel/boot_params/data | sed 's/^/userspace: zeropage /'
for entry in /sys/firmware/memmap/*; do
  [ -d "$entry" ] && say "memmap ${{entry##*/}} $(cat $entry/start) $(cat $entry/end) $(cat $entry/type)"
done
say "marker $(head -n 1 /marker)"
say "marker-sha256 $(sha256sum < /marker | cut -d ' ' -f 1)"
say "cpus $(nproc)"
say "kernel-code $(sed -n 's/^ *\\([0-9a-f]*\\)-.* : Kernel code$/\\1/p' /proc/iomem)"
say "memtotal $(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
dmesg | grep -E 'RSDP|Booting|BIOS-|PVH|e820|RAMDISK|Command line' | sed 's/^/userspace: dmesg /'
echo '{END}'
printf '\\{DONE:03o}' | dd of=/dev/port bs=1 seek=244 2>/dev/null
poweroff -f
reboot -f
"""


@dataclass(frozen=True)
class Initramfs:
    """The archive, and what userspace reports if the archive arrives unchanged."""

    data: bytes
    token: str
    marker_sha256: str


def build(busybox: bytes, marker_bytes: int = 65536) -> Initramfs:
    """An initramfs with a marker of its own."""
    token = secrets.token_hex(16)
    marker = token.encode() + b"\n" + secrets.token_bytes(marker_bytes)
    data = archive([
        directory("bin"), directory("dev"), directory("proc"), directory("sys"),
        character_device("dev/console", 5, 1),
        executable("bin/busybox", busybox),
        executable("init", INIT.encode()),
        Entry("marker", marker),
    ])
    return Initramfs(data, token, hashlib.sha256(marker).hexdigest())


@dataclass
class Report:
    """The report of userspace."""

    kernel: str = ""
    cmdline: str = ""
    hypervisor: str = ""  # on Xen only: "xen" and the guest type that Linux reports
    boot_protocol: str = ""
    zero_page: bytes = b""
    firmware_map: list[tuple[Range, str]] = field(default_factory=list)
    marker: str = ""
    marker_sha256: str = ""
    cpus: int = 0
    memtotal_kib: int = 0
    kernel_code: int = 0  # the physical address in /proc/iomem
    dmesg: list[str] = field(default_factory=list)

    @property
    def boot_params(self) -> BootParams:
        return BootParams(self.zero_page)


def read(lines: list[str]) -> Report:
    """Parse the report in the console's lines. A missing or truncated report is an error."""
    if BEGIN not in lines:
        raise LabError("userspace was not reached")
    if END not in lines:
        raise LabError("userspace stopped in the middle of its report")
    report = Report()
    page = ""
    for line in lines[lines.index(BEGIN) + 1:lines.index(END)]:
        key, _, value = line.removeprefix("userspace: ").partition(" ")
        if key == "kernel":
            report.kernel = value
        elif key == "cmdline":
            report.cmdline = value
        elif key == "hypervisor":
            report.hypervisor = value
        elif key == "boot":
            report.boot_protocol = value.removeprefix("protocol ")
        elif key == "zeropage":
            page += value
        elif key == "memmap":
            report.firmware_map.append(firmware_entry(value))
        elif key == "marker":
            report.marker = value
        elif key == "marker-sha256":
            report.marker_sha256 = value
        elif key == "cpus":
            report.cpus = int(value)
        elif key == "kernel-code":
            report.kernel_code = int(value or "0", 16)
        elif key == "memtotal":
            report.memtotal_kib = int(value)
        elif key == "dmesg":
            report.dmesg.append(value)
    if not re.fullmatch(r"[0-9a-f]{8192}", page):
        raise LabError(f"the zero page in userspace's report has {len(page)} digits, not 8192")
    report.zero_page = bytes.fromhex(page)
    return report


def firmware_entry(text: str) -> tuple[Range, str]:
    """Parse '3 0x100000 0xffdefff System RAM', whose end is inclusive: the range, and the kernel's name of the type."""
    match = re.fullmatch(r"\d+ 0x([0-9a-f]+) 0x([0-9a-f]+) (.+)", text)
    if not match:
        raise LabError(f"userspace's report has a malformed memory map line: {text!r}")
    start, last = int(match[1], 16), int(match[2], 16)
    return Range(start, last + 1 - start, 0), match[3]
