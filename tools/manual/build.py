# SPDX-License-Identifier: BSL-1.0
"""Run Doxygen and Sphinx."""

import shutil
import subprocess
import sys
from pathlib import Path

import version
from lab import ROOT, LabError
from manual import borrowed, guides, headers, names, reference, theme

INCLUDE = ROOT / "include"
SITE = ROOT / "docs/site"
MEANINGS = ROOT / "tools/pvhboot/document/meanings.def"
INSPECTOR = ROOT / "tools/pvhboot/web/build.py"
PYTHON = "/usr/bin/python3"  # the one that has Debian's Sphinx
LIMIT = 600  # seconds
SETTINGS = {
    "FILE_PATTERNS": "*.hpp *.h", "RECURSIVE": "YES", "GENERATE_HTML": "NO", "GENERATE_LATEX": "NO", "GENERATE_XML": "YES",
    "XML_PROGRAMLISTING": "NO", "AUTOLINK_SUPPORT": "NO", "MACRO_EXPANSION": "YES", "EXPAND_ONLY_PREDEF": "YES",
    "PREDEFINED": "__clang__ __x86_64__", "QUIET": "YES", "WARN_IF_UNDOCUMENTED": "NO",
}


def public_headers() -> list[str]:
    found = [path for pattern in ("*.hpp", "*.h") for path in INCLUDE.rglob(pattern)]
    return sorted(str(path.relative_to(INCLUDE)) for path in found)


def read_headers(folder: Path) -> list[names.Header]:
    """The public names, by header. Doxygen works in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {}
    for path in public_headers():
        text = headers.prepared((INCLUDE / path).read_text(encoding="utf-8"), INCLUDE, path.endswith(".h"))
        sources[path] = text
        copy = folder / "headers" / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
    copies = f'"{folder / "headers"}"'
    settings = SETTINGS | {"INPUT": copies, "INCLUDE_PATH": copies, "STRIP_FROM_PATH": copies, "OUTPUT_DIRECTORY": f'"{folder}"'}
    (folder / "Doxyfile").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()), encoding="utf-8")
    run(["doxygen", "Doxyfile"], folder)
    return names.read(folder / "xml", sources)


def run(words: list[str], folder: Path) -> None:
    """Run a program that says nothing unless something is wrong."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False)
    said = (done.stdout + done.stderr).strip()
    if done.returncode or said:
        raise LabError(f"{words[0]}: {said or f'exit status {done.returncode}'}")


def build(folder: Path, work: Path) -> None:
    """Build the site in the folder; both folders are emptied first."""
    for each in (folder, work):
        shutil.rmtree(each, ignore_errors=True)
    stage = work / "stage"
    shutil.copytree(SITE, stage, ignore=shutil.ignore_patterns("__pycache__"))
    found = read_headers(work / "doxygen")
    borrowed.lend(found, MEANINGS)
    reference.Reference(found, INCLUDE / "pvhboot/spec").write(stage / "reference")
    guides.Guides(stage).write()
    (work / "inspector").mkdir()
    done = subprocess.run([sys.executable, str(INSPECTOR), str(work / "inspector/pvhboot.html")], capture_output=True, text=True,
                          timeout=LIMIT, check=False)
    if done.returncode:
        raise LabError(f"the web inspector cannot be built: {done.stderr.strip()}")
    run([PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2", "-D", f"release={version.of(INCLUDE / 'pvhboot/version.hpp')}", "-d", str(work / "doctrees"),
         "-b", "html", str(stage), str(folder)], work)
    theme.repair(folder / "_static")
    index = folder / "searchindex.js"
    index.write_text(theme.sorted_index(index.read_text(encoding="utf-8")), encoding="utf-8")
    for path in folder.rglob("*.html"):
        path.write_text(theme.repair_page(path.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "inspector").mkdir()
    shutil.copy(work / "inspector/pvhboot.html", folder / "inspector")


def is_site(folder: Path) -> bool:
    """Whether Sphinx built what is in the folder."""
    return (folder / ".buildinfo").is_file()


def missing_module() -> str:
    """The first of Sphinx's parts that is not installed, or an empty string."""
    code = "import importlib.util as u; print(*(m for m in ('sphinx', 'furo', 'myst_parser') if not u.find_spec(m)))"
    return (subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=LIMIT, check=True).stdout.split() or [""])[0]
