"""Products of matrices and tensors."""

from typing import Any

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
def tensordot(np: Any, x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Product over the given axes."""
    return np.tensordot(x1, x2, axes)


@operation
def einsum(np: Any, subscripts: str, *operands: Any) -> Any:
    """Sum of products, as the subscripts say."""
    return np.einsum(subscripts, *operands)


@operation
def outer(np: Any, x1: Any, x2: Any) -> Any:
    """All products of two vectors."""
    return np.outer(x1, x2)


OPERATORS["matmul"] = matmul
