"""Functions of every entry."""

from typing import Any

import numpy

from ..foundation.symbolic import OPERATORS
from .function import operation

# --- Arithmetic -------------------------------------------------------------------------------------------------------


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
    return numpy.floor_divide(x1, x2)


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
    """Return the larger one."""
    return np.maximum(x1, x2)


@operation
def minimum(np: Any, x1: Any, x2: Any) -> Any:
    """Return the smaller one."""
    return np.minimum(x1, x2)


@operation
def clip(np: Any, x: Any, x_min: Any, x_max: Any) -> Any:
    """`x`, at least `x_min` and at most `x_max`."""
    return np.clip(x, x_min, x_max)


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
def reciprocal(np: Any, x: Any) -> Any:
    """``1 / x``."""
    return 1 / x


@operation
def sign(np: Any, x: Any) -> Any:
    """-1, 0 or 1."""
    return np.sign(x)


# --- Exponentials and waves -------------------------------------------------------------------------------------------


@operation
def exp(np: Any, x: Any) -> Any:
    """``e ** x``."""
    return np.exp(x)


@operation
def expm1(np: Any, x: Any) -> Any:
    """``e ** x - 1``, exact for small `x`."""
    return np.expm1(x)


@operation
def log(np: Any, x: Any) -> Any:
    """Natural logarithm."""
    return np.log(x)


@operation
def log1p(np: Any, x: Any) -> Any:
    """``log(1 + x)``, exact for small `x`."""
    return np.log1p(x)


@operation
def log2(np: Any, x: Any) -> Any:
    """Logarithm to the base of 2."""
    return np.log2(x)


@operation
def log10(np: Any, x: Any) -> Any:
    """Logarithm to the base of 10."""
    return np.log10(x)


@operation
def sin(np: Any, x: Any) -> Any:
    """Sine."""
    return np.sin(x)


@operation
def cos(np: Any, x: Any) -> Any:
    """Cosine."""
    return np.cos(x)


@operation
def tan(np: Any, x: Any) -> Any:
    """Tangent."""
    return np.tan(x)


@operation
def arcsin(np: Any, x: Any) -> Any:
    """Inverse of the sine."""
    return np.arcsin(x)


@operation
def arccos(np: Any, x: Any) -> Any:
    """Inverse of the cosine."""
    return np.arccos(x)


@operation
def arctan(np: Any, x: Any) -> Any:
    """Inverse of the tangent."""
    return np.arctan(x)


@operation
def sinh(np: Any, x: Any) -> Any:
    """Hyperbolic sine."""
    return np.sinh(x)


@operation
def cosh(np: Any, x: Any) -> Any:
    """Hyperbolic cosine."""
    return np.cosh(x)


@operation
def tanh(np: Any, x: Any) -> Any:
    """Hyperbolic tangent."""
    return np.tanh(x)


@operation
def arcsinh(np: Any, x: Any) -> Any:
    """Inverse of the hyperbolic sine."""
    return np.arcsinh(x)


@operation
def arccosh(np: Any, x: Any) -> Any:
    """Inverse of the hyperbolic cosine."""
    return np.arccosh(x)


@operation
def arctanh(np: Any, x: Any) -> Any:
    """Inverse of the hyperbolic tangent."""
    return np.arctanh(x)


@operation
def floor(np: Any, x: Any) -> Any:
    """Largest whole number that is not larger."""
    return np.floor(x)


@operation
def ceil(np: Any, x: Any) -> Any:
    """Smallest whole number that is not smaller."""
    return np.ceil(x)


@operation
def isnan(np: Any, x: Any) -> Any:
    """Whether it is NaN."""
    return np.isnan(x)


@operation
def isfinite(np: Any, x: Any) -> Any:
    """Whether it is neither NaN nor infinite."""
    return np.isfinite(x)


@operation
def isinf(np: Any, x: Any) -> Any:
    """Whether it is infinite."""
    return np.isinf(x)


@operation
def arctan2(np: Any, x1: Any, x2: Any) -> Any:
    """Angle of the point ``(x2, x1)``."""
    return np.arctan2(x1, x2)


@operation
def round(np: Any, x: Any, decimals: int = 0) -> Any:
    """Nearest number of so many decimals."""
    return numpy.round(numpy.asarray(x), decimals) if np is numpy else np.array(x) * 0 + numpy.round(x._value, decimals)


# --- Comparisons and logic --------------------------------------------------------------------------------------------


@operation
def equal(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 == x2``."""
    return np.equal(x1, x2)


@operation
def not_equal(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 != x2``."""
    return np.not_equal(x1, x2)


@operation
def less(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 < x2``."""
    return np.less(x1, x2)


@operation
def less_equal(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 <= x2``."""
    return np.less_equal(x1, x2)


@operation
def greater(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 > x2``."""
    return np.greater(x1, x2)


@operation
def greater_equal(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 >= x2``."""
    return np.greater_equal(x1, x2)


@operation
def logical_and(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 and x2``."""
    return np.logical_and(x1, x2)


@operation
def logical_or(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 or x2``."""
    return np.logical_or(x1, x2)


@operation
def logical_xor(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 xor x2``."""
    return np.logical_xor(x1, x2)


@operation
def logical_not(np: Any, x: Any) -> Any:
    """``not x``."""
    return np.logical_not(x)


@operation
def where(np: Any, condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition holds, elsewhere `x2`; without both, the places where it holds."""
    return np.where(condition) if x1 is None and x2 is None else np.where(condition, x1, x2)


@operation(kind="GetItem")
def getitem(np: Any, x: Any, key: Any) -> Any:
    """``x[key]``; a list is taken for a tuple, as configs have only those."""
    return x[tuple(key) if isinstance(key, list) else key]


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
    "invert": logical_not,
    "lt": less,
    "le": less_equal,
    "gt": greater,
    "ge": greater_equal,
    "getitem": getitem,
}
