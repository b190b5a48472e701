"""Callbacks of a training that several ranks have together: rank 0 runs them, and all follow what they do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from fastlstm import checks

from ...callbacks import CallbackList, GradientFlow, History, checked_callbacks
from ...callbacks.callback_list import Hook
from ...callbacks.states import StatesOf
from ...distribution import DataParallel
from ...foundation.arrays import Array
from ...foundation.carried import State
from ...foundation.distributed import being
from ...foundation.variable import CHANGE, replace_values


class _Changes(NamedTuple):
    """What callbacks have done to a training."""

    stop: bool
    rate: float | None
    """The learning rate, if it is another one."""
    weights: dict[int, Array]
    """Those that are others, by their numbers."""
    logs: dict[str, Any]


class JointCallbacks(CallbackList):
    """Calls callbacks on rank 0, and lets the other ranks do what they did: stop, learning rate, weights, logs.

    So callbacks of any kind see one training, write one file and decide once; to them there is no distribution: a model
    that they evaluate they evaluate alone. Every rank has a `History`.

    Parameters
    ----------
    distribution : DataParallel
        The ranks.
    callbacks, model, add_history, **params : list of Callback; Model; bool; dict
        See `CallbackList`.
    """

    def __init__(
        self, distribution: DataParallel, callbacks: Any, model: Any, add_history: bool = False, **params: Any
    ) -> None:
        given = checked_callbacks(callbacks)
        if any(isinstance(one, GradientFlow) for one in given):
            must = "not have a GradientFlow where several ranks train"
            checks.complain(ValueError, "callbacks", must, "one", ": it sees gradients of one rank's rows")
        own = given if distribution.rank == 0 else [one for one in given if isinstance(one, History)]
        super().__init__(own, model, add_history, **params)
        self._distribution, self._model = distribution, model

    def hook(self, name: str) -> list[Hook]:
        """See `CallbackList.hook`; on all ranks, if rank 0 has something to do."""
        found = super().hook(name)
        return [partial(self._done, found)] if self._distribution.from_first(bool(found)) else []

    def _done(self, methods: Sequence[Hook], *args: Any) -> None:
        if self._distribution.rank:
            self._follow(self._distribution.from_first(None), args[-1])
        marks = self._marks()
        with being(None):
            for method in methods:
                method(*args)
        if not self._distribution.rank:
            self._distribution.from_first(self._changes(marks, args[-1]))

    def _marks(self) -> tuple[float | None, list[Array]]:
        optimizer = self._model.optimizer
        rate = None if optimizer is None else float(optimizer.learning_rate)
        return rate, [variable.value for variable in self._model.weights]

    def _changes(self, before: tuple[float | None, list[Array]], logs: Any) -> _Changes:
        (old_rate, old), (rate, new) = before, self._marks()
        pairs = enumerate(zip(old, new, strict=True))
        others = {k: now for k, (then, now) in pairs if now is not then}
        return _Changes(self._model.stop_training, None if rate == old_rate else rate, others, logs)

    def _follow(self, changes: _Changes, logs: dict[str, Any]) -> None:
        logs.clear()
        logs.update(changes.logs)
        self._model.stop_training = changes.stop
        if changes.rate is not None:
            self._model.optimizer.learning_rate = changes.rate
        if changes.weights:
            variables = self._model.weights
            with CHANGE:
                chosen = [variables[k] for k in changes.weights]
                replace_values(chosen, [v.checked(w) for v, w in zip(chosen, changes.weights.values(), strict=True)])

    def checkpoint(self) -> Any:
        """See `CallbackList.checkpoint`; on all ranks that of rank 0."""
        found = super().checkpoint()
        parts = self._distribution.from_first(None if found is None else found.parts)
        return found if found is not None or parts is None else self._model.checkpoint_of(*parts)

    @property
    def states(self) -> StatesOf:
        """See `CallbackList.states`."""
        return _StatesOfSome(self.callbacks) if self._distribution.rank else super().states


class _StatesOfSome(StatesOf):
    """States of callbacks where others are rank 0's."""

    def matched(self, states: list[Any]) -> list[tuple[Any, State]]:
        """See `StatesOf.matched`."""
        kinds = {type(one).__name__ for one in self.callbacks}
        return super().matched([entry for entry in states if entry[0] in kinds])
