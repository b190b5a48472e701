"""Which trainings of a model are to stop: every `fit` for itself, though they may be inside one another or at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """What one `fit` looks at after every batch."""

    def __init__(self) -> None:
        self.asked, self.thread = False, threading.get_ident()


class Stops:
    """The fits of a model that are under way; a copy of the model is in none."""

    def __init__(self) -> None:
        self._fits: list[Stop] = []
        self._last = False

    @contextmanager
    def fit(self) -> Iterator[Stop]:
        """For the time of a block, there is one more."""
        stop = Stop()
        self._fits.append(stop)
        try:
            yield stop
        finally:
            self._fits.remove(stop)
            self._last = stop.asked

    def asked(self) -> bool:
        """Whether the innermost fit of this thread is to stop; if it is in none, what was last asked."""
        own = self._own()
        return own[-1].asked if own else self._last

    def ask(self, value: bool) -> None:
        """Say so to the innermost fit of this thread; a thread that is in none says it to all."""
        self._last = value
        for stop in self._own()[-1:] or list(self._fits):
            stop.asked = value

    def _own(self) -> list[Stop]:
        thread = threading.get_ident()
        return [stop for stop in self._fits if stop.thread == thread]

    def __reduce__(self) -> tuple[type["Stops"], tuple[()]]:
        return Stops, ()
