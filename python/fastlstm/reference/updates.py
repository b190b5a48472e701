"""What a step of an optimizer makes of weights: what the core's updates compute, bit for bit.

An update takes weights ``w`` and their gradients ``g``, what is kept for each weight and the numbers of the rule, and
returns the new weights and what is kept then. Arrays have one shape, the results the dtype of ``w``. A mean *follows*
what comes: ``mean + (x - mean) * (1 - beta)``. The core takes subnormal numbers for 0, which these functions do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[Any]
Kept: TypeAlias = Sequence[Floats]
Updated: TypeAlias = tuple[Floats, Kept]


def update(rule: str, numbers: Sequence[float], w: Floats, g: Floats, kept: Kept = ()) -> Updated:
    """Take one step.

    Parameters
    ----------
    rule : str
        A key of `RULES`.
    numbers : sequence of float
        Those of the rule, in the order in which its function names them; rounded to the dtype of `w`.
    w, g : ndarray
        Weights and their gradients.
    kept : sequence of ndarray
        What the rule keeps for every weight, likewise.

    Returns
    -------
    w : ndarray
        The new weights.
    kept : sequence of ndarray
        What the rule keeps now.

    Raises
    ------
    KeyError
        If there is no such rule.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm import reference
    >>> w, g, v = np.array([1.0, 2.0]), np.array([1.0, 0.0]), np.zeros(2)
    >>> w, (v,) = reference.update("sgd_momentum", [0.5, 0.9], w, g, [v])
    >>> w.tolist(), v.tolist()
    ([0.5, 2.0], [-0.5, 0.0])
    """
    with np.errstate(all="ignore"):
        return RULES[rule](w, g, kept, [w.dtype.type(number) for number in numbers])


def follow(mean: Floats, x: Floats, one_minus_beta: float) -> Floats:
    """Return where a mean is after it followed `x`."""
    found: Floats = mean + (x - mean) * one_minus_beta
    return found


def _sgd(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (rate,) = numbers
    return w - g * rate, kept


def _sgd_momentum(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v,), (rate, momentum) = kept, numbers
    v = v * momentum - g * rate
    return w + v, [v]


def _sgd_nesterov(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v,), (rate, momentum) = kept, numbers
    v = v * momentum - g * rate
    return w - g * rate + v * momentum, [v]


def _adam(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (m, v), (rate, one_minus_beta_1, one_minus_beta_2, epsilon) = kept, numbers
    m, v = follow(m, g, one_minus_beta_1), follow(v, g * g, one_minus_beta_2)
    return w - m / (np.sqrt(v) + epsilon) * rate, [m, v]


def _amsgrad(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (m, v, largest), (rate, one_minus_beta_1, one_minus_beta_2, epsilon) = kept, numbers
    m, v = follow(m, g, one_minus_beta_1), follow(v, g * g, one_minus_beta_2)
    largest = np.maximum(largest, v)
    return w - m / (np.sqrt(largest) + epsilon) * rate, [m, v, largest]


def _adamax(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (m, u), (rate, one_minus_beta_1, beta_2, epsilon) = kept, numbers
    m, u = follow(m, g, one_minus_beta_1), np.maximum(u * beta_2, abs(g))
    return w - m / (u + epsilon) * rate, [m, u]


def _nadam(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (m, v), (rate, one_minus_beta_1, one_minus_beta_2, epsilon, of_m, of_g, of_root) = kept, numbers
    m, v = follow(m, g, one_minus_beta_1), follow(v, g * g, one_minus_beta_2)
    return w - (m * of_m + g * of_g) / (np.sqrt(v) * of_root + epsilon) * rate, [m, v]


def _rmsprop(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v,), (rate, one_minus_rho, epsilon) = kept, numbers
    v = follow(v, g * g, one_minus_rho)
    return w - g / np.sqrt(v + epsilon) * rate, [v]


def _rmsprop_momentum(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v, m), (rate, one_minus_rho, epsilon, momentum) = kept, numbers
    v = follow(v, g * g, one_minus_rho)
    m = m * momentum + g / np.sqrt(v + epsilon) * rate
    return w - m, [v, m]


def _rmsprop_centered(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v, mean), (rate, one_minus_rho, epsilon) = kept, numbers
    v, mean = follow(v, g * g, one_minus_rho), follow(mean, g, one_minus_rho)
    return w - g / np.sqrt(v - mean * mean + epsilon) * rate, [v, mean]


def _rmsprop_centered_momentum(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v, m, mean), (rate, one_minus_rho, epsilon, momentum) = kept, numbers
    v, mean = follow(v, g * g, one_minus_rho), follow(mean, g, one_minus_rho)
    m = m * momentum + g / np.sqrt(v - mean * mean + epsilon) * rate
    return w - m, [v, m, mean]


def _adagrad(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (total,), (rate, epsilon) = kept, numbers
    total = total + g * g
    return w - g / np.sqrt(total + epsilon) * rate, [total]


def _adadelta(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (v, u), (rate, one_minus_rho, epsilon) = kept, numbers
    v = follow(v, g * g, one_minus_rho)
    step = np.sqrt(u + epsilon) / np.sqrt(v + epsilon) * g
    return w - step * rate, [v, follow(u, step * step, one_minus_rho)]


def _lion(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (m,), (rate, beta_1, one_minus_beta_1, beta_2, one_minus_beta_2) = kept, numbers
    return w - np.sign(m * beta_1 + g * one_minus_beta_1) * rate, [m * beta_2 + g * one_minus_beta_2]


def _mean(w: Floats, g: Floats, kept: Kept, numbers: Sequence[float]) -> Updated:
    (one_minus_beta,) = numbers
    return follow(w, g, one_minus_beta), kept


RULES: dict[str, Callable[[Floats, Floats, Kept, Sequence[float]], Updated]] = {
    "sgd": _sgd,
    "sgd_momentum": _sgd_momentum,
    "sgd_nesterov": _sgd_nesterov,
    "adam": _adam,
    "amsgrad": _amsgrad,
    "adamax": _adamax,
    "nadam": _nadam,
    "rmsprop": _rmsprop,
    "rmsprop_momentum": _rmsprop_momentum,
    "rmsprop_centered": _rmsprop_centered,
    "rmsprop_centered_momentum": _rmsprop_centered_momentum,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "lion": _lion,
    "mean": _mean,
}
