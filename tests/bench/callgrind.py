# SPDX-License-Identifier: BSL-1.0
"""What callgrind counts between the client requests of a program, and how counts grow."""

import math
import re
import statistics
from pathlib import Path

from common import run_or_exit


def counts(program: Path, folder: Path) -> dict[str, int]:
    """The instructions of each named measurement; of several with one name, the last."""
    run_or_exit(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/{program.name}.out", program])
    parts: dict[int, tuple[str, int]] = {}
    for file in folder.glob(f"{program.name}.out.*"):
        text = file.read_text(encoding="utf-8")
        name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.M)
        total = re.search(r"^(?:totals|summary): (\d+)$", text, re.M)
        number = re.search(r"^part: (\d+)$", text, re.M)
        if name and total and number:
            parts[int(number[1])] = (name[1], int(total[1]))
    return {name: total for _, (name, total) in sorted(parts.items())}


def exponent(points: dict[int, int]) -> float:
    """The slope of the least-squares line through the logarithms."""
    return statistics.linear_regression([math.log(n) for n in points], [math.log(n) for n in points.values()]).slope


def series(found: dict[str, int], prefix: str) -> dict[int, int]:
    """The measurements "prefix n", by n."""
    return {int(name.split()[1]): count for name, count in found.items() if name.startswith(prefix + " ")}
