"""What `fit`, `evaluate` and `predict` are told about a run beside its data, checked before the first step."""

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fastlstm.checks import complain, real_number, refuse, shown, truth, whole_number
from fastlstm.frames import user_stacklevel
from fastlstm.through_time import ThroughTime, checked

from ..callbacks import arguments

ClassWeights: TypeAlias = dict[int, float]

ROWS = 32
"""Rows of a batch, unless the user says otherwise."""


@dataclass(frozen=True)
class FitOptions:
    """Arguments of `fit` that are not data, as it uses them."""

    rows: int
    epochs: range
    verbose: int
    split: float
    shuffle: bool
    class_weight: ClassWeights | None
    steps: int | None
    validation_steps: int | None
    validation_rows: int
    validates: Callable[[int], bool]
    by: ThroughTime
    """How gradients go through time."""


def fit_options(
    batch_size: Any,
    epochs: Any,
    verbose: Any,
    validation_split: Any,
    shuffle: Any,
    class_weight: Any,
    initial_epoch: Any,
    steps_per_epoch: Any,
    validation_steps: Any,
    validation_batch_size: Any,
    validation_freq: Any,
    tbptt: Any,
    checkpoint_every: Any,
    memory_limit: Any,
) -> FitOptions:
    """Check the arguments of `fit` that are not data, all of them."""
    rows = batch_rows("batch_size", batch_size)
    return FitOptions(
        rows,
        _epochs(initial_epoch, epochs),
        verbosity(verbose),
        _split(validation_split),
        truth("shuffle", shuffle),
        class_weights(class_weight),
        steps_of("steps_per_epoch", steps_per_epoch),
        steps_of("validation_steps", validation_steps),
        batch_rows("validation_batch_size", validation_batch_size, rows),
        _validation_epochs(validation_freq),
        checked(tbptt, checkpoint_every, memory_limit),
    )


def batch_rows(name: str, value: Any, default: int = ROWS) -> int:
    """Rows of a batch; None: `default`."""
    return default if value is None else whole_number(name, value, at_least=1)


def steps_of(name: str, value: Any) -> int | None:
    """Batches of an epoch or a run; None: as many as there are."""
    return None if value is None else whole_number(name, value, at_least=1)


def verbosity(value: Any) -> int:
    """0, 1 or 2."""
    if type(value) is int and 0 <= value <= 2:  # quickly, as a small model is asked again and again
        return value
    if isinstance(value, str):
        if value != "auto":
            refuse(ValueError, "verbose", "'auto', 0, 1 or 2", value)
        return 1
    return arguments.verbosity(value)


def class_weights(value: Any) -> ClassWeights | None:
    """Weights by class number, or None."""
    if value is None:
        return None
    if not isinstance(value, dict):
        refuse(TypeError, "class_weight", "a dict from class numbers to weights", value)
    return {
        _class_number(name): real_number(f"class_weight: the weight of {name!r}", weight, at_least=0)
        for name, weight in value.items()
    }


def _class_number(name: Any) -> int:
    """Return a class as an int; where labels are floats or booleans, so are the classes that NumPy finds in them."""
    if isinstance(name, bool | np.bool_) or (isinstance(name, float | np.floating) and name.is_integer()):
        return int(name)
    return whole_number("class_weight: a class", name)


def refuse_beside_batches(batch_size: Any, **given: Any) -> None:
    """Raise if anything is `given` that batches from a generator or the like bring themselves.

    Of a batch size, which many programs give although Keras makes nothing of it, only a warning is given.
    """
    if batch_size is not None:
        message = f"batch_size={batch_size} is not used: x gives batches, which have their own sizes"
        warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
    for name, value in given.items():
        if value is not None:
            must = "be left out where x gives batches"
            complain(ValueError, name, must, shown(value), f": {_OWN[name]}")


_OWN = {
    "y": "the batches are (x, y) or (x, y, sample_weight)",
    "sample_weight": "the batches are (x, y, sample_weight)",
    "validation_split": "they cannot be split; give validation_data",
}


def _epochs(first: Any, last: Any) -> range:
    first = whole_number("initial_epoch", first, at_least=0)
    last = whole_number("epochs", last, at_least=0)
    if first > last:
        must = f"be at least initial_epoch {first}, as it is the number of the last one"
        complain(ValueError, "epochs", must, last)
    return range(first, last)


def _split(value: Any) -> float:
    return real_number("validation_split", value, at_least=0, below=1)


def _validation_epochs(frequency: Any) -> Callable[[int], bool]:
    """Return whether to validate after an epoch, which counts from 0."""
    if isinstance(frequency, Collection) and not isinstance(frequency, str | bytes | dict):
        after = {whole_number("validation_freq: an epoch", epoch, at_least=1) for epoch in frequency}
        return lambda epoch: epoch + 1 in after
    every = whole_number("validation_freq", frequency, at_least=1)
    return lambda epoch: (epoch + 1) % every == 0
