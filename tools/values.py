# SPDX-License-Identifier: BSL-1.0
"""Types for argparse, which check a value and refuse a bad one in one sentence."""

import argparse
import math
import os
from pathlib import Path

from lab import LabError

LONGEST = 30 * 24 * 3600  # seconds


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: a number of seconds above 0, at most {LONGEST}")
    return value


def whole_seconds(text: str) -> int:
    return whole(text, LONGEST, "a time: a whole number of seconds")


def seed(text: str) -> int:
    return whole(text, 2**32 - 1, "a seed: a whole number")


def jobs(text: str) -> int:
    return whole(text, 256, "a number of jobs: a whole number")


def whole(text: str, largest: int, what: str) -> int:
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
    if not 0 < value <= largest:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} from 1 to {largest}")
    return value


def folder(text: str) -> Path:
    """A folder that exists or can be created, as an absolute path, since tools run in other folders."""
    path = Path(text).absolute()
    if not text or path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder")
    return path


def file_named_by(variable: str) -> None:
    """Check that the file named by an environment variable exists, if the variable is set."""
    text = os.environ.get(variable)
    if text and not Path(text).is_file():
        raise LabError(f"${variable}: no such file: {text}")
