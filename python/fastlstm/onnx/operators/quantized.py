"""Operators on whole numbers of 8 bits that stand for floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks

from ..node import Function, Node
from ..values import Array, dtype_of
from .recurrent import lstm_of_quantized
from .table import Table

_NARROW = (np.dtype(np.uint8), np.dtype(np.int8), np.dtype(np.uint16), np.dtype(np.int16))


def _spread(values: Any, x: Array, axis: int) -> Any:
    """Return a scale or zero point of each slice along an axis as something that broadcasts to `x`."""
    if values is None or values.size == 1:
        return values if values is None else values.reshape(())
    if values.ndim != 1 or values.shape[0] != x.shape[axis]:
        checks.refuse_shape("scale and zero point", f"() or ({x.shape[axis]},)", values.shape)
    return values.reshape([-1 if k == axis % x.ndim else 1 for k in range(x.ndim)])


def _check(node: Node) -> int:
    """Read what both ways have, and refuse blocks; return the axis."""
    if node.number("block_size", 0):
        node.refuse("block_size", "0", node.number("block_size", 0))
    return int(node.number("axis", 1))


def _quantize(node: Node) -> Function:
    node.expect(2, 3)
    axis, number = _check(node), node.number("output_dtype", 0)
    node.number("saturate", 1)  # of floats of 8 bits
    node.number("precision", 0)
    wanted = dtype_of(number, f"{node.label}: output_dtype") if number else np.dtype(np.uint8)

    def function(x: Array, scale: Array, zero: Any = None) -> Array:
        dtype = wanted if zero is None else zero.dtype
        return _rounded(x / _spread(scale, x, axis), _spread(zero, x, axis), dtype)

    return function


def _rounded(x: Array, zero: Any, dtype: np.dtype[Any]) -> Array:
    """Return the nearest whole numbers, even ones from the middle, as far as the dtype goes."""
    if dtype not in _NARROW:
        checks.refuse_dtype("the zero point", ", ".join(map(str, _NARROW)), dtype)
    bounds = np.iinfo(dtype)
    nearest = np.rint(x) if zero is None else np.rint(x) + zero.astype(x.dtype)
    found: Array = np.clip(nearest, bounds.min, bounds.max).astype(dtype)
    return found


def _dequantize(node: Node) -> Function:
    node.expect(2, 3)
    axis = _check(node)
    number = node.number("output_dtype", 0)
    dtype = dtype_of(number, f"{node.label}: output_dtype") if number else None

    def function(x: Array, scale: Array, zero: Any = None) -> Array:
        point = _spread(zero, x, axis)
        distance = x.astype(np.int32) if point is None else x.astype(np.int32) - point.astype(np.int32)
        found: Array = (distance.astype(scale.dtype) * _spread(scale, x, axis)).astype(dtype or scale.dtype)
        return found

    return function


def _dynamic_quantize(node: Node) -> Function:
    node.expect(1, outputs=3)

    def function(x: Array) -> tuple[Array, Array, Array]:
        low, high = (bound(x, initial=np.float32(0)) for bound in (np.min, np.max))
        scale = np.float32((high - low) / np.float32(255)) or np.float32(1)
        zero = np.asarray(np.clip(np.rint(-low / scale), 0, 255)).astype(np.uint8)
        return _rounded(x / scale, zero, np.dtype(np.uint8)), np.asarray(scale), zero

    return function


def _matmul_integer(node: Node) -> Function:
    node.expect(2, 4)

    def function(a: Array, b: Array, a_zero: Any = None, b_zero: Any = None) -> Array:
        left, right = a.astype(np.int32), b.astype(np.int32)
        if a_zero is not None:  # one, or one for each row
            left = left - (a_zero.astype(np.int32)[..., None] if a_zero.ndim else a_zero.astype(np.int32))
        if b_zero is not None:
            right = right - b_zero.astype(np.int32)
        found: Array = np.matmul(left, right)
        return found

    return function


OPERATORS: Table = {
    "DequantizeLinear": _dequantize,
    "DynamicQuantizeLinear": _dynamic_quantize,
    "MatMulInteger": _matmul_integer,
    "QuantizeLinear": _quantize,
}

MICROSOFT: Table = {"DynamicQuantizeLSTM": lstm_of_quantized}
"""Operators of ONNX Runtime's own domain."""
