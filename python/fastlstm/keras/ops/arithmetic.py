"""Sums, products, powers and what rounds numbers."""

from typing import Any

import numpy

from ..foundation.boxes import bare
from ..foundation.symbolic import OPERATORS
from .function import chosen, operation, with_slope


@operation
def add(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 + x2``."""
    return np.add(x1, x2)


@operation
def subtract(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 - x2``."""
    return np.subtract(x1, x2)


@operation
def multiply(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 * x2``."""
    return np.multiply(x1, x2)


@operation(kind="TrueDivide")
def divide(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 / x2``."""
    return np.true_divide(x1, x2)


@operation
def divide_no_nan(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 / x2``, 0 where `x2` is 0."""
    there = np.not_equal(x2, 0)
    return np.where(there, np.true_divide(x1, np.where(there, x2, 1)), 0)


@operation
def floor_divide(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 // x2``."""
    return numpy.floor_divide(bare(x1), bare(x2))


@operation
def mod(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 % x2``."""
    return np.mod(x1, x2)


@operation
def power(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 ** x2``."""
    return np.power(x1, x2)


@operation
def negative(np: Any, x: Any) -> Any:
    """``-x``."""
    return np.negative(x)


@operation(kind="Absolute")
def abs(np: Any, x: Any) -> Any:
    """Absolute value."""
    return np.abs(x)


@operation
def maximum(np: Any, x1: Any, x2: Any) -> Any:
    """The larger one; the gradient of equal ones is that of `x1`."""
    if np is numpy:
        return np.maximum(x1, x2)
    return chosen(np, np.logical_or(bare(x1) >= bare(x2), numpy.isnan(bare(x1))), x1, x2)


@operation
def minimum(np: Any, x1: Any, x2: Any) -> Any:
    """The smaller one; the gradient of equal ones is that of `x1`."""
    if np is numpy:
        return np.minimum(x1, x2)
    return chosen(np, np.logical_or(bare(x1) <= bare(x2), numpy.isnan(bare(x1))), x1, x2)


@operation
def clip(np: Any, x: Any, x_min: Any, x_max: Any) -> Any:
    """`x`, at least `x_min` and at most `x_max`, where its gradient ends."""
    y = numpy.clip(bare(x), bare(x_min), bare(x_max))
    return y if np is numpy else np.where(y == bare(x), x, y)


@operation
def square(np: Any, x: Any) -> Any:
    """``x ** 2``."""
    return np.square(x)


@operation
def sqrt(np: Any, x: Any) -> Any:
    """Square root."""
    return np.sqrt(x)


@operation
def rsqrt(np: Any, x: Any) -> Any:
    """``1 / sqrt(x)``."""
    return 1 / np.sqrt(x)


@operation
def cbrt(np: Any, x: Any) -> Any:
    """Cube root."""
    if np is numpy:
        return np.cbrt(x)
    root = numpy.cbrt(bare(x))
    return with_slope(x, root, 1 / (3 * root * root))


@operation
def reciprocal(np: Any, x: Any) -> Any:
    """``1 / x``."""
    return 1 / x


@operation
def hypot(np: Any, x1: Any, x2: Any) -> Any:
    """``sqrt(x1 ** 2 + x2 ** 2)``."""
    return np.sqrt(np.square(x1) + np.square(x2))


@operation
def sign(np: Any, x: Any) -> Any:
    """-1, 0 or 1."""
    return np.sign(x)


@operation
def floor(np: Any, x: Any) -> Any:
    """Largest whole number that is not larger."""
    return np.floor(x)


@operation
def ceil(np: Any, x: Any) -> Any:
    """Smallest whole number that is not smaller."""
    return np.ceil(x)


@operation
def trunc(np: Any, x: Any) -> Any:
    """Whole part."""
    return numpy.trunc(bare(x))


@operation
def round(np: Any, x: Any, decimals: int = 0) -> Any:
    """Nearest number of so many decimals."""
    return numpy.round(bare(x), decimals)


@operation
def nan_to_num(np: Any, x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """`x` with numbers in place of NaN and infinities."""
    y = numpy.nan_to_num(bare(x), nan=nan, posinf=posinf, neginf=neginf)
    return y if np is numpy else np.where(numpy.isfinite(bare(x)), x, y)


OPERATORS |= {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "floordiv": floor_divide,
    "mod": mod,
    "pow": power,
    "neg": negative,
    "pos": lambda x: x,
    "abs": abs,
}
