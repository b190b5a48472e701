"""Functions that nets are made of."""

from typing import Any

import numpy

from ..foundation.settings import EPSILON, floatx
from ..foundation.tracing import bare
from .function import operation


@operation
def sigmoid(np: Any, x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + decay), decay / (1 + decay))


@operation
def log_sigmoid(np: Any, x: Any) -> Any:
    """``log(sigmoid(x))``."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@operation
def relu(np: Any, x: Any) -> Any:
    """``max(x, 0)``."""
    return np.maximum(x, 0)


@operation
def relu6(np: Any, x: Any) -> Any:
    """``min(max(x, 0), 6)``."""
    return np.clip(x, 0, 6)


@operation
def leaky_relu(np: Any, x: Any, negative_slope: float = 0.2) -> Any:
    """``max(x, negative_slope * x)``."""
    return np.where(x >= 0, x, negative_slope * x)


@operation
def elu(np: Any, x: Any, alpha: float = 1.0) -> Any:
    """`x` where it is positive, elsewhere ``alpha * (exp(x) - 1)``."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@operation
def selu(np: Any, x: Any) -> Any:
    """Scaled exponential linear unit."""
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


@operation
def silu(np: Any, x: Any) -> Any:
    """``x * sigmoid(x)``."""
    return x / (1 + np.exp(-x))


swish = silu


@operation
def gelu(np: Any, x: Any, approximate: bool = True) -> Any:
    """``x`` times the normal distribution function of it, approximated by tanh."""
    if not approximate:
        raise NotImplementedError("gelu: approximate=False is not supported")
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


@operation
def softplus(np: Any, x: Any) -> Any:
    """``log(1 + exp(x))``."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@operation
def softsign(np: Any, x: Any) -> Any:
    """``x / (1 + abs(x))``."""
    return x / (1 + np.abs(x))


@operation
def hard_sigmoid(np: Any, x: Any) -> Any:
    """``clip(x + 3, 0, 6) / 6``."""
    return np.clip(x + 3, 0, 6) / 6


@operation
def softmax(np: Any, x: Any, axis: Any = -1) -> Any:
    """Exponentials along an axis, divided by their sum."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


@operation
def log_softmax(np: Any, x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@operation
def normalize(np: Any, x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """Vectors along an axis, divided by their lengths."""
    if order != 2:
        raise ValueError(f"order must be 2, got {order!r}")
    least = EPSILON if epsilon is None else epsilon
    return x / np.maximum(np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True)), least)


@operation
def l2_normalize(np: Any, x: Any, axis: Any = None) -> Any:
    """Vectors along axes, divided by their lengths."""
    return x / np.sqrt(np.maximum(np.sum(np.square(x), axis=axis, keepdims=True), 1e-12))


@operation
def one_hot(np: Any, x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Any:
    """A one at the place of each class number, elsewhere zeros."""
    if axis != -1:
        raise ValueError(f"axis must be -1, got {axis!r}")
    places = numpy.asarray(bare(x))[..., None] == numpy.arange(num_classes)
    return places.astype(dtype or floatx())


@operation
def binary_crossentropy(np: Any, target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-(t log(p) + (1 - t) log(1 - p))`` of every entry."""
    if from_logits:
        return np.maximum(output, 0) - output * target + np.log1p(np.exp(-np.abs(output)))
    p = np.clip(output, EPSILON, 1 - EPSILON)
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


@operation
def categorical_crossentropy(np: Any, target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(t log(p))`` along an axis."""
    if from_logits:
        logs = log_softmax(output, axis)
    else:
        p = output / np.sum(output, axis=axis, keepdims=True)
        logs = np.log(np.clip(p, EPSILON, 1 - EPSILON))
    return -np.sum(target * logs, axis=axis)


@operation
def sparse_categorical_crossentropy(
    np: Any, target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """``-log(p[t])`` along the last axis."""
    labels = numpy.asarray(bare(target)).astype(numpy.int64)
    if labels.ndim == output.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    hot = (labels[..., None] == numpy.arange(output.shape[axis])).astype(bare(output).dtype)
    if from_logits:
        return -np.sum(hot * log_softmax(output, axis), axis=axis)
    p = np.clip(output, EPSILON, 1 - EPSILON)
    return -np.sum(hot * np.log(p / np.sum(p, axis=axis, keepdims=True)), axis=axis)
