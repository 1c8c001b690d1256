#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compare what the library reads from a kernel image with an independent decoder of the setup header.

An image that is cut at a boundary of its structures must be refused with the right reason and offset.
"""

import argparse
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common import skip
from lab import LabError, bzimage, packages

# package, file, whether it is a Linux kernel
FILES = {
    "linux": ("linux-image-amd64", "boot/vmlinuz-*", True),
    "linux-cloud": ("linux-image-cloud-amd64", "boot/vmlinuz-*", True),
    "linux-rt": ("linux-image-rt-amd64", "boot/vmlinuz-*", True),
    "linux-6.12": ("linux-image-6.12-amd64", "boot/vmlinuz-*", True),
    "memtest86": ("memtest86+", "boot/memtest86+x64.bin", False),
    "ipxe": ("ipxe", "*/ipxe.lkrn", False),
    "memdisk": ("syslinux-common", "usr/lib/syslinux/memdisk", False),
}
MAGICS = ((b"\x1f\x8b", 1), (b"BZ", 2), (b"\x5d\x00", 3), (b"\xfd7", 4), (b"\x89L", 5), (b"\x02\x21", 6),
          (b"\x28\xb5", 7))
TOO_SHORT = "the kernel image ends inside its setup header"
NO_CODE = "the kernel image ends before its protected-mode code"
NOT_ALL = "the kernel image is truncated"


@dataclass
class Header:
    """The fields as in boot.rst. A field that the protocol version does not have is 0."""

    image: bytes

    def field(self, offset: int, form: str, since: int = 0x200) -> int:
        size = struct.calcsize(form)
        there = self.version >= since and offset + size <= self.end
        return struct.unpack_from("<" + form, self.image, offset)[0] if there else 0

    @property
    def version(self) -> int:
        return struct.unpack_from("<H", self.image, 0x206)[0]

    @property
    def end(self) -> int:
        return 0x202 + self.image[0x201]

    @property
    def code(self) -> int:
        return ((self.image[0x1F1] or 4) + 1) * 512

    @property
    def stated_size(self) -> int:
        """The size in syssize; 0 before protocol 2.04, where it is unreliable."""
        return 16 * struct.unpack_from("<I", self.image, 0x1F4)[0] if self.version >= 0x204 else 0


def expected(image: bytes) -> dict[str, str]:
    h = Header(image)
    size = min(len(image) - h.code, h.stated_size or len(image))
    alignment = h.field(0x230, "I", 0x205)
    shift = h.field(0x235, "B", 0x20A)
    xload = h.field(0x236, "H", 0x20C)
    payload_offset, payload_size = h.field(0x248, "I", 0x208), h.field(0x24C, "I", 0x208)
    payload = image[h.code + payload_offset:h.code + payload_offset + payload_size]
    info = h.field(0x268, "I", 0x20F)
    facts = {
        "protocol": h.version,
        "header": h.end,
        "code": h.code,
        "size": size,
        "relocatable": int(h.field(0x234, "B", 0x205) != 0),
        "alignment": alignment,
        "least": min(1 << shift, alignment) if shift else alignment,
        "pref": h.field(0x258, "Q", 0x20A) or 0x100000,
        "init": h.field(0x260, "I", 0x20A) or 3 * size,
        "entry64": xload & 1,
        "high": xload >> 1 & 1,
        "cmdline": h.field(0x238, "I", 0x206) or 255,
        "initrd_max": h.field(0x22C, "I", 0x203) or 0x37FFFFFF,
        "format": next((number for magic, number in MAGICS if payload.startswith(magic)), 0),
        "payload": payload_size,
        "unpacked": int.from_bytes(payload[-4:], "little"),
        "types": struct.unpack_from("<I", image, h.code + info + 12)[0] if info else 0,
    }
    return {name: str(value) for name, value in facts.items()}


def cuts(image: bytes) -> dict[int, tuple[str, int] | None]:
    """The sizes at which to cut, with the expected reason and offset, or None if the cut image is valid."""
    h = Header(image)
    inside = {1, 0x1F0, 0x1F1, 0x1F2, 0x1FD, 0x1FE, 0x200, 0x201, 0x202, 0x206, 0x207, 0x208, 0x223, 0x224, 0x22C,
              0x230, 0x238, 0x248, 0x250, 0x258, 0x260, 0x268, h.end - 1, h.end}
    wrong: dict[int, tuple[str, int] | None] = {}
    for size in sorted(inside | {1024, h.code - 1, h.code, h.code + 1}):
        if size < max(0x224, h.end):
            wrong[size] = (TOO_SHORT, size)
        elif size <= h.code:
            wrong[size] = (NO_CODE, h.code)
        elif h.stated_size and size < h.code + h.stated_size - 15:
            wrong[size] = (NOT_ALL, h.code + h.stated_size)
    if h.stated_size:
        end = h.code + h.stated_size
        wrong[h.code + 1] = wrong[end - 17] = wrong[end - 16] = (NOT_ALL, end)
        wrong[min(end, len(image))] = None
        if h.field(0x24C, "I", 0x208):
            payload_end = h.code + h.field(0x248, "I", 0x208) + h.field(0x24C, "I", 0x208)
            wrong[payload_end - 1] = (NOT_ALL, end)
    return wrong


def judged(judge: Path, path: Path, sizes: list[int]) -> list[dict[str, str]]:
    command = [str(judge), str(path), *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise LabError(f"{judge.name} failed on {path.name}:\n{done.stderr.strip()}")
    lines = []
    for line in done.stdout.splitlines():
        words = line.split(" ")
        last = next(i for i, word in enumerate(words) if word.startswith(("version=", "refused=")))
        lines.append(dict(word.split("=", 1) for word in [*words[:last], " ".join(words[last:])]))
    return lines


def differences(judge: Path, path: Path, is_linux: bool) -> list[str]:
    image = path.read_bytes()
    ends = cuts(image)
    whole, *cut = judged(judge, path, list(ends))
    bad = []
    for name, value in {**expected(image), "version": bzimage.kernel_version(image)}.items():
        if whole.get(name) != value:
            bad.append(f"{name}: {whole.get(name)} in the library, {value} in the file")
    if whole.get("sound") != "1" or int(whole.get("load", "0")) < 0x100000:
        bad.append(f"no valid placement on a PC with 512 MiB: {whole}")
    if is_linux:
        unpacked = len(bzimage.unpack(image))
        if not whole.get("version", "").startswith(path.name.removeprefix("vmlinuz-")):
            bad.append(f"version {whole.get('version')} in {path.name}")
        if int(whole.get("unpacked", "0")) != unpacked or int(whole.get("init", "0")) < unpacked:
            bad.append(f"unpacked {whole.get('unpacked')}, init_size {whole.get('init')}; the size is {unpacked}")
        if whole.get("load") != whole.get("pref") or whole.get("format") == "0":
            bad.append(f"a Linux kernel that is not at its preferred address, or has an unknown compression: {whole}")
    for (size, want), got in zip(ends.items(), cut, strict=True):
        result = (got["refused"], int(got["where"])) if "refused" in got else None
        if result != want:
            bad.append(f"cut to {size} bytes: {result}, expected {want}")
    print(f"{path.name}: protocol {whole.get('protocol')}, {len(ends)} places to cut")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("file", choices=FILES)
    options = parser.parse_args()
    package, member, is_linux = FILES[options.file]
    try:
        path = packages.provide(package, member, packages.NO_OTHER_WAY)
    except LabError as why:
        return skip(why)
    bad = differences(options.judge.resolve(), path, is_linux)
    print("\n".join(bad) or "library and decoder agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
