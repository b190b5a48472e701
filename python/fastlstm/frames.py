"""Where in a user's program a warning points."""

from __future__ import annotations

import sys


def user_stacklevel() -> int:
    """Return the `stacklevel` that makes a warning point at the first line outside this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("fastlstm."):
        frame, level = frame.f_back, level + 1
    return level
