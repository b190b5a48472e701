"""Forecasts of series by a regressor of their windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, check_is_fitted

from fastlstm import checks

from .regressor import LSTMRegressor
from .sequences import is_ragged, without_object_array

Array = NDArray[Any]


class LSTMForecaster(BaseEstimator):  # type: ignore[misc]
    """Forecasts the next steps of a series from a window of the last ones.

    Parameters
    ----------
    regressor : estimator, optional
        Takes windows ``(N, window, C)`` and gives the steps after them, ``(N, horizon * C)``; None: an `LSTMRegressor`
        with its defaults.
    window : int
        Steps to look back at.
    horizon : int
        Steps that are forecast at once.
    scale : bool
        Whether the regressor sees series with a mean of 0 and a standard deviation of 1 in each channel, which follow
        from what `fit` is given.

    Attributes
    ----------
    regressor_ : estimator
        The trained one.
    n_features_in_ : int
        Channels C.

    Notes
    -----
    A series is an array ``(T,)`` or ``(T, C)``; several ones, of any lengths, are a list of these. `fit` takes every
    window that the steps after it are known of. As `score` needs no more than a series, ``GridSearchCV`` with
    ``TimeSeriesSplit`` chooses arguments, those of the regressor as ``regressor__units``.

    Raises
    ------
    ValueError
        When a series has fewer steps than a window, with those to forecast.

    Examples
    --------
    >>> import numpy as np
    >>> series = 100 + 20 * np.sin(np.arange(200) / 4)
    >>> regressor = LSTMRegressor(8, epochs=20, learning_rate=0.02, random_state=0)
    >>> forecaster = LSTMForecaster(regressor, window=16, horizon=4).fit(series[:150])
    >>> bool(np.abs(forecaster.predict(series[:180]) - series[180:184]).max() < 5)
    True
    """

    def __init__(self, regressor: Any = None, *, window: int = 24, horizon: int = 1, scale: bool = True) -> None:
        self.regressor = regressor
        self.window = window
        self.horizon = horizon
        self.scale = scale

    def fit(self, X: Any, y: Any = None) -> LSTMForecaster:
        """Train on all windows of one or more series; there is no `y`.

        Parameters
        ----------
        X : array-like (T,) or (T, C), or list of such
            Series.

        Returns
        -------
        self
        """
        every = [_steps(one) for one in _listed(X)]
        self.n_features_in_ = every[0].shape[1]
        known = np.concatenate([self._checked(one) for one in every])
        self._mean, self._deviation = np.zeros(known.shape[1]), np.ones(known.shape[1])
        if checks.truth("scale", self.scale):
            spread = known.std(axis=0)
            self._mean, self._deviation = known.mean(axis=0), np.where(spread > 0, spread, 1)
        windows, after = self._windows(every)
        regressor = LSTMRegressor() if self.regressor is None else clone(self.regressor)
        self.regressor_ = regressor.fit(windows, after)
        self._last = X
        return self

    def predict(self, X: Any = None, steps: int | None = None) -> Any:
        """Forecast the steps after the end of a series.

        Parameters
        ----------
        X : array-like (T,) or (T, C), or list of such, optional
            Series, of which the last window counts; None: those of `fit`.
        steps : int, optional
            How many; None: `horizon`. More follow from the forecasts before.

        Returns
        -------
        ndarray (steps,) or (steps, C), or list of such
        """
        check_is_fitted(self)
        given = self._last if X is None else X
        count = self.horizon if steps is None else checks.size("steps", steps)
        found = [self._after(one, count) for one in _listed(given)]
        return found if _are_many(given) else found[0]

    def score(self, X: Any, y: Any = None) -> float:
        """Return R², the share of the variance that the forecasts after all windows of series explain."""
        check_is_fitted(self)
        windows, after = self._windows([_steps(one) for one in _listed(X)])
        return float(r2_score(after, self.regressor_.predict(windows).reshape(after.shape)))

    def _windows(self, every: list[Array]) -> tuple[Array, Array]:
        """Return all windows ``(N, window, C)``, and the steps after them, ``(N, horizon * C)``."""
        length = checks.size("window", self.window)
        whole = length + checks.size("horizon", self.horizon)
        for one in every:
            self._check_steps(one, whole)
        cut = np.concatenate(
            [np.lib.stride_tricks.sliding_window_view(self._scaled(one), whole, axis=0) for one in every]
        ).swapaxes(1, 2)
        return cut[:, :length], cut[:, length:].reshape(len(cut), -1)

    def _after(self, series: Any, count: int) -> Array:
        steps = _steps(series)
        self._check_steps(steps, self.window)
        seen = self._scaled(steps[-self.window :])
        while len(seen) < self.window + count:
            found = self.regressor_.predict(seen[None, -self.window :]).reshape(self.horizon, -1)
            seen = np.concatenate([seen, found])
        forecast = seen[self.window : self.window + count] * self._deviation + self._mean
        return forecast[:, 0] if np.ndim(series) == 1 else forecast

    def _scaled(self, steps: Array) -> Array:
        scaled: Array = (self._checked(steps) - self._mean) / self._deviation
        return scaled

    def _checked(self, steps: Array) -> Array:
        if steps.shape[1] != self.n_features_in_:
            checks.refuse_shape("X", f"(T, {self.n_features_in_})", steps.shape)
        return steps

    def _check_steps(self, steps: Array, wanted: int) -> None:
        if len(steps) < wanted:
            checks.complain(ValueError, "X", f"have series of at least {wanted} steps", len(steps))


def _are_many(X: Any) -> bool:
    """Whether `X` is a list of series, of whatever lengths."""
    X = without_object_array(X)
    return is_ragged(X) or (isinstance(X, list | tuple) and len(X) > 0 and np.ndim(X[0]) > 0)


def _listed(X: Any) -> list[Any]:
    return list(X) if _are_many(X) else [X]


def _steps(series: Any) -> Array:
    """Return a series as ``(T, C)``."""
    steps: Array = check_array(series, dtype=np.float64, ensure_2d=False, input_name="X")
    return steps[:, None] if steps.ndim == 1 else steps
