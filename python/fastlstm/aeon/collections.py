"""The estimators of `fastlstm.sklearn` for collections of series as aeon has them."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from typing import Any, ClassVar

from aeon.classification.base import BaseClassifier
from aeon.regression.base import BaseRegressor
from numpy.typing import NDArray

from fastlstm import sklearn
from fastlstm.sklearn.estimator import Recurrent

Array = NDArray[Any]


def rows_of(X: Any) -> Any:
    """Return cases ``(channels, time)`` as sequences ``(T, I)``.

    Examples
    --------
    >>> import numpy as np
    >>> rows_of(np.zeros((4, 2, 7))).shape, [row.shape for row in rows_of([np.zeros((2, 7)), np.zeros((2, 5))])]
    ((4, 7, 2), [(7, 2), (5, 2)])
    """
    return [case.T for case in X] if isinstance(X, list) else X.swapaxes(1, 2)


def _constructor(base: Any) -> Any:
    """Return a constructor with the arguments of the estimators, which `base` looks up by their names."""

    @wraps(Recurrent.__init__)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        Recurrent.__init__(self, *args, **kwargs)
        base.__init__(self)

    vars(constructor)["__signature__"] = signature(Recurrent.__init__)
    return constructor


class _Collections:
    """What the two share: an estimator of `fastlstm.sklearn` does all there is to do."""

    _tags: ClassVar[dict[str, Any]] = {
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "non_deterministic": False,
        "X_inner_type": ["np-list", "numpy3D"],
        "algorithm_type": "deeplearning",
    }
    _estimator: ClassVar[type]

    def _fit(self, X: Any, y: Any) -> Any:
        self.estimator_ = self._estimator(**self.get_params()).fit(rows_of(X), y)  # type: ignore[attr-defined]
        return self

    def _predict(self, X: Any) -> Array:
        found: Array = self.estimator_.predict(rows_of(X))
        return found

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Return arguments for the checks of aeon."""
        return {"units": 4, "epochs": 2, "random_state": 0}


class LSTMClassifier(_Collections, BaseClassifier):  # type: ignore[misc]
    """Tells classes of series; see `fastlstm.sklearn.LSTMClassifier`.

    X is an array ``(cases, channels, time)``, or a list of series ``(channels, time)`` of any lengths.

    Parameters
    ----------
    units, layers, cell, ... : int; str
        Those of `fastlstm.sklearn.estimator.Recurrent`. `features_per_step` has no effect, as X has channels.

    Attributes
    ----------
    estimator_
        The estimator of `fastlstm.sklearn` that does all there is to do.

    Examples
    --------
    >>> import numpy as np
    >>> rising = np.linspace(0, 1, 8) + np.random.default_rng(0).normal(size=(20, 1, 8)) / 10
    >>> X, y = np.concatenate([rising, rising[..., ::-1]]), np.repeat(["up", "down"], 20)
    >>> classifier = LSTMClassifier(8, epochs=20, learning_rate=0.02, random_state=0).fit(X, y)
    >>> classifier.predict(X[[0, -1]]).tolist()
    ['up', 'down']
    """

    _estimator = sklearn.LSTMClassifier

    __init__ = _constructor(BaseClassifier)

    def _predict_proba(self, X: Any) -> Array:
        found: Array = self.estimator_.predict_proba(rows_of(X))
        return found


class LSTMRegressor(_Collections, BaseRegressor):  # type: ignore[misc]
    """Predicts numbers from series; see `fastlstm.sklearn.LSTMRegressor`.

    X is an array ``(cases, channels, time)``, or a list of series ``(channels, time)`` of any lengths.

    Parameters
    ----------
    units, layers, cell, ... : int; str
        Those of `fastlstm.sklearn.estimator.Recurrent`. `features_per_step` has no effect, as X has channels.

    Attributes
    ----------
    estimator_
        The estimator of `fastlstm.sklearn` that does all there is to do.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(40, 2, 5))
    >>> regressor = LSTMRegressor(8, epochs=2, random_state=0).fit(X, X[:, 0, -1])
    >>> regressor.predict([np.zeros((2, 3)), np.zeros((2, 5))]).shape
    (2,)
    """

    _estimator = sklearn.LSTMRegressor

    __init__ = _constructor(BaseRegressor)
