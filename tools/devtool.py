# SPDX-License-Identifier: BSL-1.0
"""The commands of ./dev.

A command is a module with `arguments(parser)` and `run(options) -> exit status`. It may have
  check(options)   raises LabError for values that conflict or that name something absent; it must be quick
  needs(options)   whether the command needs its packages with these options (default: yes)
All options are checked before anything is installed, built or downloaded.
"""

import argparse
import importlib
import signal
import subprocess
import sys
from typing import NoReturn

from lab import ROOT, LabError

COMMANDS = {
    "boot": "command_boot",
    "vmm": "command_vmm",
    "pvhboot": "command_pvhboot",
    "web": "command_web",
    "single": "command_single",
    "docs": "command_docs",
    "test": "command_test",
    "fuzz": "command_fuzz",
    "bench": "command_bench",
    "coverage": "command_coverage",
    "mutate": "command_mutate",
    "format": "command_format",
    "lint": "command_lint",
    "matrix": "command_matrix",
    "release": "command_release",
}
BAD_OPTION = 2


class Parser(argparse.ArgumentParser):
    """Prints an error in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_OPTION, f"error: {message.removeprefix('argument ')}\n")


def main(argv: list[str]) -> int:
    provide = argv[:1] == ["--provide"]  # ./dev passes it: missing packages may be installed
    words = argv[1:] if provide else argv
    if not words or words[0] not in COMMANDS:
        print(f"error: expected a command: {', '.join(COMMANDS)}", file=sys.stderr)
        return BAD_OPTION
    command = importlib.import_module(COMMANDS[words[0]])
    parser = Parser(prog=f"./dev {words[0]}", description=command.__doc__.split("\n\n")[0])
    command.arguments(parser)
    options = parser.parse_args(words[1:])
    try:
        if hasattr(command, "check"):
            command.check(options)
    except LabError as why:
        parser.error(str(why))
    try:
        if provide and (not hasattr(command, "needs") or command.needs(options)):
            done = subprocess.run([str(ROOT / "dev"), "provide", words[0]], check=False)
            if done.returncode:
                return done.returncode
        return command.run(options)
    except LabError as why:
        sys.stdout.flush()
        print(f"error: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
