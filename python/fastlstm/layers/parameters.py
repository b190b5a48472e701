"""The parameters of recurrent layers: their names and shapes, and how they are drawn and packed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks
from fastlstm.precisions import for_packing

from .draws import uniform
from .quantizable import Quantizable
from .sizes import missing, stack_sizes

if TYPE_CHECKING:
    from typing_extensions import Self

_CORE_NAMES = {"bias_ih": "bias", "bias_hh": "recurrent_bias"}


def core_name(name: str) -> str:
    """Return what the engine calls a parameter; PyTorch's name where the two agree."""
    return _CORE_NAMES.get(name, name)


class RecurrentParameters(Quantizable):
    """What recurrent layers know of their parameters, from sizes that a layer sets before it draws them."""

    _gates: ClassVar[int]
    _of_parameters = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")

    input_size: int
    hidden_size: int
    proj_size: int
    num_layers: int
    bias: bool
    bidirectional: bool
    _weights: list[_core.Weights]  # the same, packed, one of every layer and direction

    @property
    def num_directions(self) -> int:
        """``D``: 2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def _tapes(self) -> int:
        """What a training step keeps tapes of: every layer and direction."""
        return self.num_layers * self.num_directions

    @property
    def _cell(self) -> str:
        raise NotImplementedError

    @property
    def _state_size(self) -> int:
        """``S``: numbers of h."""
        return self.proj_size or self.hidden_size

    @property
    def _parameter_names(self) -> tuple[str, ...]:
        """Of one layer and direction, without its suffix."""
        biases = ("bias_ih", "bias_hh") if self.bias else ()
        return ("weight_ih", "weight_hh", *biases, *(("weight_hr",) if self.proj_size else ()))

    def _suffixes(self) -> Iterator[tuple[str, int]]:
        """Name suffix and input size of every layer and direction, in order."""
        for layer in range(self.num_layers):
            size = self.input_size if layer == 0 else self._state_size * self.num_directions
            for direction in ("", "_reverse")[: self.num_directions]:
                yield f"_l{layer}{direction}", size

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        rows, S = self._gates * self.hidden_size, self._state_size
        shapes: dict[str, tuple[int, ...]] = {}
        for suffix, size in self._suffixes():
            known = {"weight_ih": (rows, size), "weight_hh": (rows, S), "weight_hr": (S, self.hidden_size)}
            for name in self._parameter_names:
                shapes[name + suffix] = known.get(name, (rows,))
        return shapes

    def _memory_for_parameters(self) -> AbstractContextManager[None]:
        """Find out whether there is room, without making so much as a list of the parameters."""
        rows, S = self._gates * self.hidden_size, self._state_size
        first, above = (rows * (size + S) for size in (self.input_size, S * self.num_directions))
        count = self.num_directions * (first + (self.num_layers - 1) * above)
        sizes = (self.input_size, self.hidden_size, self.num_layers)
        return checks.memory("input_size, hidden_size and num_layers", sizes, count * self.dtype.itemsize)

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return uniform(rng, self.hidden_size**-0.5, self._shapes())

    def _matrices(self) -> tuple[str, ...]:
        return tuple(name for name in self._shapes() if name.startswith("weight_"))

    def _pack(self, parameters: dict[str, Any]) -> list[_core.Weights]:
        weights, floats = [], self._floats(parameters)
        for suffix, _ in self._suffixes():
            own = {core_name(name): floats[name + suffix] for name in self._parameter_names}
            weights.append(_core.Weights(self._cell, **own, precision=for_packing(self._precision)))
        return weights

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        for name in ("weight_ih_l0", "weight_hh_l0"):
            if name not in own:
                missing(prefix + name, names)
        return stack_sizes(own, cls._gates, owner)

    @classmethod
    def _restored(
        cls, arguments: dict[str, Any], arrays: Mapping[str, NDArray[Any]], precision: str | None = None
    ) -> Self:
        # Names of parameters are not so much as listed for layers of which there are no arrays.
        options = {name: value for name, value in arguments.items() if name not in cls._of_parameters}
        layer = cls._from_arrays(arrays, "", options, precision)
        for name in cls._of_parameters:
            if name in arguments and arguments[name] != getattr(layer, name):
                must = f"be {getattr(layer, name)}, as the parameters have it"
                checks.complain(ValueError, name, must, checks.shown(arguments[name]))
        return layer
