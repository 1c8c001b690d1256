# SPDX-License-Identifier: BSL-1.0
"""The ways with Meson: a subproject, a wrap, and an install on a machine without the libraries of the tests."""

import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

from common import copy_project
from lab import ROOT
from steps import HERE, Failure, files_below, refusal, run


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



def by_wrap(scratch: Path) -> None:
    user, sources = scratch / "user", scratch / "pvhboot-main"
    shutil.copytree(HERE / "project", user)
    shutil.copy(HERE / "user.cpp", user)
    copy_project(sources)
    archive = scratch / "pvhboot.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(sources, sources.name)
    (user / "subprojects").mkdir()
    (user / "subprojects" / "pvhboot.wrap").write_text(f"""[wrap-file]
directory = {sources.name}
source_url = file://{archive}
source_filename = {archive.name}
source_hash = {hashlib.sha256(archive.read_bytes()).hexdigest()}

[provide]
dependency_names = pvhboot
""", encoding="utf-8")
    run("meson", "setup", user / "build", user)
    run("ninja", "-C", user / "build")
    run(user / "build" / "user")


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
