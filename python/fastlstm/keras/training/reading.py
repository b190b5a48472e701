"""Batches that a thread makes while training computes on the one before."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
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


class Reader:
    """Makes one thing after the other: when it is asked for or, in a thread, before.

    The thread makes one thing at a time, and nobody else does meanwhile. An error comes out where the thing would have.
    In a child that was forked meanwhile there is no thread: the child makes what it asks for. What is offered is made
    in the thread after two steps at least, if that is worth it.

    Examples
    --------
    >>> numbers = iter(range(3))
    >>> with Reader() as reader:
    ...     first = reader.take(numbers.__next__)
    ...     reader.offer(numbers.__next__)
    ...     first, reader.take(numbers.__next__), reader.take(numbers.__next__)
    (0, 1, 2)
    """

    def __init__(self) -> None:
        self._wanted, self._made = SimpleQueue[Make | None](), SimpleQueue[tuple[Any, BaseException | None]]()
        self._thread: threading.Thread | None = None
        self._offered, self._generation = False, generation()
        self._taken, self._taken_at = 0, 0.0
        self._making, self._step = 0.0, math.inf  # seconds of the last one that was made here, and of the shortest step

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def offer(self, make: Make) -> None:
        """Let the thread make the next thing, which `take` gives."""
        worth = self._taken > 2 and self._making >= LEAST_MAKING and self._step >= LEAST_STEP
        if not worth or self._generation != generation():
            return
        if self._thread is None:
            self._thread = threading.Thread(target=copy_context().run, args=(self._work,), name="batches", daemon=True)
            self._thread.start()
        self._wanted.put(make)
        self._offered = True

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
        self._offered = False
        if error is None:
            return found
        try:
            raise error
        finally:
            del error  # which refers to this frame

    def close(self) -> None:
        """End the thread when it has made what it was offered, which may still be taken."""
        thread, self._thread = self._thread, None
        if thread is None or self._generation != generation():
            return
        self._wanted.put(None)
        if thread.is_alive():  # a Ctrl-C may have come before it was
            thread.join()

    def _work(self) -> None:
        with np.errstate(all="ignore"):  # as around the steps of training
            while (make := self._wanted.get()) is not None:
                try:
                    made = make(), None
                except BaseException as error:  # which is raised where the thing is taken
                    self._made.put((None, error))
                else:
                    self._made.put(made)
                    del made  # not kept until the next one is there
