#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Use the library as other projects do, each way in a scratch folder. Exit with 0, 1, or 77 (skipped).

Ways:
  subproject   Meson, with the project in subprojects/
  pkg-config   an install into a scratch prefix
  include      the option -I
  c            a program in C with an installed header and source, both found by pkg-config
  wraps        doctest and PFR from their wraps, with local repositories instead of the network
  headers-only `meson setup` and install without doctest, Boost and network
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import skip

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INCLUDE_FOLDERS = ("/usr/include", "/usr/local/include")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Failure(Exception):
    """A step that failed."""


class Skip(Exception):
    """Something that the test needs is missing on this machine."""


def run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=os.environ | environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def copy_project(target: Path) -> None:
    """Copy the sources, without build folders and fetched files."""
    unwanted = shutil.ignore_patterns(".git", ".cache", "build", "build-*", "__pycache__")

    def ignore(folder: str, names: list[str]) -> set[str]:
        fetched = {name for name in names if Path(folder) == ROOT / "subprojects" and name != "packagefiles"
                   and not name.endswith(".wrap")}
        return set(unwanted(folder, names)) | fetched

    shutil.copytree(ROOT, target, ignore=ignore)


def by_subproject(scratch: Path) -> None:
    user = scratch / "user"
    shutil.copytree(HERE / "project", user)
    shutil.copy(HERE / "user.cpp", user)
    copy_project(user / "subprojects" / "pvhboot")
    run("meson", "setup", user / "build", user, "--wrap-mode=nodownload")
    run("ninja", "-C", user / "build")
    tests = json.loads(run("meson", "introspect", "--tests", user / "build"))
    targets = json.loads(run("meson", "introspect", "--targets", user / "build"))
    # Tests and examples are off in a subproject.
    for what, found in (("tests", tests), ("targets", targets)):
        if [entry["name"] for entry in found] != ["user"]:
            raise Failure(f"{what} of a user's build: {[entry['name'] for entry in found]}")
    run(user / "build" / "user")


def by_pkg_config(scratch: Path) -> None:
    prefix = scratch / "prefix"
    run("meson", "setup", scratch / "build", ROOT, f"--prefix={prefix}", "-Dtests=disabled", "-Dexamples=disabled",
        "-Dtool=disabled")
    run("meson", "install", "-C", scratch / "build")
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


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def by_c(scratch: Path) -> None:
    """The C compiler links the program: no C++ library is needed."""
    prefix = scratch / "prefix"
    run("meson", "setup", scratch / "build", ROOT, f"--prefix={prefix}", "-Dtests=disabled", "-Dexamples=disabled",
        "-Dtool=disabled")
    run("meson", "install", "-C", scratch / "build")
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


def compile_and_run(scratch: Path, flags: list[str]) -> None:
    for compiler in ("g++", "clang++"):
        program = scratch / compiler
        run(compiler, "-std=c++20", *WARNINGS, HERE / "user.cpp", *flags, "-o", program)
        run(program)


def by_headers_only(scratch: Path) -> None:
    project, tools, prefix = scratch / "pvhboot", scratch / "tools", scratch / "prefix"
    copy_project(project)
    tools.mkdir()
    fetched = scratch / "fetched"
    executable(tools / "git", f"echo \"$*\" >>'{fetched}'\nexit 1\n")
    # A compiler that does not find the two libraries.
    executable(tools / "c++", 'for word; do case $word in *.cpp) if grep -qE "doctest/|boost/" "$word"; then\n'
               'echo "$word: fatal error: No such file or directory" >&2; exit 1; fi;; esac; done\nexec g++ "$@"\n')
    machine = scratch / "machine.ini"
    machine.write_text(f"[binaries]\ncpp = '{tools / 'c++'}'\ncmake = 'false'\n"
                       f"[properties]\nboost_root = '{scratch / 'nothing'}'\n", encoding="utf-8")
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    setup = ["meson", "setup", f"--native-file={machine}"]
    run(*setup, scratch / "build", project, f"--prefix={prefix}", **environment)
    names = {entry["name"] for entry in json.loads(run("meson", "introspect", "--targets", scratch / "build"))}
    if "unit" in names or "kernel32.elf" not in names:
        raise Failure(f"tests are built, or examples are not: {sorted(names)}")
    run("meson", "install", "-C", scratch / "build", "--no-rebuild")
    if files_below(prefix / "include") != files_below(ROOT / "include"):
        raise Failure("not all headers are installed")
    if fetched.exists():
        raise Failure(f"git was started: {fetched.read_text(encoding='utf-8')}")
    # -Dtests=enabled names the missing library.
    refused = refusal(*setup, scratch / "insist", project, "-Dtests=enabled", "--wrap-mode=nodownload", **environment)
    if "doctest" not in refused:
        raise Failure(f"-Dtests=enabled does not name the missing library:\n{refused}")


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    path.chmod(0o755)


def refusal(*command: object, **environment: str) -> str:
    """The output of a command, which must fail."""
    try:
        printed = run(*command, **environment)
    except Failure as why:
        return str(why)
    raise Failure(f"{' '.join(map(str, command))} does not fail:\n{printed}")


def by_wraps(scratch: Path) -> None:
    """The wraps are unchanged: Git looks for their addresses in local folders."""
    repositories = {
        "doctest": local_repository(scratch / "doctest", wrap_value("doctest", "revision"),
                                    {"doctest/doctest.h": "doctest/doctest.h"}),
        "boost-pfr": local_repository(scratch / "pfr", wrap_value("boost-pfr", "revision"),
                                      {"boost/pfr.hpp": "include/boost/pfr.hpp", "boost/pfr": "include/boost/pfr"}),
    }
    # Git refuses all addresses except for these two folders.
    environment = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "file",
                   "GIT_CONFIG_COUNT": str(len(repositories))}
    for number, (name, folder) in enumerate(repositories.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = f"url.file://{folder}.insteadOf"
        environment[f"GIT_CONFIG_VALUE_{number}"] = wrap_value(name, "url")
    user = scratch / "user"
    shutil.copytree(HERE / "wraps", user)
    copy_wraps(user)
    run("meson", "setup", user / "build", user, "--wrap-mode=forcefallback", **environment)
    run("ninja", "-C", user / "build")
    run(user / "build" / "wrapped")
    headers = run("ninja", "-C", user / "build", "-t", "deps")
    for header in ("subprojects/doctest/doctest/doctest.h", "subprojects/boost-pfr/include/boost/pfr.hpp"):
        if header not in headers:
            raise Failure(f"the program did not include {header}:\n{headers}")
    if "/usr/include/doctest" in headers or "/usr/include/boost" in headers:
        raise Failure(f"the program included the system's copies:\n{headers}")
    whole_project(scratch / "pvhboot", environment)


def whole_project(copy: Path, environment: dict[str, str]) -> None:
    """The project uses the wraps if the system has no such library."""
    copy_project(copy)
    run("meson", "setup", copy / "build", copy, "--wrap-mode=forcefallback", "-Dexamples=disabled", "-Dtool=disabled", "-Dtests=enabled",
        **environment)
    information = json.loads(run("meson", "introspect", "--projectinfo", copy / "build"))
    names = sorted(entry["name"] for entry in information["subprojects"])
    if names != ["boost-pfr", "doctest"]:
        raise Failure(f"the project's subprojects are {names}")


def copy_wraps(project: Path) -> None:
    target = project / "subprojects"
    target.mkdir()
    for wrap in (ROOT / "subprojects").glob("*.wrap"):
        shutil.copy(wrap, target)
    shutil.copytree(ROOT / "subprojects" / "packagefiles", target / "packagefiles")


def wrap_value(name: str, key: str) -> str:
    for line in (ROOT / "subprojects" / f"{name}.wrap").read_text(encoding="utf-8").splitlines():
        if line.split("=")[0].strip() == key:
            return line.split("=", 1)[1].strip()
    raise Failure(f"{name}.wrap has no {key}")


def local_repository(folder: Path, tag: str, contents: dict[str, str]) -> Path:
    """A repository with the system's copy of a library, in the layout of its upstream."""
    folder.mkdir()
    for header, place in contents.items():
        source = system_header(header)
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    for step in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "copy"], ["tag", tag]):
        run(*git, *step, cwd=folder, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
    return folder


def system_header(name: str) -> Path:
    for folder in INCLUDE_FOLDERS:
        if (Path(folder) / name).exists():
            return Path(folder) / name
    raise Skip(f"the system has no {name} for the local repository")


WAYS = {"subproject": by_subproject, "pkg-config": by_pkg_config, "include": by_include, "c": by_c, "wraps": by_wraps,
        "headers-only": by_headers_only}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    way = parser.parse_args().way
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        try:
            WAYS[way](Path(scratch))
        except Skip as why:
            return skip(why)
        except (Failure, subprocess.TimeoutExpired) as why:
            print(f"{way}: {why}")
            return 1
    print(f"{way}: works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
