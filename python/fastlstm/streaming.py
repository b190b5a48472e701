"""Streams: a recurrent layer stepped one time step at a time, keeping its state between calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import _core
from fastlstm.typing import Floats

__all__ = ["Stream", "step_many"]


class Stream:
    """A layer, one time step at a time.

    Made by ``layer.stream(batch_size)``. A stream owns its state; any number of them share one set of weights, as it
    was when they were made. Steps have the same bits as the whole sequence. Streams may step in many threads at once,
    each stream in one thread at a time.

    Attributes
    ----------
    step : callable
        ``step(x_t, out=None) -> h``: take one step. `x_t` is ``(I,)`` for a batch of one, giving ``(H,)``, or
        ``(N, I)``, giving ``(N, H)``. With `out` nothing is allocated. Raises ValueError for a wrong shape, TypeError
        for a wrong dtype, RuntimeError while another thread is stepping this stream.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> layer = fl.LSTM(3, 5, seed=0)
    >>> x = np.ones((7, 3), "float32")
    >>> stream = layer.stream()
    >>> h = [stream.step(x_t) for x_t in x]
    >>> bool(np.array_equal(h, layer(x)[0]))
    True
    """

    def __init__(self, weights: Sequence[_core.Weights], batch_size: int) -> None:
        self._weights = list(weights)
        self._core = _core.Stream(self._weights, batch_size)
        self.batch_size = batch_size
        self.step = self._core.step

    @property
    def state(self) -> Any:
        """Copies of the state: ``(h, c)`` or ``h``, each ``(L, N, H)`` for L layers. May be assigned."""
        parts = [self._core.state(layer) for layer in range(len(self._weights))]
        h = np.stack([part[0] for part in parts])
        cells = [part[1] for part in parts if part[1] is not None]
        return (h, np.stack(cells)) if cells else h

    @state.setter
    def state(self, state: Any) -> None:
        has_cell = self._weights[0].cell == "lstm"
        if has_cell and not (isinstance(state, (tuple, list)) and len(state) == 2):
            raise TypeError(f"state must be a pair of arrays (h, c), got {type(state).__name__}")
        arrays = [np.asarray(part) for part in (state if has_cell else (state,))]
        shape = (len(self._weights), self.batch_size, self._weights[0].hidden_size)
        for array in arrays:
            if array.shape != shape:
                raise ValueError(f"state must hold arrays of shape {shape}, got {array.shape}")
            if array.dtype != self._weights[0].dtype:
                raise TypeError(f"state must have dtype {self._weights[0].dtype}, got {array.dtype}")
        for layer in range(len(self._weights)):
            self._core.set_state(layer, *(array[layer] for array in arrays))

    def reset(self) -> None:
        """Set the state to zero."""
        self._core.reset()

    def copy(self) -> Stream:
        """Make a second stream that goes on from this one's state."""
        twin = Stream(self._weights, self.batch_size)
        twin.state = self.state
        return twin


def step_many(streams: Sequence[Stream], x: Floats, out: Floats | None = None) -> Floats:
    """Take one step of many streams at once, as one batch.

    Parameters
    ----------
    streams : sequence of Stream
        ``M`` different streams of one layer, each with a batch size of 1 and a state of its own.
    x : ndarray
        ``(M, I)``, the input of every stream.
    out : ndarray, optional
        ``(M, H)``, written in place of a new array.

    Returns
    -------
    ndarray
        ``(M, H)``, with the bits that a step of every stream alone would give.

    Raises
    ------
    ValueError
        If a shape is wrong, a stream is named twice, or the streams are not of one layer.
    TypeError
        If a dtype is wrong.
    RuntimeError
        While another thread is stepping one of them.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> layer = fl.LSTM(3, 5, seed=0)
    >>> streams = [layer.stream() for _ in range(100)]
    >>> fl.step_many(streams, np.ones((100, 3), "float32")).shape
    (100, 5)
    """
    return _core.step_many([stream._core for stream in streams], x, out)
