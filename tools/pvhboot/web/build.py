#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Make the page: one file that works by double click and from any server.

The module is compiled with clang alone. Its bytes, the scripts and the style become part of the page, whose policy
allows them by their hashes, and nothing else. The same sources and compiler give the same bytes.
"""

import argparse
import base64
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[2] / "include"
SOURCES = ("inspector.cpp", "memory_functions.cpp")
SCRIPTS = ("document", "inspection", "share", "elements", "fields", "verdicts", "kernel", "handoff", "picture", "hexview", "main")
FLAGS = ["--target=wasm32", "-std=c++20", "-Oz", "-ffreestanding", "-nostdlib", "-nostdinc++", "-fno-builtin", "-fno-exceptions",
         "-fno-rtti", "-fno-threadsafe-statics", "-mbulk-memory", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
         "-Wsign-conversion", "-Wshadow", "-Werror"]
LINK = ["--no-entry", "--strip-all", "--stack-first", "-z,stack-size=262144"]
POLICY = ("default-src 'none'; script-src '{script}' 'wasm-unsafe-eval'; style-src '{style}'; img-src data:; "
          "connect-src 'none'; form-action 'none'; base-uri 'none'")
LIMIT = 300  # seconds


def compile_module(compiler: str, output: Path, page: Path, depfile: Path | None) -> None:
    """The depfile has the names of all files that the page is made of, as compilers write them."""
    command = [compiler, *FLAGS, f"-I{INCLUDE}"]
    objects = []
    names = ""
    for name in SOURCES:
        made = output.with_name(f"{Path(name).stem}.o")
        wanted = [*command, "-MD", "-MF", f"{made}.d", "-c", str(HERE / name), "-o", str(made)]
        if subprocess.run(wanted, timeout=LIMIT, check=False).returncode:
            sys.exit(f"{name} does not compile")
        names += Path(f"{made}.d").read_text(encoding="utf-8").partition(":")[2].replace("\\\n", " ")
        objects.append(str(made))
    link = [compiler, FLAGS[0], "-nostdlib", *(f"-Wl,{word}" for word in LINK), "-o", str(output), *objects]
    if subprocess.run(link, timeout=LIMIT, check=False).returncode:
        sys.exit("the module does not link: clang needs wasm-ld, which is a part of lld")
    if depfile:
        others = " ".join(str(path) for path in [*sorted((HERE / "script").glob("*.js")), HERE / "index.html", HERE / "style.css"])
        depfile.write_text(f"{page}: {' '.join(names.split())} {others}\n", encoding="utf-8")


def source_of(text: str) -> str:
    """What a policy calls a piece of text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def page(module: bytes) -> str:
    parts = [(HERE / "script" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    wasm = f"const wasmText = '{base64.b64encode(module).decode()}';\n"
    script = "'use strict';\n(() => {\n" + wasm + "\n".join(parts) + "})();\n"
    style = (HERE / "style.css").read_text(encoding="utf-8")
    for text, end in ((script, "</script"), (style, "</style")):
        if end in text:
            sys.exit(f"{end} would end its element")
    policy = POLICY.format(script=source_of(script), style=source_of(style))
    template = (HERE / "index.html").read_text(encoding="utf-8")
    return template.replace("@POLICY@", policy).replace("@STYLE@", style).replace("@SCRIPT@", script)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the page")
    parser.add_argument("--compiler", default="clang++", help="clang 14 or later")
    parser.add_argument("--depfile", type=Path)
    options = parser.parse_args()
    if not shutil.which(options.compiler):
        sys.exit(f"{options.compiler} is not installed")
    module = options.output.with_suffix(".wasm")
    compile_module(options.compiler, module, options.output, options.depfile)
    options.output.write_text(page(module.read_bytes()), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
