"""Functions of every entry that nets are made of, and those along the classes."""

import math
from typing import Any

import numpy

from fastlstm import checks

from .. import activations
from ..foundation.boxes import bare
from ..foundation.settings import floatx
from ..foundation.symbolic import OPERATORS, Arguments
from .elementary import erf
from .function import FunctionOperation, operation, with_slope


@operation
def sigmoid(np: Any, x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    if np is numpy:
        return _sigmoid(x)
    y = _sigmoid(bare(x))
    return with_slope(x, y, y * (1 - y))


def _sigmoid(x: Any) -> Any:
    decay = numpy.exp(-numpy.abs(x))
    return numpy.where(numpy.asarray(x) >= 0, 1, decay) / (1 + decay)


@operation
def log_sigmoid(np: Any, x: Any) -> Any:
    """``log(sigmoid(x))``."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@operation
def relu(np: Any, x: Any) -> Any:
    """``max(x, 0)``, with a slope of 0 at 0."""
    y = numpy.maximum(bare(x), 0)
    return y if np is numpy else with_slope(x, y, y > 0)


@operation
def relu6(np: Any, x: Any) -> Any:
    """``min(max(x, 0), 6)``."""
    y = numpy.clip(bare(x), 0, 6)
    return y if np is numpy else with_slope(x, y, (y > 0) & (y < 6))


@operation
def leaky_relu(np: Any, x: Any, negative_slope: float = 0.2) -> Any:
    """`x` where it is positive, elsewhere ``negative_slope * x``."""
    return np.where(bare(x) > 0, x, negative_slope * x)


@operation
def elu(np: Any, x: Any, alpha: float = 1.0) -> Any:
    """`x` where it is positive, elsewhere ``alpha * (exp(x) - 1)``."""
    return _bent(np, x, alpha, 1.0)


@operation
def selu(np: Any, x: Any) -> Any:
    """Scaled exponential linear unit."""
    return 1.0507009873554805 * _bent(np, x, 1.6732632423543772, 1.0)


@operation
def celu(np: Any, x: Any, alpha: float = 1.0) -> Any:
    """`x` where it is positive, elsewhere ``alpha * (exp(x / alpha) - 1)``."""
    return _bent(np, x, alpha, alpha)


def _bent(np: Any, x: Any, alpha: float, width: float) -> Any:
    right = bare(x) >= 0  # a power that overflows there would hide the slope
    return np.where(right, x, alpha * np.expm1(np.where(right, 0, x) / width))


@operation
def silu(np: Any, x: Any) -> Any:
    """``x * sigmoid(x)``."""
    return x * sigmoid(x)


swish = silu


@operation
def gelu(np: Any, x: Any, approximate: bool = True) -> Any:
    """``x`` times the normal distribution function of it, which tanh may approximate."""
    if approximate:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


@operation
def softplus(np: Any, x: Any) -> Any:
    """``log(1 + exp(x))``."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@operation
def squareplus(np: Any, x: Any, b: float = 4) -> Any:
    """``(x + sqrt(x ** 2 + b)) / 2``."""
    return (x + np.sqrt(np.square(x) + b)) / 2


@operation
def softsign(np: Any, x: Any) -> Any:
    """``x / (1 + abs(x))``."""
    return x / (1 + np.abs(x))


@operation
def hard_sigmoid(np: Any, x: Any) -> Any:
    """``clip(x + 3, 0, 6) / 6``."""
    y = numpy.clip(bare(x) / 6 + 0.5, 0, 1)
    return y if np is numpy else with_slope(x, y, ((y > 0) & (y < 1)) / y.dtype.type(6))


@operation
def hard_silu(np: Any, x: Any) -> Any:
    """``x * hard_sigmoid(x)``."""
    return x * hard_sigmoid(x)


hard_swish = hard_silu


@operation
def hard_tanh(np: Any, x: Any) -> Any:
    """`x`, at least -1 and at most 1."""
    y = numpy.clip(bare(x), -1, 1)
    return y if np is numpy else with_slope(x, y, y == bare(x))


@operation
def tanh_shrink(np: Any, x: Any) -> Any:
    """``x - tanh(x)``."""
    return x - np.tanh(x)


@operation
def hard_shrink(np: Any, x: Any, threshold: float = 0.5) -> Any:
    """`x` where it is larger than the threshold in size, elsewhere 0."""
    return np.where(numpy.abs(bare(x)) > threshold, x, 0 * x)


@operation
def soft_shrink(np: Any, x: Any, threshold: float = 0.5) -> Any:
    """`x` nearer to 0 by the threshold."""
    return np.where(bare(x) > threshold, x - threshold, np.where(bare(x) < -threshold, x + threshold, 0 * x))


@operation
def threshold(np: Any, x: Any, threshold: float, default_value: float) -> Any:
    """`x` where it is larger than the threshold, elsewhere the default."""
    return np.where(bare(x) > threshold, x, 0 * x + default_value)


@operation
def glu(np: Any, x: Any, axis: int = -1) -> Any:
    """The first half of an axis times the sigmoid of the second."""
    before, half = (slice(None),) * (axis % x.ndim), x.shape[axis] // 2
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


@operation
def softmax(np: Any, x: Any, axis: Any = -1) -> Any:
    """Exponentials along an axis, divided by their sum."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    powers = np.exp(x - numpy.max(bare(x), axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


@operation
def log_softmax(np: Any, x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax."""
    shifted = x - numpy.max(bare(x), axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@operation
def one_hot(np: Any, x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """A one at the place of each class number along a new axis, elsewhere zeros."""
    if sparse:
        checks.refuse(ValueError, "sparse", "False", sparse)
    hot = numpy.asarray(bare(x))[..., None] == numpy.arange(checks.whole_number("num_classes", num_classes, at_least=0))
    return numpy.moveaxis(hot, -1, axis).astype(dtype or floatx())


@operation
def multi_hot(np: Any, inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Ones at the places of all class numbers along an axis, elsewhere zeros."""
    if sparse:
        checks.refuse(ValueError, "sparse", "False", sparse)
    numbers = numpy.moveaxis(numpy.asarray(bare(inputs)), axis, -1)
    hot = (numbers[..., None] == numpy.arange(checks.whole_number("num_classes", num_classes, at_least=0))).any(-2)
    return numpy.moveaxis(hot, -1, axis).astype(dtype or floatx())


def _activation(activation: Any, x: Any) -> Any:
    """Note an activation: as the function of its name, if there is one and it is the same."""
    built_in = getattr(activations, activation.name, None) is activation
    if built_in and activation.name in globals():
        settings = {"approximate": False} if activation.name == "gelu" else {}
        return globals()[activation.name](x, **settings)
    kind = "".join(part.capitalize() for part in activation.name.split("_"))
    return FunctionOperation(activation, kind).note(Arguments((x,), {}))


OPERATORS["activation"] = _activation
