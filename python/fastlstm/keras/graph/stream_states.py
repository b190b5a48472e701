"""What a stream of a model keeps from one step to the next, layer by layer."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from fastlstm import checks

from ..foundation import core
from ..foundation.arrays import Array, as_array
from ..layers.history import Memory


class Field(NamedTuple):
    """One array of a state."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def checked(self, value: Any) -> Array:
        """`value` as an array for this field."""
        array = as_array(value, f"state: {self.name}", self.dtype)
        if array.shape != self.shape:
            checks.refuse_shape(f"state: {self.name}", self.shape, array.shape)
        return array


class LayerState(Protocol):
    """What one layer keeps."""

    @property
    def fields(self) -> list[Field]:
        """The arrays it is made of."""

    def get(self) -> list[Array]:
        """Return copies of the arrays."""
        ...

    def set(self, arrays: list[Array]) -> None:
        """Set all of them."""
        ...

    def reset(self) -> None:
        """Set them to zero."""
        ...


class CellState:
    """The states of a recurrent layer that the compiled core steps."""

    def __init__(self, name: str, weights: core.Weights, stream: core.Stream, rows: int) -> None:
        self._stream = stream
        parts = ("h", "c") if weights.cell == "lstm" else ("h",)
        self.fields = [Field(f"{name} {part}", (rows, weights.hidden_size), weights.dtype) for part in parts]

    def get(self) -> list[Array]:
        """See `LayerState`."""
        return [part for part in self._stream.state()[0] if part is not None]

    def set(self, arrays: list[Array]) -> None:
        """See `LayerState`."""
        h, c = (*arrays, None)[:2]
        assert h is not None
        self._stream.set_state([(h, c)])

    def reset(self) -> None:
        """See `LayerState`."""
        self._stream.reset()


class MemoryState:
    """The memory of a layer that is stepped in Python."""

    def __init__(self, name: str, memory: Memory) -> None:
        self._memory = memory
        parts = zip(memory.names, memory.state, strict=True)
        self.fields = [Field(f"{name} {part}", array.shape, array.dtype) for part, array in parts]

    def get(self) -> list[Array]:
        """See `LayerState`."""
        return self._memory.state

    def set(self, arrays: list[Array]) -> None:
        """See `LayerState`."""
        self._memory.state = arrays

    def reset(self) -> None:
        """See `LayerState`."""
        self._memory.reset()
