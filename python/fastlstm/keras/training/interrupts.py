"""Ctrl-C between whole training steps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Waiting: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Gives a function that calls another one, which may take long, in some way."""


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function."""
    return function


class WholeSteps:
    """For the time of a block, lets Ctrl-C wait until a step of training is whole.

    So weights, states, random numbers and logs are those of so many steps. A Ctrl-C in code of users, or while their
    data is waited for, does not wait, and no second one does. Signals reach the main thread; in others this does
    nothing.
    """

    def __init__(self) -> None:
        self._waits, self._came = True, False
        self._process = os.getpid()
        self._previous: Any = None

    def __enter__(self) -> WholeSteps:
        previous = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(previous):
            self._previous = previous
            signal.signal(signal.SIGINT, self._received)
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
        if kind is not KeyboardInterrupt:
            self.check()

    def _received(self, number: int, frame: Any) -> None:
        # The step of a thread that does not exist in a forked child never ends there.
        if self._waits and not self._came and os.getpid() == self._process:
            self._came = True
        else:
            self._waits = self._came = False
            self._previous(number, frame)

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
