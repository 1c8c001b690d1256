# SPDX-License-Identifier: BSL-1.0
"""Which lines of the headers each unit test runs, by gcov.

A mutant is shown only to the tests that reach its function.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import run_or_exit

# By test, header and line.
Reach = dict[str, dict[str, set[int]]]
FLAGS = ["-std=c++20", "-w", "-O0", "--coverage", "-fprofile-abs-path", "-DPVHBOOT_ROWS_AT_RUN_TIME"]


def measure(root: Path, folder: Path, compiler: str, workers: int) -> Reach:
    units = root / "tests" / "unit"
    include = f"{(root / 'include' / 'pvhboot').resolve()}/"

    def compile_one(name: str) -> None:
        source, target = units / f"{name}.cpp", folder / f"{name}.o"
        run_or_exit([compiler, *FLAGS, f"-I{root / 'include'}", "-c", source, "-o", target], timeout=600)

    def lines_of(name: str) -> dict[str, set[int]]:
        compile_one(name)
        program = folder / f"reach-{name}"
        run_or_exit([compiler, "--coverage", folder / f"{name}.o", folder / "main.o", "-o", program])
        run_or_exit([program], cwd=folder)
        gcov = f"gcov-{compiler.rpartition('-')[2]}"
        lines: dict[str, set[int]] = {}
        for document in run_or_exit([gcov, "--json-format", "--stdout", f"{name}.gcda"], cwd=folder).splitlines():
            for file in json.loads(document)["files"]:
                if file["file"].startswith(include):
                    ran = {line["line_number"] for line in file["lines"] if line["count"]}
                    lines.setdefault(file["file"].removeprefix(include), set()).update(ran)
        return lines

    names = sorted(path.stem for path in units.glob("*.cpp") if path.stem != "main")
    compile_one("main")
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(names, pool.map(lines_of, names)))
