"""Runs of functions that users write: what holds while one of them is under way."""

from __future__ import annotations

from collections.abc import Iterable, Set
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

from fastlstm.scopes import Scoped

from .arrays import Array
from .eager import mask_of
from .training_step import change
from .trees import leaves


class Pass:
    """One run of a user's function.

    Parameters
    ----------
    training : bool
        Whether layers inside drop, unless they are told otherwise.
    boxes : dict, optional
        Boxes of the variables by their ids, if a gradient is wanted; else None.
    """

    def __init__(self, training: bool = False, boxes: dict[int, Any] | None = None) -> None:
        self.training, self.boxes = training, boxes
        self.penalties: list[Any] = []
        """What is added to the loss: by layers inside, or by ``add_loss``."""
        self._masks: dict[int, tuple[Any, Any]] = {}
        self._assigned: dict[int, tuple[Any, Array]] = {}

    def mask_of(self, x: Any) -> Any:
        """Return the mask of an array that a layer in this pass gave, that came in, or that it carries."""
        return self._masks[id(x)][1] if id(x) in self._masks else mask_of(x)

    def keep_masks(self, outputs: Any, masks: Any) -> None:
        """Remember the masks of arrays; the arrays are kept, so that no other has their ids."""
        if masks is not None:
            for part, mask in zip(leaves(outputs), leaves(masks), strict=False):
                if mask is not None:
                    self._masks[id(part)] = part, mask

    def value_of(self, variable: Any, value: Array) -> Any:
        """Return what a variable is for the function: what it assigned, or the box of it, or its `value`."""
        if id(variable) in self._assigned:
            return self._assigned[id(variable)][1]
        return value if self.boxes is None else self.boxes.get(id(variable), value)

    def assign(self, variable: Any, value: Array) -> None:
        """Note what the function assigns to a variable."""
        self._assigned[id(variable)] = variable, value

    def finish(self) -> None:
        """Make the function's assignments good, at once or with the step of training, unless it was only tried."""
        if not is_trying():
            for variable, value in self._assigned.values():
                change(partial(variable.assign, value))


class _Now(NamedTuple):
    passing: Pass | None = None
    trying: set[int] | None = None
    """None: what functions do counts. Else they only run to see what comes out, and these are sizes they have named."""


_now = Scoped("pass", _Now())


def current() -> Pass | None:
    """Return the pass that this thread is in, None if it is in none."""
    return _now.get().passing


def is_trying() -> bool:
    """Whether functions of this thread only run to see what comes out."""
    return _now.get().trying is not None


def note_sizes(shape: Iterable[int]) -> None:
    """Note that a function makes an array of a shape: what is only tried may work for inputs of such sizes alone."""
    named = _now.get().trying
    if named is not None:
        named.update(shape)


def noted_sizes() -> Set[int]:
    """Return what was noted while functions of this thread were only tried."""
    return _now.get().trying or frozenset()


def within(passing: Pass | None) -> AbstractContextManager[object]:
    """For the time of a block, this thread is in a pass, or in none."""
    return _now.being(_Now(passing, _now.get().trying))


def trying() -> AbstractContextManager[object]:
    """For the time of a block, functions only run to see what comes out: what they assign to variables is dropped."""
    return _now.being(_Now(trying=set()))
