"""What holds for the time of a block."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Generic, TypeVar

from fastlstm import _core

T = TypeVar("T")


class Scoped(Generic[T]):
    """Something that is what it is by default, and something else for the time of a block.

    Every thread has its own. No error, and no Ctrl-C, comes between the end of a block and what was before it, as it
    may where an ``__exit__`` or a ``finally`` is written in Python.

    Parameters
    ----------
    name : str
        Of what it is.
    default : object
        What it is outside of all blocks.

    Examples
    --------
    >>> greeting = Scoped("greeting", "hello")
    >>> with greeting.being("good evening"):
    ...     greeting.get()
    'good evening'
    >>> greeting.get()
    'hello'
    """

    def __init__(self, name: str, default: T) -> None:
        self._variable: ContextVar[T] = ContextVar(name, default=default)
        self.get = self._variable.get

    def being(self, value: T) -> AbstractContextManager[T]:
        """For the time of a block, this is `value`, which ``with`` gives."""
        return _core.Scope(self._variable, value)
