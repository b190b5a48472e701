"""Embedding: a vector for every index."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks
from fastlstm.precisions import BFLOAT16, rounded_to_bfloat16
from fastlstm.tables import add_rows

from ... import ops
from ...foundation.arrays import Array, Shape, any_numbers
from ...foundation.rows import gradient_of_rows
from ...foundation.symbolic import any_symbolic
from ...foundation.variable import Variable
from ..base import Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback
from ..quantizable import Quantizable
from ..quantizers import restored

LARGE_TABLE = 2**18
"""A gradient of a table of so many numbers is one of the rows that were used, if training can go on with that."""


class Embedding(Quantizable):
    """Replace every index by its row of a table of weights.

    Parameters
    ----------
    input_dim : int
        Number of rows: indices run from 0 to ``input_dim - 1``, others raise ValueError.
    output_dim : int
        Length of a row.
    embeddings_initializer, embeddings_regularizer, embeddings_constraint : str or object, optional
        Of the table ``embeddings (input_dim, output_dim)``.
    mask_zero : bool
        Whether index 0 stands for a step that is not there.
    weights : array_like or list of array_like
        The table to start with.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `input_dim` or `output_dim` is out of range, `embeddings_initializer`, `embeddings_regularizer` or
        `embeddings_constraint` is unknown, or `weights` has another form.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.Embedding(1000, 8, mask_zero=True)
    >>> layer(np.array([[4, 10, 0]])).shape
    (1, 3, 8)
    >>> layer.compute_mask(np.array([[4, 10, 0]])).tolist()
    [[True, True, False]]
    """

    matrices: ClassVar[Mapping[str, int]] = {"embeddings": -1}
    keras_only: ClassVar[Mapping[str, Any]] = {"quantization_config": None}
    keras_past: ClassVar[Mapping[str, Any]] = {"input_length": ..., "lora_rank": None, "lora_alpha": None}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = checks.size(f"{self.name}: input_dim", input_dim)
        self.output_dim = checks.size(f"{self.name}: output_dim", output_dim)
        self.mask_zero = checks.truth(f"{self.name}: mask_zero", mask_zero)
        self._set_options(
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
        )
        if weights is not None:
            table = self._table(weights[0] if isinstance(weights, list | tuple) and len(weights) == 1 else weights)
            self.build((None, None))
            self.input_shape = None
            self.set_weights([table])

    embeddings: Variable

    def _table(self, weights: Any) -> Array:
        table, wanted = any_numbers(weights, f"{self.name}: weights"), (self.input_dim, self.output_dim)
        if table.shape != wanted:
            checks.refuse_shape(f"{self.name}: weights", wanted, table.shape)
        return table

    def build(self, input_shape: Shape) -> None:
        """Create the table, unless it is there; `input_shape` includes the batch axis."""
        super().build(input_shape)
        self.input_shape = self.input_shape or tuple(input_shape)

    def _create_weights(self, input_shape: Shape) -> None:
        self.embeddings = self._add_weight((self.input_dim, self.output_dim), "embeddings")

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """Accept every shape: an index is an index."""

    def takes(self, shape: Shape) -> bool:
        """Whether an input of `shape` has as many axes as the layer was built for; any number of steps is right."""
        return self.input_shape is None or len(shape) == len(self.input_shape)

    def as_input(self, x: Any, name: str, wanted: str = "an array of whole numbers") -> Array:
        """`x` as integers, all of them within range."""
        array = any_numbers(x, name, wanted)
        with np.errstate(invalid="ignore"):
            indices = array.astype(np.int64, copy=False)
        wrong = (indices < 0) | (indices >= self.input_dim)
        if array.dtype.kind == "f":
            wrong |= indices != array
        if wrong.any():
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            place = f"row {first[0]}" + (f", step {first[1]}" if len(first) > 1 else "")
            must = f"have whole numbers from 0 to {self.input_dim - 1}, indices of the rows of {self.name}"
            checks.complain(ValueError, name, must, f"{array[first]:g} at {place}")
        return indices

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the indices, and the length of a row."""
        return (*self._checked_shape(input_shape), self.output_dim)

    def compute_mask(self, x: Array, mask: Array | None = None) -> Any:
        """With `mask_zero`, True where the index is not 0."""
        if any_symbolic(x):
            return ops.not_equal(x, 0) if self.mask_zero else None
        return np.asarray(any_numbers(x, f"{self.name}: x") != 0) if self.mask_zero else None

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Return the rows of the indices `x`."""
        return self._rows(self._indices(x))

    def _rows(self, indices: Array) -> Array:
        table, *scales = self.frozen()
        rows: Array = table[indices]
        return restored(rows, scales[0][indices], -1) if scales else self._as_given(rows)

    def _as_given(self, rows: Array) -> Array:
        """Return rows of floats in the precision of the layer."""
        return rounded_to_bfloat16(rows) if self._precision == BFLOAT16 else rows

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""
        if self.mask_zero:
            name, cure = f"{self.name}: mask_zero", "; leave the steps of index 0 out"
            checks.complain(ValueError, name, "be False for the layer to be streamed", True, cure)
        (table, *scales), precision = self.frozen(), self._precision

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty((*x.shape, self.output_dim), self.dtype)
            if scales:
                return lambda: np.copyto(y, restored(table[i := self._indices(x)], scales[0][i], -1)), y
            if precision == BFLOAT16:
                return lambda: np.copyto(y, rounded_to_bfloat16(table[self._indices(x)])), y
            # The indices are in range; with any mode but "clip" NumPy would copy.
            return lambda: np.take(table, self._indices(x), axis=0, out=y, mode="clip"), y

        return stepper

    def _indices(self, x: Array) -> Array:
        if x.dtype == np.int64 and (x.size == 0 or (x.min() >= 0 and x.max() < self.input_dim)):
            return x
        return self.as_input(x, f"{self.name}: x")

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`; the gradient of indices is zero."""
        if call.training:
            self.check_trainable()
        if self._is_whole:
            return self._without_gradient(self.forward(x, call))
        (table,) = self.frozen()
        indices = self._indices(x)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dx = np.zeros(x.shape, self.dtype) if call.need_dx else None
            if not self.trainable:
                return dx, []
            if call.by_rows and table.size >= LARGE_TABLE:
                return dx, [gradient_of_rows(indices.reshape(-1), dy, table.shape)]  # type: ignore[list-item]
            dtable = np.zeros_like(table)
            add_rows(dtable, indices.reshape(-1), dy)
            return dx, [dtable]

        return self._as_given(table[indices]), pullback

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"input_dim": self.input_dim, "output_dim": self.output_dim, "mask_zero": self.mask_zero}
        return {"activity_regularizer": None} | super().get_config() | own
