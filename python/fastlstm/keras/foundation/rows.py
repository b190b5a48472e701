"""Gradients of tables of which few rows were used."""

from typing import Any

import numpy as np

from fastlstm.tables import add_rows

from .arrays import Array


class RowGradient:
    """The gradient of a table ``(rows, size)``, zero but for some rows.

    Parameters
    ----------
    places : ndarray
        Which rows, each once.
    rows : ndarray
        Their gradients ``(n, size)``.
    shape : tuple of int
        Of the table.
    """

    def __init__(self, places: Array, rows: Array, shape: tuple[int, ...]) -> None:
        self.places, self.rows, self.shape = places, rows, shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the gradients."""
        return self.rows.dtype

    def whole(self) -> Array:
        """Return the gradient of all rows."""
        found: Array = np.zeros(self.shape, self.dtype)
        found[self.places] = self.rows
        return found

    def __add__(self, other: Any) -> Array:
        result: Array = self.whole() + (other.whole() if isinstance(other, RowGradient) else other)
        return result

    __radd__ = __add__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.whole().astype(dtype or self.dtype, copy=False)


def gradient_of_rows(places: Array, slopes: Array, shape: tuple[int, ...]) -> RowGradient:
    """Return the gradient of a table of which rows were used, with their `slopes`; `places` may repeat."""
    used, where = np.unique(places, return_inverse=True)
    rows = np.zeros((len(used), *shape[1:]), slopes.dtype)
    add_rows(rows, where.reshape(-1), slopes)
    return RowGradient(used, rows, shape)
