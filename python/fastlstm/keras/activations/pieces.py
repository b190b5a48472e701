"""Functions made of pieces."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .classic import hard_sigmoid
from .function import ActivationFunction, built_in, least, steps


def _hard_shrink_of(threshold: float = 0.5) -> ActivationFunction:
    limit = checks.real_number("hard_shrink: threshold", threshold, at_least=0)
    return built_in(
        "hard_shrink",
        lambda x: np.where(np.abs(x) <= limit, x.dtype.type(0), x),
        lambda dy, x, y: dy * steps(x, np.abs(x) > limit, 1),
        family=_hard_shrink_of,
    )


def _soft_shrink_of(threshold: float = 0.5) -> ActivationFunction:
    limit = checks.real_number("soft_shrink: threshold", threshold, at_least=0)
    return built_in(
        "soft_shrink",
        lambda x: x - np.clip(x, -limit, limit),
        lambda dy, x, y: dy * steps(x, np.abs(x) > limit, 1),
        family=_soft_shrink_of,
    )


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Return `x` where it is larger than the threshold, elsewhere the default."""
    limit = checks.real_number("threshold: threshold", threshold)
    value = checks.real_number("threshold: default_value", default_value)
    function = built_in(
        "threshold",
        lambda x: np.where(x <= limit, x.dtype.type(value), x),
        lambda dy, x, y: dy * steps(x, x > limit, 1),
    )
    return function(x)


def _sparse_plus(x: Array) -> Array:
    near = np.clip(x, -1, 1) + 1
    result: Array = np.where(x < 1, near * near / 4, x)
    return result


def _sparse_plus_backward(dy: Array, x: Array, y: Array) -> Array:
    result: Array = dy * ((np.clip(x, -1, 1) + 1) / 2)
    return result


def _hard_silu_backward(dy: Array, x: Array, y: Array) -> Array:
    share = hard_sigmoid.forward(x)
    result: Array = dy * (share + np.clip(x, -3, 3) * steps(x, (x > -3) & (x < 3), 1 / 6))
    return result


hard_tanh = built_in("hard_tanh", lambda x: np.clip(x, -1, 1), lambda dy, x, y: dy * steps(x, (x >= -1) & (x <= 1), 1))
hard_silu = built_in("hard_silu", lambda x: least(x) * hard_sigmoid.forward(x), _hard_silu_backward)
hard_swish = hard_silu
hard_shrink = _hard_shrink_of()
soft_shrink = _soft_shrink_of()
sparse_plus = built_in("sparse_plus", _sparse_plus, _sparse_plus_backward)
sparse_sigmoid = built_in(
    "sparse_sigmoid",
    lambda x: (np.clip(x, -1, 1) + 1) / 2,
    lambda dy, x, y: dy * steps(x, (x > -1) & (x < 1), 0.5),
)
