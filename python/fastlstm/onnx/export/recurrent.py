"""Recurrent nodes: sequences ``(T, N, I)``, as the operators of ONNX take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..values import Array
from .matrices import Matrix, Whole, floats
from .writer import MICROSOFT, Writer

_ZERO = 128
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


class Direction(NamedTuple):
    """The weights of one direction, with the gates in the order of ONNX."""

    W: Matrix
    """``(G*H, I)``."""
    R: Matrix
    """``(G*H, H)``."""
    B: Array
    """``(2*G*H,)``: both biases."""


class Made(NamedTuple):
    """Names of what a recurrent node gives."""

    y: str
    """``(T, N, D*H)``."""
    states: list[str]
    """Last ones, ``(D, N, H)`` each."""


def recurrent(
    writer: Writer,
    op: str,
    x: str,
    directions: Sequence[Direction],
    *,
    direction: str = "forward",
    lengths: str = "",
    states: Sequence[str] = (),
    **attributes: Any,
) -> Made:
    """Add a recurrent node.

    Parameters
    ----------
    writer : Writer
        The graph.
    op : str
        The operator: LSTM, GRU or RNN.
    x : str
        The sequences.
    directions : sequence of Direction
        The weights; two of them for both directions.
    direction : str
        In which one alone reads.
    lengths : str
        Valid steps of every row, as int32; none: all are.
    states : sequence of str
        Initial ones, ``(D, N, H)`` each; none: zeros.
    **attributes : bool
        Others of the node.
    """
    H, both = len(directions[0].B) // (2 * _GATES[op]), len(directions) == 2
    settings = {"hidden_size": H, "direction": "bidirectional" if both else direction, **attributes}
    if op == "LSTM" and all(_is_int8(part.W) and _is_int8(part.R) for part in directions):
        y, *last = _quantized_lstm(writer, x, directions, [lengths, *states], settings)
    else:
        weights = _weights(writer, directions)
        inputs = [x, *weights, *([lengths, *states] if lengths or states else [])]
        y, *last = writer.nodes(op, 3 if op == "LSTM" else 2, *inputs, **settings)
    if not both:
        return Made(writer.node("Squeeze", y, writer.numbers(1)), last)
    joined = writer.node("Transpose", y, perm=[0, 2, 1, 3])
    return Made(writer.node("Reshape", joined, writer.numbers(0, 0, 2 * H)), last)


def _weights(writer: Writer, directions: Sequence[Direction]) -> list[str]:
    """Return the names of the weights of a node that takes floats."""
    names = []
    for parts, name in zip(zip(*directions, strict=True), "WRB", strict=True):
        if not any(isinstance(part, Whole) for part in parts):
            names.append(writer.constant(np.stack(parts), name))
            continue
        each = [writer.node("Unsqueeze", floats(writer, part, name), writer.numbers(0)) for part in parts]
        names.append(each[0] if len(each) == 1 else writer.node("Concat", *each, axis=0))
    return names


def _is_int8(matrix: Matrix) -> bool:
    """Whether a matrix is one of whole numbers, and so is the left side of its products."""
    return isinstance(matrix, Whole) and matrix.precision == "int8"


def _quantized_lstm(
    writer: Writer, x: str, directions: Sequence[Direction], rest: Sequence[str], settings: dict[str, Any]
) -> list[str]:
    """Add the LSTM of ONNX Runtime that rounds inputs and states to 8 bits itself; return what it gives."""
    (W, *of_W), (R, *of_R) = (_whole(writer, [getattr(part, name) for part in directions], name) for name in ("W", "R"))
    B = writer.constant(np.stack([part.B for part in directions]), "B")
    lengths, h_0, c_0 = [*rest, "", ""][:3]
    inputs = [x, W, R, B, lengths, h_0, c_0, "", *of_W, *of_R]
    return writer.nodes("DynamicQuantizeLSTM", 3, *inputs, domain=MICROSOFT, **settings)


def _whole(writer: Writer, parts: Sequence[Any], name: str) -> tuple[str, str, str]:
    """Return the names of whole numbers ``(D, columns, rows)``, of their scales, and of what stands for zero.

    They are unsigned: the sums of signed ones overflow in ONNX Runtime on processors with AVX2.
    """
    numbers = np.stack([part.numbers.T for part in parts]).astype(np.int16) + _ZERO
    scale = np.stack([part.scale for part in parts])
    zero = np.full(scale.shape, _ZERO, np.uint8)
    return (
        writer.constant(numbers.astype(np.uint8), name),
        writer.constant(scale, f"{name}_scale"),
        writer.constant(zero, f"{name}_zero"),
    )
