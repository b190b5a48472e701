"""Files and folders of this machine, under TensorFlow's names."""

from __future__ import annotations

import glob as found_by
import os
from pathlib import Path
from typing import IO, Any


class GFile:
    """A file that is open; texts are in UTF-8.

    Parameters
    ----------
    name : str
        Path of the file.
    mode : str
        As Python's ``open`` takes it.
    """

    def __new__(cls, name: Any, mode: str = "r") -> IO[Any]:  # type: ignore[misc]
        """Return a file of Python's, which has what programs use."""
        return open(name, mode, encoding=None if "b" in mode else "utf-8")


def exists(path: Any) -> bool:
    """Whether there is a file or a folder."""
    return Path(path).exists()


def isdir(path: Any) -> bool:
    """Whether there is a folder."""
    return Path(path).is_dir()


def glob(pattern: Any) -> list[str]:
    """Return the paths that a pattern fits, or several, in order."""
    return sorted(path for one in ([pattern] if isinstance(pattern, str) else pattern) for path in found_by.glob(one))


def listdir(path: Any) -> list[str]:
    """Return the names in a folder, in order."""
    return sorted(os.listdir(path))


def makedirs(path: Any) -> None:
    """Make a folder and those above it; it may be there."""
    Path(path).mkdir(parents=True, exist_ok=True)
