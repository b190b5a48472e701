"""Files that are either as they were or as they are to be."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a block the path of a new file to write, which takes the place of another when the block ends.

    The new file lies in the folder of the other one and is synced before it is renamed, so that the other is whole
    whatever happens, and keeps its permissions. If the block raises, nothing is left over.

    Parameters
    ----------
    path
        Of the file to replace, which need not be there. What a link leads to is replaced, not the link.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        There is no such folder, the path is that of a folder, or one may not write there.
    OSError
        The disk is full.
    """
    target = Path(os.path.realpath(path))
    _check(target)
    new = _new_file_beside(target)
    try:
        yield new
        _keep_mode(target, new)
        _sync(new)
        os.replace(new, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(new)
        raise
    _sync(target.parent)


def _check(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"path must be that of a file, got the folder {target}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path must lie in a folder that is there, got {target}")


def _new_file_beside(target: Path) -> Path:
    """Make an empty file with a name of its own and the permissions of a new file."""
    new = target.parent / f".fastlstm-{secrets.token_hex(8)}.tmp"
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return new


def _keep_mode(target: Path, new: Path) -> None:
    with suppress(FileNotFoundError):
        os.chmod(new, target.stat().st_mode & 0o7777)


def _sync(path: Path) -> None:
    """Have a file or a folder written to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
