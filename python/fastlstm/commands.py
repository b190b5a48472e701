"""How commands about files say what they found, and end: with 0, or with 1 and the reason on standard error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from fastlstm import checks

_ERRORS = (ValueError, TypeError, NotImplementedError, OSError, ImportError)
"""What is wrong with files and arguments; anything else is a fault of ours, and keeps its traceback."""


def status(command: Callable[[], Iterable[str]]) -> int:
    """Run a command, print the lines that it gives, and return the exit status.

    Parameters
    ----------
    command : callable
        Gives all lines or raises an error, so that there are never half of them.
    """
    try:
        _print(command())
    except BrokenPipeError:  # whoever reads has seen enough, and Python is not to try again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except _ERRORS as error:
        print(plain(str(error)), file=sys.stderr)
        return 1
    return 0


def _print(lines: Iterable[str]) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # which may have few letters
        sys.stdout.reconfigure(errors="backslashreplace")
    for line in lines:
        print(plain(line))
    sys.stdout.flush()


def plain(line: str) -> str:
    """Return a line of letters alone: names in a file may have what moves the cursor, or is half a letter."""
    return "".join([letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line])


@contextmanager
def about(argument: str, wanted: str, path: str) -> Iterator[None]:
    """Say in an error of the system which argument it is about."""
    try:
        yield
    except OSError as error:
        if error.strerror is None:  # it is one of ours, which says so itself
            raise
        checks.complain(ValueError, argument, f"be {wanted}", f"{path}: {error.strerror}", cause=error)
