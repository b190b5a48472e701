"""An embedding that drops words, as that of Keras 1 did."""

from __future__ import annotations

from typing import Any

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.random import generator
from ..layers import Embedding
from ..layers.call import INFERENCE, TRAINING, Call, Pullback
from ..layers.regularization.dropout import dropout_mask
from .telling import tell


class DroppingEmbedding(Embedding):
    """In training, an `Embedding` whose table lacks a fraction of its rows in every batch; the others are scaled up.

    A row that is dropped is zero wherever its index occurs in the batch.

    Parameters
    ----------
    *args, **kwargs : tuple
        Those of `Embedding`.
    dropout : float
        The fraction.
    """

    keras_class_name = "Embedding"
    keras_place = ("keras.layers", None)

    def __init__(self, *args: Any, dropout: float, **kwargs: Any) -> None:
        tell("layers.Embedding: dropout=", "Dropout(rate, noise_shape=(None, None, 1)) behind it")
        super().__init__(*args, **kwargs)
        self.dropout = checks.fraction(f"{self.name}: dropout", dropout)

    def _kept(self, x: Array) -> Array:
        """Factors of the rows that the indices `x` stand for, with an axis for the entries of a row."""
        of_rows = dropout_mask(generator("noise"), (self.input_dim, 1), self.dropout, self.dtype)
        kept: Array = of_rows[self._indices(x)]
        return kept

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """See `Layer.forward`."""
        y = super().forward(x, call)
        return y * self._kept(x) if call.training else y

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        y, pullback = super().vjp(x, call)
        if not call.training:
            return y, pullback
        kept = self._kept(x)
        return y * kept, lambda dy: pullback(dy * kept)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"dropout": self.dropout}


def new_embedding(cls: type[Embedding], *args: Any, dropout: Any = None, **kwargs: Any) -> Embedding:
    """Return an embedding to be initialized: one that drops words if it is asked to."""
    made: Embedding = object.__new__(DroppingEmbedding if dropout and cls is Embedding else cls)
    return made
