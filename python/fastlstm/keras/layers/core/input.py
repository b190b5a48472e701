"""What says the shape of a model's input."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from ...foundation.arrays import Shape, as_batch_shape, as_shape, policy_name
from ...foundation.settings import floatx
from ...foundation.symbolic import Arguments, Node, SymbolicTensor
from ...foundation.texts import dtype_name, tensor_dtype
from ..base import Layer


class InputLayer(Layer):
    """Where a model gets its data; see `Input`.

    Parameters
    ----------
    shape, batch_size, dtype, name, batch_shape : tuple of int; int; dtype; str, optional
        See `Input`.

    Raises
    ------
    ValueError
        If `batch_size` is out of range, or `shape` or `batch_shape` has another form.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import Sequential, layers
    >>> model = Sequential([layers.InputLayer((None, 3)), layers.LSTM(4)])
    >>> model.output_shape
    (None, 4)
    """

    keras_only: ClassVar[Mapping[str, Any]] = {"sparse": False, "ragged": False, "optional": False}
    keras_past: ClassVar[Mapping[str, Any]] = {"trainable": ...}

    def __init__(
        self,
        shape: tuple[int | None, ...] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
        batch_shape: Shape | None = None,
    ) -> None:
        super().__init__(name=name)
        if (shape is None) == (batch_shape is None):
            checks.refuse_pair("Input", shape=shape, batch_shape=batch_shape)
        rows = None if batch_size is None else checks.whole_number("Input: batch_size", batch_size, at_least=1)
        if batch_shape is not None:
            self.batch_shape = as_batch_shape(batch_shape, "Input: batch_shape")
        else:
            self.batch_shape = rows, *as_shape(shape if isinstance(shape, list | tuple) else (shape,), "Input: shape")
        self.dtype: np.dtype[Any] = tensor_dtype("Input: dtype", floatx() if dtype is None else dtype)
        self.built, self.input_shape = True, self.batch_shape
        tensor = SymbolicTensor(self.batch_shape, self.dtype, self.name)
        self.inbound_nodes.append(Node(self, Arguments((), {}), tensor))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the data."""
        return self.batch_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"batch_shape": self.batch_shape, "dtype": dtype_name(self.dtype), "name": self.name}
        return own | dict(self.keras_only)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Return an input with the settings of `config`."""
        given = checks.settings("InputLayer: config", config)
        if "batch_input_shape" in given:  # as Keras 2 has it
            given["batch_shape"] = given.pop("batch_input_shape")
        if isinstance(given.get("dtype"), dict):
            given["dtype"] = policy_name(given["dtype"], "InputLayer: dtype")
        return super().from_config(given)


def Input(  # noqa: N802 - Keras' name
    shape: tuple[int | None, ...] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    batch_shape: Shape | None = None,
) -> SymbolicTensor:
    """Return a symbolic tensor for the data that a model will be given.

    Parameters
    ----------
    shape : tuple of int, optional
        Shape of one sample, without the batch axis; None for an axis that may vary. A number is the size of one axis.
    batch_size : int, optional
        Fixed number of rows, for stateful layers.
    dtype : dtype, optional
        Of the tensor; layers cast what they take. ``"string"`` is that of texts.
    name : str, optional
        Of the input, by which data may be given.
    batch_shape : tuple of int, optional
        Shape with the batch axis, in place of `shape`.

    Returns
    -------
    KerasTensor
        To call layers on, or to be the first entry of a `Sequential`.

    Examples
    --------
    >>> from fastlstm.keras import Input, Model, layers
    >>> x = Input((20, 3))
    >>> y = layers.Dense(2)(layers.LSTM(8)(x))
    >>> Model(x, y).output_shape
    (None, 2)
    """
    tensor: SymbolicTensor = InputLayer(shape, batch_size, dtype, name, batch_shape).output
    return tensor
