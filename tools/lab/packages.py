# SPDX-License-Identifier: BSL-1.0
"""Files of Debian packages, which are downloaded and unpacked into the cache and never installed.

A file in the cache needs no network. Delete the cache folder to get newer versions.
"""

import contextlib
import fcntl
import fnmatch
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from lab import CACHE, LabError


class Unavailable(LabError):
    """This system cannot get a package. Tests that need it are skipped."""


@dataclass(frozen=True)
class Archive:
    """Package lists in the cache, for another architecture, suite or release of the mirror that the system uses.
    Fetching them needs no root and leaves the system's configuration unchanged."""

    name: str
    architecture: str = ""  # empty: the system's
    suite: str = ""  # the suffix to the name of the release
    release: str = ""  # empty: the system's
    source: bool = False  # source packages instead of binary ones


I386 = Archive("i386", architecture="i386")
BACKPORTS = Archive("backports", suite="-backports")
SOURCES = Archive("source", source=True)
TRIXIE = Archive("trixie", release="trixie")
SID = Archive("sid", release="sid")

KERNEL_PACKAGE = "linux-image-amd64"
KERNEL_FILE = "boot/vmlinuz-*"
LINUX_6_12_PACKAGE = "linux-image-6.12-amd64"
BUSYBOX_PACKAGE = "busybox-static"
MEMTEST_PACKAGE = "memtest86+"
INSTALLER_PACKAGE = "debian-installer-12-netboot-amd64"
INSTALLER_FOLDER = "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64"
# Kernel modules that dom0 needs for the toolstack; the other drivers are built in.
XEN_MODULES = ("xen-evtchn", "xen-privcmd", "xen-gntdev", "xen-gntalloc", "xenfs")
# Kernel modules for /dev/kvm on AMD's extensions, which QEMU emulates, in loading order; below lib/modules/*/kernel.
KVM_MODULES = ("virt/lib/irqbypass", "arch/x86/kvm/kvm", "drivers/crypto/ccp/ccp", "arch/x86/kvm/kvm-amd")
# Files that are unpacked together, so that one download is enough.
TOGETHER = {
    KERNEL_PACKAGE: (KERNEL_FILE, *(f"*/{name}.ko*" for name in XEN_MODULES),
                     *(f"*/{name}.ko*" for name in KVM_MODULES)),
    INSTALLER_PACKAGE: (f"{INSTALLER_FOLDER}/linux", f"{INSTALLER_FOLDER}/initrd.gz"),
}
NO_OTHER_WAY = "no other source is known"


def kernel() -> Path:
    """The vmlinuz to boot: $PVHBOOT_KERNEL, or Debian's from the cache or by download."""
    if given := os.environ.get("PVHBOOT_KERNEL"):
        return existing(Path(given), "$PVHBOOT_KERNEL")
    return debian_kernel()


def debian_kernel() -> Path:
    """Debian's vmlinuz, regardless of PVHBOOT_KERNEL: `xen_modules` are of this kernel."""
    return provide(KERNEL_PACKAGE, KERNEL_FILE, "give one with --kernel FILE, or name it in PVHBOOT_KERNEL")


def xen_modules() -> list[Path]:
    """The modules of XEN_MODULES, in loading order."""
    return [provide(KERNEL_PACKAGE, f"lib/modules/*/kernel/drivers/xen/**/{name}.ko*", NO_OTHER_WAY)
            for name in XEN_MODULES]


def kvm_modules() -> list[Path]:
    """The modules of KVM_MODULES, in loading order, for debian_kernel()."""
    return [provide(KERNEL_PACKAGE, f"lib/modules/*/kernel/{name}.ko*", NO_OTHER_WAY) for name in KVM_MODULES]


def kernel_686() -> Path:
    """A 32-bit kernel without PAE and without a PVH note."""
    return provide("linux-image-686", KERNEL_FILE, NO_OTHER_WAY, I386)


def kernel_686_pae() -> Path:
    return provide("linux-image-686-pae", KERNEL_FILE, NO_OTHER_WAY, I386)


def kernel_6_12() -> Path:
    """From the system's own suites, if they have it (Debian 12's security updates do), else from backports."""
    found = find(room_of(KERNEL_PACKAGE, BACKPORTS), KERNEL_FILE)
    if found is None:
        try:
            return provide(LINUX_6_12_PACKAGE, KERNEL_FILE, NO_OTHER_WAY)
        except Unavailable:
            found = provide(KERNEL_PACKAGE, KERNEL_FILE, NO_OTHER_WAY, BACKPORTS)
    if "-6.12." not in found.name:
        raise Unavailable(f"the backports of this system's release have {found.name}, not 6.12")
    return found


def installer() -> tuple[Path, Path]:
    """The kernel and initrd of the Debian installer's text variant."""
    kernel_file, initrd = (provide(INSTALLER_PACKAGE, member, NO_OTHER_WAY) for member in TOGETHER[INSTALLER_PACKAGE])
    return kernel_file, initrd


def memtest() -> Path:
    return provide(MEMTEST_PACKAGE, "boot/memtest86+x64.bin", NO_OTHER_WAY)


def busybox(bits: int = 64) -> Path:
    """A static busybox for a 32-bit or 64-bit kernel: $PVHBOOT_BUSYBOX, the system's own, the cache, or a download."""
    if given := os.environ.get("PVHBOOT_BUSYBOX"):
        path = existing(Path(given), "$PVHBOOT_BUSYBOX")
        if bits == 32 and elf_bits(path) == 64:
            raise LabError(f"$PVHBOOT_BUSYBOX: {path} is a 64-bit program, and the kernel is a 32-bit one")
        return path
    if bits == 32:
        return provide(BUSYBOX_PACKAGE, "bin/busybox", "name a 32-bit one in PVHBOOT_BUSYBOX", I386)
    if not has_apt():
        for name in ("busybox.static", "busybox"):
            found = shutil.which(name)
            if found and is_static(Path(found)):
                return Path(found)
    return provide(BUSYBOX_PACKAGE, "bin/busybox", "install a static busybox, or name one in PVHBOOT_BUSYBOX")


def existing(path: Path, origin: str) -> Path:
    if not path.is_file():
        raise LabError(f"{origin}: no such file: {path}")
    return path


def elf_bits(path: Path) -> int | None:
    """32 or 64; None for other files."""
    with open(path, "rb") as file:
        return {b"\x7fELF\x01": 32, b"\x7fELF\x02": 64}.get(file.read(5))


def is_static(path: Path) -> bool:
    """Whether the file is a 64-bit ELF file without a dynamic loader."""
    image = path.read_bytes()
    if image[:5] != b"\x7fELF\x02":
        return False
    offset = int.from_bytes(image[32:40], "little")
    size = int.from_bytes(image[54:56], "little")
    count = int.from_bytes(image[56:58], "little")
    types = [int.from_bytes(image[at:at + 4], "little") for at in range(offset, offset + size * count, size)]
    pt_interp = 3
    return pt_interp not in types


def has_apt() -> bool:
    return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg-deb", "tar"))


def provide(package: str, member: str, otherwise: str, archive: Archive | None = None) -> Path:
    """The file of `package` whose path matches the glob `member`, from the cache or by download."""
    room = room_of(package, archive)
    if found := find(room, member):
        return found  # without the lock, which another test holds during a download
    with locked():
        found = find(room, member)
        if found:
            return found
        if not has_apt():
            raise Unavailable(f"{package} is not in {CACHE} and this system has no apt to download it: "
                              f"{otherwise}")
        download(package, TOGETHER.get(package, ()) + (member,), room, archive)
        found = find(room, member)
    if not found:
        raise LabError(f"{package} holds no file {member}: {otherwise}")
    return found


def room_of(package: str, archive: Archive | None = None) -> Path:
    return CACHE / "packages" / (f"{package}-{archive.name}" if archive else package)


def find(room: Path, member: str) -> Path | None:
    return next(iter(sorted(room.glob(member))), None)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Tests run in parallel: one downloads, the others wait."""
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def download(package: str, members: tuple[str, ...], room: Path, archive: Archive | None) -> None:
    """Download a package, unpack the matching files next to their final place, and rename the folder in one step."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        folder = Path(scratch)
        deb = fetch(package, folder, archive)
        unpack(deb, members, folder / "files")
        room.parent.mkdir(exist_ok=True)
        shutil.rmtree(room, ignore_errors=True)
        (folder / "files").rename(room)


def known(package: str, archive: Archive | None = None) -> bool:
    command = ["apt-cache", *apt_options(archive), "show", package]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def apt_room(archive: Archive) -> Path:
    return CACHE / "apt" / archive.name


def apt_options(archive: Archive | None) -> list[str]:
    """apt's options for the lists in the cache; none for those of the system."""
    if archive is None:
        return []
    room = apt_room(archive)
    settings = {
        "Dir::Etc::sourcelist": room / "sources.list", "Dir::Etc::sourceparts": "-", "Dir::State": room / "state",
        "Dir::State::status": room / "status", "Dir::Cache": room / "cache", "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "", "Acquire::Languages": "none", "APT::Sandbox::User": "root",
    }
    if archive.architecture:
        settings |= {"APT::Architecture": archive.architecture, "APT::Architectures": archive.architecture}
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def source_line(archive: Archive) -> str:
    """The line of sources.list, with the mirror and the release of the system's own packages."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages",
               "Origin: Debian", "Label: Debian", "Component: main"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # Suites such as bookworm-updates are on the same mirror; their names have a hyphen.
    mirrors = [words for words in map(str.split, done.stdout.splitlines()) if len(words) == 2 and "-" not in words[1]]
    if not mirrors:
        raise Unavailable(f"this system's package lists name no Debian mirror for {archive.name} packages")
    address, release = mirrors[0]
    keys = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    options = f"[signed-by={keys}] " if keys.exists() else ""
    return f"{'deb-src' if archive.source else 'deb'} {options}{address} {archive.release or release}{archive.suite} main"


def refresh_lists(archive: Archive | None = None) -> None:
    if archive is not None:
        refresh_own_lists(archive)
        return
    print("lab: refreshing the package lists", flush=True)
    prefix = [] if os.geteuid() == 0 else ["sudo"] if shutil.which("sudo") else None
    if prefix is None:
        raise Unavailable("the package lists are missing or old: run `apt-get update` as root")
    # An unreachable list is not fatal: another list may have the package.
    subprocess.run([*prefix, "apt-get", "-q", "-q", "update"], timeout=300, check=False)


def refresh_own_lists(archive: Archive) -> None:
    print(f"lab: fetching the package lists of {archive.name} into the cache", flush=True)
    if not known(BUSYBOX_PACKAGE):
        refresh_lists()  # source_line() needs the lists of the system
    line = source_line(archive)
    room = apt_room(archive)
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (room / folder).mkdir(parents=True, exist_ok=True)
    (room / "status").touch()
    (room / "sources.list").write_text(line + "\n", encoding="utf-8")
    command = ["apt-get", *apt_options(archive), "-q", "-q", "-o", "APT::Update::Error-Mode=any", "update"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise Unavailable(f"cannot fetch the package lists of {archive.name}: {(done.stderr or done.stdout).strip()}")


def source_package(name: str) -> Path:
    """The folder with the files of a source package, of which one is its .dsc, from the cache or by download."""
    room = room_of(name, SOURCES)
    if find(room, "*.dsc"):
        return room
    with locked():
        if not find(room, "*.dsc"):
            if not has_apt():
                raise Unavailable(f"the source of {name} is not in {CACHE} and this system has no apt to download it")
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                files = Path(scratch) / "files"
                files.mkdir()
                fetch_source(name, files)
                room.parent.mkdir(exist_ok=True)
                shutil.rmtree(room, ignore_errors=True)
                files.rename(room)
    return room


def fetch_source(name: str, folder: Path) -> None:
    """Download a source package. Refresh the lists once if they are missing, or name a version that is gone."""
    why = ""
    for attempt in (1, 2):
        command = ["apt-get", *apt_options(SOURCES), "-q", "-q", "source", "--only-source", "--download-only", name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode == 0 and any(folder.glob("*.dsc")):
            return
        why = (done.stderr or done.stdout).strip()
        if attempt == 1:
            refresh_lists(SOURCES)
            print(f"lab: downloading the source of {name}", flush=True)
    raise Unavailable(f"cannot download the source of {name}: {why}")


def resolve(package: str, archive: Archive | None = None) -> str:
    """A meta-package such as linux-image-amd64 depends on the package with the kernel."""
    if not package.startswith("linux-image-"):
        return package
    command = ["apt-cache", *apt_options(archive), "depends", package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    real = re.findall(r"^\s*Depends:\s*(linux-image-\d\S*)", done.stdout, re.MULTILINE)
    return real[0] if real else package


def fetch(package: str, folder: Path, archive: Archive | None = None) -> Path:
    """The .deb file. If the lists do not have the package, or name a version that is gone from the mirror, refresh them
    once."""
    for attempt in (1, 2):
        if not known(package, archive):
            why = f"{f'the {archive.name} lists' if archive else 'the package lists'} of this system do not have it"
        else:
            name = resolve(package, archive)
            print(f"lab: downloading {name} (unpacked into the cache, not installed)", flush=True)
            command = ["apt-get", *apt_options(archive), "-q", "-q", "-o", "APT::Sandbox::User=root", "download", name]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
            debs = list(folder.glob("*.deb"))
            if done.returncode == 0 and debs:
                return debs[0]
            why = (done.stderr or done.stdout).strip()
        if attempt == 1:
            refresh_lists(archive)
    raise Unavailable(f"cannot download {package}: {why}")


def unpack(deb: Path, members: tuple[str, ...], target: Path) -> None:
    """Unpack the matching files only: a kernel package has hundreds of megabytes of modules."""
    listing = run_pipe(deb, ["tar", "-t"]).decode().splitlines()
    names = [name for name in listing if not name.endswith("/") and
             any(fnmatch.fnmatch(name.removeprefix("./"), member) for member in members)]
    target.mkdir(exist_ok=True)
    if names:
        run_pipe(deb, ["tar", "-x", "-C", str(target), *names])


def run_pipe(deb: Path, consumer: list[str]) -> bytes:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as producer:
        done = subprocess.run(consumer, stdin=producer.stdout, capture_output=True, timeout=300, check=False)
    if done.returncode or producer.returncode:
        raise LabError(f"cannot unpack {deb.name}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
