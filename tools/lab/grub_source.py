# SPDX-License-Identifier: BSL-1.0
"""GRUB's PVH image, built from Debian's source package with examples/grub/pvh.c in place of GRUB's own file.

The source is fetched, patched and built in the cache, once for each version; only the kernel of GRUB is linked anew.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import CACHE, ROOT, LabError, packages, xen_packages

Unavailable = packages.Unavailable

PACKAGE = "grub2"
TOOLS = ("dpkg-source", "autoreconf", "automake", "autopoint", "bison", "flex", "make", "gcc", "g++", "python3")
OPTIONS = ("--target=i386", "--with-platform=xen_pvh", "--disable-nls", "--disable-grub-mkfont", "--disable-grub-mount",
           "--disable-device-mapper", "--disable-libzfs", "--disable-werror")
# The modules of xen_packages.grub_image, and those that they need.
MODULES = ("archelp", "bufio", "crypto", "datetime", "echo", "gettext", "linux", "memdisk", "mmap", "net", "normal",
           "priority_queue", "relocator", "tar", "terminal", "video")
REPLACED = Path("grub-core/kern/i386/xen/pvh.c")
OBJECT = "kern/i386/xen/kernel_exec-pvh.o"
OWN = ROOT / "examples" / "grub" / "pvh.c"
INTERFACE = ROOT / "include" / "pvhboot" / "c" / "pvhboot_c.cpp"
# GRUB passes three arguments in registers, and functions pop those on the stack.
CONVENTION = ("-mregparm=3", "-mrtd")
FLAGS = ("-std=c++20", "-m32", "-Os", "-march=i386", "-mgeneral-regs-only", "-ffreestanding", "-fno-exceptions",
         "-fno-rtti", "-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-ffunction-sections",
         *CONVENTION)


def tree() -> Path:
    """The source, built for this platform with GRUB's own file; its build folder is `build`."""
    for tool in TOOLS:
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed, which the build of GRUB needs")
    source = packages.source_package(PACKAGE)
    parts = [path.read_bytes() for path in sorted(source.glob("*.dsc"))]
    key = hashlib.sha256(b"".join(parts) + repr((OPTIONS, MODULES)).encode()).hexdigest()[:16]
    room = CACHE / f"{PACKAGE}-{key}"
    if room.exists():
        return room
    with packages.locked():
        if not room.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                build(source, Path(scratch) / "tree")
                (Path(scratch) / "tree").rename(room)
    return room


def build(source: Path, folder: Path) -> None:
    print("lab: building GRUB in the cache", flush=True)
    dsc, = source.glob("*.dsc")
    step(["dpkg-source", "--no-check", "-x", dsc, folder], source)
    for unused in (".pc", "debian"):
        shutil.rmtree(folder / unused)
    step(["./autogen.sh"], folder, PYTHON="python3")
    (folder / "build").mkdir()
    step(["../configure", *OPTIONS], folder / "build")
    step(make("kernel.img", "moddep.lst", *(f"{name}.mod" for name in MODULES)), folder / "build")


def make(*targets: str) -> list[str]:
    jobs = min(2, os.cpu_count() or 1)
    modules = " ".join(f"{name}.module" for name in MODULES)
    return ["make", f"-j{jobs}", "-C", "grub-core", f"MODULE_FILES={modules}", *targets]


def step(command: list, folder: Path, **environment: str) -> str:
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=300,
                          check=False, env=dict(os.environ, LC_ALL="C", **environment))
    if done.returncode:
        raise LabError(f"{' '.join(map(str, command))} failed\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout + done.stderr


def link(folder: Path, own: Path = OWN) -> Path:
    """A copy of the tree in `folder`, with the file of our own. Returns grub-mkimage's folder of kernel and modules."""
    shutil.copytree(tree(), folder, symlinks=True)
    work = folder / "build"
    (folder / "include" / "pvhboot").symlink_to(ROOT / "include" / "pvhboot")
    (folder / REPLACED).unlink()
    shutil.copyfile(own, folder / REPLACED)  # newer than the object file
    said = step(make(OBJECT), work)
    interface = interface_for(work / "grub-core" / OBJECT, folder)
    step(make(f"kernel_exec_LDADD={interface}", "kernel.img"), work)
    complaints = [line for line in said.splitlines() if REPLACED.name + ":" in line and "warning:" in line]
    if complaints:
        raise LabError("\n".join(complaints))
    return work / "grub-core"


def interface_for(caller: Path, folder: Path) -> Path:
    """One object file with the functions of the C interface that `caller` calls, and what they need."""
    everything, needed = folder / "everything.o", folder / "pvhboot_c.o"
    step(["g++", *FLAGS, "-I", ROOT / "include", "-c", INTERFACE, "-o", everything], folder)
    called = [name for name in undefined(caller) if name.startswith("pvhboot_")]
    step(["ld", "-m", "elf_i386", "-r", "--gc-sections", *(f"--undefined={name}" for name in called), everything, "-o",
          needed], folder)
    if foreign := undefined(needed) - {"memcpy", "memmove", "memset", "memcmp"}:
        raise LabError(f"the C interface needs what GRUB does not have: {', '.join(sorted(foreign))}")
    return needed


def undefined(file: Path) -> set[str]:
    return {line.split()[0] for line in step(["nm", "-u", "-P", file], file.parent).splitlines()}


def image(vmlinuz: bytes, initrd: bytes, append: str, own: Path = OWN) -> bytes:
    """The PVH image that starts this Linux from its memory disk."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        modules = link(Path(scratch) / "tree", own)
        return xen_packages.grub_image(vmlinuz, initrd, append, modules)
