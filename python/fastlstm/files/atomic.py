"""Files that are either as they were or as they are to be."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from fastlstm import checks

from . import regular

try:
    import fcntl
except ImportError:  # a system on which a file that is left over stays
    fcntl = None  # type: ignore[assignment]

_NAME = ".fastlstm-{}.tmp"
_OPEN = "/proc/self/fd"
"""Where Linux has the open files of a process by number."""


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a block a new file to write, which takes the place of another when the block ends.

    The other is whole whatever happens, and keeps its permissions. Where the system has files without a name, the new
    one has none until it is whole and synced, so that nothing is left over of a process that is killed; and what one
    left over elsewhere, or between the last two steps, goes at the next time in that folder.

    Parameters
    ----------
    path : path
        Of the file to replace, which need not be there. What a link leads to is replaced, not the link.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        There is no such folder, the path is that of a folder, or one may not write there.
    ValueError
        The path is that of a pipe, a device or the like.
    OSError
        The disk is full.
    """
    target = Path(os.path.realpath(path))
    _check(target)
    _remove_left_over(target.parent)
    nameless = _nameless_file(target.parent)
    if nameless is None:
        with _named_file(target) as file:
            yield file
    else:
        with nameless:
            yield nameless
            _finish(nameless, target)
            _publish(nameless, target)
    _sync(target.parent)


def _check(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"path must be that of a file, got the folder {target}")
    if target.exists() and not target.is_file():  # which a file would take the place of
        checks.complain(ValueError, "path", "be that of a regular file", f"{target}, a pipe, a device or the like")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path must lie in a folder that is there, got {target}")


def _nameless_file(folder: Path) -> BinaryIO | None:
    """Make a file that is gone when it is closed; None: the system, or that of these files, has none."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_OPEN):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except PermissionError:
        raise
    except OSError:
        return None


@contextmanager
def _named_file(target: Path) -> Iterator[BinaryIO]:
    """Give a block a file with a name of its own beside `target`, whose place it takes when the block ends."""
    new, file = _new_file_beside(target)
    try:
        with file:
            yield file
            _finish(file, target)
        os.replace(new, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(new)
        raise


def _new_file_beside(target: Path) -> tuple[Path, BinaryIO]:
    """Make an empty file with a name that no other has, locked."""
    while True:
        new = target.parent / _NAME.format(secrets.token_hex(8))
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(new, flags, 0o666), "w+b")
        _lock(file)
        if new.exists():  # nobody took it for one left over, before it was locked
            return new, file
        file.close()


def _lock(file: BinaryIO) -> None:
    """Say that a file with a name of ours is still wanted, as long as it is open."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)


def _remove_left_over(folder: Path) -> None:
    """Remove the files with names of ours that no process has locked: those who wrote them were killed."""
    if fcntl is None:
        return
    with os.scandir(folder) as entries:
        names = [entry.path for entry in entries if fnmatchcase(entry.name, _NAME.format("*"))]
    for name in names:
        with suppress(OSError, ValueError), regular.opened(Path(name)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name)


def _finish(file: BinaryIO, target: Path) -> None:
    """Have all of a file on the disk, with the permissions of the one that it replaces."""
    file.flush()
    if fcntl is not None and target.exists():
        os.chmod(file.fileno(), target.stat().st_mode & 0o7777)
    os.fsync(file.fileno())


def _publish(file: BinaryIO, target: Path) -> None:
    """Give a file without a name that of `target`: at once, or by way of a name that it has for an instant."""
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        if not _link(file, target.name, folder):
            _lock(file)
            new = _NAME.format(secrets.token_hex(8))
            if not _link(file, new, folder):
                raise FileExistsError(f"there is a file {new} in {target.parent}")
            try:
                os.replace(new, target.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(new, dir_fd=folder)
                raise
    finally:
        os.close(folder)


def _link(file: BinaryIO, name: str, folder: int) -> bool:
    """Give a file a name in a folder; False: there is one of that name."""
    try:
        os.link(f"{_OPEN}/{file.fileno()}", name, dst_dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Have the names of a folder written to the disk, on systems that know this."""
    if fcntl is not None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
