"""A classifier of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from fastlstm import checks

from .estimator import Recurrent

Array = NDArray[Any]


class LSTMClassifier(ClassifierMixin, Recurrent):  # type: ignore[misc]
    """Tells classes of sequences: recurrent layers, and a softmax of their last output.

    Parameters
    ----------
    units, layers, cell, ... : int; str
        See `Recurrent`.

    Attributes
    ----------
    classes_ : ndarray
        The labels that there are, in order.

    Notes
    -----
    With the last output ``h_T`` of the last recurrent layer ``p = softmax(W h_T + b)``, and what is made small is the
    mean of ``-log p_y`` over the rows.

    Examples
    --------
    >>> import numpy as np
    >>> rising = np.linspace(0, 1, 8) + np.random.default_rng(0).normal(size=(20, 8)) / 10
    >>> X, y = np.concatenate([rising, rising[:, ::-1]]), 20 * ["up"] + 20 * ["down"]
    >>> classifier = LSTMClassifier(8, epochs=30, learning_rate=0.02, random_state=0).fit(X, y)
    >>> classifier.predict([X[0], X[-1, :6]]).tolist()
    ['up', 'down']
    """

    _given_classes: Array | None = None
    _activation = "softmax"
    _loss = "sparse_categorical_crossentropy"

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> LSTMClassifier:
        """Train for one epoch on some of the rows.

        Parameters
        ----------
        X, y, sample_weight : array_like
            See `fit`.
        classes : array-like, optional
            All labels that there are; needed at the first call, where `y` may lack some.

        Returns
        -------
        self
        """
        if not hasattr(self, "model_") and classes is None:
            checks.complain(ValueError, "classes", "be given at the first call of partial_fit()", None)
        if classes is not None:
            self._given_classes = np.unique(column_or_1d(classes))
        found: LSTMClassifier = self._part(X, y, sample_weight)
        return found

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LSTMClassifier:
        """Train a new network; see `Recurrent.fit`."""
        self._given_classes = None
        found: LSTMClassifier = super().fit(X, y, sample_weight)
        return found

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, ``(N, classes)``, in the order of `classes_`."""
        probabilities = self._outputs(X)
        whole: Array = probabilities / probabilities.sum(axis=1, keepdims=True)
        return whole

    def predict(self, X: Any) -> Array:
        """Return the likeliest label of each row, ``(N,)``."""
        likeliest = self._outputs(X).argmax(axis=1)
        found: Array = self.classes_[likeliest]
        return found

    def _labels(self, y: Any) -> Array:
        labels: Array = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        return labels

    def _first_targets(self, y: Array) -> Array:
        self.classes_ = np.unique(y) if self._given_classes is None else self._given_classes
        if len(self.classes_) < 2:
            checks.complain(ValueError, "y", "have two classes or more", f"{len(self.classes_)} class")
        return self._targets(y)

    def _targets(self, y: Array) -> Array:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            checks.complain(ValueError, "y", f"have labels among {self.classes_.tolist()}", unknown.tolist())
        return np.searchsorted(self.classes_, y)

    def _outputs_of(self, targets: Array) -> int:
        return len(self.classes_)
