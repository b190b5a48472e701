"""How large the gradients of recurrent states are, by epoch, layer and step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.arrays import Array
from ..foundation.core import Flow
from ..foundation.pictures import panels
from ..foundation.training_step import way_back
from ..layers.recurrent.cell import RecurrentCell
from ..layers.recurrent.finding import recurrent_layers
from ..layers.recurrent.rnn import RNN
from .arguments import names
from .base import Callback, Logs
from .flow_advice import verdict


class _Watched(NamedTuple):
    """A cell that is listened to."""

    cell: RecurrentCell
    name: str
    backwards: bool


class GradientFlow(Callback):
    """Records how large the gradients of recurrent states are at every step, and warns when they vanish or explode.

    What is recorded is the norm of dL/dh_t, the gradient of the loss of a batch with respect to the states after step
    t, with all ways from there to the loss: by the outputs of that step and through later ones. It is a by-product of
    the way back; the training is the same to the bit. The loss is a mean over the batch, so norms of batches of other
    sizes are not to be compared: steps and epochs are.

    Parameters
    ----------
    layers : sequence of str, optional
        Names of the recurrent layers to be looked at; None: all of the model. Cells that are stepped in Python, such as
        your own and those with other activations than the core's, must be left out.
    vanishing : float
        Warn, once a layer, when the norm at the first step that was read is below this part of the largest; 0: never.
    exploding : float
        Warn, once a layer, when a norm is larger than that of the last step so many times; ``inf``: never.

    Attributes
    ----------
    h : dict of str to ndarray
        By the name of the layer, ``(epochs, T)``: the norm at step t of `x`, NaN where no row had that step. Stacked
        cells have ``layer/cell`` as names, the directions of `Bidirectional` those of the layers inside.
    c : dict of str to ndarray
        The same of dL/dc_t, for the LSTMs among them.
    epoch : list of int
        Numbers of the epochs, from 0.

    Raises
    ------
    ValueError
        When the training begins: a layer is not there, or is stepped in Python.

    Notes
    -----
    With B batches in an epoch and rows n of a batch ::

        norm_t = sqrt( 1/B  sum_b  sum_n  |dL_b / dh_{t,n}|^2 )

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm import keras
    >>> model = keras.Sequential([keras.Input((7, 3)), keras.layers.LSTM(4, name="lstm"), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> flow = keras.callbacks.GradientFlow()
    >>> history = model.fit(np.ones((8, 7, 3)), np.ones(8), epochs=2, verbose=0, callbacks=[flow])
    >>> flow.h["lstm"].shape, flow.c["lstm"].shape
    ((2, 7), (2, 7))
    """

    kept = ("epoch", "h", "c", "_sums", "_batches", "_told")

    def __init__(self, layers: Sequence[str] | None = None, vanishing: float = 1e-3, exploding: float = 1e4) -> None:
        super().__init__()
        self.layers = None if layers is None else names("layers", layers)
        self.vanishing = checks.real_number("vanishing", vanishing, at_least=0, below=1)
        self.exploding = checks.real_number("exploding", exploding, above=1, infinite=True)
        self._begin()

    def _begin(self) -> None:
        self.epoch: list[int] = []
        self.h: dict[str, Array] = {}
        self.c: dict[str, Array] = {}
        self._sums: dict[str, dict[str, Array]] = {}
        self._batches = 0
        self._told: list[str] = []
        self._watched: dict[int, _Watched] = {}
        self._cut: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start afresh, with the layers of the model."""
        self._begin()
        found = {layer.name: layer for step in self.model.plan.steps for layer in recurrent_layers(step.layer)}
        if not found:
            checks.complain(ValueError, "GradientFlow: model", "have recurrent layers", self.model.name)
        for name in found if self.layers is None else self.layers:
            checks.one_of("GradientFlow: layers", name, found)
            self._watch(found[name])

    def _watch(self, layer: RNN) -> None:
        if not layer.tapes:
            cure = ": its steps are taken in Python, not by the compiled core; give layers=[...] without it"
            got = f"{layer.name} with a {type(layer.cell).__name__}"
            checks.complain(ValueError, "GradientFlow: layers", "run in the compiled core", got, cure)
        stacked = getattr(layer.cell, "cells", None)
        for cell in stacked or [layer.cell]:
            name = f"{layer.name}/{cell.name}" if stacked else layer.name
            self._watched[id(cell)] = _Watched(cell, name, layer.go_backwards)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start sums of an epoch."""
        self._sums, self._batches = {}, 0

    def listen(self, cell: Any, flow: Flow, mask: Array | None) -> None:
        """Take the norms of a cell that went back through all its steps, in its order of reading."""
        watched = self._watched.get(id(cell))
        if watched is None:
            return
        order = slice(None, None, -1 if watched.backwards else 1)
        sums = self._sums.setdefault(watched.name, {})
        there = np.ones(len(flow.h)) if mask is None else mask.any(axis=1).astype(float)
        sums["there"] = _joined(sums.get("there"), there[order])
        for name, norms in flow._asdict().items():
            if norms is not None:
                sums[name] = _joined(sums.get(name), _of_all_rows(norms)[order])
        self._cut = way_back().tbptt

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Count the batches; at their end there would be logs to be made."""
        self._batches += 1

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the norms of the epoch, and say so if they vanish or explode."""
        self.epoch.append(epoch)
        for watched in self._watched.values():
            sums = self._sums.get(watched.name, {"there": np.zeros(0), "h": np.zeros(0)})
            for name, kept in (("h", self.h), ("c", self.c)):
                if name in sums:
                    norms = np.where(sums["there"] > 0, sums[name] / math.sqrt(max(self._batches, 1)), np.nan)
                    kept[watched.name] = _with_row(kept.get(watched.name), norms, len(self.epoch))
            self._judge(watched, epoch, sums["h"][sums["there"] > 0])

    def _judge(self, watched: _Watched, epoch: int, norms: Array) -> None:
        """Warn, once, of the norms at the steps that there are."""
        norms = norms[:: -1 if watched.backwards else 1]
        if self._cut is not None:  # the last piece: what comes before has no gradients at all
            norms = norms[(len(norms) - 1) // self._cut * self._cut :]
        found = verdict(watched.cell, self.model.optimizer, norms, self.vanishing, self.exploding)
        if found is None or f"{watched.name} {found.kind}" in self._told:
            return
        self._told.append(f"{watched.name} {found.kind}")
        message = f"{watched.name}: the gradients of its states, in epoch {epoch + 1}, {found.text}"
        warnings.warn(message, RuntimeWarning, stacklevel=user_stacklevel())

    def plot(self) -> Any:
        """Draw the norms over the steps, a panel for each layer and a line for each epoch, those of dL/dc_t dashed.

        Returns
        -------
        matplotlib.figure.Figure
            Of ``matplotlib.pyplot``: its ``show()`` shows it, ``savefig(path)`` of the figure writes it.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            Nothing has been recorded yet.
        """
        if not self.h:
            checks.complain(ValueError, "GradientFlow", "have been in a fit() before plot()", "no epochs")
        figure, axes = panels("GradientFlow.plot()", len(self.h))
        for (name, norms), ax in zip(self.h.items(), axes, strict=True):
            for rows, symbol, style in ((norms, "h", "-"), (self.c.get(name, ()), "c", "--")):
                for number, row in enumerate(rows):
                    colour = f"C{number}" if len(norms) <= 10 else str(0.8 - 0.8 * number / len(norms))
                    label = f"{symbol}, epoch {self.epoch[number] + 1}" if number in (0, len(norms) - 1) else None
                    ax.plot(np.arange(len(row)), row, style, color=colour, linewidth=1.3, label=label)
            ax.set(title=name, xlabel="step t", ylabel="norm of dL/dh (dL/dc dashed)", yscale="log")
            ax.legend(frameon=False, fontsize="small")
        return figure


def _of_all_rows(norms: Array) -> Array:
    """Root of the sum of squares over rows (T, N), of shares of the largest: squares may be no numbers."""
    largest = norms.max(axis=1, initial=0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    shares = norms / scale[:, None]
    found: Array = scale * np.sqrt(np.einsum("tn,tn->t", shares, shares))
    return found


def _joined(total: Array | None, part: Array) -> Array:
    """Root of the sum of squares, where squares may be no numbers; the longer of both says how many steps there are."""
    if total is None:
        return part.copy()
    long, short = (total, part) if len(total) >= len(part) else (part, total)
    found = long.copy()
    found[: len(short)] = np.hypot(long[: len(short)], short)
    return found


def _with_row(rows: Array | None, row: Array, count: int) -> Array:
    """`count` rows, the last `row`, and NaN where there is nothing."""
    steps = max(len(row), 0 if rows is None else rows.shape[1])
    found = np.full((count, steps), np.nan)
    if rows is not None:
        found[: len(rows), : rows.shape[1]] = rows
    found[-1, : len(row)] = row
    return found
