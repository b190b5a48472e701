"""Sample weights: those that are given, and those that follow from the weights of classes."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_array
from .run_options import ClassWeights

NO_CLASS = -1
"""In place of the number of a class."""


def weights_from_classes(labels: Array, ndim: int, classes: int | None, class_weight: ClassWeights) -> Array:
    """Sample weights by class: one a label, so one a step where there is a label at every step.

    Parameters
    ----------
    labels : ndarray
        In the form the loss takes: class numbers, or in the shape of the output.
    ndim : int
        Number of axes of the output.
    classes : int, optional
        How many there are, None if the output does not say.
    class_weight : ClassWeights
        Classes that are not named weigh 1, as does what names no class (zeros or NaN, which fill up sequences).
    """
    if classes is not None and not all(0 <= name < classes for name in class_weight):
        must = f"name classes from 0 to {classes - 1}"
        checks.complain(ValueError, "class_weight", must, checks.shown(sorted(class_weight)))
    found, places = np.unique(_classes(labels, ndim), return_inverse=True)
    weights = np.asarray([class_weight.get(int(number), 1.0) for number in found], np.float32)
    result: Array = weights[places].reshape(labels.shape[: ndim - 1])
    return result


def _classes(labels: Array, ndim: int) -> Array:
    """Class numbers of labels; NO_CLASS where there is none."""
    if labels.ndim < ndim:
        return labels
    single = labels.shape[-1] == 1
    total = np.add.reduce(labels, axis=-1)
    named = np.isfinite(total) & (single | (total != 0))
    numbers = np.round(labels[..., 0]) if single else labels.argmax(-1)
    wrong = named & ~(_is_class(labels[..., 0]) if single else _is_distribution(labels, total))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        got = f"{checks.shown(labels[place])} at {place} in y"
        must, cure = "go with labels of one class each", "; use sample_weight for others"
        checks.complain(ValueError, "class_weight", must, got, cure)
    return np.where(named, numbers, NO_CLASS).astype(np.int64)


def _is_class(labels: Array) -> Array:
    """Whether each is a whole number, or a probability."""
    result: Array = (labels == np.round(labels)) | ((labels > 0) & (labels < 1))
    return result


def _is_distribution(labels: Array, total: Array) -> Array:
    """Whether each row is one of probabilities; smoothed float32 labels add up to 1 within far less than 1e-3."""
    result: Array = (labels >= 0).all(-1) & (abs(total - 1) < 1e-3)
    return result


def check_weights(sample_weight: Any, dtype: np.dtype[Any], output_shape: tuple[int | None, ...]) -> Array | None:
    """Sample weights of shape (N,), or (N, T) for outputs with a time axis."""
    if sample_weight is None:
        return None
    weights = as_array(sample_weight, "sample_weight", dtype)
    if weights.ndim > 1 and weights.shape[-1] == 1 and weights.ndim >= len(output_shape):
        weights = weights[..., 0]
    if not 1 <= weights.ndim < len(output_shape) or any(
        size is not None and size != got for got, size in zip(weights.shape[1:], output_shape[1:], strict=False)
    ):
        wanted = " or ".join(str((None, *output_shape[1:i])) for i in range(1, len(output_shape)))
        checks.refuse_shape("sample_weight", wanted, weights.shape)
    if not np.isfinite(weights).all():
        checks.refuse(
            ValueError, "sample_weight", "an array of finite numbers", float(weights[~np.isfinite(weights)][0])
        )
    return weights
