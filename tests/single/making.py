# SPDX-License-Identifier: BSL-1.0
"""How the one file is made: the same bytes from every folder, the version and the commit in it, and what is refused."""

import shutil
import sys
from pathlib import Path

import command_single
import single_header
import version
from common import missing, run
from lab import ROOT, LabError

NEEDED = ("LICENSE", "dev", ".gitattributes")
IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]


def copy_project(target: Path) -> None:
    """What the command needs, without Git."""
    for folder in ("include", "tools"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED:
        shutil.copy(ROOT / name, target)


def command(project: Path, out: Path, *options: str, cwd: Path | None = None) -> tuple[int, str]:
    done = run([sys.executable, project / "tools" / "devtool.py", "single", "--out", out, *options], cwd=cwd or project)
    return done.returncode, done.stdout + done.stderr


def made(project: Path, out: Path, *options: str, cwd: Path | None = None) -> dict[str, bytes]:
    status, said = command(project, out, *options, cwd=cwd)
    if status:
        raise LabError(f"./dev single fails: {said}")
    return {path.name: path.read_bytes() for path in out.iterdir()}


def check_files(folder: Path) -> None:
    commit = "89abcdef01234567"
    copy = folder / "elsewhere" / "copy"
    copy_project(copy)
    here = made(ROOT, folder / "one", "--commit", commit)
    there = made(copy, folder / "two", "--commit", commit, cwd=Path("/"))
    if here != there:
        raise LabError(f"two folders make different {sorted(name for name in here if here[name] != there.get(name))}")
    for name, content in here.items():
        first = content[:400].decode()
        if b"\r" in content or version.of(ROOT / "include/pvhboot/version.hpp") not in first or commit not in first:
            raise LabError(f"{name} does not begin with the version and the commit, or has other line ends than LF")
    headers = single_header.Headers(ROOT / "include/pvhboot")
    within = set().union(*single_header.parts(headers))
    opt_ins = {single_header.file_of(name) for name in headers.names() if name not in within}
    if here.keys() != {single_header.ALL} | opt_ins or not opt_ins:
        raise LabError(f"the files are {sorted(here)}")
    check_commit(folder, copy)


def check_commit(folder: Path, copy: Path) -> None:
    """The commit of a repository, of one with changes, of an archive, and of neither."""
    expect("a copy", copy, command_single.UNKNOWN)
    if missing("git"):
        print("git is not installed: the commit of a repository is not tested")
        return
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "copy"]):
        run(["git", *IDENTITY, *words], cwd=copy)
    commit = run(["git", "rev-parse", "HEAD"], cwd=copy).stdout.strip()
    expect("a repository", copy, commit)
    archive = folder / "archive"
    archive.mkdir()
    run(["git", "archive", "--output", archive / "copy.tar", "HEAD"], cwd=copy)
    run(["tar", "xf", "copy.tar"], cwd=archive)
    expect("an archive", archive, commit)
    nested = copy / "nested"
    copy_project(nested)
    expect("a folder of another repository", nested, command_single.UNKNOWN)
    with (copy / "include/pvhboot/version.hpp").open("a", encoding="utf-8") as header:
        header.write("// changed\n")
    expect("a repository with changes", copy, f"{commit} with changes")


def expect(what: str, project: Path, commit: str) -> None:
    found = made(project, project / "out")[single_header.ALL].decode().splitlines()[2]
    if not found.endswith(f"commit {commit}."):
        raise LabError(f"{what}: the file says {found!r} and not {commit!r}")


def check_refusals(folder: Path) -> None:
    project = folder / "broken"
    copy_project(project)
    header = project / "include/pvhboot/core/span.hpp"
    text = header.read_text(encoding="utf-8")
    for change, said in (("#if 1\n#include <pvhboot/core/sort.hpp>\n#endif\n", "included in a conditional"),
                         ("#include <pvhboot/core/no.hpp>\n", "core/no.hpp: No such file"),
                         ("#include <pvhboot/core/span.hpp>\n", "includes itself"),
                         ("#include <string.h>\n", "needs no other header")):
        header.write_text(text.replace("#pragma once\n", f"#pragma once\n{change}"), encoding="utf-8")
        refuse(said, *command(project, folder / "out"))
    header.write_text(text, encoding="utf-8")
    refuse("7 to 64 hexadecimal digits", *command(project, folder / "out", "--commit", "main"))
    refuse("is not a folder", *command(project, header))
    blocked = folder / "blocked" / single_header.ALL
    blocked.mkdir(parents=True)
    refuse(f"{blocked}: Is a directory", *command(project, blocked.parent))


def refuse(sentence: str, status: int, said: str) -> None:
    if status == 0 or sentence not in said or not said.startswith("error: ") or said.count("\n") != 1:
        raise LabError(f"expected an error with {sentence!r}, and status {status} came with:\n{said}")
