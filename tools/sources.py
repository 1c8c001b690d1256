# SPDX-License-Identifier: BSL-1.0
"""Which C++ files there are, and the tools of LLVM that look at them."""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterable

from lab import ROOT, LabError

FOLDERS = ("include", "tests", "examples")
LLVM = 14  # the version that the style files are written for: others format and judge differently


def tracked(suffixes: tuple[str, ...], folders: Iterable[str] = FOLDERS) -> list[str]:
    """Paths below the root, sorted. Generated and unpacked files never lie in these folders."""
    found = []
    for folder in folders:
        for place, _, names in os.walk(ROOT / folder):
            found += [os.path.relpath(os.path.join(place, name), ROOT) for name in names if name.endswith(suffixes)]
    return sorted(found)


def public_headers() -> list[str]:
    """As a user includes them: pvhboot/pvh/parse.hpp."""
    return [path.removeprefix("include/") for path in tracked((".hpp",), ("include",))]


def llvm_tool(name: str) -> str:
    """The tool in the version that the project goes by; exit 77, which Meson counts as a skip, without it."""
    for candidate in (f"{name}-{LLVM}", name):
        path = shutil.which(candidate)
        if path and major(path) == LLVM:
            return path
    found = shutil.which(name)
    if found:
        raise WrongVersion(f"{name} is of version {major(found)}; the project's style is that of {LLVM}")
    raise LabError(f"{name} is not installed")


class WrongVersion(LabError):
    """The tool is there in another version."""


def major(path: str) -> int:
    text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.search(r"version (\d+)\.", text)
    return int(match[1]) if match else 0


def parallel(work: Callable, items: list) -> list:
    """The results of `work` over the items, in their order, on all processors."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))


def distinct(texts: Iterable[str]) -> list[str]:
    """Each finding once, however many files include the header that it is in."""
    findings: dict[str, None] = {}
    for text in texts:
        text = re.sub(r"^\d+ (warnings?|errors?).* generated\.\n?", "", text, flags=re.MULTILINE)
        for finding in re.split(r"\n(?=\S+:\d+:\d+: (?:error|warning):)", text):
            findings[finding.strip()] = None
    return list(findings)
