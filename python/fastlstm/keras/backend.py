"""The functions that older programs call as ``K.mean``, ``K.square`` ...: those of `ops` under their old names."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ops
from .foundation.arrays import Array
from .foundation.lookup import reset_names
from .foundation.settings import epsilon, floatx, set_floatx
from .foundation.variable import Variable
from .ops import (
    abs,
    all,
    any,
    argmax,
    argmin,
    binary_crossentropy,
    cast,
    categorical_crossentropy,
    clip,
    cos,
    cumprod,
    cumsum,
    elu,
    equal,
    exp,
    expand_dims,
    eye,
    greater,
    greater_equal,
    hard_sigmoid,
    l2_normalize,
    less,
    less_equal,
    log,
    logsumexp,
    max,
    maximum,
    mean,
    min,
    minimum,
    ndim,
    not_equal,
    one_hot,
    ones,
    ones_like,
    prod,
    relu,
    reshape,
    round,
    shape,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    softsign,
    sparse_categorical_crossentropy,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    stop_gradient,
    sum,
    tanh,
    tile,
    transpose,
    var,
    zeros,
    zeros_like,
)
from .ops.function import operation


def backend() -> str:
    """Return the name of what computes."""
    return "fastlstm"


def image_data_format() -> str:
    """Return where the channels of an image are."""
    return "channels_last"


def clear_session() -> None:
    """Start the automatic layer names again."""
    reset_names()


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Array:
    """`value` as an array."""
    array = np.asarray(value, dtype or floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """`value` as a variable."""
    return Variable(np.asarray(value, dtype or floatx()), name or "variable")


def get_value(x: Any) -> Array:
    """Return the array."""
    return ops.convert_to_numpy(x)


eval = get_value


def set_value(x: Variable, value: Any) -> None:
    """Assign to a variable."""
    x.assign(value)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """Sizes of the axes; None for one that is open."""
    return ops.shape(x)


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is something to compute with."""
    return ops.is_tensor(x)


def flatten(x: Any) -> Any:
    """`x` with one axis."""
    return ops.reshape(x, (-1,))


@operation
def batch_flatten(np: Any, x: Any) -> Any:
    """`x` with one axis beside that of the rows."""
    return np.reshape(x, (x.shape[0], -1))


def dot(x: Any, y: Any) -> Any:
    """Product of the last axis of `x` and the last but one of `y`."""
    return ops.dot(x, y)


@operation
def batch_dot(np: Any, x: Any, y: Any, axes: Any = None) -> Any:
    """Product of the rows of `x` and `y`, over one axis of each."""
    a, b = (
        (x.ndim - 1, y.ndim - 2 if y.ndim > 2 else 1) if axes is None else (axes if not _is_one(axes) else (axes, axes))
    )
    letters = "abcdefghijklmnopqrstuvwxyz"
    left, right = list(letters[: x.ndim]), list("a" + letters[x.ndim : x.ndim + y.ndim - 1])
    right[b % y.ndim] = left[a % x.ndim]
    kept = [c for c in left if c != left[a % x.ndim]] + [c for c in right[1:] if c != left[a % x.ndim]]
    result = np.einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x, y)
    return np.expand_dims(result, 1) if result.ndim == 1 else result


def _is_one(value: Any) -> bool:
    """Whether `value` is one whole number."""
    return isinstance(value, int | np.integer)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Arrays one after the other along an axis that they have."""
    return ops.concatenate(tensors, axis)


def permute_dimensions(x: Any, pattern: Any) -> Any:
    """`x` with its axes in another order."""
    return ops.transpose(x, pattern)


@operation
def repeat(np: Any, x: Any, n: int) -> Any:
    """Rows ``(N, I)`` as ``(N, n, I)``."""
    return np.repeat(np.expand_dims(x, 1), n, 1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Every entry along an axis so many times."""
    return ops.repeat(x, rep, axis)


def reverse(x: Any, axes: Any) -> Any:
    """Entries the other way round along axes."""
    return ops.flip(x, axes)


def pow(x: Any, a: Any) -> Any:
    """``x ** a``."""
    return ops.power(x, a)


def gather(reference: Any, indices: Any) -> Any:
    """Entries of the first axis at these places."""
    return ops.take(reference, indices, 0)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One or the other, entry by entry."""
    parts = [part() if callable(part) else part for part in (then_expression, else_expression)]
    return ops.where(condition, *parts)


def arange(start: Any, stop: Any = None, step: int = 1, dtype: str = "int32") -> Array:
    """Numbers at equal distances."""
    return ops.arange(start, stop, step, dtype)


def gradients(loss: Any, variables: Any) -> Any:
    """NotImplementedError: gradients are taken by `fit`."""
    raise NotImplementedError("K.gradients is not supported: gradients are taken by fit(), or by vjp() of a layer")


__all__ = [
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "backend",
    "batch_dot",
    "batch_flatten",
    "binary_crossentropy",
    "cast",
    "categorical_crossentropy",
    "clear_session",
    "clip",
    "concatenate",
    "constant",
    "cos",
    "cumprod",
    "cumsum",
    "dot",
    "elu",
    "epsilon",
    "equal",
    "eval",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "floatx",
    "gather",
    "get_value",
    "gradients",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "image_data_format",
    "int_shape",
    "is_keras_tensor",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "logsumexp",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "ndim",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "prod",
    "relu",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "round",
    "set_floatx",
    "set_value",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "switch",
    "tanh",
    "tile",
    "transpose",
    "var",
    "variable",
    "zeros",
    "zeros_like",
]
