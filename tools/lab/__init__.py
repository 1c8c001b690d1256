# SPDX-License-Identifier: BSL-1.0
"""The boot lab: Linux kernels, a small userspace and machines in QEMU, for `./dev boot` and tests/boot.

The lab decodes all structures with Python tables of its own. It shares no code with the C++ library, so that tests can
compare the two.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"


class LabError(Exception):
    """An error that the user can act on. The message names the cause and, where there is one, the remedy."""
