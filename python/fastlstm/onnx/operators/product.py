"""Products of matrices: by the core where the right one is known at load."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from fastlstm import _core

from ..node import Function, Node
from ..values import Array
from .table import Table

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def _matmul(node: Node) -> Function:
    node.expect(2)
    kernel = node.constant(1)
    if kernel is None or kernel.ndim != 2 or not _can_pack(kernel):
        return np.matmul
    dense = _core.Dense(np.ascontiguousarray(kernel))
    I, O = kernel.shape

    def function(x: Array, _: Array) -> Any:
        if x.dtype != kernel.dtype or x.ndim < 2 or x.shape[-1] != I:
            return np.matmul(x, kernel)
        return dense(x) if x.ndim == 2 else dense(x.reshape(-1, I)).reshape(*x.shape[:-1], O)

    return function


def _gemm(node: Node) -> Function:
    node.expect(2, 3, outputs=1)
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    turned = node.truth("transA"), node.truth("transB")
    dense = _dense(node, alpha, beta, turned[1])

    def function(a: Array, b: Array, c: Any = None) -> Any:
        a = a.T if turned[0] else a
        if dense is not None and a.dtype == b.dtype and a.ndim == 2:
            return dense(a)
        product = a @ (b.T if turned[1] else b)
        product = product if alpha == 1 else (alpha * product).astype(a.dtype)
        if c is None:
            return product
        return product + (c if beta == 1 else (beta * c).astype(a.dtype))

    return function


def _dense(node: Node, alpha: float, beta: float, turned: bool) -> _core.Dense | None:
    """Return the product with a bias, packed; None if one of them is not known or no such thing."""
    kernel, bias = node.constant(1), node.constant(2)
    if kernel is None or kernel.ndim != 2 or not _can_pack(kernel) or (node.has(2) and bias is None):
        return None
    kernel = kernel.T if turned else kernel
    if bias is not None and (bias.dtype != kernel.dtype or bias.size not in (1, kernel.shape[1]) or bias.ndim > 2):
        return None
    if bias is not None and bias.ndim == 2 and bias.shape[0] != 1:
        return None
    scaled = np.ascontiguousarray(kernel if alpha == 1 else (alpha * kernel).astype(kernel.dtype))
    if bias is None:
        return _core.Dense(scaled)
    full = bias.ravel() if bias.size == kernel.shape[1] else np.full(kernel.shape[1], bias.ravel()[0])
    return _core.Dense(scaled, full if beta == 1 else (beta * full).astype(kernel.dtype))


def _einsum(node: Node) -> Function:
    count = len(node.inputs)
    node.expect(1, count)
    equation = node.text("equation", "")
    if not _EQUATION.fullmatch(equation) or equation.partition("->")[0].count(",") != count - 1:
        node.refuse("equation", f"letters of the axes of {count} inputs, as in 'ij,jk->ik'", equation)
    return lambda *arrays: np.einsum(equation, *arrays, optimize=True)


_EQUATION = re.compile(r"[A-Za-z., ]*(->[A-Za-z. ]*)?")


def _can_pack(kernel: Array) -> bool:
    return kernel.dtype in _FLOATS and kernel.size > 0


OPERATORS: Table = {"Einsum": _einsum, "Gemm": _gemm, "MatMul": _matmul}
