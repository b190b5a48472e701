"""One run of a layer: its arguments in the engine's form, its states, and its results in the caller's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from fastlstm import _core, checks
from fastlstm.typing import Floats

from .arguments import as_array

if TYPE_CHECKING:
    from .base import Recurrent

State: TypeAlias = Any  # LSTM: (h, c); GRU, RNN: h


class Call:
    """A run without a way back, of one layer or of several on top of each other.

    Parameters
    ----------
    layers : sequence of Recurrent
        The lowest first, each of the input size that the one below gives; `batch_first` and directions are the same.
    x : ndarray
        Input of the first.
    states : sequence of State
        Of each layer.
    lengths : array_like, optional
        Valid steps of every row, or None.
    names : sequence of str
        Of the states, in errors.
    """

    def __init__(
        self,
        layers: Sequence[Recurrent],
        x: Floats,
        states: Sequence[State],
        lengths: Any,
        names: Sequence[str] = ("state",),
    ) -> None:
        self.layers, self.layer = layers, layers[-1]
        first = layers[0]
        self.weights = first._weights
        x = as_array(x, "x", first.dtype)
        if x.ndim not in (2, 3) or x.shape[-1] != first.input_size:
            sizes = ("N, T" if first.batch_first else "T, N") + f", {first.input_size}"
            checks.refuse_shape("x", f"({sizes}) or (T, {first.input_size})", x.shape)
        self.batched = x.ndim == 3
        self.x = self.time_first(x)
        self.lengths = None if lengths is None else checks.whole_numbers("lengths", lengths)
        self.states = self._initial(first, states[0], names[0])
        if len(layers) > 1:
            above = zip(layers[1:], states[1:], names[1:], strict=True)
            self.states = [*self.states, *(start for given in above for start in self._initial(*given))]
            self.weights = [weights for layer in layers for weights in layer._weights]
        self.final: list[tuple[Floats, ...]] = []  # of every layer and direction

    def run(self) -> Floats:
        """All layers without tapes: (T, N, I) to (T, N, D*S)."""
        y, parts = self.outputs()
        self._forward(parts)
        return y

    def run_to_state(self) -> None:
        """As `run`, for the final states alone."""
        self._forward([None] * self.layer.num_directions)

    def _forward(self, parts: Sequence[Floats | None]) -> None:
        for h_n, c_n in _core.forward_stack(self.weights, self.x, self.states, parts, self.lengths):
            self.final.append((h_n,) if c_n is None else (h_n, c_n))

    # -- sequences ---------------------------------------------------------------------------------------------------

    def time_first(self, array: Floats) -> Floats:
        """Give an array with the axes of x those of the engine, ``(T, N, ...)``."""
        if not self.batched:
            return array[:, None]
        return array.transpose(1, 0, 2) if self.layer.batch_first else array

    def output(self, y: Floats) -> Floats:
        """Give a ``(T, N, ...)`` array the axes of x."""
        if not self.batched:
            return y[:, 0]
        return y.transpose(1, 0, 2) if self.layer.batch_first else y

    def output_shape(self, size: int) -> tuple[int, ...]:
        """Return that of what `output` makes of a ``(T, N, size)`` array."""
        T, N = self.x.shape[:2]
        if not self.batched:
            return T, size
        return (N, T, size) if self.layer.batch_first else (T, N, size)

    def empty(self, size: int) -> Floats:
        """Make a ``(T, N, size)`` array, in memory as the caller has x."""
        T, N = self.x.shape[:2]
        if self.batched and self.layer.batch_first:
            return _core.empty((N, T, size), self.layer.dtype).transpose(1, 0, 2)
        return _core.empty((T, N, size), self.layer.dtype)

    def outputs(self) -> tuple[Floats, list[Floats]]:
        """Make a layer's (T, N, D*S) array; with the part of every direction."""
        S, D = self.layer._state_size, self.layer.num_directions
        y = self.empty(D * S)
        return y, [y] if D == 1 else [y[..., :S], y[..., S:]]

    # -- states ------------------------------------------------------------------------------------------------------

    def _initial(self, layer: Recurrent, state: State, name: str) -> list[tuple[Floats | None, Floats | None]]:
        """(h_0, c_0) of every layer and direction."""
        count = layer.num_layers * layer.num_directions
        if state is None:
            return [(None, None)] * count
        arrays = self.state_arrays(layer, state, name)
        return [(arrays[0][k], arrays[1][k] if len(arrays) == 2 else None) for k in range(count)]

    def state_arrays(self, layer: Recurrent, state: State, name: str) -> tuple[Floats, ...]:
        """Check the arrays of a state of a `layer` or of its gradient, giving them a batch axis."""
        names = (f"{name}[0]", f"{name}[1]") if layer._states == 2 else (name,)
        parts = state if layer._states == 2 else (state,)
        if layer._states == 2 and not (isinstance(state, (tuple, list)) and len(state) == 2):
            checks.complain(TypeError, name, "be a pair of arrays (h, c)", type(state).__name__)
        arrays = []
        for part, part_name, size in zip(parts, names, (layer._state_size, layer.hidden_size), strict=False):
            shape: tuple[int, ...] = (layer.num_layers * layer.num_directions, self.x.shape[1], size)
            if not self.batched:
                shape = shape[::2]
            array = as_array(part, part_name, layer.dtype)
            if array.shape != shape:
                checks.refuse_shape(part_name, shape, array.shape)
            arrays.append(array if self.batched else array[:, None])
        return tuple(arrays)

    def pack_state(self, layer: Recurrent, states: Sequence[tuple[Floats, ...]]) -> State:
        """Give the states of all layers and directions of a `layer` the caller's form."""
        parts = tuple(_on_a_new_axis(part) for part in zip(*states, strict=True))
        if not self.batched:
            parts = tuple(part[:, 0] for part in parts)
        return parts if layer._states == 2 else parts[0]

    def final_states(self) -> list[State]:
        """Return the states of every layer after the last step in PyTorch's form."""
        if len(self.layers) == 1:  # as nearly always, and where a whole call takes microseconds
            return [self.pack_state(self.layer, self.final)]
        found, begin = [], 0
        for layer in self.layers:
            end = begin + layer.num_layers * layer.num_directions
            found.append(self.pack_state(layer, self.final[begin:end]))
            begin = end
        return found

    def final_hidden(self) -> Floats:
        """Return h of the last layer after the last step, directions joined: (N, D*S)."""
        parts = [state[0] for state in self.final[-self.layer.num_directions :]]
        hidden = parts[0] if len(parts) == 1 else cast(Floats, np.concatenate(parts, axis=-1))
        return hidden if self.batched else hidden[0]


def _on_a_new_axis(arrays: Sequence[Floats]) -> Floats:
    """``np.stack`` in a fraction of its time, which counts where a whole call takes microseconds."""
    if len(arrays) == 1:
        return arrays[0][None]
    return cast(Floats, np.concatenate(arrays).reshape(len(arrays), *arrays[0].shape))
