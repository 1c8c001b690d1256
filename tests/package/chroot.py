# SPDX-License-Identifier: BSL-1.0
"""Run a script in a new Debian of the packages that every system has (minbase), made by mmdebstrap from the mirror that
this system's apt uses. The chroot is removed afterwards."""

import shlex
import tempfile
from pathlib import Path

from common import last_lines, run
from lab import LabError, packages

PLACE = "/work"
LIMIT = 3600  # seconds


def run_script(script: str, inputs: list[Path], results: Path) -> str:
    """Run a shell script as root in PLACE, which has the inputs, files and folders. Afterwards `results` has the files
    that the script put into PLACE/results. Return the output."""
    line = packages.source_line(packages.Archive("chroot"))
    suite = line.split()[-2]
    with tempfile.TemporaryDirectory(prefix="pvhboot-") as scratch:
        program = Path(scratch) / "script"
        program.write_text(f"set -eu\ncd {PLACE}\nmkdir results\n{script}", encoding="utf-8")
        results.mkdir(exist_ok=True)
        hooks = [f'mkdir "$1{PLACE}"', f"copy-in {shlex.join(map(str, [program, *inputs]))} {PLACE}",
                 f'chroot "$1" sh {PLACE}/script', f"sync-out {PLACE}/results {shlex.quote(str(results))}"]
        command = ["mmdebstrap", "--variant=minbase", "--format=null", "--dpkgopt=force-unsafe-io",
                   *(f"--customize-hook={hook}" for hook in hooks), suite, "/dev/null", line]
        done = run(command, timeout=LIMIT)
    if done.returncode:
        raise LabError(f"the chroot ended with {done.returncode}:\n{last_lines(done.stdout + done.stderr)}")
    return done.stdout
