"""Ctrl-C between whole training steps."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any


class WholeSteps:
    """Holds Ctrl-C back while weights are replaced, so that an interrupted training ends with a whole step."""

    def __init__(self) -> None:
        self._held, self._pending = False, False
        self._process = os.getpid()
        self._previous: Any = None

    def __enter__(self) -> "WholeSteps":
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._previous = signal.signal(signal.SIGINT, self._received)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _received(self, number: int, frame: Any) -> None:
        # The step of a thread that does not exist in a forked child never ends there.
        if self._held and os.getpid() == self._process:
            self._pending = True
        else:
            self._previous(number, frame)

    def run(self, function: Callable[..., None], *args: Any) -> None:
        """Call `function`; a Ctrl-C that arrives meanwhile takes effect afterwards."""
        self._held = True
        try:
            function(*args)
        finally:
            self._held = False
        if self._pending:
            self._pending = False
            self._previous(signal.SIGINT, None)
