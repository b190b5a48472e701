"""Losses and their gradients."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from .activations import stable_sigmoid
from .foundation.arrays import Array, any_numbers, as_array
from .foundation.configs import Configurable, Kind
from .foundation.lookup import checked_name, function_name, names_of, snake_case
from .foundation.settings import EPSILON
from .foundation.tracing import gradient_of

Counted: TypeAlias = Callable[[], Array | None]
"""Gives True for what counts in the first axes of the labels, None if all do; asked only if that matters."""

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Loss(Configurable):
    """Base class. A loss of your own defines `call`, written with `ops`, and `gradient` if it shall be fast.

    Parameters
    ----------
    name
        By default the class name in snake case.
    reduction
        ``"sum_over_batch_size"`` (the mean over all entries), ``"mean"`` (the same), ``"sum"``,
        ``"mean_with_sample_weight"`` (the weighted mean) or ``"none"``, which cannot be trained with.
    dtype
        Accepted and ignored: the output's dtype decides.
    """

    fused_activation: str | None = None
    """The activation whose input `fused` takes."""

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = checked_name(name, type(self).__name__) or snake_case(type(self).__name__)
        self.reduction = checks.one_of("reduction", reduction, REDUCTIONS)
        if dtype is not None:
            checks.any_dtype("dtype", dtype)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every entry: the shape of `y_pred` without its last axis."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative of the sum of ``call(y_true, y_pred)`` with respect to `y_pred`."""
        return gradient_of(lambda out: self.call(y_true, out), y_pred)

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """From the input of `fused_activation`: the loss of every entry, the activation's output, and the gradient."""
        raise NotImplementedError

    def prepare(self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
        """Check labels for outputs of `output_shape` once and for all, and bring them to the form `call` takes."""
        labels = as_array(y, "y", dtype)
        rank, size = len(output_shape), output_shape[-1]
        if labels.ndim == rank - 1 and size == 1:
            labels = labels[..., None]
        if labels.ndim != rank or not fits(labels.shape[1:], output_shape[1:]):
            wanted = f"{(None, *output_shape[1:])}, that of the model's output"
            cure = f"; loss {self.name!r} compares them entry by entry{self._cure(labels, output_shape)}"
            checks.refuse_shape("y", wanted, labels.shape, cure)
        return labels

    def prepare_counted(
        self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any], counted: Counted
    ) -> Array:
        """`prepare`, for labels some of which do not count: these may be anything."""
        return self.prepare(y, output_shape, dtype)

    def _cure(self, labels: Array, output_shape: tuple[int | None, ...]) -> str:
        return ""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compute the loss of a batch: a number, or one for every entry if the reduction is ``"none"``."""
        y_pred = as_outputs(y_pred)
        weights = None if sample_weight is None else as_array(sample_weight, "sample_weight", y_pred.dtype)
        counted = lambda: None if weights is None else weights != 0  # noqa: E731
        losses = self.call(self.prepare_counted(y_true, y_pred.shape, y_pred.dtype, counted), y_pred)
        if weights is not None and weights.shape != losses.shape[: weights.ndim]:
            checks.complain(ValueError, "sample_weight", f"have the first axes of {losses.shape}", weights.shape)
        scale = self.scale(losses, weights)
        losses = losses if weights is None else weighted(losses, weights)
        return losses if scale is None else losses.sum() * scale

    def scale(self, losses: Array, weights: Array | None) -> float | None:
        """Describe what the sum of the weighted losses is multiplied with; None: they stay as they are."""
        if self.reduction in (None, "none"):
            return None
        if self.reduction == "sum":
            return 1.0
        total = float(losses.size)
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            total = float(weights.sum())
        return 1.0 / total if total else 0.0

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction}


def as_outputs(y_pred: Any) -> Array:
    """`y_pred` as an array of floats with an axis of rows at least."""
    array = any_numbers(y_pred, "y_pred", "outputs of a model")
    if array.ndim == 0:
        checks.complain(ValueError, "y_pred", "have an axis at least", array)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether `shape` is `wanted`, in which None stands for any size."""
    return len(shape) == len(wanted) and all(w is None or s == w for s, w in zip(shape, wanted, strict=True))


def expand(weights: Array, ndim: int) -> Array:
    """`weights` with axes of length one at the end, so that it multiplies arrays of `ndim` axes."""
    missing = ndim - weights.ndim
    return weights.reshape(weights.shape + (1,) * missing) if missing else weights


def weighted(values: Array, weights: Array) -> Array:
    """`values` times `weights` of their first axes; a weight of 0 gives 0, whatever the value: it does not count."""
    weights = expand(weights, values.ndim)
    if not math.isfinite(np.add.reduce(values, axis=None)):
        values = np.where(weights == 0, values.dtype.type(0), values)
    product: Array = values * weights
    return product


def apply_mask(weights: Array | None, mask: Array | None, dtype: np.dtype[Any], mean: bool) -> Array | None:
    """Sample weights that leave out what `mask` leaves out.

    Parameters
    ----------
    weights
        Shape of `mask`, or without its last axes; None: all ones.
    mask
        False where an entry does not count; None: all count.
    dtype
        Of the result.
    mean
        Scale the weights up, so that a mean over all entries becomes one over those that count.
    """
    if mask is None:
        return weights
    factor = mask.astype(dtype)
    if mean:
        factor *= mask.size / max(1, int(np.count_nonzero(mask)))
    if weights is None:
        return factor
    ndim = max(weights.ndim, factor.ndim)
    result: Array = expand(weights, ndim) * expand(factor, ndim)
    return result


class CategoricalCrossentropy(Loss):
    """``-sum(y_true * log(y_pred))`` over the last axis, for one-hot labels or other probabilities.

    Parameters
    ----------
    from_logits
        The model's output is to go through a softmax first. When the model ends with a softmax, the loss works from
        the softmax's input by itself, which is more exact.
    label_smoothing
        Between 0 and 1: the part of the labels that is spread evenly over all classes.
    axis
        -1 only.
    reduction, name, dtype
        See `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        _last_axis(axis)
        self.from_logits = checks.truth("from_logits", from_logits)
        self.label_smoothing = checks.fraction("label_smoothing", label_smoothing)
        self.fused_activation = "linear" if from_logits else "softmax"

    def _labels(self, y_true: Array) -> Array:
        if not self.label_smoothing:
            return y_true
        result: Array = y_true * (1 - self.label_smoothing) + self.label_smoothing / y_true.shape[-1]
        return result

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        result: Array = -np.add.reduce(self._labels(y_true) * np.log(_clip(_normalize(y_pred))), axis=-1)
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        shares = _normalize(y_pred)
        slope = -self._labels(y_true) / _clip(shares) * _inside(shares)
        along = np.add.reduce(slope * shares, axis=-1, keepdims=True)
        result: Array = (slope - along) / np.add.reduce(y_pred, axis=-1, keepdims=True)
        return result

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = softmax(logits)``, the gradient is ``p * sum(y) - y``."""
        labels = self._labels(y_true)
        shifted, p, log_total = _softmax_parts(logits)
        mass = np.add.reduce(labels, axis=-1, keepdims=True)
        losses = (mass * log_total)[..., 0] - np.add.reduce(labels * shifted, axis=-1)
        return losses, logits if self.from_logits else p, p * mass - labels

    def _cure(self, labels: Array, output_shape: tuple[int | None, ...]) -> str:
        if labels.ndim == len(output_shape) - 1 or labels.shape[-1:] == (1,):
            return "; for class numbers use 'sparse_categorical_crossentropy' or to_categorical(y)"
        return ""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": -1}
        return super().get_config() | own


def _softmax_parts(logits: Array) -> tuple[Array, Array, Array]:
    """Logits less their maximum, softmax, and the logarithm of the sum of their powers."""
    shifted = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    powers = np.exp(shifted)
    total = np.add.reduce(powers, axis=-1, keepdims=True)
    powers /= total
    return shifted, powers, np.log(total)


def _normalize(p: Array) -> Array:
    result: Array = p / np.add.reduce(p, axis=-1, keepdims=True)
    return result


def _clip(p: Array) -> Array:
    return np.clip(p, EPSILON, 1 - EPSILON)


def _inside(p: Array) -> Array:
    return (p > EPSILON) & (p < 1 - EPSILON)


def _last_axis(axis: int) -> None:
    if checks.whole_number("axis", axis) != -1:
        checks.refuse(NotImplementedError, "axis", "-1, all that is supported", axis)


class SparseCategoricalCrossentropy(Loss):
    """``-log(y_pred[label])``, for labels that are class numbers.

    Parameters
    ----------
    from_logits
        See `CategoricalCrossentropy`.
    ignore_class
        None only.
    axis
        -1 only.
    reduction, name, dtype
        See `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        _last_axis(axis)
        if ignore_class is not None:
            checks.whole_number("ignore_class", ignore_class)
            raise NotImplementedError("ignore_class is not supported; give those entries a sample_weight of 0")
        self.from_logits = checks.truth("from_logits", from_logits)
        self.fused_activation = "linear" if from_logits else "softmax"

    def prepare(self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
        """Class numbers as integers without a last axis of length one, all of them within range."""
        return self.prepare_counted(y, output_shape, dtype, lambda: None)

    def prepare_counted(
        self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any], counted: Counted
    ) -> Array:
        """Class numbers; -1 in place of one that is out of range and does not count."""
        labels = as_array(y, "y", np.dtype(np.float64), "an array of class numbers")
        if labels.ndim == len(output_shape) and labels.shape[-1] == 1:
            labels = labels[..., 0]
        if labels.ndim != len(output_shape) - 1 or not fits(labels.shape[1:], output_shape[1:-1]):
            wanted = f"{(None, *output_shape[1:-1])}, one class number an entry"
            cure = "; for one-hot rows use 'categorical_crossentropy'" if labels.ndim == len(output_shape) else ""
            checks.refuse_shape("y", wanted, labels.shape, cure)
        return _class_numbers(labels, output_shape[-1], counted)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        p = _clip(y_pred)
        result: Array = np.log(np.add.reduce(p, axis=-1)) - np.log(_at(p, y_true))
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        p = _clip(y_pred)
        slope: Array = np.broadcast_to(1 / np.add.reduce(p, axis=-1, keepdims=True), p.shape).copy()
        _subtract_at(slope, y_true, 1 / _at(p, y_true))
        return slope * _inside(y_pred)

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = softmax(logits)``, the gradient is p less one at the label."""
        shifted, p, log_total = _softmax_parts(logits)
        losses = log_total[..., 0] - _at(shifted, y_true)
        gradient = p.copy()
        _subtract_at(gradient, y_true, 1)
        return losses, logits if self.from_logits else p, gradient

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"from_logits": self.from_logits, "ignore_class": None}


def _class_numbers(labels: Array, classes: int | None, counted: Counted) -> Array:
    assert classes is not None
    numbers = np.where((labels >= 0) & (labels < classes), labels, -1).astype(np.int64)
    numbers[numbers != labels] = -1
    wrong = numbers < 0
    counts = counted() if wrong.any() else None
    if counts is not None and counts.shape == labels.shape[: counts.ndim]:
        wrong &= expand(counts, labels.ndim)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = f"row {first[0]}" + (f", step {first[1]}" if len(first) > 1 else "")
        wanted = f"hold whole numbers from 0 to {classes - 1}, as the output has {classes} classes"
        checks.complain(ValueError, "y", wanted, f"{labels[first]:g} at {place}")
    return numbers


def _at(values: Array, index: Array) -> Array:
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def _subtract_at(values: Array, index: Array, amount: Any) -> None:
    rows = values.reshape(-1, values.shape[-1])
    rows[np.arange(rows.shape[0]), index.reshape(-1)] -= np.reshape(amount, -1)


class BinaryCrossentropy(Loss):
    """Mean over the last axis of ``-(y * log(p) + (1 - y) * log(1 - p))``, for yes-no labels.

    Parameters
    ----------
    from_logits
        The model's output is to go through a sigmoid first. When the model ends with a sigmoid, the loss works from
        the sigmoid's input by itself, which is more exact.
    label_smoothing
        Between 0 and 1: how far the labels are moved towards one half.
    axis
        -1 only.
    reduction, name, dtype
        See `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        _last_axis(axis)
        self.from_logits = checks.truth("from_logits", from_logits)
        self.label_smoothing = checks.fraction("label_smoothing", label_smoothing)
        self.fused_activation = "linear" if from_logits else "sigmoid"

    def _labels(self, y_true: Array) -> Array:
        return y_true * (1 - self.label_smoothing) + 0.5 * self.label_smoothing if self.label_smoothing else y_true

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        y, p = self._labels(y_true), _clip(y_pred)
        return -mean_last(y * np.log(p) + (1 - y) * np.log(1 - p))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        y, p = self._labels(y_true), _clip(y_pred)
        result: Array = (p - y) / (p * (1 - p) * p.shape[-1]) * _inside(y_pred)
        return result

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = sigmoid(logits)``, the gradient is ``p - y``."""
        y, p = self._labels(y_true), stable_sigmoid(logits)
        entries = np.maximum(logits, 0) - logits * y + np.log1p(np.exp(-np.abs(logits)))
        return mean_last(entries), logits if self.from_logits else p, (p - y) / logits.shape[-1]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": -1}
        return super().get_config() | own


def mean_last(values: Array) -> Array:
    """Mean over the last axis."""
    result: Array = np.add.reduce(values, axis=-1) / values.shape[-1]
    return result


class MeanSquaredError(Loss):
    """Mean over the last axis of ``(y_pred - y_true) ** 2``."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last((y_pred - y_true) ** 2)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = (y_pred - y_true) * (2 / y_pred.shape[-1])
        return result


class MeanAbsoluteError(Loss):
    """Mean over the last axis of ``abs(y_pred - y_true)``."""

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last(np.abs(y_pred - y_true))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`; 0 where both agree."""
        result: Array = np.sign(y_pred - y_true) * (1 / y_pred.shape[-1])
        return result


class Huber(Loss):
    """Mean over the last axis of a square up to `delta` from the label, and a straight line beyond.

    Parameters
    ----------
    delta
        Where the square goes over into the line.
    reduction, name, dtype
        See `Loss`.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = checks.real_number("delta", delta, above=0)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        error = np.abs(y_pred - y_true)
        inner = np.minimum(error, self.delta)
        return mean_last(0.5 * inner * inner + self.delta * (error - inner))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = np.clip(y_pred - y_true, -self.delta, self.delta) / y_pred.shape[-1]
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"delta": self.delta}


class FunctionLoss(Loss):
    """A function ``f(y_true, y_pred)`` as a loss: the value of every entry or row, or one number.

    Parameters
    ----------
    function
        Written with `ops` or operators.
    reduction, name, dtype
        See `Loss`.
    """

    def __init__(
        self,
        function: Callable[[Array, Array], Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.function = checks.function("function", function)
        super().__init__(function_name(function) if name is None else name, reduction, dtype)

    def prepare(self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
        """Labels of any shape, with the rows of the output; integers stay as they are."""
        labels = any_numbers(y, "y")
        labels = labels.astype(dtype) if labels.dtype.kind in "fb" else labels
        return labels[..., None] if labels.ndim == len(output_shape) - 1 and output_shape[-1] == 1 else labels

    def call(self, y_true: Array, y_pred: Array) -> Any:
        """Return what the function gives."""
        return self.function(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"loss {self.name!r} is a function and has no config")


_KNOWN = names_of(
    *(CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy),
    *(MeanSquaredError, MeanAbsoluteError, Huber),
    bce=BinaryCrossentropy,
    mse=MeanSquaredError,
    mae=MeanAbsoluteError,
)
_KIND = Kind(Loss, _KNOWN, "keras.losses", "loss")


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """Loss of every row; see `CategoricalCrossentropy`."""
    return _entries(CategoricalCrossentropy(from_logits, label_smoothing, axis, "none"), y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Array:
    """Loss of every row; see `SparseCategoricalCrossentropy`."""
    return _entries(SparseCategoricalCrossentropy(from_logits, ignore_class, axis, "none"), y_true, y_pred)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """Loss of every row; see `BinaryCrossentropy`."""
    return _entries(BinaryCrossentropy(from_logits, label_smoothing, axis, "none"), y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanSquaredError`."""
    return _entries(MeanSquaredError(reduction="none"), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanAbsoluteError`."""
    return _entries(MeanAbsoluteError(reduction="none"), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Loss of every row; see `Huber`."""
    return _entries(Huber(delta, "none"), y_true, y_pred)


def _entries(loss: Loss, y_true: Any, y_pred: Any) -> Array:
    result: Array = loss(y_true, y_pred)
    return result


_FUNCTIONS = (
    *(categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy),
    *(mean_squared_error, mean_absolute_error, huber),
)


def get(identifier: Any) -> Loss:
    """Return the loss that a name, class, instance or one of this module's functions stands for."""
    if any(identifier is function for function in _FUNCTIONS):
        identifier = identifier.__name__
    if callable(identifier) and not isinstance(identifier, Loss | type):
        return FunctionLoss(identifier)
    return _KIND.get(identifier)


def serialize(loss: Loss) -> dict[str, Any]:
    """Return the description of a loss, which JSON can hold: module, class name and config."""
    return _KIND.serialize(loss)


def deserialize(config: Any, custom_objects: Mapping[str, type[Loss]] | None = None) -> Loss:
    """Make a loss from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)


__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]
