"""The functions that older programs call as ``K.mean``, ``K.square`` ...: those of `ops` under their old names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

import numpy
import numpy as np

from fastlstm import checks

from . import constraints, ops, random
from .foundation.arrays import Array, as_array
from .foundation.boxes import bare
from .foundation.data_format import image_data_format, set_image_data_format
from .foundation.lookup import reset_names
from .foundation.passes import current
from .foundation.settings import epsilon, floatx, set_epsilon, set_floatx, set_policy
from .foundation.symbolic import SymbolicTensor
from .foundation.variable import Variable
from .ops import (
    abs,
    all,
    any,
    binary_crossentropy,
    cast,
    categorical_crossentropy,
    cos,
    elu,
    equal,
    exp,
    greater,
    greater_equal,
    l2_normalize,
    less,
    less_equal,
    log,
    logsumexp,
    max,
    mean,
    min,
    ndim,
    not_equal,
    one_hot,
    prod,
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
    stack,
    std,
    stop_gradient,
    sum,
    tanh,
    transpose,
    var,
)
from .ops.function import operation


def backend() -> str:
    """Return the name of what computes."""
    return "fastlstm"


def clear_session() -> None:
    """Start the automatic layer names again, and let layers have the dtype ``floatx()`` as at first."""
    reset_names()
    set_policy(None)
    _uids.clear()


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Array:
    """`value` as an array."""
    array = np.asarray(value, dtype or floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Array:
    """Zeros."""
    return ops.zeros(shape, dtype)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Array:
    """Ones."""
    return ops.ones(shape, dtype)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones in the shape of `x`."""
    return ops.ones_like(x, dtype)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Array:
    """Ones on a diagonal."""
    rows, columns = size if isinstance(size, list | tuple) else (size, None)
    return ops.eye(rows, columns, dtype=dtype)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """`value` as a variable."""
    value = as_array(value, "value", checks.any_dtype("dtype", dtype or floatx()))
    return Variable(value, name=name or "variable", constraint=constraints.get(constraint))


def get_value(x: Any) -> Array:
    """Return the array."""
    return np.array(ops.convert_to_numpy(x))


eval = get_value


def set_value(x: Variable, value: Any) -> None:
    """Assign to a variable."""
    x.assign(value)


def batch_get_value(tensors: Any) -> list[Array]:
    """Return the arrays."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Any) -> None:
    """Assign to variables, of pairs of a variable and a value."""
    for x, value in tuples:
        x.assign(value)


def update(x: Variable, new_x: Any) -> Any:
    """Assign to a variable, and return the value."""
    x.assign(new_x)
    return x.value


def update_add(x: Variable, increment: Any) -> Any:
    """Add to a variable, and return the value."""
    x.assign_add(increment)
    return x.value


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtract from a variable, and return the value."""
    x.assign_sub(decrement)
    return x.value


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """Bring a variable nearer to a value, and return what it is then."""
    return update(x, ops.convert_to_numpy(x.value * momentum + value * (1.0 - momentum)))


def int_shape(x: Any) -> tuple[int | None, ...]:
    """Sizes of the axes; None for one that is open."""
    return ops.shape(x)


def dtype(x: Any) -> str:
    """Name of the dtype."""
    return ops.dtype(x)


def count_params(x: Any) -> int:
    """Return the number of entries."""
    return int(ops.size(x))


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is symbolic."""
    return isinstance(x, SymbolicTensor)


def is_sparse(tensor: Any) -> bool:
    """False: nothing is."""
    return False


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """`x`, at least `min_value` and at most `max_value`; None: without a limit."""
    return ops.clip(x, -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value)


def maximum(x: Any, y: Any) -> Any:
    """Return the larger one."""
    return ops.maximum(x, y)


def minimum(x: Any, y: Any) -> Any:
    """Return the smaller one."""
    return ops.minimum(x, y)


def argmax(x: Any, axis: int = -1) -> Any:
    """Place of the largest entry."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Place of the smallest entry."""
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Sums of the entries so far."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Products of the entries so far."""
    return ops.cumprod(x, axis)


@operation
def relu(np: Any, x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`x` where it is at least the threshold, elsewhere ``alpha * (x - threshold)``, and at most `max_value`."""
    if not alpha and max_value is None and not threshold:
        return ops.relu(x)
    y = np.where(bare(x) >= threshold, x, alpha * (x - threshold))
    return y if max_value is None else ops.clip(y, -numpy.inf, max_value)


@operation
def hard_sigmoid(np: Any, x: Any) -> Any:
    """``clip(0.2 * x + 0.5, 0, 1)``, as it was in Keras 2; that of `ops` is another one."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """`x` less the mean, divided by the standard deviation, times `gamma` plus `beta`."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


def cast_to_floatx(x: Any) -> Any:
    """`x` in the default dtype."""
    return ops.cast(x, floatx())


def expand_dims(x: Any, axis: int = -1) -> Any:
    """`x` with an axis of size 1 at this place."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: Any) -> Any:
    """`x` without an axis of size 1."""
    return ops.squeeze(x, axis)


def reshape(x: Any, shape: Any) -> Any:
    """`x` in another shape."""
    return ops.reshape(x, shape)


def tile(x: Any, n: Any) -> Any:
    """`x` so many times along every axis."""
    return ops.tile(x, n if isinstance(n, list | tuple) else [n])


@operation
def bias_add(np: Any, x: Any, bias: Any, data_format: str | None = None) -> Any:
    """`x` plus a bias along the last axis."""
    return x + bias


@operation
def temporal_padding(np: Any, x: Any, padding: Any = (1, 1)) -> Any:
    """Steps ``(N, T, I)`` with zeros before and after."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether class numbers are among the `k` largest predictions."""
    return ops.in_top_k(targets, predictions, k)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """What a function gives for every entry of the first axis."""
    return ops.map(fn, elems)


def foldl(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """Apply a function to what it gave and the next entry of the first axis."""
    parts = list(ops.unstack(elems))
    return reduce(fn, parts) if initializer is None else reduce(fn, parts, initializer)


def foldr(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """As `foldl`, from the last entry on."""
    return foldl(fn, ops.flip(elems, 0), initializer)


def learning_phase() -> int:
    """1 while a function of one's own runs in training, else 0."""
    passing = current()
    return int(passing is not None and passing.training)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, else `alt`; either may be a function that gives it."""
    chosen = x if (learning_phase() if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` in training, else `x`."""
    return in_train_phase(alt, x, training)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """`x` with a part set to 0, and the rest larger."""
    return random.dropout(x, level, noise_shape, seed)


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Normal numbers."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers between two others, all as likely."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Array:
    """Ones with a probability, else zeros."""
    return random.binomial(shape, 1, p, dtype, seed)


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Normal numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Do nothing: names have no scopes."""
    yield name


def get_uid(prefix: str = "") -> int:
    """Return 1, 2, ... for each prefix."""
    _uids[prefix] += 1
    return _uids[prefix]


_uids: Counter[str] = Counter()


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
    "batch_get_value",
    "batch_normalization",
    "batch_set_value",
    "bias_add",
    "binary_crossentropy",
    "cast",
    "cast_to_floatx",
    "categorical_crossentropy",
    "clear_session",
    "clip",
    "concatenate",
    "constant",
    "cos",
    "count_params",
    "cumprod",
    "cumsum",
    "dot",
    "dropout",
    "dtype",
    "elu",
    "epsilon",
    "equal",
    "eval",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "floatx",
    "foldl",
    "foldr",
    "gather",
    "get_uid",
    "get_value",
    "gradients",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "image_data_format",
    "in_test_phase",
    "in_top_k",
    "in_train_phase",
    "int_shape",
    "is_keras_tensor",
    "is_sparse",
    "l2_normalize",
    "learning_phase",
    "less",
    "less_equal",
    "log",
    "logsumexp",
    "map_fn",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moving_average_update",
    "name_scope",
    "ndim",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "prod",
    "random_bernoulli",
    "random_normal",
    "random_uniform",
    "relu",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "round",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
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
    "temporal_padding",
    "tile",
    "transpose",
    "truncated_normal",
    "update",
    "update_add",
    "update_sub",
    "var",
    "variable",
    "zeros",
    "zeros_like",
]
