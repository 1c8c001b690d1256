# SPDX-License-Identifier: BSL-1.0
"""Debian's Xen, its toolstack and GRUB, in one folder of the cache. The packages are downloaded and unpacked, and never
installed. dom0 runs the same kernel as every other boot."""

import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import CACHE, LabError, packages, releases

# None: the system's release, which is Debian 12.
ARCHIVE = releases.chosen("XEN")
XEN = {"trixie": "4.20", "sid": "4.20"}[ARCHIVE.name] if ARCHIVE else "4.17"
ROOM = CACHE / (f"xen-{XEN}-{ARCHIVE.name}" if ARCHIVE else f"xen-{XEN}")
TOOLS = f"usr/lib/xen-{XEN}/bin"
LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
LOADER = "ld-linux-x86-64.so.2"
PROGRAMS = ("xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper")
SHARED = tuple(f"{folder}/*.so*" for folder in LIBRARIES)

MKIMAGE = "grub2-common" if ARCHIVE and ARCHIVE.name == "sid" else "grub-common"
# Packages and their files that are used. A * also matches slashes.
CONTENTS = {
    f"xen-hypervisor-{XEN}-amd64": (f"boot/xen-{XEN}-amd64.gz",),
    f"xen-utils-{XEN}": tuple(f"{TOOLS}/{name}" for name in PROGRAMS),
    "grub-xen-bin": ("usr/lib/grub/i386-xen_pvh/*",),
    MKIMAGE: ("usr/bin/grub-mkimage",),
    "libc6": (*SHARED, "lib64/*"),
    "libgcc-s1": SHARED,  # pthread_cancel() loads it
} | dict.fromkeys((
    f"libxenmisc{XEN}", "libxencall1", "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxendevicemodel1",
    "libxenhypfs1", "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2", "libuuid1", "liblzma5", "libzstd1",
    "zlib1g",  # of xl
    "libdevmapper1.02.1", "libselinux1", "libudev1", "libpcre2-8-0",  # of grub-mkimage
), SHARED)


Unavailable = packages.Unavailable


def provide() -> Path:
    """The folder with Xen, from the cache or by download. Also provides the kernel with dom0's modules."""
    if not is_provided():
        with packages.locked():
            if not is_provided():
                download()
    modules()
    return ROOM


def is_provided() -> bool:
    stamp = ROOM / "contents"
    return stamp.exists() and stamp.read_text(encoding="ascii") == repr(CONTENTS)


def download() -> None:
    if not packages.has_apt():
        raise Unavailable("Xen and its tools come from Debian's packages, and this system has no apt to download them")
    needed = (f"xen-utils-{XEN}", "grub-xen-bin")
    if not all(packages.known(package, ARCHIVE) for package in needed):
        packages.refresh_lists(ARCHIVE)
    for package in needed:
        if not packages.known(package, ARCHIVE):
            lists = f"the package lists of {ARCHIVE.name}" if ARCHIVE else "this system's package lists"
            raise Unavailable(f"{lists} do not have {package}; those of Debian {13 if ARCHIVE else 12} do")
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        files = Path(scratch) / "files"
        files.mkdir()
        for package, members in CONTENTS.items():
            folder = Path(scratch) / package
            folder.mkdir()
            deb = packages.fetch(package, folder, ARCHIVE)
            packages.unpack(deb, members, files)
            deb.unlink()
        compressed = only(files, f"boot/xen-{XEN}-amd64.gz")
        complete_folders(files)
        (files / "xen").write_bytes(gzip.decompress(compressed.read_bytes()))
        (files / "contents").write_text(repr(CONTENTS), encoding="ascii")
        shutil.rmtree(ROOM, ignore_errors=True)
        files.rename(ROOM)


def complete_folders(room: Path) -> None:
    """Since Debian 13 all libraries and the loader are in usr, and links lead there."""
    for folder in (*LIBRARIES, TOOLS):
        (room / folder).mkdir(parents=True, exist_ok=True)
    if not (room / "lib64").exists():
        (room / "lib64").mkdir()
        (room / "lib64" / LOADER).symlink_to(f"/{LIBRARIES[1]}/{LOADER}")


def loader() -> Path:
    """The dynamic loader of the folder."""
    return next(path for folder in LIBRARIES if (path := ROOM / folder / LOADER).exists())


def only(room: Path, pattern: str) -> Path:
    """The one file that matches."""
    found = sorted(room.glob(pattern))
    if len(found) != 1:
        raise LabError(f"{len(found)} files instead of one match {pattern} in {room}: delete this folder to download "
                       "it again")
    return found[0]


def hypervisor() -> Path:
    return only(provide(), "xen")


def kernel() -> Path:
    """The kernel of dom0 and of the guests, for which `modules` are built."""
    return packages.debian_kernel()


def modules() -> list[Path]:
    return packages.xen_modules()


def grub_image(vmlinuz: bytes, initrd: bytes, append: str, modules_folder: Path | None = None) -> bytes:
    """GRUB as a PVH image that starts this Linux from its memory disk. `modules_folder` has GRUB's kernel and modules;
    otherwise they are Debian's."""
    config = ("insmod memdisk\ninsmod tar\ninsmod linux\n"
              "echo \"pvh_cmdline=[$pvh_cmdline]\"\n"  # GRUB itself has no such variable
              f"linux (memdisk)/vmlinuz {append}\ninitrd (memdisk)/initrd\nboot\n")
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as folder:
        scratch = Path(folder)
        (scratch / "grub.cfg").write_text(config, encoding="ascii")
        (scratch / "vmlinuz").write_bytes(vmlinuz)
        (scratch / "initrd").write_bytes(initrd)
        subprocess.run(["tar", "-c", "-f", "memdisk.tar", "vmlinuz", "initrd"], cwd=scratch, timeout=60, check=True)
        output = scratch / "grub.bin"
        modules = modules_folder or provide() / "usr/lib/grub/i386-xen_pvh"
        done = grub_mkimage("-O", "i386-xen_pvh", "-d", modules, "-o", output, "-c",
                            scratch / "grub.cfg", "-m", scratch / "memdisk.tar", "-p", "(memdisk)/",
                            "linux", "memdisk", "tar", "echo", "normal")
        if done.returncode:
            raise LabError(f"grub-mkimage failed: {done.stderr.strip()}")
        return output.read_bytes()


def grub_mkimage(*arguments: str | Path) -> subprocess.CompletedProcess:
    """Run grub-mkimage with the dynamic loader and the libraries of its own Debian release."""
    room = provide()
    command = [loader(), "--inhibit-cache", "--library-path", ":".join(str(room / folder) for folder in LIBRARIES),
               room / "usr/bin/grub-mkimage", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def grub_version() -> str:
    return grub_mkimage("--version").stdout.strip().rpartition(" ")[2]
