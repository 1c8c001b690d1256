# SPDX-License-Identifier: BSL-1.0
"""The kernel inside a bzImage: its payload, and the vmlinux that the payload unpacks to."""

import bz2
import hashlib
import lzma
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

from lab import CACHE, LabError

SETUP_SECTS = 0x1F1
HEADER_MAGIC = 0x202
VERSION = 0x206
KERNEL_VERSION = 0x20E
XLOADFLAGS = 0x236
XLF_KERNEL_64 = 1
CMDLINE_SIZE = 0x238
CODE32_START = 0x214
PAYLOAD = 0x248
PREF_ADDRESS = 0x258
HEADER_END = 0x268
ELF = b"\x7fELF"
ELFCLASS32 = b"\1"


def protected_mode_offset(image: bytes) -> int:
    """The offset of the protected-mode code. Fails if the image is not a bzImage."""
    if len(image) < HEADER_END:
        raise LabError(f"not a bzImage: {len(image)} bytes are too few for a setup header")
    if image[HEADER_MAGIC:HEADER_MAGIC + 4] != b"HdrS":
        raise LabError("not a bzImage: no HdrS at offset 0x202")
    return ((image[SETUP_SECTS] or 4) + 1) * 512


def command_line_limit(image: bytes) -> int:
    """The longest command line that the kernel accepts, without the NUL."""
    protected_mode_offset(image)
    if struct.unpack_from("<H", image, VERSION)[0] < 0x206:
        return 255
    return struct.unpack_from("<I", image, CMDLINE_SIZE)[0]


def bits(image: bytes) -> int:
    """The word size of the kernel, and of the userspace that it can run: 64 or 32. Before protocol 2.12 the header does
    not contain it, and 64 is assumed. It is also assumed for other files: the boot loader refuses them."""
    if image[:4] == ELF:
        return 32 if image[4:5] == ELFCLASS32 else 64
    if len(image) < HEADER_END or image[HEADER_MAGIC:HEADER_MAGIC + 4] != b"HdrS":
        return 64
    version, flags = (struct.unpack_from("<H", image, offset)[0] for offset in (VERSION, XLOADFLAGS))
    return 32 if version >= 0x20C and not flags & XLF_KERNEL_64 else 64


def entries(image: bytes) -> tuple[int, int]:
    """Where the protected-mode code lies, and with it the 32-bit entry: by default, and by the kernel's preference."""
    protected_mode_offset(image)
    return struct.unpack_from("<I", image, CODE32_START)[0], struct.unpack_from("<Q", image, PREF_ADDRESS)[0]


def kernel_version(image: bytes) -> str:
    """The version string of the kernel, or an empty string."""
    protected_mode_offset(image)
    pointer = struct.unpack_from("<H", image, KERNEL_VERSION)[0]
    start = pointer + 0x200
    end = image.find(b"\0", start, start + 256)
    return image[start:end].decode("latin-1") if pointer and end > 0 else ""


def payload(image: bytes) -> bytes:
    """The compressed kernel, checked to lie inside the file."""
    base = protected_mode_offset(image)
    version = struct.unpack_from("<H", image, VERSION)[0]
    if version < 0x208:
        raise LabError(f"boot protocol {version >> 8}.{version & 255:02} has no payload_offset")
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    start = base + offset
    if length < 4 or start + length > len(image):
        raise LabError(f"the payload [{start:#x}, {start + length:#x}) is not inside the file of {len(image):#x} bytes")
    return image[start:start + length]


def unpack(image: bytes) -> bytes:
    """The vmlinux ELF file. The kernel's build appends the unpacked size to all formats but gzip, which contains it."""
    data = payload(image)
    magic = data[:4]
    try:
        if magic == ELF:
            kernel = data
        elif magic[:2] in (b"\x1f\x8b", b"\x1f\x9e"):
            kernel = zlib.decompressobj(31).decompress(data)
        elif magic[:2] == b"BZ":
            kernel = bz2.BZ2Decompressor().decompress(data)
        elif magic[:2] == b"\xfd7":
            kernel = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)
        elif magic[:2] == b"\x5d\0":
            kernel = lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)
        elif magic == b"\x28\xb5\x2f\xfd":
            kernel = by_tool("zstd", data[:-4])
        elif magic == b"\x02\x21\x4c\x18":
            kernel = by_tool("lz4", data[:-4])
        elif magic == b"\x89LZO":
            kernel = by_tool("lzop", data[:-4])
        else:
            raise LabError(f"the payload has an unknown format (it begins {magic.hex()})")
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as why:
        raise LabError(f"the payload does not unpack: {why}") from why
    size = int.from_bytes(data[-4:], "little")
    if magic != ELF and len(kernel) != size:
        raise LabError(f"the payload unpacks to {len(kernel)} bytes, not to the {size} that it states")
    if kernel[:4] != ELF:
        raise LabError("the payload unpacks to something that is not an ELF file")
    return kernel


def by_tool(tool: str, data: bytes) -> bytes:
    if not shutil.which(tool):
        raise LabError(f"this kernel is compressed with {tool}, and that command is not installed")
    done = subprocess.run([tool, "-d", "-c"], input=data, capture_output=True, timeout=120, check=False)
    if done.returncode:
        raise LabError(f"{tool} cannot unpack the payload: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def vmlinux(bzimage: Path) -> Path:
    """The unpacked kernel as a file in the cache, named after the digest of the bzImage."""
    image = bzimage.read_bytes()
    if image[:4] == ELF:
        return bzimage
    CACHE.mkdir(exist_ok=True)
    target = CACHE / f"vmlinux-{hashlib.sha256(image).hexdigest()[:16]}"
    if not target.exists():
        try:
            kernel = unpack(image)
        except LabError as why:
            raise LabError(f"{bzimage}: {why}") from why
        partial = target.with_suffix(f".{id(image)}.part")
        partial.write_bytes(kernel)
        partial.rename(target)
    return target
