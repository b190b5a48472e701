"""Zip archives, opened to be read member by member: nothing is extracted."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from fastlstm import checks

from . import regular

_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, RuntimeError, NotImplementedError, UnicodeError, OverflowError),
)
"""What the standard library raises about archives."""


class _Bounded(io.BufferedReader):
    """A file that makes no room for more bytes than it has and goes to no place outside, whatever the archive says."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__(file)
        self.length = os.fstat(file.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        """Read at most so many bytes; None or a negative number: all that are left."""
        return super().read(size if size is None else min(size, self.length))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place of the file, of which a number too large for the system is none."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.length}[whence]
        if not 0 <= start + offset <= self.length:
            raise OSError(errno.EINVAL, "a place outside of the file")
        return super().seek(start + offset)


@contextmanager
def opened(path: Path, wanted: str) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Give a block an archive, in which every member has a name of its own, and the length of its file.

    Parameters
    ----------
    path : path
        Of the file.
    wanted : str
        What it must be, for errors.
    """
    with _Bounded(regular.opened(path)) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                _check_names(archive, str(path))
                yield archive, file.length
        except _ERRORS as error:
            _refuse(path, wanted, error)
        except OSError as error:
            if error.errno != errno.EINVAL:  # of `_Bounded.seek`
                raise
            _refuse(path, wanted, error)


def _refuse(path: Path, wanted: str, error: Exception) -> NoReturn:
    text = str(error)[: checks.LONGEST_TEXT]  # which may quote a name as long as the file
    checks.complain(ValueError, str(path), f"be {wanted}", f"one that cannot be read: {text}", cause=error)


def _check_names(archive: zipfile.ZipFile, owner: str) -> None:
    names = [member.filename for member in archive.infolist()]
    if "" in names:
        checks.complain(ValueError, owner, "have a name for every member", "one without")
    if len(set(names)) != len(names):
        checks.complain(ValueError, owner, "have every name once", "one that is there twice")
