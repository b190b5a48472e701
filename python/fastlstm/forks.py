"""Locks at a fork: no child begins with a lock that a thread of its parent holds.

The thread that forks takes every lock registered here beforehand, so that the others are between two changes, and
gives them back in the parent and in the child.
"""

import os
import threading
import weakref
from functools import partial
from typing import Any, Protocol

import numpy as np

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
        # Not a function of ours: a Ctrl-C that arrives in one that is called at such a moment is dropped by Python.
        known[key] = weakref.ref(lock, partial(known.pop, key))


def safe_at_forks(source: np.random.Generator) -> np.random.Generator:
    """`source`, from which a child draws even if it was forked while another thread did."""
    held_at_forks(source.bit_generator.lock, DRAWS)
    return source


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


class _Generation:
    number = 0


def generation() -> int:
    """Differs in a child from what it was in its parent."""
    return _Generation.number


def _begin_child() -> None:
    _Generation.number += 1
    _give_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take_all, after_in_parent=_give_back, after_in_child=_begin_child)


class StepLock:
    """A lock for one thread at a time; a copy, or what comes out of a pickle, has a free one of its own."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        held_at_forks(self.lock, STEPS)

    def __reduce__(self) -> tuple[type["StepLock"], tuple[()]]:
        return StepLock, ()
