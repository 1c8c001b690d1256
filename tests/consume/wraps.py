# SPDX-License-Identifier: BSL-1.0
"""The wraps of doctest and PFR, with local repositories instead of the network."""

import json
import shutil
from pathlib import Path

from common import copy_project
from lab import ROOT
from steps import HERE, Failure, Skip, local_repository, run

INCLUDE_FOLDERS = ("/usr/include", "/usr/local/include")


def by_wraps(scratch: Path) -> None:
    """The wraps are unchanged: Git looks for their addresses in local folders."""
    repositories = {
        "doctest": repository_of(scratch / "doctest", wrap_value("doctest", "revision"),
                                    {"doctest/doctest.h": "doctest/doctest.h"}),
        "boost-pfr": repository_of(scratch / "pfr", wrap_value("boost-pfr", "revision"),
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


def repository_of(folder: Path, tag: str, contents: dict[str, str]) -> Path:
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
    local_repository(folder, tag)
    return folder


def system_header(name: str) -> Path:
    for folder in INCLUDE_FOLDERS:
        if (Path(folder) / name).exists():
            return Path(folder) / name
    raise Skip(f"the system has no {name} for the local repository")
