# SPDX-License-Identifier: BSL-1.0
"""Write cpio "newc" archives: the same input always gives the same bytes."""

import stat
from dataclasses import dataclass

from lab import LabError

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """A member of an archive. `mode` holds type and permissions as in stat(2)."""

    name: str
    data: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    device: tuple[int, int] = (0, 0)


def directory(name: str) -> Entry:
    return Entry(name, mode=stat.S_IFDIR | 0o755)


def executable(name: str, data: bytes) -> Entry:
    return Entry(name, data, stat.S_IFREG | 0o755)


def symlink(name: str, target: str) -> Entry:
    return Entry(name, target.encode(), stat.S_IFLNK | 0o777)


def character_device(name: str, major: int, minor: int) -> Entry:
    return Entry(name, b"", stat.S_IFCHR | 0o600, (major, minor))


def pad(data: bytes, alignment: int) -> bytes:
    return data + b"\0" * (-len(data) % alignment)


def member(entry: Entry, inode: int) -> bytes:
    name = entry.name.encode() + b"\0"
    if len(entry.data) > 0xFFFFFFFF:
        raise LabError(f"{entry.name} is too large for a cpio archive")
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    header = MAGIC + b"".join(b"%08X" % field for field in fields)
    return pad(header + name, 4) + pad(entry.data, 4)


def archive(entries: list[Entry]) -> bytes:
    """The entries in order, with inodes from 1 on, and the trailer."""
    body = b"".join(member(entry, number) for number, entry in enumerate(entries, 1))
    return body + member(Entry(TRAILER, mode=0), 0)


def chainload_module(vmlinuz: bytes | None, initrd: bytes = b"", cmdline: str | None = None,
                     alignment: int = 4096) -> bytes:
    """A module for examples/chainload: an archive with the kernel, then the initrd on the next multiple of `alignment`.
    With an alignment below a page the loader has to copy the initrd, since Linux requires page alignment."""
    entries = [] if vmlinuz is None else [Entry("vmlinuz", vmlinuz)]
    if cmdline is not None:
        entries.append(Entry("cmdline", cmdline.encode()))
    return pad(archive(entries), alignment) + initrd
