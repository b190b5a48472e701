"""Comparisons, and what is made of truths."""

from typing import Any

from ..foundation.boxes import bare
from ..foundation.symbolic import OPERATORS
from .function import chosen, operation


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
def isclose(np: Any, x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether two numbers are close to each other."""
    return np.isclose(bare(x1), bare(x2), rtol, atol, equal_nan)


@operation
def where(np: Any, condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition holds, elsewhere `x2`; without both, the places where it holds."""
    return np.where(bare(condition)) if x1 is None and x2 is None else chosen(np, bare(condition), x1, x2)


OPERATORS |= {
    "invert": logical_not,
    "lt": less,
    "le": less_equal,
    "gt": greater,
    "ge": greater_equal,
}
