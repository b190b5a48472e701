"""Functions a gate or a cell applies to its sum, their derivatives, and the clip before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastlstm import checks

from .arrays import Array

ActivationLike: TypeAlias = str | tuple[str, float, float]


def sigmoid(x: ArrayLike) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array_like
        Any shape.

    Returns
    -------
    ndarray
        Same shape, values in [0, 1].

    Notes
    -----
    Only ``exp(-|x|)`` is ever taken, so nothing overflows and small values keep their relative accuracy.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    x = np.asarray(x, dtype=np.float64)
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, e) / (1.0 + e))


class Activation(NamedTuple):
    """A function of a sum ``x``, by name, with the two numbers some of them take.

    ==================  ===========================================  ============  =========================
    name                value                                        alpha, beta   derivative where it jumps
    ==================  ===========================================  ============  =========================
    affine              alpha x + beta                               1, 0
    relu                max(x, 0)                                                  0 at 0
    leaky_relu          x if x > 0 else alpha x                      0.01          alpha at 0
    thresholded_relu    x if x > alpha else 0                        1             0 at alpha
    tanh                tanh x
    scaled_tanh         alpha tanh(beta x)                           1, 1
    sigmoid             1 / (1 + exp(-x))
    hard_sigmoid        alpha x + beta, clipped to [0, 1]            0.2, 0.5      0 where it reaches 0 or 1
    elu                 x if x > 0 else alpha (exp(x) - 1)           1             alpha at 0
    softsign            x / (1 + abs(x))
    softplus            log(1 + exp(x))
    exponential         exp(x)
    selu                s x if x > 0 else s a (exp(x) - 1)                         s a at 0
    silu                x sigmoid(x)
    ==================  ===========================================  ============  =========================

    The third column has the defaults, those of ONNX where it has any; ``a = 1.6732632423543772`` and
    ``s = 1.0507009873554805``. Where no number stands there, alpha and beta are not read.

    Parameters
    ----------
    name : str
        One of the names above.
    alpha, beta : float
        Parameters of the function.

    References
    ----------
    ONNX operators LSTM, GRU and RNN, attributes ``activations``, ``activation_alpha`` and ``activation_beta``.
    G. Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017, for selu.

    Examples
    --------
    >>> hard = read_activation("hard_sigmoid")
    >>> hard
    Activation(name='hard_sigmoid', alpha=0.2, beta=0.5)
    >>> x = np.array([-3.0, 1.0, 2.0])
    >>> hard(x), hard.derivative(x)
    (array([0. , 0.7, 0.9]), array([0. , 0.2, 0.2]))
    """

    name: str
    alpha: float
    beta: float

    def __call__(self, x: Array) -> Array:
        """Take the value, element by element."""
        return _FORMULAS[self.name].value(x, self.alpha, self.beta)

    def derivative(self, x: Array) -> Array:
        """Take the derivative by ``x``, element by element; what is not a number gives none."""
        return np.asarray(np.where(np.isnan(x), x, _FORMULAS[self.name].derivative(x, self.alpha, self.beta)))


class ClippedActivation(NamedTuple):
    """An activation of the sum clipped to [-clip, clip]."""

    activation: Activation
    clip: float

    def __call__(self, z: Array) -> Array:
        """Take the value, element by element."""
        return self.activation(np.clip(z, -self.clip, self.clip))

    def derivative(self, z: Array) -> Array:
        """Take the derivative by the sum before it is clipped: zero where the clip changed it."""
        return self.activation.derivative(np.clip(z, -self.clip, self.clip)) * (np.abs(z) <= self.clip)


def read_activation(entry: ActivationLike) -> Activation:
    """Read a name, which stands for the function with its default parameters, or ``(name, alpha, beta)``.

    Parameters
    ----------
    entry : str or (str, float, float)
        A name of :class:`Activation`'s table, or "linear", which is affine with 1 and 0.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError
        If there is no function of that name; the message lists those there are.
    TypeError
        If the entry is neither a name nor a name and two numbers.

    Examples
    --------
    >>> read_activation("leaky_relu")
    Activation(name='leaky_relu', alpha=0.01, beta=0.0)
    >>> read_activation(("leaky_relu", 0.3, 0.0))
    Activation(name='leaky_relu', alpha=0.3, beta=0.0)
    """
    match entry:
        case str(name):
            parameters = None
        case (str(name), Real() as alpha, Real() as beta):
            parameters = float(alpha), float(beta)
        case _:
            checks.refuse(TypeError, "an activation", "a name or (name, alpha, beta)", entry)
    if name == "linear":
        name, parameters = "affine", (1.0, 0.0)
    if name not in _FORMULAS:
        checks.refuse(ValueError, "an activation", f"one of {', '.join([*_FORMULAS, 'linear'])}", name)
    return Activation(name, *(parameters or _FORMULAS[name].defaults))


def read_activations(entries: Sequence[ActivationLike], letters: str) -> list[Activation]:
    """Read one entry for each of the letters by which ONNX calls a cell's functions."""
    wanted = f"a sequence of {len(letters)} ({', '.join(letters)})"
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        checks.refuse(TypeError, "activations", wanted, entries)
    if len(entries) != len(letters):
        checks.refuse(ValueError, "activations", wanted, entries)
    return [read_activation(entry) for entry in entries]


def read_clip(clip: float | None) -> float:
    """Read the bound of the sums; None is no bound."""
    return np.inf if clip is None else checks.real_number("clip", clip, above=0, infinite=True)


# --- Formulas ---------------------------------------------------------------------------------------------------------


class _Formula(NamedTuple):
    """Functions of x, alpha and beta."""

    value: Callable[[Array, float, float], Array]
    derivative: Callable[[Array, float, float], Array]
    defaults: tuple[float, float] = (0.0, 0.0)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _exp(x: Array) -> Array:
    with np.errstate(over="ignore"):  # infinity is the answer
        return np.asarray(np.exp(x))


def _finite(x: Array) -> Array:
    """Put the largest number for infinity, where infinity / infinity or infinity * 0 would hide the limit."""
    largest = np.finfo(np.float64).max
    return np.asarray(np.clip(x, -largest, largest))


def _elu(x: Array, alpha: float) -> Array:
    return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))))


def _elu_derivative(x: Array, alpha: float) -> Array:
    return np.asarray(np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))))


def _softsign(x: Array) -> Array:
    return np.asarray(_finite(x) / (1 + np.abs(_finite(x))))


def _silu(x: Array) -> Array:
    return np.asarray(np.maximum(x, np.finfo(np.float64).min) * sigmoid(x))  # -infinity times 0 is no limit


def _silu_derivative(x: Array) -> Array:
    s = sigmoid(x)
    return s * (1 + _finite(x) * (1 - s))


# x <= bound, and not x > bound, where the other branch is a constant: so values of NaN stay NaN.
_FORMULAS = {
    "affine": _Formula(lambda x, a, b: a * x + b, lambda x, a, b: np.full_like(x, a), (1.0, 0.0)),
    "relu": _Formula(lambda x, a, b: np.maximum(x, 0), lambda x, a, b: np.where(x <= 0, 0.0, 1.0)),
    "leaky_relu": _Formula(
        lambda x, a, b: np.where(x > 0, x, a * x), lambda x, a, b: np.where(x > 0, 1.0, a), (0.01, 0.0)
    ),
    "thresholded_relu": _Formula(
        lambda x, a, b: np.where(x <= a, 0.0, x), lambda x, a, b: np.where(x <= a, 0.0, 1.0), (1.0, 0.0)
    ),
    "tanh": _Formula(lambda x, a, b: np.tanh(x), lambda x, a, b: 1 - np.tanh(x) ** 2),
    "scaled_tanh": _Formula(
        lambda x, a, b: a * np.tanh(b * x), lambda x, a, b: a * b * (1 - np.tanh(b * x) ** 2), (1.0, 1.0)
    ),
    "sigmoid": _Formula(lambda x, a, b: sigmoid(x), lambda x, a, b: sigmoid(x) * (1 - sigmoid(x))),
    "hard_sigmoid": _Formula(
        lambda x, a, b: np.clip(a * x + b, 0, 1),
        lambda x, a, b: np.where((a * x + b > 0) & (a * x + b < 1), a, 0.0),
        (0.2, 0.5),
    ),
    "elu": _Formula(lambda x, a, b: _elu(x, a), lambda x, a, b: _elu_derivative(x, a), (1.0, 0.0)),
    "softsign": _Formula(lambda x, a, b: _softsign(x), lambda x, a, b: (1 + np.abs(x)) ** -2.0),
    "softplus": _Formula(lambda x, a, b: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), lambda x, a, b: sigmoid(x)),
    "exponential": _Formula(lambda x, a, b: _exp(x), lambda x, a, b: _exp(x)),
    "selu": _Formula(
        lambda x, a, b: SELU_SCALE * _elu(x, SELU_ALPHA), lambda x, a, b: SELU_SCALE * _elu_derivative(x, SELU_ALPHA)
    ),
    "silu": _Formula(lambda x, a, b: _silu(x), lambda x, a, b: _silu_derivative(x)),
}
