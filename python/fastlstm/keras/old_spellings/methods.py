"""Old methods and attributes."""

from typing import Any

import numpy as np

from ..foundation.arrays import Array
from ..models import Model, Sequential
from ..optimizers import Optimizer
from .arguments import WORKERS
from .telling import tell


def install() -> None:
    """Give the classes their old methods."""
    methods: tuple[Any, ...] = (fit_generator, evaluate_generator, predict_generator)
    for method in methods:
        setattr(Model, method.__name__, method)
    methods = (predict_classes, predict_proba)
    for method in methods:
        setattr(Sequential, method.__name__, method)
    Optimizer.lr = property(_rate, _set_rate)  # type: ignore[attr-defined]


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
_FORGOTTEN = (*WORKERS, "max_q_size", "nb_worker", "pickle_safe")


def _named(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by the names that they have today."""
    given = dict(zip(names, args, strict=False)) | kwargs
    return {_RENAMED.get(name, name): value for name, value in given.items() if name not in _FORGOTTEN}


def _rate(self: Optimizer) -> float:
    tell("optimizer.lr", "optimizer.learning_rate")
    return self.learning_rate


def _set_rate(self: Optimizer, value: Any) -> None:
    tell("optimizer.lr", "optimizer.learning_rate")
    self.learning_rate = value
