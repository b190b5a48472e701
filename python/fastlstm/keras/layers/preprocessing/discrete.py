"""What layers share that give class numbers, or rows of zeros and ones for them."""

from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ...foundation.policies import described
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback
from .encoding import MODES, encoded, encoded_shape, mode_of


class Discrete(Layer):
    """Base class of layers without weights and slopes, whose output is one of class numbers.

    Parameters
    ----------
    output_mode : str
        One of `modes`.
    sparse : bool
        False: there are no sparse arrays.
    **kwargs : keyword arguments
        Those of `Layer`.
    """

    min_ndim = 0
    modes: ClassVar[tuple[str, ...]] = MODES

    def __init__(self, output_mode: str, sparse: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_mode = mode_of(f"{self.name}: output_mode", output_mode, self.modes)
        self.sparse = checks.truth(f"{self.name}: sparse", sparse)
        if self.sparse:
            checks.complain(ValueError, f"{self.name}: sparse", "be False", True, "; arrays are whole here")
        self.float_dtype = self.dtype

    @property
    def number_dtype(self) -> np.dtype[Any]:
        """Dtype of class numbers."""
        return np.dtype(np.int64)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """Dtype of the output."""
        return self.number_dtype if self.output_mode == "int" else self.float_dtype

    @property
    def depth(self) -> int | None:
        """Length of the rows in other modes than ``"int"``; None if it is not known yet."""
        raise NotImplementedError(f"{type(self).__name__} must define depth")

    def indices_of(self, x: Array) -> Array:
        """Return the class numbers of an input."""
        raise NotImplementedError(f"{type(self).__name__} must define indices_of(x)")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of `input_shape`, both with the batch axis."""
        return encoded_shape(self._checked_shape(input_shape), self.output_mode, self.depth)

    def outputs_for(self, shape: Any, arguments: Any) -> tuple[Any, Any]:
        """See `Operation.outputs_for`."""
        return self.output_shape_for(shape, arguments), self.output_dtype

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        indices = self.indices_of(x)
        return encoded(indices, self.output_mode, self.depth or 0, self.output_dtype)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`; the gradient is zero."""
        return self.forward(x, call), lambda dy: (np.zeros(x.shape, self.float_dtype) if call.need_dx else None, [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"output_mode": self.output_mode, "sparse": self.sparse}
        return super().get_config() | {"dtype": described(self.float_dtype)} | own
