# SPDX-License-Identifier: BSL-1.0
"""The ways without a build system: pkg-config after an install, the option -I, the C interface, and the one file."""

import shutil
import sys
from pathlib import Path

from lab import ROOT
from steps import HERE, WARNINGS, Failure, compile_and_run, files_below, install, run


def by_pkg_config(scratch: Path) -> None:
    prefix = install(scratch)
    search = str(prefix / "share" / "pkgconfig")
    flags = run("pkg-config", "--cflags", "--libs", "pvhboot", PKG_CONFIG_PATH=search).split()
    if f"-I{prefix / 'include'}" not in flags:
        raise Failure(f"pkg-config does not print the include folder: {flags}")
    source = files_below(ROOT / "include")
    installed = files_below(prefix / "include")
    if source != installed:
        raise Failure(f"not installed: {source - installed}; installed, but not in include/: {installed - source}")
    check_version(scratch, run("pkg-config", "--modversion", "pvhboot", PKG_CONFIG_PATH=search).strip(), flags)
    compile_and_run(scratch, flags)



def check_version(scratch: Path, version: str, flags: list[str]) -> None:
    """The installed header has the version of the .pc file, in parts and as one number."""
    major, minor, patch = (int(part) for part in version.split("."))
    number = major * 1_000_000 + minor * 1_000 + patch
    source = scratch / "version.cpp"
    source.write_text(f"""#include <pvhboot/version.hpp>
#if PVHBOOT_VERSION != {number}
#error "PVHBOOT_VERSION is not {number}"
#endif
static_assert(PVHBOOT_VERSION_MAJOR == {major} && PVHBOOT_VERSION_MINOR == {minor} && PVHBOOT_VERSION_PATCH == {patch});
""", encoding="utf-8")
    run("g++", "-std=c++20", "-fsyntax-only", *WARNINGS, *flags, source)



def by_c(scratch: Path) -> None:
    """The C compiler links the program: no C++ library is needed."""
    prefix = install(scratch)
    search = str(prefix / "share" / "pkgconfig")
    flags = run("pkg-config", "--cflags", "pvhboot", PKG_CONFIG_PATH=search).split()
    source = run("pkg-config", "--variable=c_source", "pvhboot", PKG_CONFIG_PATH=search).strip()
    if Path(source) != prefix / "include/pvhboot/c/pvhboot_c.cpp":
        raise Failure(f"pkg-config does not print the source of the C interface: {source!r}")
    for c, cpp in (("gcc", "g++"), ("clang", "clang++")):
        program, interface = scratch / c, scratch / f"{c}.o"
        run(cpp, "-std=c++20", *WARNINGS, *flags, "-c", source, "-o", interface)
        run(c, "-std=c99", *WARNINGS, *flags, HERE / "user.c", interface, "-o", program)
        run(program)



def by_include(scratch: Path) -> None:
    compile_and_run(scratch, [f"-I{ROOT / 'include'}"])


def by_one_file(scratch: Path) -> None:
    """With pvhboot_all.hpp in the folder of the source, and nothing else."""
    made = scratch / "made"
    run(sys.executable, ROOT / "tools" / "devtool.py", "single", "--out", made)
    user = scratch / "user"
    user.mkdir()
    shutil.copy(made / "pvhboot_all.hpp", user)
    text = (HERE / "user.cpp").read_text(encoding="utf-8")
    changed = text.replace("#include <pvhboot/pvhboot.hpp>", '#include "pvhboot_all.hpp"')
    if changed == text:
        raise Failure("user.cpp does not include <pvhboot/pvhboot.hpp>")
    (user / "user.cpp").write_text(changed, encoding="utf-8")
    compile_and_run(scratch, [], user / "user.cpp")
