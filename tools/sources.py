# SPDX-License-Identifier: BSL-1.0
"""Find the C++ files of the project, and run LLVM's tools on them."""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterable

from lab import ROOT, LabError

FOLDERS = ("include", "tests", "examples", "tools")
LLVM = 14  # the version for which the style files are written: other versions give other results


def tracked(suffixes: tuple[str, ...], folders: Iterable[str] = FOLDERS) -> list[str]:
    """Paths below the root, sorted. These folders contain no generated or unpacked files."""
    found = []
    for folder in folders:
        for place, _, names in os.walk(ROOT / folder):
            found += [os.path.relpath(os.path.join(place, name), ROOT) for name in names if name.endswith(suffixes)]
    return sorted(found)


def public_headers() -> list[str]:
    """The headers as a user includes them: pvhboot/pvh/parse.hpp."""
    return [path.removeprefix("include/") for path in tracked((".hpp",), ("include",))]


def llvm_tool(name: str) -> str:
    """The path of the tool in version LLVM. Raise WrongVersion if only another version is installed."""
    for candidate in (f"{name}-{LLVM}", name):
        path = shutil.which(candidate)
        if path and major(path) == LLVM:
            return path
    found = shutil.which(name)
    if found:
        raise WrongVersion(f"{name} has version {major(found)}, and the style files are written for {LLVM}")
    raise LabError(f"{name} is not installed")


class WrongVersion(LabError):
    """The tool is installed in another version."""


def major(path: str) -> int:
    text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.search(r"version (\d+)\.", text)
    return int(match[1]) if match else 0


def parallel(work: Callable, items: list) -> list:
    """Apply `work` to the items on all processors. The results are in the order of the items."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))


def distinct(texts: Iterable[str]) -> list[str]:
    """Each warning once, even if several files include its header."""
    warnings: dict[str, None] = {}
    for text in texts:
        text = re.sub(r"^\d+ (warnings?|errors?).* generated\.\n?", "", text, flags=re.MULTILINE)
        for warning in re.split(r"\n(?=\S+:\d+:\d+: (?:error|warning):)", text):
            warnings[warning.strip()] = None
    return list(warnings)
