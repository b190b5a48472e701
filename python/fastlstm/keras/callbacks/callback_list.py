"""Several callbacks, told together."""

from collections.abc import Callable, Iterable
from typing import Any

from fastlstm import checks

from .base import Callback
from .history import History


class CallbackList:
    """Calls each hook of a list of callbacks that has been overridden.

    Parameters
    ----------
    callbacks
        One callback, several, or another list of this kind.
    model
        Given to the callbacks.
    add_history
        Whether a `History` is appended if there is none.
    **params
        Given to the callbacks.
    """

    def __init__(self, callbacks: Any = None, model: Any = None, add_history: bool = False, **params: Any) -> None:
        self.callbacks: list[Any] = checked_callbacks(callbacks)
        wants_history = checks.truth("add_history", add_history)
        if wants_history and not any(isinstance(callback, History) for callback in self.callbacks):
            self.callbacks.append(History())
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)

    @property
    def history(self) -> History:
        """The last `History` of the list."""
        found: History = next(callback for callback in reversed(self.callbacks) if isinstance(callback, History))
        return found

    def hook(self, name: str) -> list[Callable[..., None]]:
        """Return the overridden methods `name` that have something to do."""
        wanted = [one for one in self.callbacks if _overrides(one, name) and not _skips(one, name)]
        return [getattr(callback, name) for callback in wanted]

    def epochs(self, given: range) -> range:
        """Return the epochs of a training: those left of one that a callback goes on with, or the given ones."""
        first = [found for one in self.callbacks if (found := getattr(one, "resumes_at", None)) is not None]
        return range(first[-1], given.stop) if first else given

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
