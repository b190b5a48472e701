"""Recurrent nodes: sequences ``(T, N, I)``, as the operators of ONNX take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..values import Array
from .writer import Writer


class Direction(NamedTuple):
    """The weights of one direction, with the gates in the order of ONNX."""

    W: Array
    """``(G*H, I)``."""
    R: Array
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
    writer
        The graph.
    op
        The operator: LSTM, GRU or RNN.
    x
        The sequences.
    directions
        The weights; two of them for both directions.
    direction
        In which one alone reads.
    lengths
        Valid steps of every row, as int32; none: all are.
    states
        Initial ones, ``(D, N, H)`` each; none: zeros.
    **attributes
        Others of the node.
    """
    H = directions[0].R.shape[1]
    weights = [
        writer.constant(np.stack(part), name) for part, name in zip(zip(*directions, strict=True), "WRB", strict=True)
    ]
    both = len(directions) == 2
    where = {"direction": "bidirectional" if both else direction}
    count = 3 if op == "LSTM" else 2
    inputs = [x, *weights, *([lengths, *states] if lengths or states else [])]
    y, *last = writer.nodes(op, count, *inputs, hidden_size=H, **where, **attributes)
    if not both:
        return Made(writer.node("Squeeze", y, writer.numbers(1)), last)
    joined = writer.node("Transpose", y, perm=[0, 2, 1, 3])
    return Made(writer.node("Reshape", joined, writer.numbers(0, 0, 2 * H)), last)
