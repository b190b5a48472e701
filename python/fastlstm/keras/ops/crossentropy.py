"""How far probabilities are from labels."""

from typing import Any

import numpy

from ..foundation import settings
from ..foundation.boxes import bare
from .arithmetic import clip
from .function import operation
from .nn import log_softmax


@operation
def binary_crossentropy(np: Any, target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-(t log(p) + (1 - t) log(1 - p))`` of every entry."""
    if from_logits:
        return np.maximum(output, 0) - output * target + np.log1p(np.exp(-np.abs(output)))
    p = clip(output, settings.epsilon(), 1 - settings.epsilon())
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


@operation
def categorical_crossentropy(np: Any, target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(t log(p))`` along an axis."""
    return -np.sum(target * _logarithms(np, output, from_logits, axis), axis=axis)


@operation
def sparse_categorical_crossentropy(
    np: Any, target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """``-log(p[t])`` along an axis."""
    labels = numpy.asarray(bare(target)).astype(numpy.int64)
    if labels.ndim == output.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    hot = numpy.moveaxis(labels[..., None] == numpy.arange(output.shape[axis]), -1, axis).astype(bare(output).dtype)
    return -np.sum(hot * _logarithms(np, output, from_logits, axis), axis=axis)


def _logarithms(np: Any, output: Any, from_logits: bool, axis: int) -> Any:
    if from_logits:
        return log_softmax(output, axis)
    return np.log(clip(output / np.sum(output, axis=axis, keepdims=True), settings.epsilon(), 1 - settings.epsilon()))
