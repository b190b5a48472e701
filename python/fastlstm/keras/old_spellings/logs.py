"""Old names of what `fit` logs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..callbacks import History
from ..callbacks.monitor import Monitor
from .telling import tell

NAMES = {"acc": "accuracy", "val_acc": "val_accuracy"}
"""What ``metrics=["accuracy"]`` was logged as; ``metrics=["acc"]`` is still."""


def install() -> None:
    """Let a history, and callbacks that watch a value, find what had another name."""
    History.__init__ = _with_old_names(History.__init__)  # type: ignore[method-assign, assignment]
    Monitor.monitored = _finding_old_names(Monitor.monitored)  # type: ignore[method-assign]


class _Logs(dict[str, Any]):
    """Values of the epochs by name; one that is not there may be an old one."""

    def __missing__(self, name: str) -> Any:
        today = NAMES.get(name, "")
        if today not in self:
            raise KeyError(name)
        tell(f"history[{name!r}]", f"history[{today!r}]")
        return self[today]


def _with_old_names(function: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(function)
    def made(self: Any) -> None:
        function(self)
        self.history = _Logs(self.history)

    return made


def _finding_old_names(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def monitored(self: Any, logs: Any) -> Any:
        today = NAMES.get(self.monitor)
        if self.monitor not in logs and today in logs:
            tell(f"{type(self).__name__}: monitor={self.monitor!r}", f"monitor={today!r}")
            self.monitor = today
        return function(self, logs)

    return monitored
