"""Operators that take numbers to a common mean and variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..node import Function, Node
from ..values import Array
from .table import Table


def _layer_normalization(node: Node) -> Function:
    node.expect(2, 3, outputs=3)
    axis, epsilon = node.number("axis", -1), node.real("epsilon", 1e-5)
    node.number("stash_type", 1)  # of half precision

    def function(x: Array, scale: Array, bias: Any = None) -> tuple[Any, ...]:
        axes = tuple(range(axis % x.ndim, x.ndim))
        mean = x.mean(axes, keepdims=True)
        centred = x - mean
        inverse = 1 / np.sqrt((centred * centred).mean(axes, keepdims=True) + x.dtype.type(epsilon))
        y = centred * inverse * scale
        return y if bias is None else y + bias, mean, inverse

    return function


def _batch_normalization(node: Node) -> Function:
    node.expect(5, outputs=5)
    epsilon = node.real("epsilon", 1e-5)
    node.real("momentum", 0.9)  # of training
    if node.truth("training_mode") or (node.opset < 9 and not node.truth("spatial", True)) or any(node.wanted[1:]):
        node.refuse("training_mode", "0, with means of channels and one output", "training")

    def function(x: Array, scale: Array, bias: Array, mean: Array, variance: Array) -> Any:
        factor = scale / np.sqrt(variance + variance.dtype.type(epsilon))
        shape = (-1, *[1] * (x.ndim - 2))
        return x * factor.reshape(shape) + (bias - mean * factor).reshape(shape)

    return function


OPERATORS: Table = {"BatchNormalization": _batch_normalization, "LayerNormalization": _layer_normalization}
