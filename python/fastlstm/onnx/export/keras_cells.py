"""Recurrent layers of the Keras surface, in one direction and in both."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import layers

from .functions import in_cells
from .matrices import of_keras, ordered
from .recurrent import Direction, Made, recurrent
from .site import Site
from .writer import blocks

_OPERATORS: dict[type, str] = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}
_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "RNN": (0,)}
"""Where Keras has the gates of ONNX."""


def recurrent_layer(site: Site) -> Any:
    """Write an LSTM, a GRU or a SimpleRNN."""
    layer, writer = site.layer, site.writer
    time_first = writer.node("Transpose", site.x, perm=[1, 0, 2])
    made = _read(site, layer, time_first, site.inputs[1:])
    last, *_ = states = [writer.node("Squeeze", state, writer.numbers(0)) for state in made.states]
    site.behind = site.mask if layer.return_sequences else None
    y = last
    if layer.return_sequences:
        y = writer.node("Transpose", made.y, perm=[1, 0, 2])
        y = _as_read(site, y, last)
    return [y, *states] if layer.return_state else y


def _as_read(site: Site, y: str, last: str) -> str:
    """Return the outputs ``(N, T, H)`` in the order of reading; where a step is left out, that of the last one."""
    writer = site.writer
    if site.layer.go_backwards:
        return writer.node("Slice", y, *(writer.numbers(k) for k in (-1, np.iinfo(np.int64).min, 1, -1)))
    if site.mask is None or site.layer.zero_output_for_mask:
        return y
    there = writer.node("Unsqueeze", site.mask, writer.numbers(-1))
    return writer.node("Where", there, y, writer.node("Unsqueeze", last, writer.numbers(1)))


def bidirectional(site: Site) -> Any:
    """Write two recurrent layers, and what merges them."""
    layer, writer = site.layer, site.writer
    both = layer.forward_layer, layer.backward_layer
    if both[0].go_backwards or not both[1].go_backwards:
        checks.complain(ValueError, layer.name, "have a layer that reads forwards for ONNX", "one that reads backwards")
    time_first, half = writer.node("Transpose", site.x, perm=[1, 0, 2]), len(site.inputs[1:]) // 2
    starts = site.inputs[1 : 1 + half], site.inputs[1 + half :]
    made = [_read(site, part, time_first, start) for part, start in zip(both, starts, strict=True)]
    states = [[writer.node("Squeeze", state, writer.numbers(0)) for state in part.states] for part in made]
    site.behind = site.mask if layer.return_sequences else None
    if layer.return_sequences:
        found = [writer.node("Transpose", part.y, perm=[1, 0, 2]) for part in made]
    else:
        found = [last for last, *_ in states]
    merged = _merged(site, found)
    if layer.return_state:
        return [*merged, *states[0], *states[1]]
    return merged if layer.merge_mode is None else merged[0]


def _merged(site: Site, parts: list[str]) -> list[str]:
    mode, writer = site.layer.merge_mode, site.writer
    if mode is None:
        return parts
    if mode == "concat":
        return [writer.node("Concat", *parts, axis=-1)]
    return [writer.node({"sum": "Add", "mul": "Mul", "ave": "Mean"}[mode], *parts)]


def _read(site: Site, layer: Any, x: str, starts: list[str]) -> Made:
    """Write the recurrent node of a layer."""
    op = _OPERATORS.get(type(layer))
    if op is None:
        checks.complain(ValueError, site.layer.name, "be of LSTM, GRU or SimpleRNN for ONNX", type(layer).__name__)
    if layer.stateful:
        cure = "; give it its states as inputs"
        checks.complain(ValueError, layer.name, "not be stateful for ONNX", f"stateful=True{cure}")
    writer = site.writer
    return recurrent(
        writer,
        op,
        x,
        [_direction(layer.cell, op)],
        direction="reverse" if layer.go_backwards else "forward",
        lengths=site.lengths(),
        states=[writer.node("Unsqueeze", start, writer.numbers(0)) for start in starts],
        **_attributes(layer.cell, op),
    )


def _direction(cell: Any, op: str) -> Direction:
    W, R = (ordered(of_keras(cell, name), _ORDER[op]) for name in ("kernel", "recurrent_kernel"))
    rows = len(_ORDER[op]) * cell.units
    given = np.reshape(cell.bias.value, (-1, rows)) if cell.use_bias else np.zeros((1, rows), cell.dtype)
    first, second = given if len(given) == 2 else (given[0], np.zeros_like(given[0]))
    return Direction(W, R, np.concatenate([blocks(part, _ORDER[op]) for part in (first, second)]))


def _attributes(cell: Any, op: str) -> dict[str, Any]:
    """Return activations, if they are not the standard ones, and where the reset gate acts."""
    functions = cell.core_activations
    own = {"linear_before_reset": int(cell.reset_after)} if op == "GRU" else {}
    if op == "RNN":
        functions = [cell.activation]
    return own if functions is None else {**own, **in_cells(functions, cell.name)}
