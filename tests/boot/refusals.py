# SPDX-License-Identifier: BSL-1.0
"""Bad input for examples/chainload, and how it must be refused. As a program it prints the names of the cases."""

import random
import re
import struct
from dataclasses import dataclass
from typing import Callable

from lab import bzimage
from lab.cpio import Entry, archive, chainload_module, member

SYSSIZE = 0x1F4
PAGE = 4096


@dataclass(frozen=True)
class Case:
    """`module` makes the module from a good vmlinuz; None stands for no module. `sentence` matches the error, and
    `rule` is the name at its beginning."""

    sentence: re.Pattern
    rule: str
    module: Callable[[bytes], bytes] | None = None
    append: Callable[[bytes], str] | None = None
    memory: str = "256M"
    needs_kernel: bool = True


def case(sentence: str, rule: str, module: Callable[[bytes], bytes] | None = None, **rest) -> Case:
    return Case(re.compile(sentence), rule, module, **rest)


def cut(at: Callable[[bytes], int]) -> Callable[[bytes], bytes]:
    """An intact archive with a truncated kernel."""
    return lambda image: chainload_module(image[:at(image)])


def with_bytes(offset: int, data: bytes) -> Callable[[bytes], bytes]:
    return lambda image: chainload_module(image[:offset] + data + image[offset + len(data):])


def header_end(image: bytes) -> int:
    return 0x202 + image[0x201]


def end_of_code(image: bytes) -> int:
    return bzimage.protected_mode_offset(image) + 16 * struct.unpack_from("<I", image, SYSSIZE)[0]


def archive_cut(image: bytes) -> bytes:
    """An archive whose entry is larger than the module."""
    whole = archive([Entry("vmlinuz", image)])
    return whole[:len(whole) // 2]


def crowded(image: bytes) -> bytes:
    """A misaligned initrd, which must be copied and for which there is no space for a second copy."""
    return chainload_module(image, b"i" * (120 << 20), alignment=512)


def noise(_image: bytes) -> bytes:
    return random.Random(1).randbytes(3 * PAGE)


CASES = {
    "no-module": case("no module", "no_module", needs_kernel=False),
    "archive-without-kernel": case("holds no vmlinuz", "no_kernel_in_archive",
                                   lambda _: chainload_module(None, b"initrd", "words"), needs_kernel=False),
    "archive-with-empty-kernel": case("holds no vmlinuz", "no_kernel_in_archive", cut(lambda _: 0), needs_kernel=False),
    "archive-cut": case("archive is damaged", "damaged_archive", archive_cut),
    "archive-without-trailer": case("archive is damaged", "damaged_archive",
                                    lambda image: member(Entry("vmlinuz", image), 1)),
    "cmdline-with-nul": case("has a NUL", "cmdline_has_nul", lambda image: chainload_module(image, b"", "one\0two")),
    "noise": case("no boot flag", "no_boot_flag", noise, needs_kernel=False),
    "cut-before-header": case("ends inside its setup header", "image_too_short", cut(lambda _: 0x1F0)),
    "cut-in-header": case("ends inside its setup header", "image_too_short", cut(lambda _: 0x230)),
    "cut-before-code": case("ends before its protected-mode code", "setup_truncated",
                            cut(lambda image: bzimage.protected_mode_offset(image) - 1)),
    "cut-at-code": case("ends before its protected-mode code", "setup_truncated",
                        cut(bzimage.protected_mode_offset)),
    "cut-after-code": case("truncated", "kernel_truncated",
                            cut(lambda image: bzimage.protected_mode_offset(image) + 1)),
    "cut-in-code": case("truncated", "kernel_truncated", cut(lambda image: end_of_code(image) // 2)),
    "cut-at-end": case("truncated", "kernel_truncated", cut(lambda image: end_of_code(image) - 16)),
    "broken-boot-flag": case("no boot flag", "no_boot_flag", with_bytes(0x1FE, b"\0\0")),
    "broken-magic": case("no HdrS", "no_header_magic", with_bytes(0x202, b"HdrX")),
    "old-protocol": case("protocol is too old", "protocol_too_old", with_bytes(0x206, b"\xff\1")),
    "protocol-2.02": case("protocol is too old", "protocol_too_old", with_bytes(0x206, b"\2\2")),
    "zimage": case("zImage", "not_loaded_high", with_bytes(0x211, b"\0")),
    "broken-alignment": case("not a power of two", "bad_kernel_alignment", with_bytes(0x230, b"\x03\0\0\0")),
    "payload-outside": case("payload lies outside", "payload_out_of_bounds",
                            with_bytes(0x248, b"\0\0\0\xff")),
    "too-little-memory": case("not enough free RAM where the kernel can run", "no_place_for_kernel",
                              chainload_module, memory="40M"),
    "no-place-for-initrd": case("below initrd_addr_max", "no_place_for_initrd", crowded,
                                memory="256M"),
    "cmdline-too-long": case("longer than the kernel accepts", "cmdline_too_long", chainload_module,
                             append=lambda image: "x" * (bzimage.command_line_limit(image) + 1)),
    "cmdline-entry-too-long": case("longer than the kernel accepts", "cmdline_too_long",
                                   lambda image: chainload_module(image, b"", "x" * 5000)),
}

if __name__ == "__main__":
    print(*CASES)
