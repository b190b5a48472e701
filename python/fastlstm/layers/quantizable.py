"""Layers whose weights can be whole numbers of 8 bits, for inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks, precisions
from fastlstm.precisions import FULL, SCALE

from .layer import CHANGE, Layer

if TYPE_CHECKING:
    from typing_extensions import Self


class Quantizable(Layer):
    """Base of the layers that have products, or a table.

    A layer defines `_matrices`; its `_pack` takes what `_floats` gives and packs with `_precision`.
    """

    _precision: str = FULL

    @property
    def precision(self) -> str:
        """Of the products: the name of the dtype, or after `quantize` ``"int8"`` or ``"int8_int16"``."""
        return self.dtype.name if self._precision == FULL else self._precision

    def quantize(self, mode: str = "int8", activations: str | None = None) -> None:
        """Hold the weights in 8 bits from now on, for inference, as ``quantize`` of a layer of Keras does.

        The layer changes in place. Streams made before go on with the weights that they have; a copy made before can
        be trained on.

        Parameters
        ----------
        mode : {"int8"}
            Each row of a matrix (a unit and gate, a row of a table) becomes whole numbers of 8 bits with a scale; the
            float32 weights are dropped. Biases, gates and states stay float32, and so do inputs and outputs.
        activations : {"int8", "int16"}, optional
            What the rows that go into products are rounded to at every step: 8 bits, the default, or 16, which is more
            accurate and slower.

        Raises
        ------
        ValueError
            If there is no such mode, or the layer is quantized already.
        TypeError
            If the dtype of the layer is not float32.

        Notes
        -----
        ``state_dict()`` has the whole numbers, int8, and their scales by names that end in ``_scale``. A row has the
        same bits in any batch, on any number of threads and on any instruction set.

        Examples
        --------
        >>> import numpy as np, fastlstm as fl
        >>> layer = fl.LSTM(3, 5, seed=0)
        >>> x = np.ones((7, 2, 3), "float32")
        >>> y, _ = layer(x)
        >>> layer.quantize("int8")
        >>> layer.precision, layer.state_dict()["weight_ih_l0"].dtype.name
        ('int8', 'int8')
        >>> bool(np.abs(layer(x)[0] - y).max() < 0.01)
        True
        """
        precision = precisions.chosen(mode, activations)
        with CHANGE:
            self._take_quantized(self._quantized(precision))

    def _quantized(self, precision: str) -> Self:
        """Return this layer in a precision."""
        if self._precision != FULL:
            got = f"{self._precision}: it is quantized already"
            checks.complain(ValueError, f"{type(self).__name__}: precision", "be float32 for quantize()", got)
        precisions.check_float32(f"{type(self).__name__}: dtype", self.dtype)
        twin, arrays = self._now(), dict(self._parameters)
        twin._precision = precision
        for name in self._matrices():
            arrays[name], arrays[name + SCALE] = precisions.rounded(arrays[name])
        twin._take(twin._packed({name: arrays[name] for name in twin._stored_shapes()}))
        return twin

    def _take_quantized(self, twin: Self) -> None:
        """Become like `twin`; `CHANGE` is held."""
        self._precision = twin._precision
        self._take((dict(twin._parameters), twin._weights))

    def check_trainable(self) -> None:
        """Raise unless there are gradients of the layer."""
        if self._precision != FULL:
            precisions.refuse_training(type(self).__name__, self._precision)

    def _matrices(self) -> tuple[str, ...]:
        """Return the names of the arrays whose rows are quantized."""
        raise NotImplementedError

    def _stored_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = self._shapes()
        if self._precision == FULL:
            return shapes
        return shapes | {name + SCALE: shapes[name][:-1] for name in self._matrices()}

    def _dtype_of(self, name: str) -> np.dtype[Any]:
        is_whole = self._precision != FULL and name in self._matrices()
        return np.dtype(np.int8) if is_whole else super()._dtype_of(name)

    def _checked(self, name: str, value: Any, prefix: str, shape: tuple[int, ...]) -> NDArray[Any]:
        array = super()._checked(name, value, prefix, shape)
        if array.dtype.kind == "i":
            precisions.check_whole(prefix + name, array)
        elif self._precision != FULL and name.endswith(SCALE):
            precisions.check_scale(prefix + name, array)
        return array

    def _floats(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays as floats by the names of `_shapes`, whole numbers times their scales."""
        if self._precision == FULL:
            return parameters
        whole = self._matrices()
        return {
            name: precisions.restored(parameters[name], parameters[name + SCALE]) if name in whole else parameters[name]
            for name in self._shapes()
        }

    def _buffer_names(self) -> tuple[str, ...]:
        if self._precision == FULL:
            return ()
        return tuple(name + end for name in self._matrices() for end in ("", SCALE))

    def _description(self) -> dict[str, Any]:
        quantized = {} if self._precision == FULL else {"precision": self._precision}
        return super()._description() | quantized
