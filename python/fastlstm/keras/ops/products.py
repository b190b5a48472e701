"""Products of matrices and tensors, and what is solved by them."""

from typing import Any

import numpy

from ..foundation.boxes import bare
from ..foundation.symbolic import OPERATORS
from .function import operation


@operation
def matmul(np: Any, x1: Any, x2: Any) -> Any:
    """``x1 @ x2``."""
    return np.matmul(x1, x2)


@operation
def dot(np: Any, x1: Any, x2: Any) -> Any:
    """Product of the last axis of `x1` and the last but one of `x2`."""
    return np.dot(x1, x2)


@operation
def vdot(np: Any, x1: Any, x2: Any) -> Any:
    """Sum of the products of all entries."""
    return np.dot(np.reshape(x1, (-1,)), np.reshape(x2, (-1,)))


@operation
def inner(np: Any, x1: Any, x2: Any) -> Any:
    """Product of the last axes."""
    return np.inner(x1, x2)


@operation
def outer(np: Any, x1: Any, x2: Any) -> Any:
    """All products of two vectors."""
    return np.reshape(x1, (-1, 1)) * np.reshape(x2, (1, -1))


@operation
def tensordot(np: Any, x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Product over the given axes."""
    return np.tensordot(x1, x2, axes)


@operation
def einsum(np: Any, subscripts: str, *operands: Any) -> Any:
    """Sum of products, as the subscripts say."""
    return np.einsum(subscripts, *operands)


@operation
def cross(np: Any, x1: Any, x2: Any) -> Any:
    """Vectors of three along the last axis that stand at right angles to both."""
    if np is numpy:
        return np.cross(x1, x2)
    a, b = ([x[..., k] for k in range(3)] for x in (x1, x2))
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], -1)


@operation
def det(np: Any, x: Any) -> Any:
    """Determinants."""
    return np.linalg.det(x)


@operation
def inv(np: Any, x: Any) -> Any:
    """Inverse matrices."""
    return np.linalg.inv(x)


@operation
def solve(np: Any, a: Any, b: Any) -> Any:
    """The `x` with ``a @ x = b``."""
    if numpy.ndim(bare(b)) == numpy.ndim(bare(a)) - 1:
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


@operation
def cholesky(np: Any, x: Any, upper: bool = False) -> Any:
    """The triangular `y` with ``y @ transpose(y) = x``, or its transpose."""
    y = np.linalg.cholesky(x)
    return np.swapaxes(y, -1, -2) if upper else y


OPERATORS["matmul"] = matmul
