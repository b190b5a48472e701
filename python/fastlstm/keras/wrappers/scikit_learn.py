"""Estimators of scikit-learn around a function that builds a model, as Keras 2 had them."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from .. import losses
from ..foundation.arrays import Array
from ..models import Model
from ..old_spellings import arguments
from ..utils import to_categorical


class _Wrapper:
    """What the two have in common.

    Parameters
    ----------
    build_fn : callable, optional
        Gives a compiled model: a function, or an object or a subclass with ``__call__``.
    **sk_params : keyword arguments
        Arguments for `build_fn`, and for `fit`, `evaluate` and `predict` of the model, by name.
    """

    kind: ClassVar[str]

    def __init__(self, build_fn: Callable[..., Model] | None = None, **sk_params: Any) -> None:
        self.build_fn, self.sk_params = build_fn, sk_params
        self._check(sk_params)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> "_Wrapper":
        """Change some of the constructor's arguments."""
        self._check(params)
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.sk_params.update(params)
        return self

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build the model and train it; return the history, and keep the model in ``model``."""
        self.model = self._builder(**self._given_to(self._builder))
        labels = np.asarray(y)
        if labels.ndim != 2 and _takes_one_hot(self.model):
            labels = to_categorical(labels)
        return self.model.fit(x, labels, **self._given_to(Model.fit) | kwargs)

    def _outputs(self, x: Any, kwargs: dict[str, Any]) -> Array:
        outputs: Array = self.model.predict(x, **self._given_to(Model.predict) | kwargs)
        return outputs

    def _evaluated(self, x: Any, y: Any, kwargs: dict[str, Any]) -> dict[str, float]:
        options = self._given_to(Model.evaluate) | kwargs | {"return_dict": True}
        found: dict[str, float] = self.model.evaluate(x, y, **options)
        return found

    @property
    def _builder(self) -> Callable[..., Model]:
        if self.build_fn is not None:
            return self.build_fn
        if not callable(self):
            checks.refuse(TypeError, f"{type(self).__name__}: build_fn", "a function that gives a model", None)
        return self

    def _given_to(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return those of `sk_params` that a function takes."""
        return {name: value for name, value in self.sk_params.items() if name in _parameters(function)}

    def _check(self, params: dict[str, Any]) -> None:
        functions: list[Callable[..., Any]] = [Model.fit, Model.evaluate, Model.predict]
        builder = params.get("build_fn", self.build_fn)
        functions += [builder] if builder is not None else [self._builder]
        known = {"build_fn"}.union(*map(_parameters, functions))
        for name in params:
            checks.one_of(f"{type(self).__name__}: argument", name, sorted(known))

    def __sklearn_tags__(self) -> Any:
        """Describe the estimator to scikit-learn, which asks for this."""
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        tags = Tags(estimator_type=self.kind, target_tags=TargetTags(required=True))
        if self.kind == "classifier":
            tags.classifier_tags = ClassifierTags()
        else:
            tags.regressor_tags = RegressorTags()
        return tags


class KerasClassifier(_Wrapper):
    """A classifier of scikit-learn around a function that builds a model.

    Parameters
    ----------
    build_fn, **sk_params : callable
        See the base class.

    Attributes
    ----------
    model
        Once trained, the model.
    classes_, n_classes_
        The labels that there are, in order, and their number.

    Raises
    ------
    ValueError
        If an argument is one of neither `build_fn` nor `fit` and its kin.
    TypeError
        If `build_fn` cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers, wrappers
    >>> def build(units=8):
    ...     model = Sequential([Input((5, 1)), layers.LSTM(units), layers.Dense(2, activation="softmax")])
    ...     model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ...     return model
    >>> classifier = wrappers.scikit_learn.KerasClassifier(build, units=4, epochs=2, verbose=0)
    >>> x = np.ones((6, 5, 1))
    >>> history = classifier.fit(x, ["a", "b", "a", "a", "b", "a"])
    >>> classifier.predict_proba(x).shape, classifier.classes_.tolist()
    ((6, 2), ['a', 'b'])
    """

    kind = "classifier"

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build the model and train it on labels ``(N,)`` or ``(N, 1)`` of any kind, or ``(N, classes)`` of 0 and 1."""
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] > 1:
            self.classes_ = np.arange(labels.shape[1])
        elif labels.ndim in (1, 2):
            self.classes_, labels = np.unique(labels.reshape(-1), return_inverse=True)
        else:
            checks.refuse_shape("y", "(N,), (N, 1) or (N, classes)", labels.shape)
        self.n_classes_ = len(self.classes_)
        return super().fit(x, labels, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> Array:
        """Return the likeliest label of each row."""
        found: Array = self.classes_[self.predict_proba(x, **kwargs).argmax(axis=-1)]
        return found

    def predict_proba(self, x: Any, **kwargs: Any) -> Array:
        """Return probabilities ``(N, classes)``; of one output, which is that of the second class, both."""
        share = self._outputs(x, kwargs)
        return np.hstack([1 - share, share]) if share.shape[1:] == (1,) else share

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Return the accuracy, which the model must have among its metrics."""
        labels = np.asarray(y)
        if labels.ndim == 1 or labels.shape[1] == 1:
            labels = np.searchsorted(self.classes_, labels.reshape(-1))
            if _takes_one_hot(self.model):
                labels = to_categorical(labels, self.n_classes_)
        logs = self._evaluated(x, labels, kwargs)
        for name in ("accuracy", "acc"):
            if name in logs:
                return float(logs[name])
        must = "be compiled with metrics=['accuracy']"
        checks.complain(ValueError, f"{type(self).__name__}: the model", must, f"metrics {sorted(logs)}")


class KerasRegressor(_Wrapper):
    """A regressor of scikit-learn around a function that builds a model.

    Parameters
    ----------
    build_fn, **sk_params : callable
        See the base class.

    Attributes
    ----------
    model
        Once trained, the model.

    Raises
    ------
    ValueError
        If an argument is one of neither `build_fn` nor `fit` and its kin.
    TypeError
        If `build_fn` cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers, wrappers
    >>> def build():
    ...     model = Sequential([Input((5, 1)), layers.LSTM(4), layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> regressor = wrappers.scikit_learn.KerasRegressor(build, epochs=2, verbose=0)
    >>> history = regressor.fit(np.ones((6, 5, 1)), np.ones(6))
    >>> regressor.predict(np.ones((2, 5, 1)), verbose=0).shape
    (2,)
    """

    kind = "regressor"

    def predict(self, x: Any, **kwargs: Any) -> Array:
        """Return the outputs; of a single one a row, ``(N,)``."""
        outputs = self._outputs(x, kwargs)
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Return the loss with its sign changed, so that more is better."""
        return -float(self._evaluated(x, np.asarray(y), kwargs)["loss"])


def _parameters(function: Callable[..., Any]) -> set[str]:
    """Return the names of arguments that a function takes, the old one of `fit` too."""
    old = arguments.ARGUMENTS["models.Model.fit"] if function is Model.fit else {}
    return {name for name in inspect.signature(function).parameters if name != "self"} | set(old)


def _takes_one_hot(model: Model) -> bool:
    """Whether the loss is that of one-hot labels."""
    loss = getattr(model, "loss", None)
    if loss is losses.categorical_crossentropy or isinstance(loss, losses.CategoricalCrossentropy):
        return True
    return isinstance(loss, str) and loss == "categorical_crossentropy"
