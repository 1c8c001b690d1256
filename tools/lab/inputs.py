# SPDX-License-Identifier: BSL-1.0
"""Check the files that a user names: refuse what cannot be a kernel or an initrd, with its kind and a remedy."""

from pathlib import Path

from lab import LabError

# The first bytes of a compressed file; its format; the command that unpacks it.
COMPRESSED = (
    (b"\x1f\x8b", "gzip-compressed", "gunzip"),
    (b"\xfd7zXZ\0", "xz-compressed", "unxz"),
    (b"BZh", "bzip2-compressed", "bunzip2"),
    (b"\x5d\0\0", "LZMA-compressed", "unlzma"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", "unzstd"),
    (b"\x04\x22\x4d\x18", "LZ4-compressed", "unlz4"),
    (b"\x02\x21\x4c\x18", "LZ4-compressed", "unlz4"),
    (b"\x89LZO", "LZO-compressed", "lzop -d"),
)
ELF = b"\x7fELF"
CPIO = b"0707"
HEADER_MAGIC = slice(0x202, 0x206)


def kernel(path: Path, origin: str, direct: bool, on_xen: bool = False) -> None:
    """`origin` is the option or variable that named the file. With `direct` an ELF image is accepted as well."""
    head = beginning(path, origin)
    for magic, what, command in COMPRESSED:
        if head.startswith(magic):
            raise LabError(f"{origin}: {path} is {what}: unpack it with {command}")
    if head.startswith(ELF) and not direct:
        how = "without --xen and with --direct" if on_xen else "directly with --direct"
        raise LabError(f"{origin}: {path} is an ELF image, not a bzImage: boot it {how}")
    if head.startswith(CPIO):
        raise LabError(f"{origin}: {path} is a cpio archive, not a kernel: give it with --initrd")


def initrd(path: Path, origin: str) -> None:
    """Compressed archives are accepted: Linux unpacks them."""
    head = beginning(path, origin)
    if head.startswith(ELF):
        raise LabError(f"{origin}: {path} is an ELF image, not an initrd: pack it into a cpio archive")
    if head[HEADER_MAGIC] == b"HdrS":
        raise LabError(f"{origin}: {path} is a Linux kernel, not an initrd: give it with --kernel")


def beginning(path: Path, origin: str) -> bytes:
    """As many bytes as identify the kind of a file."""
    if path.is_dir():
        raise LabError(f"{origin}: {path} is a folder: name a file")
    if not path.is_file():
        raise LabError(f"{origin}: no such file: {path}")
    try:
        with open(path, "rb") as file:
            head = file.read(HEADER_MAGIC.stop)
    except OSError as why:
        raise LabError(f"{origin}: cannot read {path}: {why.strerror}") from why
    if not head:
        raise LabError(f"{origin}: {path} is empty: name a file with contents")
    return head
