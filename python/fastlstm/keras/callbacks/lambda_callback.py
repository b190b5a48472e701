"""A callback out of functions."""

from collections.abc import Callable
from typing import Any

from fastlstm import checks

from .base import Callback


class LambdaCallback(Callback):
    """A callback out of functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))``.

    Parameters
    ----------
    **hooks : callable
        Functions by the names of the methods of `Callback`, with their arguments.

    Raises
    ------
    ValueError
        If a name is not that of a method of `Callback`.
    TypeError
        If a hook is not a function.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> seen = []
    >>> callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    >>> history = model.fit(x, y, epochs=3, callbacks=[callback], verbose=0)
    >>> seen
    [0, 1, 2]
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        super().__init__()
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                checks.refuse(ValueError, "LambdaCallback: each hook", "a method of Callback", name)
            if function is not None:
                setattr(self, name, checks.function(name, function))
