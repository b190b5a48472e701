"""Several callbacks, told together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from fastlstm import checks

from ..foundation.carried import State
from ..foundation.lookup import of_this_package
from ..foundation.training_step import Listener
from .backup_and_restore import BackupAndRestore
from .base import Callback
from .frequency import Periodic
from .gradient_flow import GradientFlow
from .history import History
from .lambda_callback import LambdaCallback
from .states import StatesOf

Hook: TypeAlias = Callable[..., None]


class CallbackList:
    """Calls each hook of a list of callbacks that has been overridden.

    Parameters
    ----------
    callbacks : list of Callback, optional
        One callback, several, or another list of this kind.
    model : Model
        Given to the callbacks.
    add_history : bool
        Whether a `History` is appended if there is none.
    **params : dict
        Given to the callbacks.

    Raises
    ------
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> history = keras.callbacks.History()
    >>> hooks = keras.callbacks.CallbackList([history], model=model)
    >>> hooks.call("on_epoch_end", 0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self, callbacks: Any = None, model: Any = None, add_history: bool = False, **params: Any) -> None:
        self.callbacks: list[Any] = checked_callbacks(callbacks)
        wants_history = checks.truth("add_history", add_history)
        if wants_history and not any(isinstance(callback, History) for callback in self.callbacks):
            self.callbacks.append(History())
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
        self._for_users: Callable[[Hook], Hook] = lambda method: method

    @property
    def history(self) -> History:
        """The last `History` of the list."""
        found: History = next(callback for callback in reversed(self.callbacks) if isinstance(callback, History))
        return found

    @property
    def listeners(self) -> list[Listener]:
        """Who is told how large gradients of states are."""
        return [one.listen for one in self.callbacks if isinstance(one, GradientFlow)]

    def hook(self, name: str) -> list[Hook]:
        """Return the overridden methods `name` that have something to do."""
        wanted = [one for one in self.callbacks if _overrides(one, name) and not _skips(one, name)]
        return [self._method(callback, name) for callback in wanted]

    def _method(self, callback: Any, name: str) -> Hook:
        method: Hook = getattr(callback, name)
        ours = of_this_package(type(callback)) and not isinstance(callback, LambdaCallback)
        return method if ours else self._for_users(method)

    # Checkpoints.

    @contextmanager
    def of_fit(self, for_users: Callable[[Hook], Hook]) -> Iterator[None]:
        """For the time of a block, a training is under way, of which checkpoints may be made.

        In it, methods that users wrote are called as `for_users` says.
        """
        self._for_users = for_users
        keepers = [one for one in self.callbacks if isinstance(one, Periodic)]
        # Last those from which a training goes on by itself: what else was to be written is there by then.
        self._keepers = sorted(keepers, key=lambda one: isinstance(one, BackupAndRestore))
        self._states = StatesOf(self.callbacks)
        for one in keepers:
            one.in_fit = True
        try:
            yield
        finally:
            for one in keepers:
                one.in_fit = False

    @property
    def keeps_batches(self) -> bool:
        """Whether checkpoints may be made between batches."""
        return any(not one.saves_by_epoch for one in self._keepers)

    def keep(self, state: Callable[[], State]) -> None:
        """Make the checkpoints that callbacks want; `state` gives that of the training."""
        for one in self._keepers:
            one.keep(state)

    def checkpoint(self) -> Any:
        """Return the checkpoint that a callback goes on from; None: there is none."""
        found = [one.found for one in self.callbacks if isinstance(one, BackupAndRestore) and one.found is not None]
        return found[-1] if found else None

    @property
    def states(self) -> StatesOf:
        """The states of the callbacks of a training."""
        return self._states

    def call(self, name: str, *args: Any) -> None:
        """Call `name` of all callbacks that override it."""
        for method in self.hook(name):
            method(*args)


def checked_callbacks(given: Any) -> list[Any]:
    """Return the callbacks of one, several, or a `CallbackList`; nothing is told to them."""
    if given is None:
        return []
    if isinstance(given, CallbackList):
        return given.callbacks
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | dict | type)
    callbacks = [callback for callback in (given if several else [given]) if callback is not None]
    for callback in callbacks:
        if isinstance(callback, type):
            checks.refuse(TypeError, "callbacks", f"instances such as {callback.__name__}(...)", callback)
        if not hasattr(callback, "on_epoch_end"):
            checks.refuse(TypeError, "callbacks", "keras.callbacks.Callback instances", callback)
    return callbacks


def _skips(callback: Any, name: str) -> bool:
    return hasattr(callback, "skips_hook") and bool(callback.skips_hook(name))


def _overrides(callback: Any, name: str) -> bool:
    if name in ("on_train_batch_begin", "on_train_batch_end") and _overrides(callback, name.replace("train_", "")):
        return True
    method = getattr(callback, name, None)
    return method is not None and getattr(method, "__func__", method) is not getattr(Callback, name)
