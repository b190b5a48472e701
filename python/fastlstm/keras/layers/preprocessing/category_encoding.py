"""Class numbers as rows of zeros with ones or counts."""

from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, any_numbers, as_array
from ...foundation.symbolic import Arguments
from ...foundation.trees import one_or_list
from ..call import INFERENCE, TRAINING, Call, Pullback
from ..call_arguments import check_one
from .discrete import Discrete
from .encoding import encoded


class CategoryEncoding(Discrete):
    """Return rows of zeros with ones at the places of class numbers.

    A call may have `count_weights` beside `x`, in the shape of it: what each number counts, for ``"count"``.

    Parameters
    ----------
    num_tokens : int
        Length of the rows; class numbers run from 0 to ``num_tokens - 1``, others raise ValueError.
    output_mode : str
        ``"multi_hot"``: a row for all along the last axis, of which numbers are there; ``"count"``: how often;
        ``"one_hot"``: a row for each.
    sparse : bool
        False.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `num_tokens` is out of range, or `output_mode` is unknown.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.CategoryEncoding(4)([[0, 1], [2, 2]]).tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """

    modes = ("one_hot", "multi_hot", "count")
    takes_several = True
    call_arguments: ClassVar[tuple[str, ...]] = ("x", "count_weights")

    def __init__(self, num_tokens: int, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any) -> None:
        super().__init__(output_mode, sparse, **kwargs)
        self.num_tokens = checks.size(f"{self.name}: num_tokens", num_tokens)

    @property
    def depth(self) -> int:
        """Length of the rows."""
        return self.num_tokens

    def as_input(self, x: Any, name: str, wanted: str = "an array of whole numbers") -> Array:
        """`x` as an array of whatever real numbers it has."""
        return any_numbers(x, name, wanted)

    def indices_of(self, x: Array) -> Array:
        """Return the class numbers as integers."""
        with np.errstate(invalid="ignore"):
            indices = x.astype(np.int64, copy=False)
        wrong = (indices != x) | (indices < 0) | (indices >= self.num_tokens)
        if wrong.any():
            must = f"have whole numbers from 0 to {self.num_tokens - 1}"
            checks.complain(ValueError, f"{self.name}: x", must, x[wrong].flat[0])
        return indices

    def _on_arrays(self, x: Any, count_weights: Any = None) -> Array:  # type: ignore[override]
        array = self._prepared(x)
        if count_weights is None:
            return self.forward(array)
        return self.forward([array, as_array(count_weights, f"{self.name}: count_weights", self.dtype)])

    def _noted(self, x: Any, count_weights: Any = None) -> Any:  # type: ignore[override]
        tensors = [check_one(f"{self.name}: x", x)]
        if count_weights is not None:
            tensors.append(check_one(f"{self.name}: count_weights", count_weights))
        return self.note(Arguments((one_or_list(tensors),), {}))

    def output_shape_for(self, shape: Any, arguments: Any) -> Shape:
        """Shape of the output of a call, for inputs of a shape or of two."""
        return self.compute_output_shape(shape[0] if isinstance(shape, list) else shape)

    def forward(self, x: Any, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        array, weights = x if isinstance(x, list) else (x, None)
        if weights is not None:
            self._check_weights(array, weights)
        return encoded(self.indices_of(array), self.output_mode, self.num_tokens, self.dtype, weights)

    def _check_weights(self, x: Array, weights: Array) -> None:
        if self.output_mode != "count":
            must = "come with output_mode='count' only"
            checks.complain(ValueError, f"{self.name}: count_weights", must, repr(self.output_mode))
        if weights.shape != x.shape:
            checks.refuse_shape(f"{self.name}: count_weights", f"{x.shape}, that of x", weights.shape)

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`; the gradient of class numbers is zero, and that of weights is not taken."""
        if isinstance(x, list):
            return self.forward(x, call), lambda dy: ([None, None], [])
        return super().vjp(x, call)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        found = super().get_config() | {"num_tokens": self.num_tokens}
        del found["sparse"]
        return found
