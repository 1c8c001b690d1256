# SPDX-License-Identifier: BSL-1.0
"""Install what the package-lock.json of a test's folder names. The lock has the hash of each package, and no registry."""

import json
import shutil
import subprocess
from pathlib import Path

from lab import ROOT

CACHE = ROOT / ".cache" / "npm"
FILES = ("package.json", "package-lock.json", ".npmrc")


def check_lock(test: Path) -> list[str]:
    """The lock has no address of a registry, and the hash of every package."""
    text = (test / "package-lock.json").read_text(encoding="utf-8")
    locked = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    wrong = [f"{name} has no integrity hash" for name, entry in locked.items() if not entry.get("integrity", "").startswith("sha512-")]
    if "resolved" in text or "://" in text or "registry" in (test / ".npmrc").read_text(encoding="utf-8").replace(
            "omit-lockfile-registry-resolved=true", ""):
        wrong.append("package-lock.json or .npmrc names a registry")
    return wrong if locked else ["the lock has no packages"]


def install(test: Path, folder: Path) -> str:
    """npm ci into the folder, unless it has what the lock says. Returns why that failed."""
    stamp = folder / "installed"
    lock = (test / "package-lock.json").read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lock:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(test / name, folder)
    words = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--cache", str(CACHE)]
    done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False)
    if done.returncode:
        return f"npm ci failed: {' '.join(done.stderr.split()[:30])}"
    stamp.write_text(lock, encoding="utf-8")
    return ""
