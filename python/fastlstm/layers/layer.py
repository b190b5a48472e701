"""What every layer here has: arguments, arrays by PyTorch's names, and files."""

from __future__ import annotations

import inspect
import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastlstm import _core, checks
from fastlstm.files import native
from fastlstm.files.bundle import Bundle
from fastlstm.forks import CHANGES, held_at_forks
from fastlstm.precisions import SCALE

from .arguments import as_counter, as_parameter
from .sizes import named_arrays

if TYPE_CHECKING:
    from typing_extensions import Self

KERAS_ENDINGS = (".keras", ".h5", ".hdf5")

CHANGE = threading.RLock()
"""Held while the arrays of layers are replaced, and while a chain looks at those of all its layers."""
held_at_forks(CHANGE, CHANGES)

Prepared: TypeAlias = tuple[dict[str, NDArray[Any]], Any]
"""Arrays by name, and the same packed."""


class Layer:
    """Base of the layers.

    A layer defines `_shapes`, `_draw` and, if it has packed weights, `_pack`. It sets its arguments as attributes of
    their names, and then calls `_start`.
    """

    _of_parameters: ClassVar[tuple[str, ...]] = ()  # arguments that follow from the arrays

    _sizes: ClassVar[tuple[str, ...]] = ()  # those of them that say how large the arrays are

    dtype: np.dtype[Any]
    _given: Mapping[str, ArrayLike] | None = None  # to start with, in place of drawn ones
    _parameters: Mapping[str, NDArray[Any]] = MappingProxyType({})  # by name, buffers too
    _weights: Any = None  # the same, packed

    # -- arrays --------------------------------------------------------------------------------------------------------

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return those of all arrays, in PyTorch's order."""
        return {}

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Make the arrays to start with, from PyTorch's distributions."""
        return {}

    def _stored_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return those of the arrays that the layer holds: those of `_shapes`, unless it is quantized."""
        return self._shapes()

    def _pack(self, parameters: dict[str, Any]) -> Any:
        """Return what a run takes in place of the arrays."""
        return None

    def _memory_for_parameters(self) -> AbstractContextManager[None]:
        """Find out whether there is room."""
        sizes = {name: getattr(self, name) for name in self._sizes}
        count = sum(math.prod(shape) for shape in self._shapes().values())
        return checks.memory(" and ".join(sizes), tuple(sizes.values()), 8 * count)

    def _start(self, rng: np.random.Generator) -> None:
        """Take the arrays that are given, or draw them."""
        if self._given is not None:
            self.load_state_dict(self._given)
        else:
            with self._memory_for_parameters():
                self._take(self._packed(self._draw(rng)))

    def _packed(self, values: Mapping[str, NDArray[Any]]) -> Prepared:
        """Return copies of `values` in the layer's dtype, and the same packed."""
        parameters = {name: self._copied(name, value) for name, value in values.items()}
        return parameters, self._pack(parameters)

    def _copied(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        """Return a read-only copy in C order, in memory that the copy before it may have had."""
        copy = _core.empty(value.shape, self._dtype_of(name))
        copy[...] = value
        copy.flags.writeable = False
        return copy

    def _dtype_of(self, name: str) -> np.dtype[Any]:
        """Return the dtype of an array: that of the layer, but of counters and of quantized weights."""
        return self.dtype

    def _take(self, prepared: Prepared) -> None:
        """Replace all arrays. A call under way keeps the old ones."""
        with CHANGE:
            self._parameters, self._weights = prepared

    def follow(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Take the values that arrays of somebody else have now, unless the layer has them.

        Parameters
        ----------
        arrays : sequence of ndarray
            In the order, of the shapes and of the dtypes of the layer's own. Their memory is compared, so it does not
            matter how it was changed.
        """
        if not _core.same_bytes(arrays, [*self._parameters.values()]):
            self._take(self._packed(dict(zip(self._parameters, arrays, strict=True))))

    def _now(self) -> Self:
        """Return this layer with the arrays it has now, whatever is loaded later."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def check_step(self) -> None:
        """Raise unless a time step can be taken by itself."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_weights": None}  # packed for one instruction set, so not for a file

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._take(self._packed(self._parameters))

    # -- arrays by name ------------------------------------------------------------------------------------------------

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the arrays of now by name, read-only."""
        return self._parameters

    def _buffer_names(self) -> tuple[str, ...]:
        """Return which of the arrays are not trained."""
        return ()

    @classmethod
    def from_state_dict(cls, mapping: Mapping[str, ArrayLike], prefix: str = "", **options: Any) -> Self:
        """Make a layer of the parameters of another one, here or in PyTorch.

        Sizes, biases and the like follow from names and shapes; of a recurrent layer its layers, directions and
        projection, too.

        Parameters
        ----------
        mapping : mapping of str to array_like
            The names and shapes of `state_dict`, perhaps among others, such as that of a ``torch.nn`` model.
        prefix : str
            What stands before the names of this layer, such as ``"lstm."``. Other names are left alone.
        **options : keyword arguments
            Other arguments of the constructor, such as `batch_first` of an `LSTM` or `nonlinearity` of an `RNN`, and
            `dtype`, which by default is that of the parameters: float64, or else float32.

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
        return cls._from_arrays(mapping, prefix, options)

    @classmethod
    def _from_arrays(
        cls, mapping: Mapping[str, ArrayLike], prefix: str, options: dict[str, Any], precision: str | None = None
    ) -> Self:
        """As `from_state_dict`, for arrays of a precision that is not that of their dtype, if there is one."""
        own = named_arrays(mapping, prefix)
        owner = f"{cls.__name__} of {prefix!r}" if prefix else cls.__name__
        sizes = cls._sizes_of(own, prefix, list(mapping), owner)
        for name in options:
            checks.one_of(f"{owner}: argument", name, cls._arguments(without=cls._of_parameters))
        if "dtype" in cls._arguments():
            doubles = any(array.dtype == np.float64 for array in own.values())
            options = {"dtype": "float64" if doubles else "float32", **options}
        try:
            return cls._made({**sizes, **options}, own, precision)
        except (ValueError, TypeError) as error:
            raise checks.named(error, owner) from error

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        """Return the arguments that follow from the arrays `own`, found with a prefix among `names`."""
        return {}

    @classmethod
    def _arguments(cls, without: tuple[str, ...] = ()) -> list[str]:
        return [name for name in inspect.signature(cls).parameters if name not in without]

    @classmethod
    def _made(cls, arguments: dict[str, Any], arrays: Mapping[str, ArrayLike], precision: str | None = None) -> Self:
        """Make a layer that starts with these arrays."""
        layer = cls.__new__(cls)
        layer._given = arrays
        if precision is not None:
            layer._precision = precision  # type: ignore[attr-defined]
        cls.__init__(layer, **arguments)
        del layer._given
        check_names(arrays, list(layer._stored_shapes()))  # a layer without arrays has not looked at them
        return layer

    @classmethod
    def _restored(
        cls, arguments: dict[str, Any], arrays: Mapping[str, NDArray[Any]], precision: str | None = None
    ) -> Self:
        """Make the layer of a file: nothing in it can ask for more than the arrays are."""
        return cls._made(arguments, arrays, precision)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Give copies of the arrays, by PyTorch's names.

        Returns
        -------
        dict of str to ndarray
            Of a recurrent layer ``weight_ih_l{k} (G*H, I)``, ``weight_hh_l{k} (G*H, S)``, ``bias_ih_l{k} (G*H,)``,
            ``bias_hh_l{k} (G*H,)`` and with a projection ``weight_hr_l{k} (P, H)`` for every layer k, and the same with
            ``_reverse`` for the second direction; of others those that their class names. Matrices of a quantized layer
            are int8, each with its scales under its name and ``_scale``.
        """
        return {name: value.copy() for name, value in self._arrays().items()}

    def named_parameters(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Give the arrays that are trained, each with its name.

        Returns
        -------
        iterator of (str, ndarray)
            Read-only: `load_state_dict` replaces them.
        """
        return ((name, value) for name, value in self._arrays().items() if name not in self._buffer_names())

    def parameters(self) -> Iterator[NDArray[Any]]:
        """Give the arrays that are trained, in the order of `named_parameters`.

        Returns
        -------
        iterator of ndarray
            Read-only.

        Examples
        --------
        >>> import fastlstm as fl
        >>> sum(parameter.size for parameter in fl.LSTM(3, 5).parameters())
        200
        """
        return (value for _, value in self.named_parameters())

    def load_state_dict(self, mapping: Mapping[str, ArrayLike]) -> None:
        """Replace every array.

        Parameters
        ----------
        mapping : mapping of str to array_like
            The names and shapes of `state_dict`, such as that of a ``torch.nn`` layer. Floating-point values of
            another precision are converted.

        Raises
        ------
        ValueError
            If names are missing or unknown, or a shape is wrong. Nothing is replaced then.
        TypeError
            If a value is not floating-point.
        """
        with CHANGE:
            self._take(self._prepared(mapping))

    def _prepared(self, mapping: Mapping[str, ArrayLike], prefix: str = "") -> Prepared:
        """Return the arrays of a mapping, checked and packed; `prefix` stands before their names in errors."""
        shapes = self._stored_shapes()
        check_names(mapping, list(shapes))
        return self._packed({name: self._checked(name, mapping[name], prefix, shape) for name, shape in shapes.items()})

    def _checked(self, name: str, value: Any, prefix: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the array `name`, if `value` can be it; `prefix` stands before it in errors."""
        check = as_counter if self._dtype_of(name).kind == "i" else as_parameter
        return check(value, prefix + name, shape)

    # -- files ---------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the layer to a file, from which `fastlstm.load` makes it again, with the same bits.

        Parameters
        ----------
        path : path
            Of the file, in the format safetensors whatever it ends in. One that is there is replaced, and whole until
            then.

        Raises
        ------
        ValueError
            If the path ends as files of Keras do.
        TypeError
            If the class of the layer is one of your own.
        OSError
            If one cannot write there. Nothing is left over then.

        Examples
        --------
        >>> import os, tempfile, fastlstm as fl
        >>> path = os.path.join(tempfile.mkdtemp(), "layer.safetensors")
        >>> fl.LSTM(3, 5).save(path)
        >>> fl.load(path).hidden_size
        5
        """
        target = Path(checks.path("path", path))
        if target.suffix in KERAS_ENDINGS:
            cure = "; files of Keras hold models"
            checks.complain(ValueError, "path", f"not end in {' or '.join(KERAS_ENDINGS)}", f"{target}{cure}")
        native.write(target, Bundle({**self._arrays()}, {"kind": "layer", **self._description()}))

    def _description(self) -> dict[str, Any]:
        """Return what a file says of the layer: its class and the arguments of the constructor."""
        cls = type(self)
        if not cls.__module__.startswith("fastlstm."):
            cure = "; keep its state_dict() with fastlstm.write_weights()"
            checks.refuse(TypeError, "a layer that is saved", "of a class of this package", self, cure)
        return {"class": cls.__name__, "arguments": self._described_arguments()}

    def __repr__(self) -> str:
        said = self._described_arguments() | {"precision": getattr(self, "precision", None)}
        shown = ", ".join(f"{name}={checks.shown(value)}" for name, value in said.items() if value is not None)
        return f"{type(self).__name__}({shown})"

    def _described_arguments(self) -> dict[str, Any]:
        arguments = {name: getattr(self, name) for name in self._arguments(without=("seed",))}
        return arguments | ({"dtype": self.dtype.name} if "dtype" in arguments else {})


def check_names(mapping: Any, wanted: list[str]) -> None:
    """Raise ValueError unless a mapping has the `wanted` names and no others."""
    if not isinstance(mapping, Mapping):
        checks.refuse(TypeError, "mapping", "a dict from parameter names to arrays", mapping)
    known = {*wanted}
    missing, unknown = [n for n in wanted if n not in mapping], [n for n in mapping if n not in known]
    if missing or unknown:
        names = f"missing={checks.shown(missing)}, unknown={checks.shown(unknown)}{_cure(missing, unknown)}"
        checks.complain(ValueError, "mapping", "have the names of this layer's state_dict", f"others: {names}")


def _cure(missing: list[str], unknown: list[str]) -> str:
    """Return what to do where only one of a layer and of a mapping is quantized."""
    if any(name.endswith(SCALE) for name in missing):
        return "; the layer is quantized: load what it was before quantize() into one that is not"
    if any(str(name).endswith(SCALE) for name in unknown):
        return "; these are of a quantized layer: quantize() this one first, or save() and fastlstm.load() that one"
    return ""
