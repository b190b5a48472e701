"""Packed sequences, and runs of layers over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from fastlstm import _core
from fastlstm.layers.vjp import TrainingCall
from fastlstm.through_time import WHOLE
from fastlstm.typing import Floats

from .graph import Back


class Padding:
    """The places that the rows of a packed sequence have in a padded one.

    Parameters
    ----------
    batch_sizes : Tensor
        ``(T,)``, how many sequences have each step, the longest first.
    """

    def __init__(self, batch_sizes: torch.Tensor) -> None:
        self.batch_sizes, sizes = batch_sizes, batch_sizes.numpy()
        valid = np.arange(sizes[0]) < sizes[:, None]
        self.shape = valid.shape
        self.lengths = valid.sum(axis=0)
        self.places = np.flatnonzero(valid)

    def pad(self, packed: Floats) -> Floats:
        """Return ``(T, N, size)`` of ``(sum, size)``; what is not valid is anything."""
        flat = _core.empty((self.shape[0] * self.shape[1], packed.shape[1]), packed.dtype)
        flat[self.places] = packed
        return flat.reshape(*self.shape, -1)

    def pack(self, padded: Floats) -> Floats:
        """Return ``(sum, size)`` of ``(T, N, size)``."""
        packed: Floats = padded.reshape(-1, padded.shape[-1]).take(self.places, axis=0)
        return packed


class Run(TrainingCall):
    """A run of a layer with a way back, whose dropout draws from PyTorch's generator what PyTorch would draw.

    Parameters
    ----------
    layer : Layer
        Of the run.
    x : ndarray
        Input, or that of a packed sequence.
    state : sequence of ndarray
        To start with, or none.
    padding : Padding, optional
        Of a packed sequence, else None.
    dropout : float
        Probability with which an output between layers is dropped.
    """

    def __init__(self, layer: Any, x: Floats, state: Sequence[Floats], padding: Padding | None, dropout: float) -> None:
        self.padding = padding
        padded, lengths = (x, None) if padding is None else (padding.pad(x), padding.lengths)
        super().__init__(layer, padded, _in_form(layer, state), lengths, WHOLE)
        self.dropout = dropout

    def back(self, gradients: Sequence[Floats | None], needed: Sequence[bool]) -> list[Floats | None]:
        """Return gradients of x, of the states to start with and of the parameters, as far as they are needed."""
        names = [*self.parameters]
        states = len(needed) - 1 - len(names)
        wanted = {name for name, is_needed in zip(names, needed[1 + states :], strict=True) if is_needed}
        dy, *dstate = gradients
        seeds = [part if part is None or self.batched else part[:, None] for part in dstate]
        if self.padding is not None and dy is not None:
            dy = self.padding.pad(dy)
        found = self.pull(dy, seeds, False, {*wanted, "x"} if needed[0] else wanted)
        dx = found.x if self.padding is None or found.x is None else self.padding.pack(found.x)
        dstart = found.state if self.layer._states == 2 else (found.state,)
        return [dx, *dstart[:states], *(found.parameters.get(name) for name in names)]

    def dropout_mask(self, shape: tuple[int, ...], p: float) -> Floats:
        """Draw factors for a (T, N, D*S) array."""
        drawn = shape if self.padding is None else (len(self.padding.places), shape[-1])
        noise = torch.empty(drawn, dtype=torch.float64 if self.layer.dtype == np.float64 else torch.float32)
        factors: Floats = (noise.bernoulli_(1 - p).div_(1 - p) if p < 1 else noise.zero_()).numpy()
        return factors if self.padding is None else self.padding.pad(factors)


def with_axes(layer: Any, batch_first: bool) -> Any:
    """Return a layer that takes (N, T, I) or (T, N, I), with the arrays of `layer`."""
    if layer.batch_first != batch_first:
        layer = layer._now()
        layer.batch_first = batch_first
    return layer


def recorded(
    layer: Any, padding: Padding | None, dropout: float, x: Floats, *state: Floats
) -> tuple[list[Floats], Back]:
    """Return output and last states of a run, and its way back."""
    run = Run(layer, x, state, padding, dropout)
    y, last = run.output(run.run()), run.final_states()[0]
    return [y if padding is None else padding.pack(y), *(last if layer._states == 2 else (last,))], run.back


def unrecorded(layer: Any, padding: Padding | None, dropout: float, *arrays: Floats) -> list[Floats]:
    """Return output and last states of a run without a way back."""
    return recorded(layer, padding, dropout, *arrays)[0] if dropout else infer(layer, padding, *arrays)


def infer(layer: Any, padding: Padding | None, x: Floats, *state: Floats) -> list[Floats]:
    """Return output and last states of a run without a way back and without dropout.

    This is a call of the layer without its checks, which take as long as a step of a small one. The core's remain.
    """
    if padding is not None:
        lengths, x = padding.lengths, padding.pad(x)
    else:
        lengths, x = None, x.transpose(1, 0, 2) if layer.batch_first and x.ndim == 3 else x
    batched = x.ndim == 3
    if not batched:
        x = x[:, None]
        state = tuple([part[:, None] for part in state])
    y, last = _infer(layer, x, state, lengths)
    if not batched:
        return [y[:, 0], *[part[:, 0] for part in last]]
    if padding is not None:
        return [padding.pack(y), *last]
    return [y.transpose(1, 0, 2) if layer.batch_first else y, *last]


def _infer(layer: Any, x: Floats, state: Sequence[Floats], lengths: Any) -> tuple[Floats, list[Floats]]:
    """Of (T, N, I)."""
    weights = layer._weights
    T, N, _ = x.shape
    D, S = layer.num_directions, layer._state_size
    if layer.batch_first:
        y = _core.empty((N, T, D * S), x.dtype).transpose(1, 0, 2)
    else:
        y = _core.empty((T, N, D * S), x.dtype)
    parts = [y] if D == 1 else [y[..., :S], y[..., S:]]
    starts = list(zip(*state, strict=True)) if len(state) == 2 else [(h, None) for h in state[0]] if state else None
    found = _core.forward_stack(weights, x, starts, parts, lengths)
    if len(found) == 1:
        return y, [part.reshape(1, N, -1) for part in found[0] if part is not None]
    return y, [np.stack(part) for part in zip(*found, strict=True) if part[0] is not None]


def _in_form(layer: Any, state: Sequence[Floats]) -> Any:
    """Return a state as the array layer takes it."""
    if not state:
        return None
    return tuple(state) if layer._states == 2 else state[0]
