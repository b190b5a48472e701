"""Ctrl-C between whole training steps."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Waiting: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Gives a function that calls another one, which may take long, in some way."""

PATIENCE = 0.5
"""Seconds that Ctrl-C waits for a step that has changed nothing yet."""


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function."""
    return function


class WholeSteps:
    """For the time of a block, lets Ctrl-C wait until a step of training is whole.

    So weights, states, random numbers and logs are those of so many steps. A Ctrl-C in code of users, or while their
    data is waited for, does not wait, and no second one does. A step that takes long is given up before it changes
    anything. Signals reach the main thread; in others this does nothing.
    """

    def __init__(self) -> None:
        self.changes_nothing = False
        """Whether what runs now may end anywhere; Ctrl-C then waits for `PATIENCE` and no longer."""
        self._waits, self._came, self._late = True, False, False
        self._process = os.getpid()
        self._previous: Any = None
        self._open, self._opening = False, threading.Lock()

    def __enter__(self) -> WholeSteps:
        previous = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(previous):
            self._previous, self._open = previous, True
            signal.signal(signal.SIGINT, self._received)
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if self._previous is not None:
            with self._opening:
                self._open = False
            signal.signal(signal.SIGINT, self._previous)  # after what is still under way
        if kind is not KeyboardInterrupt:
            self.check()

    def _received(self, number: int, frame: Any) -> None:
        late, self._late = self._late, False
        # The step of a thread that does not exist in a forked child never ends there.
        waits = self._waits and os.getpid() == self._process
        if late and (not self._came or (waits and not self.changes_nothing)):
            return  # it has taken effect, or does so in a moment
        if waits and not self._came:
            self._came = True
            with suppress(RuntimeError):  # no more threads: it waits for as long as it takes
                _thread.start_new_thread(self._remind, ())
            return
        self._waits = self._came = False
        self._previous(number, frame)

    def _remind(self) -> None:
        """Let the signal come once more if it still waits; in a thread that is made without a lock of Python's."""
        time.sleep(PATIENCE)
        with self._opening:
            if self._came and self._open:
                self._late = True
                _thread.interrupt_main()

    def check(self) -> None:
        """Let a Ctrl-C that waits take effect: what was begun is whole."""
        if self._came:
            self._came = False
            self._previous(signal.SIGINT, None)

    def at_once(self, function: Callable[..., T]) -> Callable[..., T]:
        """Return `function`, but in it Ctrl-C takes effect at once."""

        def called(*args: Any) -> T:
            waited, self._waits = self._waits, False
            try:
                return function(*args)
            finally:
                self._waits = waited

        return called
