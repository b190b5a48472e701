"""Arrays brought to a length, or to a mean and a variance; and attention."""

import math
from typing import Any

import numpy

from ..foundation import settings
from ..foundation.boxes import bare
from .function import chosen, operation
from .nn import softmax


@operation
def normalize(np: Any, x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """Vectors along an axis, divided by their lengths."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    least = settings.epsilon() if epsilon is None else epsilon
    if order == 2:
        return x / np.sqrt(np.maximum(np.sum(np.square(x), axis=axis, keepdims=True), least**2))
    if order == 1:
        lengths = np.sum(np.abs(x), axis=axis, keepdims=True)
    elif order == numpy.inf:
        lengths = np.max(np.abs(x), axis=axis, keepdims=True)
    else:
        lengths = np.sum(np.abs(x) ** order, axis=axis, keepdims=True) ** (1 / order)
    return x / np.maximum(lengths, least)


@operation
def l2_normalize(np: Any, x: Any, axis: Any = None) -> Any:
    """Vectors along axes, divided by their lengths."""
    return x / np.sqrt(np.maximum(np.sum(np.square(x), axis=axis, keepdims=True), 1e-12))


@operation
def moments(np: Any, x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance along axes."""
    axes = tuple(axes) if isinstance(axes, list) else axes
    return [np.mean(x, axis=axes, keepdims=keepdims), np.var(x, axis=axes, keepdims=keepdims)]


@operation
def batch_normalization(
    np: Any,
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Any:
    """`x` less the mean, divided by the standard deviation, times `scale` plus `offset`, all along an axis."""
    shape = [-1 if k == axis % x.ndim else 1 for k in range(x.ndim)]
    mean, variance = np.reshape(mean, shape), np.reshape(variance, shape)
    y = (x - mean) / np.sqrt(variance + epsilon)
    y = y if scale is None else y * np.reshape(scale, shape)
    return y if offset is None else y + np.reshape(offset, shape)


@operation
def layer_normalization(
    np: Any, x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Any:
    """`x` less its mean along axes, divided by the standard deviation, times `gamma` plus `beta`."""
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    mean, variance = np.mean(x, axis=axes, keepdims=True), np.var(x, axis=axes, keepdims=True)
    y = (x - mean) / np.sqrt(variance + (settings.epsilon() if epsilon is None else epsilon))
    y = y if gamma is None else y * _along(np, gamma, axes, x)
    return y if beta is None else y + _along(np, beta, axes, x)


@operation
def rms_normalization(np: Any, x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """`x` divided by the root of its mean square along axes, times `scale`."""
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    mean = np.mean(np.square(x), axis=axes, keepdims=True)
    y = x / np.sqrt(mean + (settings.epsilon() if epsilon is None else epsilon))
    return y if scale is None else y * _along(np, scale, axes, x)


def _along(np: Any, weight: Any, axes: tuple[int, ...], x: Any) -> Any:
    places = {axis % x.ndim for axis in axes}
    return np.reshape(weight, [n if k in places else 1 for k, n in enumerate(bare(x).shape)])


@operation
def dot_product_attention(
    np: Any,
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
) -> Any:
    """Values ``(N, S, heads, size)`` weighted by how much their keys have of the queries ``(N, T, heads, size)``."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = np.einsum("nthd,nshd->nhts", query, key) * scale
    scores = scores if bias is None else scores + bias
    there = numpy.ones(scores.shape[-2:], bool) if mask is None else numpy.asarray(bare(mask), bool)
    if is_causal:
        there = there & numpy.tri(*scores.shape[-2:], dtype=numpy.bool_)
    least = numpy.finfo(scores.dtype).min * 0.7
    return np.einsum("nhts,nshd->nthd", softmax(chosen(np, there, scores, least), -1), value)
