"""The states of the callbacks of a training, in checkpoints."""

from __future__ import annotations

import warnings
from typing import Any

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.carried import State
from ..foundation.lookup import of_this_package
from .base import Callback

_GIVEN = ("model", "params")
_KEEPERS = ("BackupAndRestore", "ModelCheckpoint")
"""What writes checkpoints, and need not go on doing so."""


class StatesOf:
    """The states of callbacks, as a checkpoint has them, in order.

    Parameters
    ----------
    callbacks : list
        The callbacks.
    """

    def __init__(self, callbacks: list[Any]) -> None:
        self.callbacks = callbacks
        self._before: dict[int, dict[str, Any]] = {}
        self._told: set[int] = set()

    def begin(self) -> None:
        """Note what callbacks are like before the first epoch."""
        self._before = {id(one): _marks(one) for one in self.callbacks}

    def get(self) -> list[Any]:
        """Return classes and states, and warn of what is missing."""
        states = []
        for one in self.callbacks:
            state = one.get_state() if hasattr(one, "get_state") else {}
            states.append([type(one).__name__, state])
            self._warn_of_rest(one, state)
        return states

    def matched(self, states: list[Any]) -> list[tuple[Any, State]]:
        """Return which callback goes on from which state: the first of a class from the first of it, and so on."""
        left, found = list(self.callbacks), list[tuple[Any, State]]()
        for kind, state in states:
            one = next((one for one in left if type(one).__name__ == kind), None)
            if one is not None:
                left.remove(one)
                found.append((one, state))
            elif state and kind not in _KEEPERS:
                message = f"the checkpoint has the state of a {kind}, which is not among the callbacks of this training"
                warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
        return found

    def set(self, states: list[Any]) -> None:
        """Let callbacks go on from the states that `get` gave."""
        for one, state in self.matched(states):
            if state and not hasattr(one, "set_state"):
                checks.complain(TypeError, type(one).__name__, "have set_state(state)", "a callback without it")
            if hasattr(one, "set_state"):
                one.set_state(state)

    def _warn_of_rest(self, callback: Any, state: State) -> None:
        before, now = self._before.get(id(callback), {}), _marks(callback)
        changed = [name for name, mark in now.items() if name not in state and before.get(name) != mark]
        if changed and id(callback) not in self._told and not _says_it_all(callback):
            self._told.add(id(callback))
            message = (
                f"the checkpoint does not have what has changed in {type(callback).__name__}: {', '.join(changed)}; "
                f"name it in its attribute kept, or give it get_state() and set_state(state)"
            )
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def _says_it_all(callback: Any) -> bool:
    """Whether a callback is one of this package, or has a `get_state` of its own."""
    own = getattr(type(callback), "get_state", None)
    return of_this_package(type(callback)) or (own is not None and not of_this_package(own))


def _marks(callback: Any) -> dict[str, Any]:
    """Return what tells, of most attributes, that they have changed."""
    derived = any(of_this_package(base) and base is not Callback for base in type(callback).__mro__[:-1])
    names = [name for name in vars(callback) if name not in _GIVEN and not (derived and name.startswith("_"))]
    return {name: _mark(vars(callback)[name]) for name in names}


def _mark(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return (id(value), len(value)) if isinstance(value, list | dict | set | tuple) else id(value)
