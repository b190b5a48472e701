"""Metrics: running means over the samples seen since the last reset."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from . import initializers, losses
from .foundation.arrays import Array, any_numbers, weight_shape
from .foundation.configs import Configurable, Kind
from .foundation.lookup import checked_name, function_name, names_of, snake_case
from .foundation.published import find_function, is_function
from .foundation.registration import custom_object_scope, get_registered_object
from .foundation.settings import floatx
from .foundation.trees import leaves
from .foundation.variable import Variable


class Metric(Configurable):
    """Base class. A metric of your own defines `call`, the value of every entry, or `update_state` and `result`.

    What it gathers are weights from `add_weight`, or other metrics, kept as attributes; `reset_state` makes them zeros.

    Parameters
    ----------
    name
        Under which it is logged; by default the class name in snake case.
    dtype
        Accepted and ignored: sums are kept as Python floats.
    """

    direction = "down"
    """Whether a better model has a higher (``"up"``) or lower (``"down"``) value."""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = checked_name(name, type(self).__name__) or snake_case(type(self).__name__)
        self._dtype = floatx() if dtype is None else checks.any_dtype("dtype", dtype).name
        self.total, self.count = 0.0, 0.0

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Return a weight that the metric gathers something in; keep it as an attribute.

        Parameters
        ----------
        shape
            Its sizes; by default those of a number.
        initializer
            Of its first value; by default zeros.
        dtype
            By default that of the metric.
        name
            By default ``variable``; may come first.
        """
        names = ("name", "shape") if args and isinstance(args[0], str) else ("shape", "initializer", "dtype")
        given = dict(zip(names, args, strict=False)) | kwargs
        for argument in given:
            checks.one_of("add_weight's argument", argument, ("shape", "initializer", "dtype", "aggregation", "name"))
        dtype = np.dtype(given.get("dtype") or self._dtype)
        draw = initializers.get(given.get("initializer"))
        name = checked_name(given.get("name"), "add_weight") or "variable"
        shape = weight_shape(given.get("shape", ()), "shape")
        return Variable(draw(shape).astype(dtype), name, f"{self.name}/{name}", trainable=False)

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """The weights, those of other metrics inside too."""
        found: list[Variable] = []
        for value in leaves(list(vars(self).values())):
            found += [value] if isinstance(value, Variable) else value.variables if isinstance(value, Metric) else []
        return found

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the value of every entry."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def check(self, y_true: Array, output_shape: tuple[int | None, ...]) -> None:
        """Raise if labels and outputs of these shapes cannot be compared; asked once, before the first step."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch."""
        labels, outputs = any_numbers(y_true, "y_true"), losses.as_outputs(y_pred)
        if labels.shape[:1] != outputs.shape[:1]:
            checks.complain(ValueError, "y_true", f"have the rows of y_pred {outputs.shape}", f"shape {labels.shape}")
        values = self.call(labels, outputs)
        if values.ndim == 0:
            self.total += float(values)
            self.count += 1
        elif sample_weight is not None:
            self._add_weighted(values, any_numbers(sample_weight, "sample_weight"))
        elif values.size:
            rows = len(values)
            self.total += float(np.add.reduce(values, axis=None)) * rows / values.size
            self.count += rows

    def _add_weighted(self, values: Array, weights: Array) -> None:
        if weights.ndim > values.ndim:
            weights = weights.mean(axis=tuple(range(values.ndim, weights.ndim)))
        if values.ndim > weights.ndim:
            values = values.mean(axis=tuple(range(weights.ndim, values.ndim)))
        if values.size:
            scale = len(values) / values.size
            self.total += float(losses.weighted(values, weights).sum()) * scale
            self.count += float(np.broadcast_to(weights, values.shape).sum()) * scale

    def result(self) -> float:
        """Return the mean so far, 0 before the first batch."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Forget everything."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))
        for part in leaves(list(vars(self).values())):
            if isinstance(part, Metric):
                part.reset_state()
        self.total, self.count = 0.0, 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> float:
        """Take in one batch and give the mean so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "dtype": self._dtype} | dict(self.keras_only)


class CategoricalAccuracy(Metric):
    """How often the largest output is at the largest label; of equal ones the first counts."""

    direction = "up"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        result: Array = y_true.argmax(-1) == y_pred.argmax(-1)
        return result


class SparseCategoricalAccuracy(Metric):
    """How often the largest output is at the class number."""

    direction = "up"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        result: Array = _class_numbers(y_true, y_pred) == y_pred.argmax(-1)
        return result


def _class_numbers(y_true: Array, y_pred: Array) -> Array:
    return y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true


class BinaryAccuracy(Metric):
    """How often an output above `threshold` meets a label 1, and another a label 0.

    Parameters
    ----------
    name, dtype
        See `Metric`.
    threshold
        Outputs above it count as 1.
    """

    direction = "up"

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = checks.real_number("threshold", threshold)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Share of right entries in each row."""
        if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        return losses.mean_last(y_true == (y_pred > self.threshold))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"threshold": self.threshold}


class TopKCategoricalAccuracy(Metric):
    """How often the largest label is among the `k` largest outputs.

    Parameters
    ----------
    k
        How many outputs count.
    name, dtype
        See `Metric`.
    """

    direction = "up"

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = checks.whole_number("k", k, at_least=1)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        return _in_top_k(y_true.argmax(-1), y_pred, self.k)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"k": self.k}


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """How often the class number is among the `k` largest outputs."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        return _in_top_k(_class_numbers(y_true, y_pred), y_pred, self.k)


def _in_top_k(labels: Array, y_pred: Array, k: int) -> Array:
    labels = labels.astype(np.int64)
    own = np.take_along_axis(y_pred, labels[..., None], axis=-1)
    result: Array = ((y_pred > own).sum(-1) < k) & (labels >= 0)
    return result


class _LossMetric(Metric):
    loss: Callable[[], losses.Loss]

    def check(self, y_true: Array, output_shape: tuple[int | None, ...]) -> None:
        nothing = lambda: np.zeros(len(y_true), np.bool_)  # noqa: E731 - which labels count is seen in every batch
        type(self).loss().prepare_counted(y_true, output_shape, np.dtype(np.float64), nothing)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch; labels of weight 0 may be anything."""
        y_pred = losses.as_outputs(y_pred)
        weights = None if sample_weight is None else any_numbers(sample_weight, "sample_weight")
        counted = lambda: None if weights is None else weights != 0  # noqa: E731
        labels = type(self).loss().prepare_counted(y_true, y_pred.shape, y_pred.dtype, counted)
        super().update_state(labels, y_pred, weights)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every entry."""
        return type(self).loss().call(y_true, y_pred)


class MeanSquaredError(_LossMetric):
    """Mean of the squared differences."""

    loss = losses.MeanSquaredError


class MeanAbsoluteError(_LossMetric):
    """Mean of the absolute differences."""

    loss = losses.MeanAbsoluteError


class RootMeanSquaredError(MeanSquaredError):
    """Square root of the mean of the squared differences."""

    def result(self) -> float:
        """Return the root of the mean so far."""
        return float(super().result() ** 0.5)


class CategoricalCrossentropy(_LossMetric):
    """See the loss of this name."""

    loss = losses.CategoricalCrossentropy
    keras_only: ClassVar[Mapping[str, Any]] = {"from_logits": False, "label_smoothing": 0, "axis": -1}


class SparseCategoricalCrossentropy(_LossMetric):
    """See the loss of this name."""

    loss = losses.SparseCategoricalCrossentropy
    keras_only: ClassVar[Mapping[str, Any]] = {"from_logits": False, "ignore_class": None, "axis": -1}


class BinaryCrossentropy(_LossMetric):
    """See the loss of this name."""

    loss = losses.BinaryCrossentropy
    keras_only: ClassVar[Mapping[str, Any]] = {"from_logits": False, "label_smoothing": 0}


class FunctionMetric(Metric):
    """A function ``f(y_true, y_pred)`` as a metric: the value of every entry or row, or one number a batch.

    Parameters
    ----------
    function
        What is averaged. Of one number a batch all batches count alike.
    name, dtype
        See `Metric`.
    """

    def __init__(self, function: Callable[[Array, Array], Any], name: str | None = None, dtype: Any = None) -> None:
        self.function = checks.function("function", function)
        super().__init__(function_name(function) if name is None else name, dtype)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return what the function gives; labels come in the dtype of the outputs, as in Keras."""
        return np.asarray(self.function(y_true.astype(y_pred.dtype, copy=False), y_pred))

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"metric {self.name!r} is a function and has no config")


_KNOWN = names_of(
    *(BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy),
    *(TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy),
    *(MeanSquaredError, MeanAbsoluteError, RootMeanSquaredError),
    *(CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy),
    mse=MeanSquaredError,
    mae=MeanAbsoluteError,
    bce=BinaryCrossentropy,
)
_KIND = Kind(Metric, _KNOWN, "keras.metrics", "metrics")


def accuracy_for(y_ndim: int, output_shape: tuple[int | None, ...], y_last: int | None) -> type[Metric]:
    """Which accuracy ``"accuracy"`` means for labels of `y_ndim` axes, the last of size `y_last`."""
    if output_shape[-1] == 1:
        return BinaryAccuracy
    if y_ndim < len(output_shape) or y_last == 1:
        return SparseCategoricalAccuracy
    return CategoricalAccuracy


def get(identifier: Any, argument: str = "metrics") -> Metric:
    """Return the metric that a name, class, instance or function ``f(y_true, y_pred)`` stands for."""
    if is_function(identifier):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier not in _KNOWN:
        identifier = get_registered_object(identifier) or identifier
    if isinstance(identifier, str) and identifier not in _KNOWN:
        names = ", ".join(["accuracy", *sorted({snake_case(cls.__name__) for cls in _KNOWN.values()})])
        checks.refuse(ValueError, argument, "known names or Metrics", identifier, f"; valid names: {names}")
    if callable(identifier) and not isinstance(identifier, Metric | type):
        return FunctionMetric(identifier)
    metric = _KIND.get(identifier, argument)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def serialize(metric: Metric) -> dict[str, Any]:
    """Return the description of a metric, which JSON can hold: module, class name and config."""
    return _KIND.serialize(metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """Make a metric from its description; classes of your own are found in `custom_objects`, by name."""
    with custom_object_scope(custom_objects):
        return get(find_function(config.get("config"), "metrics")) if is_function(config) else _KIND.deserialize(config)
