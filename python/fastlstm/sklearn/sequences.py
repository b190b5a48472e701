"""What estimators are given as X, as sequences (N, T, I): tables, arrays with three axes, and rows of many lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, validate_data

from fastlstm import checks

Array = NDArray[Any]

PADDING = float(np.finfo(np.float32).min)
"""What fills up short rows: a number of both dtypes that no data has."""


def is_ragged(X: Any) -> bool:
    """Whether `X` is a list of rows of which not all are equally long.

    Examples
    --------
    >>> is_ragged([[1.0, 2.0], [3.0]]), is_ragged([[1.0, 2.0], [3.0, 4.0]])
    (True, False)
    """
    if not isinstance(X, list | tuple):
        return False
    lengths = [len(row) if hasattr(row, "__len__") and not isinstance(row, str | bytes | dict) else -1 for row in X]
    return len({*lengths}) > 1 and min(lengths) >= 0


def without_object_array(X: Any) -> Any:
    """Return `X`, as a list if it is an array of arrays."""
    return list(X) if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1 else X


def sequences_of(estimator: Any, X: Any, first: bool) -> Array:
    """Return `X` as ``(N, T, I)``; what short rows lack is `PADDING`.

    Parameters
    ----------
    estimator : estimator
        Keeps what it is trained with: `n_features_in_` and, of tables, names.
    X : array_like or list of array_like
        A table ``(N, T * I)``, an array ``(N, T, I)`` or a list of ``(T,)`` or ``(T, I)``.
    first : bool
        Whether it begins with these, so that others must be like them.
    """
    X = without_object_array(X)
    if is_ragged(X) or (not first and not estimator.is_tabular_ and _axes(X) == 2):
        found = _padded([_steps(row, number, estimator.dtype) for number, row in enumerate(X)])
    elif _axes(X) == 3:
        found = check_array(X, dtype=estimator.dtype, allow_nd=True, input_name="X")
    else:
        return _of_table(estimator, X, first)
    if first:
        estimator.n_features_in_, estimator.is_tabular_ = found.shape[2], False
        vars(estimator).pop("feature_names_in_", None)
    return found


def _axes(X: Any) -> int:
    """Return how many axes `X` has, where that can be known without making an array of something strange."""
    if hasattr(X, "ndim"):
        return int(X.ndim)
    return np.ndim(X) if isinstance(X, list | tuple) else 2


def _of_table(estimator: Any, X: Any, first: bool) -> Array:
    table: Array = validate_data(estimator, X, reset=first, dtype=estimator.dtype)
    size = checks.size("features_per_step", estimator.features_per_step)
    if table.shape[1] % size:
        checks.complain(ValueError, "X", f"have steps of {size} columns, as features_per_step says", table.shape[1])
    if first:
        estimator.is_tabular_ = True
    return table.reshape(len(table), -1, size)


def _steps(row: Any, number: int, dtype: Any) -> Array:
    """Return a row as ``(T, I)``."""
    steps: Array = check_array(row, dtype=dtype, ensure_2d=False, allow_nd=True, input_name=f"X[{number}]")
    if steps.ndim > 2:
        checks.refuse_shape(f"X[{number}]", "(T,) or (T, features)", steps.shape)
    return steps[:, None] if steps.ndim == 1 else steps


def _padded(rows: list[Array]) -> Array:
    sizes = {row.shape[1] for row in rows}
    if len(sizes) > 1:
        checks.complain(ValueError, "X", "have rows with the same number of features", sorted(sizes))
    found = np.full((len(rows), max(map(len, rows)), *sizes), PADDING, rows[0].dtype)
    for into, row in zip(found, rows, strict=True):
        into[: len(row)] = row
    return found
