"""Functions without a corner."""

import math

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .classic import softplus, stable_sigmoid
from .function import ActivationFunction, built_in, least

_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


def _gelu_of(approximate: bool = False) -> ActivationFunction:
    """Return ``x`` times the normal distribution function of it, which tanh may approximate."""
    if checks.truth("gelu: approximate", approximate):
        return built_in("gelu", lambda x: least(x) * _normal_cdf_by_tanh(x), _bent_gelu_backward)
    return built_in("gelu", lambda x: least(x) * _normal_cdf(x), _gelu_backward)


def _normal_cdf(x: Array) -> Array:
    """Return the normal distribution function."""
    erf: Array = np.asarray(_erf(x * math.sqrt(0.5)), x.dtype)
    return 0.5 * (1 + erf)


def _gelu_backward(dy: Array, x: Array, y: Array) -> Array:
    near = np.clip(x, -100, 100)  # beyond, the density is 0
    density = np.exp(-0.5 * near * near) / x.dtype.type(math.sqrt(2 * math.pi))
    result: Array = dy * (_normal_cdf(x) + near * density)
    return result


_SCALE, _CUBE = math.sqrt(2 / math.pi), 0.044715


def _bent(x: Array) -> Array:
    near = np.clip(x, -100, 100)  # beyond, tanh is at its limits
    result: Array = np.tanh(_SCALE * (near + _CUBE * near * near * near))
    return result


def _normal_cdf_by_tanh(x: Array) -> Array:
    return 0.5 * (1 + _bent(x))


def _bent_gelu_backward(dy: Array, x: Array, y: Array) -> Array:
    bent, near = _bent(x), np.clip(x, -100, 100)
    slope = _SCALE * (1 + 3 * _CUBE * near * near)
    result: Array = dy * (0.5 * (1 + bent) + 0.5 * near * (1 - bent * bent) * slope)
    return result


def _mish(x: Array) -> Array:
    result: Array = least(x) * np.tanh(softplus.forward(x))
    return result


def _mish_backward(dy: Array, x: Array, y: Array) -> Array:
    bent = np.tanh(softplus.forward(x))
    inner = np.where(bent < 1, np.clip(x, -200, 200), 0)  # tanh has no slope beyond
    result: Array = dy * (bent + inner * (1 - bent * bent) * stable_sigmoid(x))
    return result


def _celu_of(alpha: float = 1.0) -> ActivationFunction:
    alpha = checks.real_number("celu: alpha", alpha, above=0)

    def forward(x: Array) -> Array:
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))

    def backward(dy: Array, x: Array, y: Array) -> Array:
        return dy * np.where(x > 0, x.dtype.type(1), y / alpha + 1)

    return built_in("celu", forward, backward, family=_celu_of)


def _squareplus_of(b: float = 4) -> ActivationFunction:
    root = math.sqrt(checks.real_number("squareplus: b", b, at_least=0))

    def forward(x: Array) -> Array:
        result: Array = (least(x) + np.hypot(least(x), x.dtype.type(root))) / 2
        return result

    def backward(dy: Array, x: Array, y: Array) -> Array:
        bounded = np.clip(x, -np.finfo(x.dtype).max, np.finfo(x.dtype).max)
        result: Array = dy * (1 + bounded / np.hypot(bounded, x.dtype.type(root))) / 2
        return result

    return built_in("squareplus", forward, backward, family=_squareplus_of)


gelu = built_in("gelu", lambda x: least(x) * _normal_cdf(x), _gelu_backward, family=_gelu_of)
mish = built_in("mish", _mish, _mish_backward)
celu = _celu_of()
squareplus = _squareplus_of()
log_sigmoid = built_in("log_sigmoid", lambda x: -softplus.forward(-x), lambda dy, x, y: dy * stable_sigmoid(-x))
tanh_shrink = built_in("tanh_shrink", lambda x: x - np.tanh(x), lambda dy, x, y: dy * np.tanh(x) ** 2)
