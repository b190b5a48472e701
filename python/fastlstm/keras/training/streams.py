"""Batches out of what gives batches: generators, other iterables, and objects with numbered batches."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, TypeAlias

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.carried import (
    State,
    check_keys,
    restore_numbers,
    set_states_of_generators,
    state_of_numbers,
    states_of_generators,
)
from ..foundation.lookup import of_this_package
from ..foundation.watching import watched
from .data import ArraySource, Batch, Check, drawn_order
from .interrupts import Waiting, as_it_is
from .reading import AHEAD, Reader

_END = object()


class StreamSource:
    """Batches out of an iterable of ``(x, y)`` or ``(x, y, sample_weight)``.

    Its methods ``on_epoch_begin`` and ``on_epoch_end``, if it has any, are called around every epoch.

    Parameters
    ----------
    data : array_like or iterable
        Generator, other iterable, or an object with ``len(data)`` and ``data[i]``.
    check : Check
        Applied to every batch.
    limit : int, optional
        Batches an epoch; None: until the data ends.
    shuffle : bool
        Whether batches that have numbers come in an order of their own every time.
    """

    def __init__(self, data: Any, check: Check, limit: int | None = None, shuffle: bool = False) -> None:
        self.data, self.check, self.limit, self.shuffle = data, check, limit, shuffle
        length = _length(data)
        self.numbered = hasattr(data, "__getitem__") and length is not None
        if length == 0:
            self._refuse_nothing()
        self.steps: int | None = self.limit or length
        self._running: Iterator[Any] | None = None
        self._found_any, self._drawn_ahead, self._warned = False, False, False
        self._taken = 0
        """Batches of the running pass; of an iterator, which is gone through once, of all."""
        self._begin: State = {}
        """What that began with."""

    def look_ahead(self) -> None:
        """Draw the first batch for the next epoch and raise if there is none, or if it does not fit the model."""
        if self.numbered:  # which says how many there are, and may count what is asked of it
            return
        running = self._new_pass()
        item = next(running, _END)
        if item is _END:
            self._refuse_nothing()
        self.check(*_parts(item))
        self._running, self._drawn_ahead = chain([item], running), True

    def check_first(self) -> None:
        """Check the first batch, for a model that only data can build."""
        if self.numbered:
            self.check(*_parts(self.data[0]))
        else:
            self.look_ahead()

    def _refuse_nothing(self) -> None:
        checks.complain(ValueError, "x", "give at least one batch", "none")

    def epoch(self, done: int = 0, ahead: bool = True, waiting: Waiting = as_it_is) -> Generator[Batch, None, None]:
        """Return the batches of one epoch but for those `done`; a thread may make some `ahead` of their turn.

        It does so from the fourth on, if the second depends on nothing that changes while a step is taken. Functions
        that call what users wrote, or wait for it, are called as `waiting` says.
        """
        tell, new_pass = waiting(self._tell), waiting(self._new_pass)
        if not done:
            tell("on_epoch_begin")
            if self._running is None or (self.limit is None and not self._drawn_ahead):
                self._running = new_pass()
        self._drawn_ahead = False
        ahead = ahead and getattr(self.data, "workers", 1) != 0
        number = done
        with Reader() as reader:
            take = waiting(reader.take)
            while self.limit is None or number < self.limit:
                if number == done + 1 and ahead:
                    batch, depends = take(partial(watched, self._draw))
                    ahead = not depends
                else:
                    batch = take(self._draw)
                if batch is None and number == 0 and self.numbered:  # the epoch before took the last of them
                    self._running = new_pass()
                    batch = waiting(self._draw)()
                if batch is None:
                    self._ended(number)
                    break
                number += 1
                self._taken += 1
                self._found_any = True
                if ahead and number != self.limit:
                    left = AHEAD if self.limit is None else min(AHEAD, self.limit - number)
                    reader.offer([self._draw] * left)
                yield batch
        tell("on_epoch_end")

    def _draw(self) -> Batch | None:
        """Return the next batch of the running pass; None: it is over."""
        item = next(self._running or iter(()), _END)
        return None if item is _END else self.check(*_parts(item))

    def _tell(self, event: str) -> None:
        method = getattr(self.data, event, None)
        if callable(method):
            method()

    def _new_pass(self) -> Iterator[Any]:
        if self.numbered:
            return self._from(0, None)
        begin = {"random": state_of_numbers(), "data": self._state_of_data()}
        items: Iterator[Any] = iter(self.data)
        if items is not self.data or not self._begin:
            self._begin, self._taken = begin, 0
        return items

    def _from(self, first: int, before: State | None) -> Iterator[Any]:
        """Return the numbered batches of a pass; see `drawn_order`."""
        length, self._taken, self._begin = len(self.data), first, {"order": None}
        order: Any = range(length)
        if self.shuffle:
            order, self._begin["order"] = drawn_order(length, before)
            order = order.tolist()
        return (self.data[i] for i in order[first:])

    def _ended(self, number: int) -> None:
        self._running = None
        if not self._found_any:
            self._refuse_nothing()
        if self.limit is not None or number == 0:
            wanted = "at least one batch" if self.limit is None else f"{self.limit} batches an epoch"
            message = f"the data ended after {number} batches of this epoch, wanted {wanted}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())

    # Checkpoints.

    @property
    def _once(self) -> bool:
        """Whether the data is an iterator, which is gone through once."""
        return not self.numbered and hasattr(self.data, "__next__")

    def get_state(self, done: int) -> State:
        """Return where a pass is when so many batches of an epoch are `done`, and the state of the data."""
        self._warn_of_hooks()
        goes_on = self._running is not None and (done > 0 or self.limit is not None or self._drawn_ahead)
        position = {"numbered": self.numbered, "goes_on": goes_on, "ahead": self._drawn_ahead, "taken": self._taken}
        return position | {"begin": self._begin, "data": self._state_of_data()}

    def set_state(self, state: State, done: int) -> None:
        """Go on from what `get_state` gave when so many batches of an epoch were `done`.

        Batches without numbers are drawn again from where their pass began, as nothing else leads there.
        """
        check_keys("x", state, ("numbered", "goes_on", "ahead", "taken", "begin", "data"))
        if state["numbered"] != self.numbered:
            must = f"give batches {'with' if state['numbered'] else 'without'} numbers, as that of the checkpoint did"
            checks.complain(ValueError, "x", must, checks.shown(self.data))
        if done:
            self._tell("on_epoch_begin")
        self._running = self._running if self._once else None
        self._set_data(state["data"])
        if self.numbered and state["goes_on"]:
            self._running = self._from(state["taken"], state["begin"]["order"])
        elif not self.numbered and (state["goes_on"] or self._once):
            self._draw_again(state)
        self._found_any, self._drawn_ahead = True, state["ahead"]

    def settle(self, state: State) -> None:
        """Let the data go on from its state, now that no source draws again."""
        self._set_data(state["data"])

    def _draw_again(self, state: State) -> None:
        if self._running is None:
            if state["begin"]:
                self._set_data(state["begin"]["data"])
                restore_numbers(state["begin"]["random"])
            self._running = self._new_pass()
        drawn = list(islice(self._running, state["ahead"] and not state["taken"]))
        self._taken += sum(1 for _ in islice(self._running, state["taken"]))
        self._running = chain(drawn, self._running)
        if self._taken < state["taken"]:
            must = f"give the {state['taken']} batches that were drawn before the checkpoint was made, again"
            checks.complain(ValueError, "x", must, self._taken)

    def _state_of_data(self) -> State:
        if hasattr(self.data, "get_state"):
            return {"own": self.data.get_state()}
        return states_of_generators(self.data) if hasattr(self.data, "__dict__") else {}

    def _set_data(self, state: State) -> None:
        if hasattr(self.data, "set_state"):
            self.data.set_state(state.get("own"))
        elif hasattr(self.data, "__dict__"):
            set_states_of_generators(self.data, state, "x")

    def _warn_of_hooks(self) -> None:
        """Warn, once, of data that changes between epochs and does not give its state."""
        found = [getattr(self.data, event, None) for event in ("on_epoch_begin", "on_epoch_end")]
        own = [method.__name__ for method in found if callable(method) and not of_this_package(method)]
        if own and not self._warned and not hasattr(self.data, "get_state"):
            self._warned = True
            message = (
                f"{type(self.data).__name__}.{own[0]}() is called between epochs, and what it changes is not in the "
                "checkpoint: give the data get_state() and set_state(state)"
            )
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def _length(data: Any) -> int | None:
    """Return the number of batches, None where it is not known: a ``__len__`` that cannot say raises one of these."""
    try:
        return len(data)
    except (TypeError, NotImplementedError):
        return None


def _parts(item: Any) -> tuple[Any, Any, Any]:
    parts = item if isinstance(item, tuple | list) else (item,)
    if not 1 <= len(parts) <= 3:
        checks.complain(ValueError, "a batch", "be (x, y) or (x, y, sample_weight)", f"{len(parts)} parts")
    x, y, weights = (*parts, None, None)[:3]
    return x, y, weights


Source: TypeAlias = ArraySource | StreamSource


def is_stream(data: Any) -> bool:
    """Whether `data` gives batches rather than being an array."""
    if isinstance(data, list | tuple | str | bytes | dict) or hasattr(data, "__array__") or _is_buffer(data):
        return False
    return hasattr(data, "__iter__") or (hasattr(data, "__len__") and hasattr(data, "__getitem__"))


def _is_buffer(data: Any) -> bool:
    """Whether NumPy makes an array of the memory of `data`, such as a memoryview."""
    try:
        memoryview(data)
    except TypeError:
        return False
    return True
