"""Where in a user's program a warning points."""

from __future__ import annotations

import sys
from types import FrameType


def user_stacklevel() -> int:
    """Return the `stacklevel` that makes a warning point at the first line outside this package."""
    return _first_outside(sys._getframe(1))[1]


def is_asked_by_import() -> bool:
    """Whether it is Python's ``from ... import`` that asks for a name: it looks first, and asks again to take it."""
    return _first_outside(sys._getframe(1))[0].f_globals.get("__name__") == "importlib._bootstrap"


def _first_outside(frame: FrameType) -> tuple[FrameType, int]:
    """Return the first frame outside this package, from `frame` on, and how far it is."""
    level = 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("fastlstm."):
        frame, level = frame.f_back, level + 1
    return frame, level
