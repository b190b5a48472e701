"""Layers on arrays: LSTM, GRU and RNN, with their states as inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.layers.base import Recurrent

from ..values import ValueInfo
from .matrices import of_layer, ordered
from .recurrent import Direction, Made, recurrent
from .writer import Writer, blocks

LENGTHS = "lengths"
LENGTHS_INFO = ValueInfo(LENGTHS, ("batch",), np.dtype(np.int32))
"""The input for the valid steps of every row."""

_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where the layers have the gates of ONNX."""


def export_layer(layer: Recurrent, path: Path, states: bool, lengths: bool) -> None:
    """Write a layer as a graph.

    Parameters
    ----------
    layer : Recurrent
        The layer.
    path : path
        Of the file.
    states : bool
        Whether the initial states are inputs.
    lengths : bool
        Whether there is an input for the lengths of the rows.
    """
    op = operator_of(layer, "model")
    inputs, outputs = _infos(layer, states, lengths)
    writer = Writer(inputs, outputs)
    x = writer.node("Transpose", "x", perm=[1, 0, 2]) if layer.batch_first else "x"
    starts = [info.name for info in inputs if info.name in ("h_0", "c_0")]
    made = stacked(writer, layer, x, LENGTHS if lengths else "", starts)
    y = writer.node("Transpose", made.y, perm=[1, 0, 2]) if layer.batch_first else made.y
    for name, info in zip([y, *made.states], outputs, strict=True):
        writer.give(name, info)
    writer.write(path, op.lower())


def operator_of(layer: Recurrent, owner: str) -> str:
    """Return the operator of ONNX that a layer is, or refuse it."""
    op = next((base.__name__ for base in type(layer).__mro__ if base.__name__ in _ORDER), type(layer).__name__)
    if op not in _ORDER or layer.proj_size:
        checks.refuse(ValueError, owner, "of what ONNX can express: no projection", layer)
    return op


def stacked(writer: Writer, layer: Recurrent, x: str, lengths: str, starts: Sequence[str]) -> Made:
    """Add the nodes of a layer over sequences ``(T, N, I)``; states are those of all layers and directions."""
    op, D = operator_of(layer, "layer"), layer.num_directions
    parts = [_parts(writer, start, layer.num_layers) for start in starts]
    parameters, last = layer._parameters, list[list[str]]()
    for number in range(layer.num_layers):
        ends = [f"_l{number}{end}" for end in ("", "_reverse")[:D]]
        made = recurrent(
            writer,
            op,
            x,
            [_direction(layer, parameters, end, _ORDER[op]) for end in ends],
            lengths=lengths,
            states=[part[number] for part in parts],
            **_attributes(layer, op),
        )
        x, last = made.y, [*last, made.states]
    joined = [part[0] if len(part) == 1 else writer.node("Concat", *part, axis=0) for part in zip(*last, strict=True)]
    return Made(x, joined)


def _infos(layer: Recurrent, states: bool, lengths: bool) -> tuple[list[ValueInfo], list[ValueInfo]]:
    rows, D, H = rows_of(layer.batch_first), layer.num_directions, layer.hidden_size
    starts, ends = state_infos(layer)
    inputs = [ValueInfo("x", (*rows, layer.input_size), layer.dtype)]
    inputs += [*([LENGTHS_INFO] if lengths else []), *(starts if states else [])]
    return inputs, [ValueInfo("y", (*rows, D * H), layer.dtype), *ends]


def rows_of(batch_first: bool) -> tuple[str, str]:
    """Return the names of the first axes of sequences."""
    return ("batch", "time") if batch_first else ("time", "batch")


def state_infos(layer: Recurrent, prefix: str = "") -> tuple[list[ValueInfo], list[ValueInfo]]:
    """Describe the initial and the last states of a layer."""
    shape = (layer.num_layers * layer.num_directions, "batch", layer.hidden_size)
    letters = "hc" if layer._states == 2 else "h"
    starts, ends = (
        [ValueInfo(f"{prefix}{letter}_{when}", shape, layer.dtype) for letter in letters] for when in ("0", "n")
    )
    return starts, ends


def _parts(writer: Writer, name: str, count: int) -> list[str]:
    """Return the states of each layer."""
    return [name] if count == 1 else writer.nodes("Split", count, name, axis=0)


def _direction(layer: Recurrent, parameters: Mapping[str, Any], end: str, order: Sequence[int]) -> Direction:
    W, R = (ordered(of_layer(layer, parameters, f"weight_{kind}{end}"), order) for kind in ("ih", "hh"))
    if f"bias_ih{end}" not in parameters:
        return Direction(W, R, np.zeros(2 * len(order) * layer.hidden_size, layer.dtype))
    biases = [blocks(parameters[f"bias_{kind}{end}"], order) for kind in ("ih", "hh")]
    return Direction(W, R, np.concatenate(biases))


def _attributes(layer: Any, op: str) -> dict[str, Any]:
    if op == "GRU":
        return {"linear_before_reset": 1}
    if op == "RNN":
        return {"activations": [layer.nonlinearity.title()] * layer.num_directions}
    return {}
