#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Use the library from the Debian package libpvhboot-dev, unpacked into an empty folder: C++ and C by pkg-config, and
CMake. Exit with 0, 1, or 77 (skipped). tests/package installs the package in a chroot."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from common import missing, run_or_exit, skip_without
from lab import LabError
from package import debian

HERE = Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def by_pkg_config(root: Path, scratch: Path) -> None:
    environment = os.environ | {"PKG_CONFIG_LIBDIR": str(root / "usr/share/pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(root),
                                "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1"}
    flags = run_or_exit(["pkg-config", "--cflags", "pvhboot"], env=environment).split()
    if flags != [f"-I{root / 'usr/include'}"]:
        raise LabError(f"pkg-config prints {flags}")
    source = run_or_exit(["pkg-config", "--variable=c_source", "pvhboot"], env=environment).strip()
    for c, cpp in (("gcc", "g++"), ("clang", "clang++")):
        program, interface = scratch / cpp, scratch / f"{c}.o"
        run_or_exit([cpp, "-std=c++20", *WARNINGS, *flags, HERE / "user.cpp", "-o", program])
        run_or_exit([program])
        run_or_exit([cpp, "-std=c++20", *WARNINGS, *flags, "-c", f"{root}{source.removeprefix(str(root))}", "-o", interface])
        run_or_exit([c, "-std=c99", *WARNINGS, *flags, HERE / "user.c", interface, "-o", scratch / c])
        run_or_exit([scratch / c])


def by_cmake(root: Path, scratch: Path) -> None:
    project = scratch / "project"
    shutil.copytree(HERE / "cmake/find_package", project)
    shutil.copy(HERE / "user.cpp", project)
    run_or_exit(["cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={root / 'usr'}"])
    run_or_exit(["cmake", "--build", project / "build"])
    run_or_exit([project / "build/user"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the folder for the packages")
    options = parser.parse_args()
    if tool := missing(*debian.NEEDED, "pkg-config", "cmake", "gcc", "clang++"):
        return skip_without(tool)
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        root = Path(scratch) / "root"
        try:
            run_or_exit(["dpkg-deb", "-x", debian.packages(debian.provide(options.build))["libpvhboot-dev"], root])
            by_pkg_config(root, Path(scratch))
            by_cmake(root, Path(scratch))
        except LabError as why:
            print(why)
            return 1
    print("debian: works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
