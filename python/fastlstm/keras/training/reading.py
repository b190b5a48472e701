"""Batches that a thread makes while training computes on the one before."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from time import perf_counter
from typing import Any

import numpy as np

from fastlstm.forks import generation

Make = Callable[[], Any]

LEAST_MAKING, LEAST_STEP = 100e-6, 1e-3
"""Seconds of making a thing, and between things, from which on a thread brings more than it costs: what runs in Python
takes turns, and to pass the turn on takes longer than all of a small step."""

AHEAD, LONG_STEP = 3, 20e-3
"""Things that are offered at a time, as to wake a thread takes longer than all else that one costs; and seconds of a
step beside which that is nothing: then one is made at a time, as they may be large."""


class Reader:
    """Makes one thing after the other: when it is asked for or, in a thread, before.

    The thread makes one thing at a time, and nobody else does meanwhile. An error comes out where the thing would have.
    What is offered after that, or after None, is not made: it was the last one. In a child that was forked meanwhile
    there is no thread: the child makes what it asks for. What is offered is made in the thread after two steps at
    least, if that is worth it.

    Examples
    --------
    >>> numbers = iter(range(4))
    >>> with Reader() as reader:
    ...     first = reader.take(numbers.__next__)
    ...     reader.offer([numbers.__next__, numbers.__next__])
    ...     first, [reader.take(numbers.__next__) for _ in range(3)]
    (0, [1, 2, 3])
    """

    def __init__(self) -> None:
        self._wanted = SimpleQueue[Sequence[Make] | None]()
        self._made = SimpleQueue[tuple[Any, BaseException | None]]()
        self._thread: threading.Thread | None = None
        self._offered, self._generation = 0, generation()  # how many are still to be taken
        self._taken, self._taken_at = 0, 0.0
        self._making, self._step = 0.0, math.inf  # seconds of the last one that was made here, and of the shortest step

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def offer(self, makes: Sequence[Make]) -> None:
        """Let the thread make the next things or one of them, which `take` gives, unless some are left to be taken."""
        worth = self._taken > 2 and self._making >= LEAST_MAKING and self._step >= LEAST_STEP
        if self._offered or not worth or self._generation != generation():
            return
        if self._thread is None:
            self._thread = threading.Thread(target=copy_context().run, args=(self._work,), name="batches", daemon=True)
            self._thread.start()
        wanted = makes if self._step < LONG_STEP else makes[:1]
        self._wanted.put(wanted)
        self._offered = len(wanted)

    def take(self, make: Make) -> Any:
        """Return what the thread makes or, if it was not offered that, what `make` gives now."""
        now = perf_counter()
        if self._taken:
            self._step = min(self._step, now - self._taken_at)
        self._taken += 1
        try:
            return self._wait() if self._offered and self._generation == generation() else self._made_here(make, now)
        finally:
            self._taken_at = perf_counter()

    def _made_here(self, make: Make, now: float) -> Any:
        found = make()
        self._making = perf_counter() - now
        return found

    def _wait(self) -> Any:
        found, error = self._made.get()
        self._offered = 0 if found is None else self._offered - 1
        if error is None:
            return found
        try:
            raise error
        finally:
            del error  # which refers to this frame

    def close(self) -> None:
        """End the thread when it has made what it is at; what it has made may still be taken."""
        thread, self._thread = self._thread, None
        if thread is None or self._generation != generation():
            return
        self._wanted.put(None)
        if thread.is_alive():  # a Ctrl-C may have come before it was
            thread.join()
        self._offered = self._made.qsize()

    def _work(self) -> None:
        with np.errstate(all="ignore"):  # as around the steps of training
            while (makes := self._wanted.get()) is not None:
                for make in makes:
                    if self._is_last(make) or not self._wanted.empty():  # which says that it is to end
                        break

    def _is_last(self, make: Make) -> bool:
        """Make a thing to be taken; return whether it is the last one."""
        try:
            made = make()
        except BaseException as error:  # which is raised where the thing is taken
            self._made.put((None, error))
            return True
        self._made.put((made, None))
        return made is None
