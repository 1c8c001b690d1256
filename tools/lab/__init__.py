# SPDX-License-Identifier: BSL-1.0
"""The boot lab: real kernels, a tiny userspace and QEMU, behind `./dev boot` and tests/boot.

Everything that is decoded here is decoded by plain Python tables, on purpose without the C++ library: the lab is the
witness that the library is measured against.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"


class LabError(Exception):
    """Something that the user can act on; the message is the whole explanation."""
