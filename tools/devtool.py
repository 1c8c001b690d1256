# SPDX-License-Identifier: BSL-1.0
"""The commands behind ./dev. Each command is a module with `arguments(parser)` and `run(options) -> exit status`."""

import argparse
import importlib
import signal
import sys

from lab import LabError

COMMANDS = {
    "boot": "command_boot",
    "test": "command_test",
    "fuzz": "command_fuzz",
    "bench": "command_bench",
    "coverage": "command_coverage",
    "format": "command_format",
    "lint": "command_lint",
    "matrix": "command_matrix",
}


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in COMMANDS:
        print(f"devtool: one of: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = importlib.import_module(COMMANDS[argv[0]])
    parser = argparse.ArgumentParser(prog=f"./dev {argv[0]}", description=command.__doc__.split("\n\n")[0])
    command.arguments(parser)
    try:
        return command.run(parser.parse_args(argv[1:]))
    except LabError as why:
        sys.stdout.flush()
        print(f"error: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
