# SPDX-License-Identifier: BSL-1.0
"""First inputs of the harnesses that join several formats: map, setup_data, chainload, live, interface.

The comment at the top of a harness describes its format.
"""

import struct

from seeds import (ACPI, PC, PRAM, RAM, RESERVED, SOFT, XEN, Elf, bzimage_seeds, files, header, image, note, number,
                   ranges, start_info, text, xen_seeds)


def one(addr: int, size: int, kind: int) -> bytes:
    return number(addr) + number(size) + bytes([kind])


def map_seeds() -> dict[str, bytes]:
    def seed(*operations: tuple[int, int, int, int], capacity: int = 32, slots: int = 32) -> bytes:
        return bytes([capacity, slots]) + b"".join(bytes([what]) + one(*r) for what, *r in operations)

    pc = [(0, *r) for r in PC]
    clean = (2, 0, 0, 0)
    every = [(what, 0x100000 * what, 0x1000, 1 + what % 3) for what in range(16)]
    return {
        "usual": seed(*pc, clean, *every),
        "append-table": seed((1, 0x1000, 3, RAM), clean, *every),
        "never-merge": seed((0, 0, 0x1000, PRAM), (0, 0x1000, 0x1000, PRAM), (0, 0x800, 0x1000, SOFT), clean, (14, 0, 0, 0),
                            (15, 0, 0, 0)),
        "all-memory": seed((0, 0, 2**63, RAM), (0, 2**63, 2**63, RAM), clean, (11, 5, 1, 0), (10, 5, 1, RAM),
                           (12, 0, 2**64 - 1, 0), (13, 0, 1, RAM)),
        "full": seed(*pc, clean, (10, 0x200000, 0x1000, ACPI), (11, 0x300000, 1, 0), capacity=4, slots=4),
        "no-scratch": seed((0, 0x1000, 0x1000, RAM), (0, 0, 0x1000, RAM), clean, (3, 0, 1, RAM), slots=1),
        "linux": seed((0, 0, 2**64 - 1, RAM), clean, (8, 0, 0, 0), (9, 0, 0x1000, 0), (5, 0, 0, 0)),
        "cut-last": seed((0, 0, 2**63, RAM), (0, 2**63, 2**63, RAM), clean, (9, 0, 0x249, 0), clean),
        "places": seed(*pc, clean, *((what, 0x100000, 0x1000, RAM) for what in (13, 29, 45, 61))),
        "places-more-than-64-bits": seed((0, 0, 2**63, RAM), (0, 2**63, 2**63, RAM), clean, (13, 0, 1, RAM)),
        "ram-in-the-hole": seed((0, 0xA0000, 0x1000, RAM), clean, (8, 0, 0, 0)),
        "every-type": seed(*((0, 0x1000 * kind, 0x1000, kind) for kind in (*range(1, 9), PRAM, 13, 128, SOFT))),
    }


def node(following: int, kind: int, payload: bytes) -> bytes:
    data = struct.pack("<QII", following, kind, len(payload)) + payload
    return data + bytes(-len(data) % 8)


def setup_data_seeds() -> dict[str, bytes]:
    base = 0x10000

    def seed(memory: bytes, first: int = base, limit: int = 64, stop: int = 0, split: int = 0xFFFF,
             paddr: int = 0x20000, size: int = 0x200, old: int = 0, payloads: tuple[int, ...] = (20, 0, 7),
             base: int = base) -> bytes:
        return (number(base) + struct.pack("<H", split) + number(first) + bytes([limit, stop]) + number(paddr) +
                struct.pack("<H", size) + number(old) + bytes([len(payloads)]) +
                b"".join(bytes([9]) + number(n) for n in payloads) + memory)

    inner = struct.pack("<IIQQ", 0x80000001, 0, 20, 0x100000)
    three = node(base + 0x28, 1, bytes(20)) + node(base + 0x50, 0x80000000, inner) + node(0, 9, b"seed")
    return {
        "three": seed(three),
        "stopped": seed(three, stop=2),
        "loop": seed(node(base, 1, b"x"), limit=7),
        "limit": seed(three, limit=2),
        "wraps": seed(struct.pack("<QII", 0, 1, 0xFFFFFFF8) + bytes(16)),
        "long": seed(struct.pack("<QII", 0, 1, 0xFFFFFFEF) + bytes(16)),
        "cut": seed(three[:-9]),
        "split-in-payload": seed(three, split=0x14),
        "full": seed(three, size=0x40, payloads=(8, 40, 8, 2**32 - 16, 2**32 - 17)),
        "old-chain": seed(three, old=base),
        "at-zero": seed(three, paddr=0),
        "write-over-the-end": seed(three, paddr=2**64 - 64, payloads=(8, 8, 0)),
        "indirect-to-indirect": seed(node(0, 0x80000000, struct.pack("<IIQQ", 0x80000000, 0, 20, 0x100000))),
        "read-nothing": seed(three, limit=0),
        "read-one-piece": seed(three, first=base + 8, limit=8, split=0x10),
        "read-two-pieces": seed(three, first=base + 8, limit=16, split=0x10),
        "read-over-the-end": seed(bytes(16), first=2**64 - 4, limit=8, split=6, base=2**64 - 8),
    }


def cpio(*entries: tuple[str, bytes], rest: bytes = b"") -> bytes:
    made = b""
    for name, data in (*entries, ("TRAILER!!!", b"")):
        fields = [0] * 13
        fields[6], fields[11] = len(data), len(name) + 1
        made += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        made += bytes(-len(made) % 4) + data
        made += bytes(-len(made) % 4)
    return made + bytes(-len(made) % 512) + rest


def chainload_seeds() -> dict[str, bytes]:
    def seed(cmdline: int = 2, initrd: int = 0x123456, modules: tuple[tuple[int, int], ...] = ((0x4000000, 0x5000),),
             given: bytes = ranges(*PC), head: bytes = header()) -> bytes:
        return (b"\0" + bytes([cmdline]) + number(initrd) + bytes([len(modules)]) +
                b"".join(number(at) + number(size) for at, size in modules) + number(0xF59E0) + given + image(head))

    many = ranges(*((0x100000 * (i + 1), 0xF0000 if i < 170 else 0x10000000, RAM) for i in range(180)))
    return {
        "archive": b"\1" + cpio(("vmlinuz", b"kernel"), ("./cmdline", b"quiet"), rest=b"initrd"),
        "archive-cut": b"\1" + cpio(("vmlinuz", b"kernel"))[:-300],
        "archive-no-trailer": b"\1" + cpio(("vmlinuz", b"kernel"))[:120],
        "archive-bad-size": b"\1" + cpio(("vmlinuz", b"kernel")).replace(b"00000006", b"FFFFFFFF", 1),
        "usual": seed(),
        "no-initrd": seed(initrd=0),
        "long-cmdline": seed(cmdline=200),
        "many": seed(given=many),
        "tight": seed(given=ranges((0, 0xA0000, RAM), (0x1000000, 0x2000000, RAM), (0xF0000000, 0x1000, RESERVED))),
        "overlap": seed(modules=((0x1000, 0x1000),)),
        "no-ram": seed(given=ranges((0x100000, 0x1000, RESERVED))),
        "small": seed(given=ranges((0x100000, 0x100000, RAM))),
        "old": seed(head=header(0x205, 0x238)),
        "fixed": seed(head=header(relocatable=0)),
    }


def live_seeds() -> dict[str, bytes]:
    def seed(reader: int, memory: bytes, *changes: tuple[int, int, int, int], base: int = 0x1000, offset: int = 0) -> bytes:
        return (bytes([reader]) + number(base) + number(offset) + bytes([len(changes)]) +
                b"".join(struct.pack("<BHB", wait, at, log) + number(value) for wait, at, log, value in changes) + memory)

    handoff, chain, page, kernel, notes, linux = range(6)
    guest = start_info(1, 2, 4)
    nodes = node(0x10028, 1, bytes(20)) + node(0, 9, b"seed")
    zero_page = bytearray(4096)
    struct.pack_into("<B", zero_page, 0x1E8, 2)
    struct.pack_into("<QQIQQI", zero_page, 0x2D0, 0, 0x9FC00, RAM, 0x100000, 0x7FF00000, RAM)
    struct.pack_into("<Q", zero_page, 0x250, 0x2000)
    struct.pack_into("<I", zero_page, 0x228, 0x2040)
    tail = node(0, 1, bytes(20)).ljust(0x40, b"\0") + b"quiet\0"
    bz = bytes(0x1F1) + header(syssize=0x20, payload_length=0x40, init_size=0x10000)
    return {
        "handoff": seed(handoff, guest, (3, 0x0C, 2, 200), (9, 0x30, 2, 0xFFFFFFFF), (200, 0x18, 3, 0)),
        "handoff-refused": seed(handoff, guest, (0, 0, 2, 1)),
        "handoff-later": seed(handoff, guest, (60, 56 + 8, 3, 2**64 - 1), (4, 56 + 16, 3, 0x1000), (5, 120, 3, 2**63)),
        "handoff-text": seed(handoff, guest, (20, 56 + 64 + 96, 0, 0), (4, 56 + 64 + 100, 0, 0x41)),
        "chain": seed(chain, nodes, (2, 0x0C, 2, 0xFFFFFFFF), (3, 0x28, 3, 0x10000), base=0x10000),
        "chain-longer": seed(chain, nodes, (3, 0x0C, 2, 60), base=0x10000),
        "chain-indirect": seed(chain, node(0, 0x80000000, struct.pack("<IIQQ", 0x80000001, 0, 20, 0x100000)),
                               (9, 0x14, 2, 7), base=0x10000),
        "zero-page": seed(page, bytes(zero_page) + tail, (3, 0x1E8, 0, 0xFF), (9, 0x250, 3, 0x2000)),
        "zero-page-chain-later": seed(page, bytes(zero_page) + tail, (12, 0x100C, 2, 0xFFFFFFFF)),
        "kernel": seed(kernel, files()["usual-64"], (30, 0x60, 3, 2**64 - 1), (10, 0x68, 3, 2**63)),
        "kernel-32": seed(kernel, files()["two-32"], (40, 0x2C, 1, 0xFFFF), (10, 0x800, 2, 2**31)),
        "notes": seed(notes, files()["two-64"][0x800 + 0x60:], (2, 4, 2, 2**32 - 1), (3, 0, 2, 60)),
        "bzimage": seed(linux, bz.ljust(0x600, b"\0"), (20, 0x201, 0, 0x7F), (10, 0x248, 2, 2**31)),
    }


def interface_seeds() -> dict[str, bytes]:
    handoff, maps, linux, kernel, written, xen = (bytes([i]) for i in range(6))
    guest = start_info(1, 2, 4)
    operations = b"".join(bytes([what]) + one(0x100000 * what, 0x1800, 1 + what % 3) for what in (0, 0, 0, 1, 2, 3, 4, 5, 6, 7))
    loader = number(0x100000) + number(5000) + number(0x90000) + b"\0" + number(0x91000) + b"\x10" + number(0) + b"\0"
    places = loader + number(0x92000) + bytes([20]) + b"\x08"
    module = number(0x4000000) + number(0x1234)
    plan = (b"\1" + b"\5" + number(0x1000000) + number(0x200000) + number(0x1000010) + b"\x15" + number(0x1000000) +
            number(0x3FFFFFFF) + number(0x1000) + bytes([RESERVED]) + number(0x3000) + struct.pack("<Q", 2**63) + ranges(*PC))
    rest = b"\0" + ranges(*PC) + b"\0\7\1" + number(0xE0000) + b"".join(number(0x6000 + at) for at in (0x40, 0x80, 0x200, 0x280))
    to = number(0x6000) + number(0x6000) + struct.pack("<H", 0x400) + b"\x08" + b"\1" + module
    cpuid = b"\0\5\0" + number(0x4000000000040011) + number(0x104) + number(0x1000) + b"\4" + number(8)
    page = b"\1\2" + struct.pack("<HBHB", 0x1E8, 1, 0x252, 1) + b"\x40\0\x20"
    damaged = (Elf(64).load(0x100000, bytes(64), 0x100).notes(note(XEN, 18, struct.pack("<Q", 0x100010)), b"\xff" * 16)
               .written())
    bz = next(seed for name, seed in bzimage_seeds().items() if name == "usual")
    return {
        "handoff": handoff + number(0x1000) + number(0) + struct.pack("<HBBB", 0xFFFF, 255, 16, 0) + guest,
        "handoff-defaults": handoff + number(0x1000) + number(0) + struct.pack("<HBBB", 0xFFFF, 0, 0, 3) + guest,
        "maps": maps + b"\x20\x20" + operations,
        "linux": linux + b"\0" + image(header()) + ranges(*PC) + places,
        "linux-refused": linux + b"\0" + bz,
        "zero-page": linux + page + node(0, 1, struct.pack("<QQI", 0x100000, 0x1000, RAM)),
        "kernel": kernel + number(0) + number(0x100000) + struct.pack("<H", 0x1000) + files()["usual-64"],
        "kernel-damaged": kernel + number(0) + number(0x100000) + struct.pack("<H", 0x1000) + damaged,
        "kernel-moved": kernel + number(0x1000) + number(0x100000) + struct.pack("<H", 0x1F00) + files()["two-32"],
        "written": written + to + rest,
        "plan": written + to + plan,
        "xen": xen + cpuid + number(0) + number(5) + b"\x10" + xen_seeds()["usual"][-120:],
        "texts": xen + cpuid[:3] + number(1) + number(0x207) + text(b"rest"),
    }


def every() -> dict[str, dict[str, bytes]]:
    return {"map": map_seeds(), "setup_data": setup_data_seeds(), "chainload": chainload_seeds(), "live": live_seeds(),
            "interface": interface_seeds()}
