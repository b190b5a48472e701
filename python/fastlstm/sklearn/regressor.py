"""A regressor of sequences."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from fastlstm import checks

from .estimator import Recurrent

Array = NDArray[Any]


class LSTMRegressor(RegressorMixin, Recurrent):  # type: ignore[misc]
    """Predicts numbers from sequences: recurrent layers, and sums of their last output.

    Parameters
    ----------
    units, layers, cell, ... : int; str
        See `Recurrent`.

    Notes
    -----
    With the last output ``h_T`` of the last recurrent layer it predicts ``W h_T + b``, and what is made small is the
    mean of the squared error. y is taken as it is; numbers far from 0 and 1 are learned sooner when they are brought
    there, as by scikit-learn's ``TransformedTargetRegressor``.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 2))
    >>> y = X[:, -1, 0] - X[:, 0, 1]
    >>> regressor = LSTMRegressor(16, epochs=60, learning_rate=0.02, random_state=0).fit(X, y)
    >>> regressor.score(X, y) > 0.9
    True
    """

    _activation = None
    _loss = "mse"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> LSTMRegressor:
        """Train for one epoch on some of the rows; see `fit`."""
        found: LSTMRegressor = self._part(X, y, sample_weight)
        return found

    def predict(self, X: Any) -> Array:
        """Return a number for each row, ``(N,)``, or as many as rows of y had."""
        outputs = self._outputs(X)
        return outputs.reshape(-1, *self._shape)

    def _labels(self, y: Any) -> Array:
        numbers: Array = check_array(y, dtype=self.dtype, ensure_2d=False, input_name="y")
        return numbers

    def _first_targets(self, y: Array) -> Array:
        self._shape = y.shape[1:]
        return self._targets(y)

    def _targets(self, y: Array) -> Array:
        if y.shape[1:] != self._shape:
            checks.refuse_shape("y", f"(N, {', '.join(map(str, self._shape))})", y.shape)
        return y.reshape(len(y), -1)

    def _outputs_of(self, targets: Array) -> int:
        return int(targets.shape[1])

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn that rows of y may have several numbers."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
