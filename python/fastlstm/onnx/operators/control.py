"""Graphs inside a graph: If, Loop and Scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ..node import Function, Node
from ..values import Array, ValueInfo
from .table import Table


def _if(node: Node) -> Function:
    node.expect(1, outputs=len(node.wanted))
    (first, taken), (second, others) = node.plan("then_branch"), node.plan("else_branch")
    for name, plan in (("then_branch", first), ("else_branch", second)):
        if plan.given or len(plan.wanted) != len(node.wanted):
            node.refuse(name, f"a graph of no inputs and {len(node.wanted)} outputs", len(plan.wanted))

    def function(condition: Array, *outside: Array) -> tuple[Array, ...]:
        if _true(condition):
            return tuple(first.run(outside[:taken]))
        return tuple(second.run(outside[taken : taken + others]))

    return function


def _loop(node: Node) -> Function:
    body, outside = node.plan("body")
    carried = len(node.inputs) - 2
    scans = len(node.wanted) - carried
    if carried < 0 or len(body.given) != carried + 2 or len(body.wanted) != carried + scans + 1 or scans < 0:
        node.refuse("body", f"a graph of {max(carried, 0) + 2} inputs and as many outputs as the node, and one", None)

    infos = body.described[1 + carried :]

    def function(most: Any, going: Any, *given: Array) -> tuple[Array, ...]:
        values, around = list(given[:carried]), given[carried : carried + outside]
        count = None if most is None else int(most.reshape(()))
        go, number, found = going is None or _true(going), 0, [list[Array]() for _ in range(scans)]
        while go and (count is None or number < count):
            condition, *made = body.run([np.array(number), np.array(go), *values, *around])
            go, values, number = _true(condition), made[:carried], number + 1
            for steps, array in zip(found, made[carried:], strict=True):
                steps.append(array)
        return (*values, *(_stacked(steps, 0, info) for steps, info in zip(found, infos, strict=True)))

    return function


def _scan(node: Node) -> Function:
    """Opset 8 has a form of its own, with lengths; it is not run."""
    body, outside = node.plan("body")
    count = node.number("num_scan_inputs", 0)
    states = len(node.inputs) - count
    outputs = len(node.wanted) - states
    fitting = (len(body.given), len(body.wanted)) == (len(node.inputs), len(node.wanted))
    if node.opset < 9 or count < 1 or min(states, outputs) < 0 or not fitting:
        node.refuse("body", f"a graph of {len(node.inputs)} inputs and {len(node.wanted)} outputs, since opset 9", None)
    axes = node.numbers("scan_input_axes", [0] * count), node.numbers("scan_output_axes", [0] * outputs)
    turned = node.numbers("scan_input_directions", [0] * count), node.numbers("scan_output_directions", [0] * outputs)
    if [len(part) for part in (*axes, *turned)] != [count, outputs] * 2:
        node.refuse("axes and directions", f"{count} of the inputs and {outputs} of the outputs", axes)
    infos = body.described[states:]

    def function(*given: Array) -> tuple[Array, ...]:
        values, around = list(given[:states]), given[states + count : states + count + outside]
        sequences = _sequences(given[states : states + count], axes[0], turned[0])
        found = [list[Array]() for _ in range(outputs)]
        for k in range(len(sequences[0])):
            made = body.run([*values, *(sequence[k] for sequence in sequences), *around])
            values = made[:states]
            for steps, array in zip(found, made[states:], strict=True):
                steps.append(array)
        ordered = [steps[::-1] if back else steps for steps, back in zip(found, turned[1], strict=True)]
        parts = zip(ordered, axes[1], infos, strict=True)
        return (*values, *(_stacked(steps, axis, info) for steps, axis, info in parts))

    return function


def _sequences(arrays: Sequence[Array], axes: Sequence[int], turned: Sequence[int]) -> list[Array]:
    """Return arrays with the axis of time first, in the order of reading."""
    found = [np.moveaxis(array, axis, 0) for array, axis in zip(arrays, axes, strict=True)]
    if len({len(array) for array in found}) > 1:
        checks.refuse(ValueError, "inputs of Scan", "of one length", [len(array) for array in found])
    return [array[::-1] if back else array for array, back in zip(found, turned, strict=True)]


def _stacked(steps: Sequence[Array], axis: int, info: ValueInfo | None) -> Array:
    """Return what steps gave as one array; if there were none, what the body says of it."""
    if steps:
        return np.stack(steps, axis)
    if info is None or info.shape is None:
        checks.complain(ValueError, "the body", "describe its outputs where it takes no steps", "one of unknown shape")
    shape = [size if isinstance(size, int) else 0 for size in info.shape]
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, 0)
    return np.zeros(shape, info.dtype)


def _true(condition: Any) -> bool:
    return bool(np.asarray(condition).reshape(()))


OPERATORS: Table = {"If": _if, "Loop": _loop, "Scan": _scan}
