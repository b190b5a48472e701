"""Old methods, attributes and functions."""

import math
from typing import Any

import numpy as np

from .. import backend
from ..foundation.arrays import Array
from ..models import Model, Sequential
from ..optimizers import Optimizer
from .arguments import WORKERS
from .telling import tell


def install() -> None:
    """Give classes and modules what they had."""
    methods: tuple[Any, ...] = (fit_generator, evaluate_generator, predict_generator)
    for method in methods:
        setattr(Model, method.__name__, method)
    methods = (predict_classes, predict_proba)
    for method in methods:
        setattr(Sequential, method.__name__, method)
    Optimizer.lr = property(_rate, _set_rate)  # type: ignore[attr-defined]
    backend.set_session = set_session  # type: ignore[attr-defined]


def fit_generator(self: Model, generator: Any, *args: Any, **kwargs: Any) -> Any:
    """See `fit`."""
    tell("fit_generator()", "fit()")
    return self.fit(generator, **_named(_FIT, args, kwargs))


def evaluate_generator(self: Model, generator: Any, *args: Any, **kwargs: Any) -> Any:
    """See `evaluate`."""
    tell("evaluate_generator()", "evaluate()")
    return self.evaluate(generator, **_named(_EVALUATE, args, {"verbose": 0} | kwargs))


def predict_generator(self: Model, generator: Any, *args: Any, **kwargs: Any) -> Any:
    """See `predict`."""
    tell("predict_generator()", "predict()")
    return self.predict(generator, **_named(_EVALUATE, args, {"verbose": 0} | kwargs))


def set_session(session: Any) -> None:
    """Take what TensorFlow 1 computes in; here everything is computed when it is called."""
    tell("backend.set_session()", "")


def predict_proba(self: Sequential, x: Any, batch_size: int | None = None, verbose: int = 0) -> Any:
    """See `predict`."""
    tell("predict_proba()", "predict()")
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def predict_classes(self: Sequential, x: Any, batch_size: int | None = None, verbose: int = 0) -> Array:
    """Return the number of the likeliest class; of a single output whether it is above a half."""
    tell("predict_classes()", "predict(x).argmax(axis=-1), or (predict(x) > 0.5).astype(int)")
    y = np.asarray(self.predict(x, batch_size=batch_size, verbose=verbose))
    result: Array = y.argmax(axis=-1) if y.shape[-1] > 1 else (y > 0.5).astype("int32")
    return result


_FIT = ("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps")
_EVALUATE = ("steps",)
_RENAMED = {
    "samples_per_epoch": "steps_per_epoch",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "val_samples": "steps",
}
_STEPS = ("steps_per_epoch", "validation_steps", "steps")
_FORGOTTEN = (*WORKERS, "max_q_size", "nb_worker", "pickle_safe")


def _named(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by the names that they have today, with whole numbers of steps."""
    given = dict(zip(names, args, strict=False)) | kwargs
    today = {_RENAMED.get(name, name): value for name, value in given.items() if name not in _FORGOTTEN}
    return {name: _whole(value) if name in _STEPS else value for name, value in today.items()}


def _whole(steps: Any) -> Any:
    """Return a number of steps: ``len(x) / batch_size`` may be a fraction, and steps went on until they reached it."""
    return math.ceil(steps) if isinstance(steps, float) and math.isfinite(steps) else steps


def _rate(self: Optimizer) -> float:
    tell("optimizer.lr", "optimizer.learning_rate")
    return self.learning_rate


def _set_rate(self: Optimizer, value: Any) -> None:
    tell("optimizer.lr", "optimizer.learning_rate")
    self.learning_rate = value
