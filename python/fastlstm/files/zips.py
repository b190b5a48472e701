"""Zip archives, opened to be read member by member: nothing is extracted."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastlstm import checks

_ERRORS = (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, zlib.error, UnicodeError)
"""What the standard library raises about archives."""


@contextmanager
def opened(path: Path, wanted: str) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Give a block an archive, in which every name stands once, and the length of its file.

    Parameters
    ----------
    path
        Of the file.
    wanted
        What it must be, for errors.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                _check_names(archive, str(path))
                yield archive, os.fstat(file.fileno()).st_size
        except _ERRORS as error:
            checks.complain(ValueError, str(path), f"be {wanted}", f"one that cannot be read: {error}", cause=error)


def _check_names(archive: zipfile.ZipFile, owner: str) -> None:
    names = [member.filename for member in archive.infolist()]
    if len(set(names)) != len(names):
        checks.complain(ValueError, owner, "have every name once", "one that is there twice")
