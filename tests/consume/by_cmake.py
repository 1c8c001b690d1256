# SPDX-License-Identifier: BSL-1.0
"""The ways with CMake: find_package, add_subdirectory, FetchContent, a project in C, and a kernel for a bare machine.

Each project is configured twice: with the policies of CMake 3.16, make and g++, and with those of the installed CMake,
Ninja and clang. Warnings for the authors of a project are errors. With --cmake the installed CMake is one of another
Debian release.
"""

import hashlib
import re
import shutil
import tarfile
from pathlib import Path

from cmake_versions import check_versions
from common import missing
from lab import ROOT, qemu
from steps import HERE, Failure, Skip, copy_sources, files_below, install, local_repository, refusal, run

PROJECTS = HERE / "cmake"
TEMPLATE = ROOT / "examples" / "template" / "cmake"
MINIMUM = "cmake_minimum_required(VERSION 3.16)"
CURRENT = "cmake_minimum_required(VERSION 3.16...3.31)"
STRICT = ["-Werror=dev", "-Werror=deprecated"]
FLAGS = "-Wall -Wextra -Wpedantic -Werror"


def project(scratch: Path, name: str, minimum: str, *sources: Path) -> Path:
    """A copy of a project with its sources, for a version of CMake."""
    folder = scratch / f"{name}-{'old' if minimum == MINIMUM else 'current'}"
    shutil.copytree(PROJECTS / name, folder)
    lists = folder / "CMakeLists.txt"
    text = lists.read_text(encoding="utf-8")
    if MINIMUM not in text:
        raise Failure(f"{lists} does not begin with {MINIMUM}")
    lists.write_text(text.replace(MINIMUM, minimum), encoding="utf-8")
    for source in sources:
        shutil.copy(source, folder)
    return folder


def setup(folder: Path, current: bool, *options: object) -> list[object]:
    """The command that configures a project."""
    c, cpp, generator = ("clang", "clang++", "Ninja") if current else ("gcc", "g++", "Unix Makefiles")
    return ["cmake", *STRICT, "--no-warn-unused-cli", "-G", generator, "-S", folder, "-B", folder / "build",
            f"-DCMAKE_C_COMPILER={c}", f"-DCMAKE_CXX_COMPILER={cpp}", f"-DCMAKE_C_FLAGS={FLAGS}",
            f"-DCMAKE_CXX_FLAGS={FLAGS}", *options]


def build_and_run(folder: Path, current: bool, *options: object) -> None:
    printed = run(*setup(folder, current, *options))
    if "Warning" in printed:
        raise Failure(f"{folder.name} is configured with warnings:\n{printed}")
    run("cmake", "--build", folder / "build")
    run(folder / "build" / "user")


def by_find_package(scratch: Path) -> None:
    prefix = install(scratch)
    for minimum in (MINIMUM, CURRENT):
        build_and_run(project(scratch, "find_package", minimum, HERE / "user.cpp"), minimum == CURRENT,
                      f"-DCMAKE_PREFIX_PATH={prefix}")
    # The installed files find each other in another place, and through a link to the package's folder.
    moved = prefix.rename(scratch / "moved")
    link = scratch / "linked" / "share" / "cmake" / "pvhboot"
    link.parent.mkdir(parents=True)
    link.symlink_to(moved / "share" / "cmake" / "pvhboot")
    for place in (moved, scratch / "linked"):
        folder = project(scratch / f"with-{place.name}", "find_package", CURRENT, HERE / "user.cpp")
        build_and_run(folder, True, f"-DCMAKE_PREFIX_PATH={place}")
    (moved / "include").rename(scratch / "elsewhere")
    folder = project(scratch / "without", "find_package", CURRENT, HERE / "user.cpp")
    text = refusal(*setup(folder, True, f"-DCMAKE_PREFIX_PATH={moved}"))
    if not re.search(r"The\s+headers\s+are\s+not\s+in", text):
        raise Failure(f"a package without headers is not named:\n{text}")


def by_versions(scratch: Path) -> None:
    check_versions(scratch, PROJECTS / "versions")


def by_add_subdirectory(scratch: Path) -> None:
    for minimum in (MINIMUM, CURRENT):
        folder = project(scratch, "add_subdirectory", minimum, HERE / "user.cpp")
        copy_sources(folder / "pvhboot")
        build_and_run(folder, minimum == CURRENT)
        run("cmake", "--install", folder / "build", "--prefix", folder / "prefix")
        if strays := {name for name in files_below(folder / "prefix") if "pvhboot" in name}:
            raise Failure(f"a user's install contains {sorted(strays)}")


def by_fetch_content(scratch: Path) -> None:
    sources = scratch / "pvhboot-main"
    copy_sources(sources)
    archive = scratch / "pvhboot.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(sources, sources.name)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    build_and_run(project(scratch, "fetch_content", MINIMUM, HERE / "user.cpp"), False, f"-DARCHIVE=file://{archive}",
                  f"-DHASH={digest}")
    local_repository(sources)
    build_and_run(project(scratch, "fetch_content", CURRENT, HERE / "user.cpp"), True, f"-DREPOSITORY=file://{sources}")


def by_cmake_c(scratch: Path) -> None:
    prefix = install(scratch)
    for minimum in (MINIMUM, CURRENT):
        folder = project(scratch, "c", minimum, HERE / "user.c")
        build_and_run(folder, minimum == CURRENT, f"-DCMAKE_PREFIX_PATH={prefix}")
        if "libstdc++" in run("ldd", folder / "build" / "user"):
            raise Failure("a program in C needs the C++ library")
    lists = folder / "CMakeLists.txt"
    lists.write_text(lists.read_text(encoding="utf-8").replace("LANGUAGES C CXX", "LANGUAGES C"), encoding="utf-8")
    text = refusal("cmake", *STRICT, "-S", folder, "-B", folder / "only-c", f"-DCMAKE_PREFIX_PATH={prefix}")
    # Before 3.19 CMake itself refuses the standard of C++.
    if not re.search("pvhboot::c_needs_CXX_among_the_languages_of_the_project|from non-enabled language CXX", text):
        raise Failure(f"the error does not name the missing C++:\n{text}")


def by_cmake_kernel(scratch: Path) -> None:
    if tool := missing("qemu-system-x86_64"):
        raise Skip(f"{tool} is not installed")
    prefix = install(scratch)
    source = scratch / "kernel.cpp"
    text, count = re.subn(r"^PVHBOOT_ENTRY_64_HIGH\(.*", "PVHBOOT_ENTRY_32(kernel_main, 16384);",
                          (TEMPLATE / "kernel.cpp").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if count != 1:
        raise Failure("the template's kernel has no line of the entry")
    source.write_text(text, encoding="utf-8")
    for minimum, compiler in ((MINIMUM, "g++"), (CURRENT, "clang++")):
        folder = project(scratch, "kernel", minimum, source, TEMPLATE / "support.hpp", TEMPLATE / "identity.ld")
        kernels = {way: kernel_by(way, folder, compiler, prefix) for way in ("find_package", "add_subdirectory", "FetchContent")}
        if len({kernel.read_bytes() for kernel in kernels.values()}) != 1:
            raise Failure(f"{compiler}: the kernels of {', '.join(kernels)} differ")
        last = "that is all memory"
        done = qemu.inspect(qemu.Machine(kernels["find_package"], machine="microvm"), last, lambda _: None, 60)
        if last not in done.lines:
            raise Failure(f"the kernel prints {done.lines}")


def kernel_by(way: str, folder: Path, compiler: str, prefix: Path) -> Path:
    build = folder / way
    run("cmake", *STRICT, "--no-warn-unused-cli", "-G", "Ninja", "-S", folder, "-B", build, f"-DWAY={way}",
        f"-DSOURCES={ROOT}", f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_TOOLCHAIN_FILE={folder / 'toolchain.cmake'}",
        f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    return build / "kernel.elf"


def by_cmake_install(scratch: Path) -> None:
    """CMake and Meson install the same files, also with other folders than the usual ones."""
    layouts = {"usual": ("include", "share"), "other": ("include/x86", "lib/data"), "absolute": ("/opt/include", "share")}
    for name, (include, data) in layouts.items():
        folder = scratch / name
        run("cmake", *STRICT, "-S", ROOT, "-B", folder / "c", "-DCMAKE_INSTALL_PREFIX=/usr",
            f"-DCMAKE_INSTALL_INCLUDEDIR={include}", f"-DCMAKE_INSTALL_DATADIR={data}")
        run("cmake", "--install", folder / "c", DESTDIR=str(folder / "cmake"))
        install(folder, "/usr", [f"--includedir={include}", f"--datadir={data}"], DESTDIR=str(folder / "meson"))
        one, other = folder / "cmake", folder / "meson"
        if files_below(one) != files_below(other):
            raise Failure(f"{name}: only CMake installs {files_below(one) - files_below(other)}, "
                          f"only Meson {files_below(other) - files_below(one)}")
        if differing := [file for file in files_below(one) if (one / file).read_bytes() != (other / file).read_bytes()]:
            raise Failure(f"{name}: CMake and Meson install different {', '.join(sorted(differing))}")
