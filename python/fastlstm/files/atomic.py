"""Files that are either as they were or as they are to be."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a block the path of a new file to write, which takes the place of another when the block ends.

    The new file lies in the folder of the other one and is synced before it is renamed, so that the other is whole
    whatever happens. If the block raises, nothing is left over.

    Parameters
    ----------
    path
        Of the file to replace, which need not be there.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"path must be that of a file, got the folder {target}")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, _mode_for(target))
        _sync(name)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync(target.parent)


def _mode_for(target: Path) -> int:
    """Return the permissions that a file has, or would get as a new one."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


def _sync(path: str | Path) -> None:
    """Have a file or a folder written to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
