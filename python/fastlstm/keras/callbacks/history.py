"""History: the logs of every epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.carried import State
from ..foundation.pictures import panels
from .arguments import names as as_names
from .base import Callback, Logs


class History(Callback):
    """Records the logs of every epoch; `fit` gives it back.

    Attributes
    ----------
    history
        Name to list of floats, one an epoch.
    epoch
        Numbers of the epochs, from 0.

    Raises
    ------
    ValueError
        A checkpoint has something else than lists of numbers by name (`set_state`), or there is nothing to `plot`.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> history = model.fit(x, y, epochs=3, verbose=0)
    >>> history.epoch
    [0, 1, 2]
    >>> sorted(history.history)
    ['loss']
    """

    kept = ("history", "epoch")

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the list of epochs."""
        self.epoch = []
        if self.model is not None:  # which may be interrupted before its first epoch is whole
            self.model.history = self

    def set_state(self, state: State) -> None:
        """See `Callback.set_state`."""
        super().set_state(state)
        if not isinstance(self.history, dict) or not all(isinstance(values, list) for values in self.history.values()):
            checks.refuse(ValueError, "history", "lists of numbers by name", self.history)
        if self.epoch:
            self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def plot(self, names: Sequence[str] | None = None) -> Any:
        """Draw the curves of losses and metrics, a panel for each, that of the validation beside that of the training.

        Parameters
        ----------
        names : sequence of str, optional
            Which, without ``val_``; None: all.

        Returns
        -------
        matplotlib.figure.Figure
            Of ``matplotlib.pyplot``: its ``show()`` shows it, ``savefig(path)`` of the figure writes it.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            A name is not among the logs, or there are none yet.
        """
        known = list(dict.fromkeys(name.removeprefix("val_") for name in self.history))
        if not known:
            checks.complain(ValueError, "History", "have been in a fit() before plot()", "no epochs")
        chosen = known if names is None else [checks.one_of("names", name, known) for name in as_names("names", names)]
        figure, axes = panels("History.plot()", len(chosen))
        for name, ax in zip(chosen, axes, strict=True):
            for entry, style, label in ((name, "--", "training"), (f"val_{name}", "-", "validation")):
                values = self.history.get(entry, [])
                epochs = np.arange(len(values)) + 1
                ax.plot(epochs, values, style, color="tab:blue", linewidth=1.5, label=label if values else None)
            ax.set(title=name, xlabel="epoch")
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.legend(frameon=False)
        return figure
