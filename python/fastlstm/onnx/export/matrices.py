"""Weights in graphs: floats, or whole numbers of 8 bits that a node turns into floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastlstm import precisions

from ..values import Array
from .writer import Writer, blocks


class Whole(NamedTuple):
    """The matrix of a quantized layer: the whole numbers of each row times its scale."""

    numbers: Array
    scale: Array
    precision: str
    """Of the layer."""


Matrix: TypeAlias = Array | Whole
"""``(rows, columns)``."""


def of_layer(layer: Any, arrays: Mapping[str, Array], name: str) -> Matrix:
    """Return a matrix of a layer on arrays."""
    scale = arrays.get(name + precisions.SCALE)
    return arrays[name] if scale is None else Whole(arrays[name], scale, layer.precision)


def of_keras(layer: Any, name: str) -> Matrix:
    """Return a matrix of a layer of the Keras surface, the transposed of its kernel."""
    kernel: Array = np.ascontiguousarray(getattr(layer, name).value.T)
    if kernel.dtype != np.int8:
        return kernel
    return Whole(kernel, _multiplied(getattr(layer, name + precisions.SCALE)), layer.precision)


def table_of(layer: Any) -> Matrix:
    """Return the table of an Embedding of the Keras surface."""
    table: Array = layer.embeddings.value
    return table if table.dtype != np.int8 else Whole(table, _multiplied(layer.embeddings_scale), layer.precision)


def _multiplied(scale: Any) -> Array:
    """Return Keras' scales, which whole numbers are divided by, as those that they are multiplied with."""
    with np.errstate(divide="ignore"):
        factors: Array = np.float32(1) / scale.value
    return factors


def ordered(matrix: Matrix, order: Sequence[int]) -> Matrix:
    """Return a matrix with the blocks of its rows in another order."""
    if not isinstance(matrix, Whole):
        return blocks(matrix, order)
    return matrix._replace(numbers=blocks(matrix.numbers, order), scale=blocks(matrix.scale, order))


def floats(writer: Writer, matrix: Matrix, name: str, transposed: bool = False) -> str:
    """Return the name of a matrix as floats, or of its transposed."""
    numbers = matrix.numbers if isinstance(matrix, Whole) else matrix
    constant = writer.constant(np.ascontiguousarray(numbers.T if transposed else numbers), name)
    if not isinstance(matrix, Whole):
        return constant
    scale = writer.constant(matrix.scale, f"{name}_scale")
    return writer.node("DequantizeLinear", constant, scale, axis=int(transposed))


def rows(writer: Writer, table: Matrix, indices: str, name: str) -> str:
    """Return the name of the rows of a table; of one of whole numbers these alone become floats."""
    if not isinstance(table, Whole):
        return writer.node("Gather", writer.constant(table, name), indices, axis=0)
    whole = writer.node("Gather", writer.constant(table.numbers, name), indices, axis=0)
    scale = writer.node("Gather", writer.constant(table.scale[:, None], f"{name}_scale"), indices, axis=0)
    return writer.node("Mul", writer.node("Cast", whole, to=1), scale)
