# SPDX-License-Identifier: BSL-1.0
"""The documents of the repository as pages of the site.

They keep their paths, so that links between them hold. A link to a header leads to its page of the reference. One to
another file or folder leads to a page with its sources.
"""

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from lab import ROOT, LabError
from manual.reference import page

PAGES = [*sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")), "README.md", "CHANGELOG.md", "CONTRIBUTING.md",
         *(name for name in ("SECURITY.md",) if (ROOT / name).exists()),
         "tools/pvhboot/README.md", "tools/pvhboot/web/README.md"]
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```.*?^```$)", re.M | re.S)
LANGUAGES = {".hpp": "cpp", ".cpp": "cpp", ".h": "c", ".c": "c", ".py": "python", ".md": "md", ".sh": "bash", ".ld": "text",
             ".txt": "text", ".json": "json", ".def": "cpp", ".lds": "text"}
NAMES = {"Makefile": "make", "CMakeLists.txt": "cmake"}
LONGEST = 60000  # bytes of a source that is shown
LARGE = 120000  # bytes of a folder whose subfolders are only listed


class Guides:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: set[str] = set()
        self.files = sources()

    def write(self) -> None:
        for path in PAGES:
            text = (ROOT / path).read_text(encoding="utf-8")
            parts = FENCE.split(text)
            parts[::2] = [LINK.sub(lambda match, path=path: self.link(path, match), part) for part in parts[::2]]
            to = self.folder / path
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(fences("".join(parts)), encoding="utf-8")
        self.list_others()
        shutil.copytree(ROOT / "docs/pictures", self.folder / "docs/pictures", dirs_exist_ok=True)
        (self.folder / "sources").mkdir(exist_ok=True)
        for path in sorted(self.sources):
            (self.folder / f"{source_page(path)}.md").write_text(self.source(path), encoding="utf-8")
        (self.folder / "sources/index.md").write_text("# Sources\n\nFiles and folders that the documents name.\n\n```{toctree}\n" + "".join(
            f"{path} </{source_page(path)}>\n" for path in sorted(self.sources)) + "```\n", encoding="utf-8")

    def list_others(self) -> None:
        """A document that the first page does not list comes last in its navigation."""
        index = self.folder / "index.md"
        text = index.read_text(encoding="utf-8")
        others = [path.removesuffix(".md") for path in PAGES if f"<{path.removesuffix('.md')}>" not in text]
        if others:
            index.write_text(f"{text}\n```{{toctree}}\n:hidden:\n:caption: More\n" + "\n".join(others) + "\n```\n", encoding="utf-8")

    def link(self, path: str, match: re.Match) -> str:
        mark, text, target = match.groups()
        if mark or re.match(r"[a-z]+:|#", target):
            return match[0]
        file, hash_, anchor = target.partition("#")
        file = normpath(str(PurePosixPath(path).parent / file))
        if file in PAGES:
            return match[0]
        if f"{file}/README.md" in PAGES:
            return f"[{text}]({target}/README.md)"
        if file.startswith("include/") and file.endswith((".hpp", ".h")):
            to = f"reference/{page(file.removeprefix('include/'))}.md"
        elif any(known == file or known.startswith(f"{file}/") for known in self.files):
            self.sources.add(file)
            to = f"{source_page(file)}.md"
        else:
            raise LabError(f"{path}: a link leads to {target}, which is not in the repository")
        return f"[{text}]({relpath(to, str(PurePosixPath(path).parent))}{hash_}{anchor})"

    def source(self, path: str) -> str:
        """A file, or the files of a folder."""
        files = [known for known in self.files if known == path or known.startswith(f"{path}/")]
        files.sort(key=lambda file: (file.count("/"), file))
        is_large = sum((ROOT / file).stat().st_size for file in files) > LARGE
        lines = [f"# {path}\n"]
        for file in files:
            if file.endswith("README.md") and path != file:
                continue
            name = file.removeprefix(f"{path}/")
            if file != path:
                lines.append(f"## {name}\n")
            data = (ROOT / file).read_bytes()
            if is_large and "/" in name:
                lines[-1] = f"* `{name}`\n"
            elif not is_text(data) or len(data) > LONGEST:
                lines.append(f"{len(data)} bytes, which are not shown here.\n")
            else:
                language = NAMES.get(PurePosixPath(file).name) or LANGUAGES.get(PurePosixPath(file).suffix, "text")
                if data[:2] == b"#!":
                    language = "python" if b"python" in data.split(b"\n")[0] else "bash"
                lines.append(f"``````````{language}\n{data.decode()}\n``````````\n")
        return "\n".join(lines)


def sources() -> list[str]:
    """The files of the project: those that git lists, or all but hidden ones and builds if this is no repository."""
    if (ROOT / ".git").exists():
        words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    else:
        found = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
        found = [path for path in found if not re.search(r"(^|/)(\.git|\.cache|__pycache__|build(-[^/]*)?)/", path)]
    return sorted(path for path in found if (ROOT / path).is_file())


def is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def source_page(path: str) -> str:
    return f"sources/{path.replace('/', '-').replace('.', '-').strip('-')}"


def fences(text: str) -> str:
    """A block without a language is output, not code."""
    inside = False
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line.startswith("```"):
            if not inside and line.strip() == "```":
                lines[i] = "```text"
            inside = not inside
    return "\n".join(lines)
