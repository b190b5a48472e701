"""The functions that recurrent layers and dense ones have most."""

from collections.abc import Callable
from functools import partial

import numpy as np

from fastlstm import checks

from ..foundation import core
from ..foundation.arrays import Array
from .function import ActivationFunction, along, built_in, least, quiet, steps


def _sigmoid_in_place(y: Array) -> Callable[[], object]:
    decay, positive = np.empty_like(y), np.empty(y.shape, np.bool_)

    def apply() -> None:
        np.greater_equal(y, 0, out=positive)
        np.negative(np.abs(y, out=decay), out=decay)
        np.exp(decay, out=decay)
        np.copyto(y, decay)
        np.copyto(y, 1, where=positive)
        np.divide(y, np.add(decay, 1, out=decay), out=y)

    return apply


def stable_sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))`` that neither overflows nor loses small values."""
    y = np.array(x)
    _sigmoid_in_place(y)()
    return y


def _softmax_backward(dy: Array, x: Array, y: Array) -> Array:
    weighted = dy * y
    result: Array = weighted - y * np.add.reduce(weighted, axis=-1, keepdims=True)
    return result


def _softplus(x: Array) -> Array:
    result: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return result


def _elu(x: Array) -> Array:
    result: Array = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return result


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def _selu(x: Array) -> Array:
    result: Array = _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))
    return result


def _selu_backward(dy: Array, x: Array, y: Array) -> Array:
    result: Array = dy * np.where(x > 0, _SELU_SCALE, y + _SELU_SCALE * _SELU_ALPHA)
    return result


def _softsign(x: Array) -> Array:
    largest = np.finfo(x.dtype).max
    bounded = np.clip(x, -largest, largest)
    result: Array = bounded / (1 + np.abs(bounded))
    return result


def _softsign_backward(dy: Array, x: Array, y: Array) -> Array:
    share = 1 / (1 + np.abs(x))
    result: Array = dy * (share * share)
    return result


def _silu(x: Array) -> Array:
    result: Array = least(x) * stable_sigmoid(x)
    return result


def _silu_backward(dy: Array, x: Array, y: Array) -> Array:
    gate = stable_sigmoid(x)
    result: Array = dy * (gate - least(-y) * (1 - gate))
    return result


def bent_relu(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> ActivationFunction:
    """Return a rectifier that lets something through below a threshold, and no more than a largest value."""
    slope = checks.real_number("relu: negative_slope", negative_slope, at_least=0)
    start = checks.real_number("relu: threshold", threshold, at_least=0)
    largest = np.inf if max_value is None else checks.real_number("relu: max_value", max_value, at_least=0)

    def forward(x: Array) -> Array:
        above = np.minimum(x, largest)
        below = slope * (np.minimum(x, start) - start) if slope else np.zeros_like(x)
        result: Array = np.where(np.isnan(x) | (x > start), above, below).astype(x.dtype, copy=False)
        return result

    def backward(dy: Array, x: Array, y: Array) -> Array:
        return dy * np.where(x > start, steps(x, x < largest, 1), steps(x, x <= start, slope))

    return built_in("relu", forward, backward)


def _leaky(negative_slope: float = 0.2) -> ActivationFunction:
    return bent_relu(negative_slope)


def _elu_of(alpha: float = 1.0) -> ActivationFunction:
    alpha = checks.real_number("elu: alpha", alpha)

    def backward(dy: Array, x: Array, y: Array) -> Array:
        result: Array = dy * np.where(x > 0, 1, y + alpha).astype(x.dtype)
        return result

    return built_in("elu", lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), backward)


def _softmax_along(axis: int = -1) -> ActivationFunction:
    return along(softmax, axis)


linear = ActivationFunction("linear", lambda x: x, lambda dy, x, y: dy, lambda y: lambda: None)
relu = built_in(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda dy, x, y: dy * np.sign(y),
    lambda y: partial(np.maximum, y, 0, out=y),
    family=bent_relu,
)
relu6 = built_in(
    "relu6",
    lambda x: np.clip(x, 0, 6),
    lambda dy, x, y: dy * steps(x, (x > 0) & (x < 6), 1),
    lambda y: partial(np.clip, y, 0, 6, out=y),
)
leaky_relu = built_in(
    "leaky_relu",
    lambda x: np.maximum(x, 0.2 * x),
    lambda dy, x, y: dy * steps(x, x > 0, 1, 0.2),
    family=_leaky,
)
tanh = built_in("tanh", np.tanh, lambda dy, x, y: dy * (1 - y * y), lambda y: partial(np.tanh, y, out=y))
sigmoid = built_in("sigmoid", stable_sigmoid, lambda dy, x, y: dy * (y * (1 - y)), _sigmoid_in_place)
softmax = built_in(
    "softmax", core.softmax, _softmax_backward, lambda y: partial(core.softmax_in_place, y), family=_softmax_along
)
hard_sigmoid = built_in(
    "hard_sigmoid",
    lambda x: np.clip(x + 3, 0, 6) / 6,
    lambda dy, x, y: dy * steps(x, (x > -3) & (x < 3), 1) / 6,
)
# What Keras 1 and 2 called hard_sigmoid.
hard_sigmoid_keras2 = built_in(
    "hard_sigmoid_keras2",
    lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    lambda dy, x, y: dy * steps(x, (x > -2.5) & (x < 2.5), 0.2),
)
elu = built_in("elu", _elu, lambda dy, x, y: dy * np.where(x > 0, 1, y + 1), family=_elu_of)
selu = built_in("selu", _selu, _selu_backward)
softplus = built_in("softplus", _softplus, lambda dy, x, y: dy * stable_sigmoid(x))
softsign = built_in("softsign", _softsign, _softsign_backward)
silu = built_in("silu", _silu, _silu_backward)
exponential = built_in("exponential", np.exp, lambda dy, x, y: dy * y, lambda y: quiet(partial(np.exp, y, out=y)))

swish = silu
