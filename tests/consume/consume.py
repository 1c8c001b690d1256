#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Use the library as other projects do, each way in a scratch folder. Exit with 0, 1, or 77 (skipped).

Ways:
  subproject              Meson, with the project in subprojects/
  wrap                    Meson, with a wrap that names an archive of the project
  headers-only            `meson setup` and install without doctest, Boost and network
  pkg-config              an install into a scratch prefix
  include                 the option -I, as with a copy of the headers
  one-file                pvhboot_all.hpp beside the source
  c                       a program in C with an installed header and source, both found by pkg-config
  cmake-find_package      CMake, with an installed library, also after a move
  cmake-versions          the versions that find_package accepts
  cmake-add_subdirectory  CMake, with the project in a folder
  cmake-FetchContent      CMake, with an archive and with a repository
  cmake-c                 a project in C with CMake
  cmake-kernel            a 32-bit kernel by all three ways with a toolchain file for a bare machine, booted
  cmake-install           CMake and Meson install the same files
  wraps                   doctest and PFR from their wraps, with local repositories instead of the network
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import by_cmake
import by_compiler
import by_meson
import other_cmake
import wraps
from common import skip
from lab import LabError, packages
from steps import Failure, Skip, run

WAYS = {
    "subproject": by_meson.by_subproject,
    "wrap": by_meson.by_wrap,
    "headers-only": by_meson.by_headers_only,
    "pkg-config": by_compiler.by_pkg_config,
    "include": by_compiler.by_include,
    "one-file": by_compiler.by_one_file,
    "c": by_compiler.by_c,
    "cmake-find_package": by_cmake.by_find_package,
    "cmake-versions": by_cmake.by_versions,
    "cmake-add_subdirectory": by_cmake.by_add_subdirectory,
    "cmake-FetchContent": by_cmake.by_fetch_content,
    "cmake-c": by_cmake.by_cmake_c,
    "cmake-kernel": by_cmake.by_cmake_kernel,
    "cmake-install": by_cmake.by_cmake_install,
    "wraps": wraps.by_wraps,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--cmake", choices=other_cmake.RELEASES, help="with CMake of another Debian release")
    options = parser.parse_args()
    way = options.way
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        try:
            if options.cmake:
                other_cmake.use(options.cmake, Path(scratch))
                print(run("cmake", "--version").splitlines()[0])
            WAYS[way](Path(scratch))
        except (Skip, packages.Unavailable) as why:
            return skip(why)
        except (Failure, LabError, subprocess.TimeoutExpired) as why:
            print(f"{way}: {why}")
            return 1
    print(f"{way}: works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
