"""Operators that work element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from fastlstm import _core, checks

from ..node import Function, Node, same
from ..values import Array, dtype_of
from .table import Builder, Table

_CORE = (np.dtype(np.float32), np.dtype(np.float64))


def _plain(function: Function, inputs: int) -> Builder:
    """Return the builder of an operator without attributes."""

    def build(node: Node) -> Function:
        node.expect(inputs)
        return function

    return build


def _folded(function: Callable[[Any, Any], Any]) -> Builder:
    """Return the builder of an operator that takes any number of inputs."""

    def build(node: Node) -> Function:
        node.expect(1, len(node.inputs))
        return lambda *arrays: reduce(function, arrays)

    return build


def _with_numbers(function: Callable[..., Any], **defaults: float) -> Builder:
    """Return the builder of a function of an array and of attributes that are numbers."""

    def build(node: Node) -> Function:
        node.expect(1)
        found = {name: node.real(name, default) for name, default in defaults.items()}
        return lambda x: function(x, **{name: x.dtype.type(number) for name, number in found.items()})

    return build


# -- numbers -----------------------------------------------------------------------------------------------------------


def _divided(a: Array, b: Array) -> Any:
    """Return ``a / b``; whole numbers are cut off towards zero."""
    if a.dtype.kind == "f":
        return np.divide(a, b)
    quotient = np.floor_divide(a, b)
    return quotient + ((quotient * b != a) & ((a < 0) != (b < 0))).astype(a.dtype)


def _power(a: Array, b: Array) -> Any:
    return np.power(a, b).astype(a.dtype, copy=False)


def _remainder(node: Node) -> Function:
    node.expect(2)
    return np.fmod if node.truth("fmod") else np.mod


def _clip(node: Node) -> Function:
    """Bounds are attributes before opset 11, and inputs since."""
    if node.opset < 11:
        node.expect(1)
        low, high = node.real("min", -math.inf), node.real("max", math.inf)
        return lambda x: np.clip(x, x.dtype.type(low), x.dtype.type(high))
    node.expect(1, 3)

    def function(x: Array, low: Any = None, high: Any = None) -> Any:
        x = x if low is None else np.maximum(x, low)
        return x if high is None else np.minimum(x, high)

    return function


def _cast(node: Node) -> Function:
    node.expect(1)
    dtype = dtype_of(node.number("to", 0), f"{node.label}: to")
    node.number("saturate", 1)  # of floats of 8 bits
    node.text("round_mode", "up")  # of these too
    return lambda x: x.astype(dtype)


def _mean(*arrays: Array) -> Any:
    total = reduce(np.add, arrays)
    return total / total.dtype.type(len(arrays))


def _mean_of_inputs(node: Node) -> Function:
    node.expect(1, len(node.inputs))
    return _mean


# -- activations -------------------------------------------------------------------------------------------------------


def _by_core(name: str, otherwise: Function) -> Function:
    """Return an activation as the kernels have it."""

    def function(x: Array) -> Any:
        return _core.activation(name, x) if x.dtype in _CORE and x.ndim else otherwise(x)

    return function


def sigmoid(x: Array) -> Any:
    """Return the logistic function."""
    small = np.exp(-np.abs(x))
    one = x.dtype.type(1)
    return np.where(x >= 0, one, small) / (one + small)


def softplus(x: Array) -> Any:
    """Return ``log(1 + exp(x))``."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _elu(x: Array, alpha: Any) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _hard_sigmoid(x: Array, alpha: Any, beta: Any) -> Any:
    return np.clip(alpha * x + beta, x.dtype.type(0), x.dtype.type(1))


def _selu(x: Array, alpha: Any, gamma: Any) -> Any:
    return gamma * _elu(x, alpha)


def _celu(x: Array, alpha: Any) -> Any:
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0)


def _prelu(x: Array, slope: Array) -> Any:
    return np.where(x < 0, x * slope, x)


def _gelu(node: Node) -> Function:
    node.expect(1)
    if node.one_of("approximate", node.text("approximate", "none"), ("none", "tanh")) == "tanh":
        inner = math.sqrt(2 / math.pi)
        return lambda x: (0.5 * x * (1 + np.tanh(inner * (x + 0.044715 * x * x * x)))).astype(x.dtype, copy=False)
    return lambda x: (0.5 * x * (1 + erf(x * math.sqrt(0.5)))).astype(x.dtype, copy=False)


_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


def erf(x: Array) -> Any:
    """Return the error function."""
    return np.asarray(_erf(x), x.dtype)


def _build_softmax(log: bool) -> Builder:
    """Return the builder of Softmax, or of its logarithm."""

    def build(node: Node) -> Function:
        node.expect(1)
        axis = node.number("axis", 1 if node.opset < 13 else -1)
        along = _log_softmax if log else _softmax
        return (lambda x: _as_rows(along, x, axis)) if node.opset < 13 else (lambda x: along(x, axis))

    return build


def _as_rows(function: Callable[[Array, int], Array], x: Array, axis: int) -> Array:
    """Take the axes before `axis` for one, and the others for another, as opsets before 13 do."""
    return function(as_matrix(x, axis), 1).reshape(x.shape)


def as_matrix(x: Array, axis: int) -> Array:
    """Return a matrix: the axes before `axis` are its rows, the others its columns."""
    if not -x.ndim <= axis <= x.ndim:
        checks.refuse(ValueError, "axis", f"from -{x.ndim} to {x.ndim}", axis)
    begin = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:begin]), math.prod(x.shape[begin:]))


def _softmax(x: Array, axis: int) -> Any:
    found = np.exp(x - np.max(x, axis, keepdims=True, initial=-np.inf))
    return found / np.sum(found, axis, keepdims=True)


def _log_softmax(x: Array, axis: int) -> Any:
    found = x - np.max(x, axis, keepdims=True, initial=-np.inf)
    return found - np.log(np.sum(np.exp(found), axis, keepdims=True))


# -- tables ------------------------------------------------------------------------------------------------------------

_OF_ONE: dict[str, Function] = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Erf": erf,
    "Exp": np.exp,
    "Floor": np.floor,
    "Identity": same,
    "IsNaN": np.isnan,
    "Log": np.log,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Round": np.rint,
    "Sigmoid": _by_core("sigmoid", sigmoid),
    "Sign": np.sign,
    "Sin": np.sin,
    "Softplus": softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Sqrt": np.sqrt,
    "Tanh": _by_core("tanh", np.tanh),
}

_OF_TWO: dict[str, Function] = {
    "Add": np.add,
    "And": np.logical_and,
    "Div": _divided,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Mul": np.multiply,
    "Or": np.logical_or,
    "PRelu": _prelu,
    "Pow": _power,
    "Sub": np.subtract,
    "Xor": np.logical_xor,
}

OPERATORS: Table = {
    **{op: _plain(function, 1) for op, function in _OF_ONE.items()},
    **{op: _plain(function, 2) for op, function in _OF_TWO.items()},
    "Where": _plain(np.where, 3),
    "Max": _folded(np.maximum),
    "Min": _folded(np.minimum),
    "Sum": _folded(np.add),
    "Mean": _mean_of_inputs,
    "Mod": _remainder,
    "Clip": _clip,
    "Cast": _cast,
    "Celu": _with_numbers(_celu, alpha=1.0),
    "Elu": _with_numbers(_elu, alpha=1.0),
    "Gelu": _gelu,
    "HardSigmoid": _with_numbers(_hard_sigmoid, alpha=0.2, beta=0.5),
    "LeakyRelu": _with_numbers(lambda x, alpha: np.where(x < 0, alpha * x, x), alpha=0.01),
    "Selu": _with_numbers(_selu, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875),
    "ThresholdedRelu": _with_numbers(lambda x, alpha: np.where(x > alpha, x, x.dtype.type(0)), alpha=1.0),
    "LogSoftmax": _build_softmax(log=True),
    "Softmax": _build_softmax(log=False),
}
