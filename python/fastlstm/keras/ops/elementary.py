"""Exponentials, logarithms and waves."""

import math
from typing import Any

import numpy

from ..foundation.boxes import bare
from .function import operation, with_slope


@operation
def exp(np: Any, x: Any) -> Any:
    """``e ** x``."""
    return np.exp(x)


@operation
def exp2(np: Any, x: Any) -> Any:
    """``2 ** x``."""
    return np.exp2(x)


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
def logaddexp(np: Any, x1: Any, x2: Any) -> Any:
    """``log(exp(x1) + exp(x2))`` that does not overflow."""
    return np.logaddexp(x1, x2)


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
def arctan2(np: Any, x1: Any, x2: Any) -> Any:
    """Angle of the point ``(x2, x1)``."""
    return np.arctan2(x1, x2)


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
    if np is numpy:
        return np.tanh(x)
    y = numpy.tanh(bare(x))
    return with_slope(x, y, 1 - y * y)


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
def deg2rad(np: Any, x: Any) -> Any:
    """Degrees as parts of a circle's length."""
    return x * (math.pi / 180)


@operation
def rad2deg(np: Any, x: Any) -> Any:
    """Parts of a circle's length as degrees."""
    return x * (180 / math.pi)


@operation
def erf(np: Any, x: Any) -> Any:
    """Error function."""
    value = bare(x)
    y = _erf(value).astype(value.dtype if value.dtype.kind == "f" else float)
    return y if np is numpy else with_slope(x, y, 2 / math.sqrt(math.pi) * numpy.exp(-value * value))


@operation
def erfc(np: Any, x: Any) -> Any:
    """``1 - erf(x)``."""
    return 1 - erf(x)


_erf = numpy.frompyfunc(math.erf, 1, 1)  # NumPy has none
