"""A whole model, one time step at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from fastlstm import _core

from .arrays import Array, as_array
from .data import count
from .layers.base import Layer
from .layers.embedding import Embedding
from .layers.recurrent import Recurrent, States

Step = Callable[[Array], Array]


class ModelStream:
    """A model that takes one time step a call and keeps the states of its recurrent layers between calls.

    Made by ``model.stream(batch_size)``. It goes on with the weights the model had then; any number of streams share
    them. The outputs have the bits that `predict` gives for the whole sequence; whether a layer was made with
    ``return_sequences`` does not matter. One thread at a time may use a stream.

    Parameters
    ----------
    model
        A built `Sequential`.
    batch_size
        Number of sequences that go on side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers
    >>> model = Sequential([Input((None, 3)), layers.LSTM(8), layers.Dense(2, activation="softmax")])
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> stream = model.stream()
    >>> outputs = [stream.step(x_t) for x_t in x]
    >>> bool(np.array_equal(outputs[-1], model.predict(x[None], verbose=0)[0]))
    True
    """

    def __init__(self, model: Any, batch_size: int = 1) -> None:
        if not model.built:
            raise ValueError(f"{model.name}: has no weights yet; build it or give it an input shape first")
        self.batch_size = count("batch_size", batch_size)
        self._first: Layer = model.layers[0]
        self._shape = _step_shape(model)
        self._streams: list[tuple[Recurrent, _core.Stream]] = []
        self._steps = [(layer, self._step_of(layer)) for layer in model.layers]

    def _step_of(self, layer: Layer) -> Step:
        if not isinstance(layer, Recurrent):
            return layer.step_function()
        stream = _core.Stream([layer.stream_weights()], self.batch_size)
        self._streams.append((layer, stream))
        return stream.step

    def step(self, x_t: Any) -> Array:
        """Take one time step.

        Parameters
        ----------
        x_t
            Features ``(N, I)`` of this step, or ``(I,)`` for a batch of one. For a model that begins with an Embedding,
            indices ``(N,)`` or one index.

        Returns
        -------
        ndarray
            The model's output after this step, ``(N, O)``; ``(O,)`` if `x_t` came without a batch axis.
        """
        x = self._first.as_input(x_t, "x_t")
        single = self.batch_size == 1 and x.shape == self._shape
        if not single and x.shape != (self.batch_size, *self._shape):
            alone = f" or {self._shape}" if self.batch_size == 1 else ""
            raise ValueError(f"x_t: got shape {x.shape}, wanted {(self.batch_size, *self._shape)}{alone}")
        y = x[None] if single else x
        for layer, step in self._steps:
            if y.dtype != layer.dtype and y.dtype.kind == "f":
                y = y.astype(layer.dtype)
            y = step(y)
        return y[0] if single else y

    @property
    def states(self) -> list[States]:
        """Copies of the states, a tuple ``(h, c)`` or ``(h,)`` of arrays ``(N, H)`` a recurrent layer. May be set."""
        found = (stream.state(0) for _, stream in self._streams)
        return [(h,) if c is None else (h, c) for h, c in found]

    @states.setter
    def states(self, states: Sequence[Sequence[Any]]) -> None:
        if len(states) != len(self._streams):
            names = ", ".join(layer.name for layer, _ in self._streams)
            raise ValueError(f"states: got {len(states)} entries, wanted {len(self._streams)}, one for each of {names}")
        checked = [
            _checked(layer, given, self.batch_size) for (layer, _), given in zip(self._streams, states, strict=True)
        ]
        for (_, stream), arrays in zip(self._streams, checked, strict=True):
            stream.set_state(0, *arrays)

    def reset(self) -> None:
        """Set all states to zero: the next step is the first of a sequence."""
        for _, stream in self._streams:
            stream.reset()


def _step_shape(model: Any) -> tuple[int, ...]:
    least = 2 if isinstance(model.layers[0], Embedding) else 3
    if len(model.input_shape) < least:
        raise ValueError(f"{model.name}: takes inputs of shape {model.input_shape}, without time steps to stream")
    return tuple(model.input_shape[2:])


def _checked(layer: Recurrent, given: Any, rows: int) -> States:
    names, shape = layer.state_names, (rows, layer.units)
    if not isinstance(given, list | tuple) or len(given) != len(names):
        raise ValueError(
            f"states: {layer.name} has {len(names)} ({', '.join(names)}), wanted a tuple of so many arrays"
        )
    arrays = tuple(as_array(state, f"states: {layer.name}", layer.dtype) for state in given)
    for array in arrays:
        if array.shape != shape:
            raise ValueError(f"states: {layer.name} needs arrays of shape {shape}, got {array.shape}")
    return arrays
