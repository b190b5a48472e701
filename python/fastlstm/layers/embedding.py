"""Table of vectors."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.precisions import BFLOAT16, SCALE, restored, rounded_to_bfloat16
from fastlstm.tables import add_rows
from fastlstm.typing import Floats

from .quantizable import Quantizable
from .sizes import shape_of
from .stateless import Back, Stateless


class Embedding(Quantizable, Stateless):
    """Table of vectors, of which every index gives one.

    Parameters
    ----------
    num_embeddings : int
        Rows of the table: indices run from 0 to ``num_embeddings - 1``.
    embedding_dim : int
        Numbers of a row.
    padding_idx : int, optional
        A row that has no gradient, and is zero to start with; counted from the end if negative.
    dtype : str or dtype
        ``float32`` or ``float64``, or ``bfloat16`` for rows rounded to such numbers: the table and what is given out
        are float32 then.
    seed : int, optional
        For the initial table, normal.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Constructor, call and the parameter's name, ``weight (num_embeddings, embedding_dim)``, are those of
    ``torch.nn.Embedding``. A call takes whole numbers of any shape, in lists too.

    Examples
    --------
    >>> import fastlstm as fl
    >>> fl.Embedding(10, 3, seed=0)([[1, 2, 4, 5], [4, 3, 2, 9]]).shape
    (2, 4, 3)
    """

    _of_parameters = ("num_embeddings", "embedding_dim")
    _sizes = ("num_embeddings", "embedding_dim")

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.num_embeddings = rows = checks.size("num_embeddings", num_embeddings)
        self.embedding_dim = checks.size("embedding_dim", embedding_dim)
        self.padding_idx = padding_idx
        if padding_idx is not None:
            self.padding_idx = checks.whole_number("padding_idx", padding_idx, at_least=-rows, at_most=rows - 1) % rows
        self._set_dtype(dtype)
        self._start(np.random.default_rng(checks.seed("seed", seed)))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}

    def _draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        table = rng.standard_normal((self.num_embeddings, self.embedding_dim), self.dtype)
        if self.padding_idx is not None:
            table[self.padding_idx] = 0
        return {"weight": table}

    def _matrices(self) -> tuple[str, ...]:
        return ("weight",)

    @classmethod
    def _sizes_of(cls, own: dict[str, NDArray[Any]], prefix: str, names: list[Any], owner: str) -> dict[str, Any]:
        rows, columns = shape_of(own, "weight", prefix, names, owner)
        return {"num_embeddings": rows, "embedding_dim": columns}

    def checked(self, x: Any) -> NDArray[Any]:
        """Return the indices, if all are those of a row."""
        indices = checks.whole_numbers("x", x)
        if indices.size and (indices.min() < 0 or indices.max() >= self.num_embeddings):
            first = indices[(indices < 0) | (indices >= self.num_embeddings)][0]
            checks.complain(ValueError, "x", f"hold whole numbers from 0 to {self.num_embeddings - 1}", first)
        return indices

    def forward(self, x: NDArray[Any]) -> Floats:
        """Return the rows of indices."""
        arrays = self._parameters
        rows, scale = arrays["weight"][x], arrays.get("weight" + SCALE)
        return cast(Floats, self._as_given(rows) if scale is None else restored(rows, scale[x]))

    def _as_given(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return rows of floats in the precision of the layer."""
        return rounded_to_bfloat16(rows) if self._precision == BFLOAT16 else rows

    def forward_training(self, x: NDArray[Any]) -> tuple[Floats, Back]:
        """Return the rows of indices, and what leads back: indices have no gradient."""
        self.check_trainable()
        weight = self._parameters["weight"]

        def back(dy: Floats) -> tuple[None, dict[str, Floats]]:
            dweight = np.zeros_like(weight)
            add_rows(dweight, x.reshape(-1), dy.reshape(-1, self.embedding_dim))
            if self.padding_idx is not None:
                dweight[self.padding_idx] = 0
            return None, {"weight": dweight}

        return cast(Floats, self._as_given(weight[x])), back

    def size_behind(self, size: int | None, has_time: bool) -> int | None:
        """Return the length of a row; see `Stateless.size_behind`."""
        return self.embedding_dim
