"""Layers whose products can have another precision: bfloat16, or whole numbers of 8 bits for inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks, precisions
from fastlstm.precisions import FULL, SCALE, WHOLE

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
        """Of the products: ``"bfloat16"``, after `quantize` ``"int8"`` or ``"int8_int16"``, or that of the dtype."""
        return self.dtype.name if self._precision == FULL else self._precision

    @property
    def _is_whole(self) -> bool:
        """Whether the matrices are whole numbers."""
        return self._precision in WHOLE

    def _set_dtype(self, dtype: Any) -> None:
        """Go by the constructor's `dtype`, which may be a precision; that of a file is there before."""
        self.dtype, precision = precisions.of_dtype("dtype", dtype)
        if self._precision == FULL:
            self._precision = precision
        elif precision not in (FULL, self._precision):
            checks.complain(ValueError, "dtype", f"be 'float32' for the precision {self._precision}", repr(precision))
        else:
            precisions.check_float32("dtype", self.dtype)

    def quantize(self, mode: str = "int8", activations: str | None = None) -> None:
        """Compute products in another precision from now on, as ``quantize`` of a layer of Keras does.

        The layer changes in place. Streams made before go on with the weights that they have; a copy made before can
        be trained on.

        Parameters
        ----------
        mode : {"int8", "bfloat16"}
            ``"int8"`` is for inference: each row of a matrix (a unit and gate, a row of a table) becomes whole numbers
            of 8 bits with a scale; the float32 weights are dropped. Biases, gates and states stay float32, and so do
            inputs and outputs. ``"bfloat16"`` is what ``dtype="bfloat16"`` makes: weights stay float32 and can be
            trained, and products are made of what they and the rows are rounded to.
        activations : {"int8", "int16"}, optional
            What the rows that go into products of ``"int8"`` are rounded to at every step: 8 bits, the default, or 16,
            which is more accurate and slower.

        Raises
        ------
        ValueError
            If there is no such mode, or the layer is in it or in int8 already.
        TypeError
            If the dtype of the layer is not float32.

        Notes
        -----
        In int8, ``state_dict()`` has the whole numbers and their scales by names that end in ``_scale``, and a row has
        the same bits in any batch, on any number of threads and on any instruction set.

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
        if self._precision in (*WHOLE, precision):
            got = f"{self._precision}: it is quantized already"
            checks.complain(ValueError, f"{type(self).__name__}: precision", "be float32 for quantize()", got)
        precisions.check_float32(f"{type(self).__name__}: dtype", self.dtype)
        twin, arrays = self._now(), dict(self._parameters)
        twin._precision = precision
        for name in self._matrices() if twin._is_whole else ():
            arrays[name], arrays[name + SCALE] = precisions.rounded(arrays[name])
        twin._take(twin._packed({name: arrays[name] for name in twin._stored_shapes()}))
        return twin

    def _take_quantized(self, twin: Self) -> None:
        """Become like `twin`; `CHANGE` is held."""
        self._precision = twin._precision
        self._take((dict(twin._parameters), twin._weights))

    def check_trainable(self) -> None:
        """Raise unless there are gradients of the layer."""
        if self._is_whole:
            precisions.refuse_training(type(self).__name__, self._precision)

    def _matrices(self) -> tuple[str, ...]:
        """Return the names of the arrays whose rows are quantized."""
        raise NotImplementedError

    def _stored_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = self._shapes()
        if not self._is_whole:
            return shapes
        return shapes | {name + SCALE: shapes[name][:-1] for name in self._matrices()}

    def _dtype_of(self, name: str) -> np.dtype[Any]:
        is_whole = self._is_whole and name in self._matrices()
        return np.dtype(np.int8) if is_whole else super()._dtype_of(name)

    def _checked(self, name: str, value: Any, prefix: str, shape: tuple[int, ...]) -> NDArray[Any]:
        array = super()._checked(name, value, prefix, shape)
        if array.dtype.kind == "i":
            precisions.check_whole(prefix + name, array)
        elif self._is_whole and name.endswith(SCALE):
            precisions.check_scale(prefix + name, array)
        return array

    def _floats(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays as floats by the names of `_shapes`, whole numbers times their scales."""
        if not self._is_whole:
            return parameters
        whole = self._matrices()
        return {
            name: precisions.restored(parameters[name], parameters[name + SCALE]) if name in whole else parameters[name]
            for name in self._shapes()
        }

    def _buffer_names(self) -> tuple[str, ...]:
        if not self._is_whole:
            return ()
        return tuple(name + end for name in self._matrices() for end in ("", SCALE))

    def _description(self) -> dict[str, Any]:
        quantized = {} if self._precision == FULL else {"precision": self._precision}
        return super()._description() | quantized
