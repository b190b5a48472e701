"""Locks at a fork: no child begins with a lock that a thread of its parent holds.

The thread that forks takes every lock registered here beforehand, so that the others are between two changes, and
gives them back in the parent and in the child.
"""

import os
import threading
import weakref
from contextlib import AbstractContextManager
from typing import Any, Protocol

STEPS, CHANGES, DRAWS = range(3)
"""Ranks. A thread that holds a lock takes another one only if its rank is higher; so does a fork."""


class Lock(Protocol):
    """Anything that is taken and given back."""

    def acquire(self) -> bool:
        """Wait for it."""

    def release(self) -> None:
        """Give it back."""


_ranks: tuple[dict[int, weakref.ref[Any]], ...] = ({}, {}, {})
_one_fork = threading.RLock()
_taken: list[Lock] = []


def held_at_forks(lock: Lock, rank: int) -> None:
    """Take `lock` at every fork as long as it lives; registering it again does no harm."""
    known, key = _ranks[rank], id(lock)
    if key not in known:
        known[key] = weakref.ref(lock, lambda _: known.pop(key, None))


def _take_all() -> None:
    _one_fork.acquire()
    for known in _ranks:
        for reference in list(known.values()):
            lock = reference()
            if lock is not None:
                lock.acquire()
                _taken.append(lock)


def _give_back() -> None:
    while _taken:
        _taken.pop().release()
    _one_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take_all, after_in_parent=_give_back, after_in_child=_give_back)


class StepLock(AbstractContextManager[None]):
    """One thread at a time; a copy, or what comes out of a pickle, is a free lock of its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        held_at_forks(self._lock, STEPS)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type["StepLock"], tuple[()]]:
        return StepLock, ()
