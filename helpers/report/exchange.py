"""Two folders exchanged in one step, so that there is no moment without a report."""

import ctypes
import os
import sys
from pathlib import Path

HERE = -100
EXCHANGE = 2


def exchanged(one: Path, other: Path) -> bool:
    """Whether two paths have changed places, which Linux can do (renameat2) on most file systems."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0
