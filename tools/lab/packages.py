# SPDX-License-Identifier: BSL-1.0
"""Files out of Debian packages that are downloaded and unpacked into the cache, and never installed.

Once a file is in the cache no network is needed. Deleting the cache folder is the way to a newer version.
"""

import contextlib
import fcntl
import fnmatch
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from lab import CACHE, LabError

KERNEL_PACKAGE = "linux-image-amd64"
BUSYBOX_PACKAGE = "busybox-static"


def kernel() -> Path:
    """A Debian vmlinuz: $PVHBOOT_KERNEL, the cache, or a download."""
    if given := os.environ.get("PVHBOOT_KERNEL"):
        return existing(Path(given), "$PVHBOOT_KERNEL")
    return provide(KERNEL_PACKAGE, "boot/vmlinuz-*", "give one with --kernel FILE, or name it in PVHBOOT_KERNEL")


def busybox() -> Path:
    """A static busybox: $PVHBOOT_BUSYBOX, this system's own, the cache, or a download."""
    if given := os.environ.get("PVHBOOT_BUSYBOX"):
        return existing(Path(given), "$PVHBOOT_BUSYBOX")
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


def is_static(path: Path) -> bool:
    """Whether a 64-bit ELF file asks for no dynamic loader."""
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


def provide(package: str, member: str, otherwise: str) -> Path:
    """The file of `package` whose path matches the glob `member`, from the cache or by download."""
    room = CACHE / "packages" / package
    with locked():
        found = find(room, member)
        if found:
            return found
        if not has_apt():
            raise LabError(f"{package} is not in {CACHE} and this system has no apt to download it with: {otherwise}")
        download(package, member, room)
        found = find(room, member)
    if not found:
        raise LabError(f"{package} holds no file {member}: {otherwise}")
    return found


def find(room: Path, member: str) -> Path | None:
    return next(iter(sorted(room.glob(member))), None)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Tests run side by side: one of them downloads, the others wait for it."""
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def download(package: str, member: str, room: Path) -> None:
    """Download, unpack the matching files beside their final place, and move them there in one step."""
    if not known(package):
        refresh_lists()
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        folder = Path(scratch)
        deb = fetch(resolve(package), folder)
        unpack(deb, (member,), folder / "files")
        room.parent.mkdir(exist_ok=True)
        shutil.rmtree(room, ignore_errors=True)
        (folder / "files").rename(room)


def known(package: str) -> bool:
    return subprocess.run(["apt-cache", "show", package], capture_output=True, timeout=60, check=False).returncode == 0


def refresh_lists() -> None:
    print("lab: refreshing the package lists", flush=True)
    prefix = [] if os.geteuid() == 0 else ["sudo"] if shutil.which("sudo") else None
    if prefix is None:
        raise LabError("the package lists are missing or old: run `apt-get update` as root")
    # A list that is out of reach is no reason to stop: the wanted package may be in another.
    subprocess.run([*prefix, "apt-get", "-q", "-q", "update"], timeout=300, check=False)


def resolve(package: str) -> str:
    """linux-image-amd64 and its like are empty and depend on the package with the kernel."""
    if not package.startswith("linux-image-"):
        return package
    done = subprocess.run(["apt-cache", "depends", package], capture_output=True, text=True, timeout=60, check=False)
    real = re.findall(r"^\s*Depends:\s*(linux-image-\d\S*)", done.stdout, re.MULTILINE)
    return real[0] if real else package


def fetch(package: str, folder: Path) -> Path:
    print(f"lab: downloading {package} (unpacked into the cache, not installed)", flush=True)
    command = ["apt-get", "-q", "-q", "-o", "APT::Sandbox::User=root", "download", package]
    for attempt in (1, 2):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
        debs = list(folder.glob("*.deb"))
        if done.returncode == 0 and debs:
            return debs[0]
        if attempt == 1:
            refresh_lists()  # old lists name versions that the mirror no longer has
    raise LabError(f"cannot download {package}: {(done.stderr or done.stdout).strip()}")


def unpack(deb: Path, members: tuple[str, ...], target: Path) -> None:
    """Only the matching files: a kernel package unpacks to hundreds of megabytes of modules."""
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
