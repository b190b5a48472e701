"""Layers on arrays: LSTM, GRU and RNN, with their states as inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.layers.base import Recurrent
from fastlstm.typing import Floats

from ..values import ValueInfo
from .recurrent import Direction, recurrent
from .writer import Writer, blocks

_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where the layers have the gates of ONNX."""


def export_layer(layer: Recurrent, path: Path, states: bool, lengths: bool) -> None:
    """Write a layer as a graph.

    Parameters
    ----------
    layer
        The layer.
    path
        Of the file.
    states
        Whether the initial states are inputs.
    lengths
        Whether there is an input for the lengths of the rows.
    """
    op = next((base.__name__ for base in type(layer).__mro__ if base.__name__ in _ORDER), type(layer).__name__)
    if op not in _ORDER or layer.proj_size:
        checks.refuse(ValueError, "model", "of what ONNX can express: no projection", layer)
    inputs, outputs = _infos(layer, states, lengths)
    writer = Writer(inputs, outputs)
    x, D = inputs[0].name, layer.num_directions
    x = writer.node("Transpose", x, perm=[1, 0, 2]) if layer.batch_first else x
    starts = [_parts(writer, info.name, layer.num_layers) for info in inputs if info.name in ("h_0", "c_0")]
    last: list[list[str]] = []
    parameters = layer.state_dict()
    for number in range(layer.num_layers):
        ends = [f"_l{number}{end}" for end in ("", "_reverse")[:D]]
        directions = [_direction(parameters, end, _ORDER[op]) for end in ends]
        made = recurrent(
            writer,
            op,
            x,
            directions,
            lengths="lengths" if lengths else "",
            states=[part[number] for part in starts],
            **_attributes(layer, op),
        )
        x, last = made.y, [*last, made.states]
    y = writer.node("Transpose", x, perm=[1, 0, 2]) if layer.batch_first else x
    joined = [part[0] if len(part) == 1 else writer.node("Concat", *part, axis=0) for part in zip(*last, strict=True)]
    for name, info in zip([y, *joined], outputs, strict=True):
        writer.give(name, info)
    writer.write(path, op.lower())


def _infos(layer: Recurrent, states: bool, lengths: bool) -> tuple[list[ValueInfo], list[ValueInfo]]:
    rows, D, H = ("batch", "time") if layer.batch_first else ("time", "batch"), layer.num_directions, layer.hidden_size
    letters = "hc" if layer._states == 2 else "h"
    shape = (layer.num_layers * D, "batch", H)
    starts = [ValueInfo(f"{letter}_0", shape, layer.dtype) for letter in letters if states]
    of_rows = [ValueInfo("lengths", ("batch",), np.dtype(np.int32))] if lengths else []
    inputs = [ValueInfo("x", (*rows, layer.input_size), layer.dtype), *of_rows, *starts]
    ends = [ValueInfo(f"{letter}_n", shape, layer.dtype) for letter in letters]
    return inputs, [ValueInfo("y", (*rows, D * H), layer.dtype), *ends]


def _parts(writer: Writer, name: str, count: int) -> list[str]:
    """Return the states of each layer."""
    return [name] if count == 1 else writer.nodes("Split", count, name, axis=0)


def _direction(parameters: Mapping[str, Floats], end: str, order: Sequence[int]) -> Direction:
    W, R = (blocks(parameters[f"weight_{kind}{end}"], order) for kind in ("ih", "hh"))
    if f"bias_ih{end}" not in parameters:
        return Direction(W, R, np.zeros(2 * len(W), W.dtype))
    biases = [blocks(parameters[f"bias_{kind}{end}"], order) for kind in ("ih", "hh")]
    return Direction(W, R, np.concatenate(biases))


def _attributes(layer: Any, op: str) -> dict[str, Any]:
    if op == "GRU":
        return {"linear_before_reset": 1}
    if op == "RNN":
        return {"activations": [layer.nonlinearity.title()] * layer.num_directions}
    return {}
