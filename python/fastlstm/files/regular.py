"""Files that are read: regular ones alone, as a pipe may be waited for without end, and a device never ends."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from fastlstm import checks

_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)


def opened(path: Path) -> io.FileIO:
    """Open a file to read.

    Raises
    ------
    ValueError
        It is a pipe, a device or the like.
    OSError
        There is no such file, it is a folder, or it may not be read.
    """
    file = io.FileIO(os.fspath(path), opener=lambda name, flags: os.open(name, flags | _WITHOUT_WAITING))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        checks.complain(ValueError, str(path), "be a regular file", "a pipe, a device or the like")
    return file


def content(path: Path) -> bytes:
    """Return what is in a file."""
    with opened(path) as file:
        return file.readall()
