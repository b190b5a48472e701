"""The parameters of a layer: their names and shapes, and how they are drawn, packed, saved and loaded."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastlstm import _core, checks
from fastlstm.typing import Floats

from .arguments import as_parameter
from .sizes import OF_PARAMETERS, own_parameters, sizes_of

if TYPE_CHECKING:
    from typing_extensions import Self

_CORE_NAMES = {"bias_ih": "bias", "bias_hh": "recurrent_bias"}


def core_name(name: str) -> str:
    """Return what the engine calls a parameter; PyTorch's name where the two agree."""
    return _CORE_NAMES.get(name, name)


class Parameters:
    """Base of the layers: what they know of their parameters, from sizes that a layer sets before it draws them."""

    _gates: ClassVar[int]

    input_size: int
    hidden_size: int
    proj_size: int
    num_layers: int
    bias: bool
    bidirectional: bool
    dtype: np.dtype[Any]
    _given: Mapping[str, ArrayLike] | None = None  # to start with, in place of drawn ones
    _parameters: dict[str, Floats]
    _weights: list[_core.Weights]  # the same, packed, one of every layer and direction

    @property
    def num_directions(self) -> int:
        """``D``: 2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

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

    def _start(self, rng: np.random.Generator) -> None:
        """Take the parameters that are given, or draw them from PyTorch's distribution."""
        if self._given is not None:
            self.load_state_dict(self._given)
            return
        bound = self.hidden_size**-0.5
        with self._memory_for_parameters():
            self._replace({name: rng.uniform(-bound, bound, shape) for name, shape in self._shapes().items()})

    def _replace(self, values: Mapping[str, NDArray[Any]]) -> None:
        """Take copies of `values` as the parameters and pack them. A call under way keeps the old ones."""
        parameters = {name: cast(Floats, np.array(value, self.dtype)) for name, value in values.items()}
        weights = []
        for suffix, _ in self._suffixes():
            own: dict[str, Any] = {core_name(name): parameters[name + suffix] for name in self._parameter_names}
            weights.append(_core.Weights(self._cell, **own))
        for value in parameters.values():
            value.flags.writeable = False
        self._parameters, self._weights = parameters, weights

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_weights": []}  # packed for one instruction set, so not for a file

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._replace(self._parameters)

    @classmethod
    def from_state_dict(cls, mapping: Mapping[str, ArrayLike], prefix: str = "", **options: Any) -> Self:
        """Make a layer of the parameters of another one, here or in PyTorch.

        Sizes, layers, directions, biases and a projection follow from names and shapes.

        Parameters
        ----------
        mapping : mapping of str to array_like
            The names and shapes of `state_dict`, perhaps among others, such as that of a ``torch.nn`` model.
        prefix : str
            What stands before the names of this layer, such as ``"lstm."``. Other names are left alone.
        **options
            Other arguments of the constructor: `batch_first`, `dropout`, `seed`, `dtype`, which by default is that of
            the parameters, and `nonlinearity` of an `RNN`.

        Returns
        -------
        layer
            Of this class.

        Raises
        ------
        ValueError
            If names are missing or unknown, or a shape is wrong.
        TypeError
            If a value is not floating-point, or an option follows from the parameters.

        Examples
        --------
        >>> import fastlstm as fl
        >>> net = {f"lstm.{name}": value for name, value in fl.LSTM(3, 5, num_layers=2).state_dict().items()}
        >>> layer = fl.LSTM.from_state_dict(net, prefix="lstm.", batch_first=True)
        >>> layer.input_size, layer.hidden_size, layer.num_layers
        (3, 5, 2)
        """
        own = own_parameters(mapping, prefix)
        owner = f"{cls.__name__} of {prefix!r}" if prefix else cls.__name__
        sizes = sizes_of(own, cls._gates, owner)
        known = [name for name in inspect.signature(cls).parameters if name not in OF_PARAMETERS]
        for name in options:
            checks.one_of(f"{owner}: argument", name, known)
        first = own["weight_ih_l0"].dtype
        layer = cls.__new__(cls)
        layer._given = own
        try:
            cls.__init__(layer, **{"dtype": "float64" if first == np.float64 else "float32", **sizes, **options})
        except (ValueError, TypeError) as error:
            raise checks.named(error, owner) from error
        del layer._given
        return layer

    def state_dict(self) -> dict[str, Floats]:
        """Give copies of the parameters, by PyTorch's names.

        Returns
        -------
        dict of str to ndarray
            ``weight_ih_l{k} (G*H, I)``, ``weight_hh_l{k} (G*H, S)``, ``bias_ih_l{k} (G*H,)``, ``bias_hh_l{k} (G*H,)``
            and with a projection ``weight_hr_l{k} (P, H)`` for every layer k, and the same with ``_reverse`` for the
            second direction.
        """
        return {name: value.copy() for name, value in self._parameters.items()}

    def load_state_dict(self, mapping: Mapping[str, ArrayLike]) -> None:
        """Replace every parameter.

        Parameters
        ----------
        mapping : mapping of str to array_like
            The names and shapes of `state_dict`, such as that of a ``torch.nn`` layer. Floating-point values of
            another precision are converted.

        Raises
        ------
        ValueError
            If names are missing or unknown, or a shape is wrong.
        TypeError
            If a value is not floating-point.
        """
        shapes = self._shapes()
        if not isinstance(mapping, Mapping):
            checks.refuse(TypeError, "mapping", "a dict from parameter names to arrays", mapping)
        missing, unknown = [n for n in shapes if n not in mapping], [n for n in mapping if n not in shapes]
        if missing or unknown:
            names = f"missing={checks.shown(missing)}, unknown={checks.shown(unknown)}"
            checks.complain(ValueError, "mapping", "have the names of this layer's state_dict", f"others: {names}")
        self._replace({name: as_parameter(mapping[name], name, shape) for name, shape in shapes.items()})
