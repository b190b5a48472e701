"""The table that `summary` prints."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastlstm import checks
from fastlstm.precisions import NAMES

from ..foundation.messages import write
from ..foundation.symbolic import SymbolicTensor
from ..foundation.variable import Variable
from ..graph.nodes import Needs, needs
from .table import column_widths, table

UNKNOWN = "?"
"""In place of a shape."""


class Layout(NamedTuple):
    """Columns of the table."""

    header: tuple[str, ...]
    alignment: tuple[str, ...]
    positions: tuple[float, ...]
    """Where the columns end, as parts of the line."""
    longest: int
    """Length of a line where the terminal is wide enough."""


CHAIN = Layout(("Layer (type)", "Output Shape", "Param #"), ("left", "left", "right"), (0.45, 0.80, 1.0), 88)
GRAPH = Layout(
    (*CHAIN.header, "Connected to"),
    (*CHAIN.alignment, "left"),
    (0.3, 0.56, 0.74, 1.0),
    108,
)


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the layers of `model`; see `Model.summary`."""
    show = write if print_fn is None else checks.function("print_fn", print_fn)
    trainable = checks.truth("show_trainable", show_trainable)
    layout = _layout(model, trainable, positions)
    width = min(layout.longest, shutil.get_terminal_size().columns - 4)
    if line_length is not None:
        width = checks.whole_number("line_length", line_length, at_least=1, at_most=10_000)
    parts = _in_range(_parts(model), layer_range)
    rows = _Rows(model, layout.header, checks.truth("expand_nested", expand_nested)).of(parts)
    drawn = table(layout.header, rows, layout.alignment, column_widths(layout.positions, width))
    show("\n".join([f'Model: "{model.name}"', drawn, *_totals(model)]) + "\n")


def _parts(model: Any) -> list[Any]:
    """Return what there is a row for: of a graph the inputs and the operations too."""
    parts: list[Any] = model.operations if model.is_functional else model.layers
    return parts


def _layout(model: Any, trainable: bool, positions: Sequence[float] | None) -> Layout:
    layout = GRAPH if model.is_functional and not is_chain(model) else CHAIN
    if positions is not None:
        layout = layout._replace(positions=_checked_positions(positions, len(layout.header)))
    if not trainable:
        return layout
    ends = (*(0.9 * position for position in layout.positions), 1.0)
    return Layout((*layout.header, "Trainable"), (*layout.alignment, "center"), ends, layout.longest + 12)


def _checked_positions(positions: Any, columns: int) -> tuple[float, ...]:
    """Return where so many columns end; there may be more positions, for a table of more columns."""
    wanted = f"{columns} rising numbers, where the columns end"
    entries = checks.items("positions", positions, wanted)[:columns]
    found = tuple(checks.real_number("positions: each", entry, above=0, at_most=1) for entry in entries)
    if len(found) < columns or sorted(found) != list(found):
        checks.refuse(ValueError, "positions", wanted, positions)
    return found


def is_chain(model: Any) -> bool:
    """Whether a graph has one input and every call takes what the one before gives, each layer once."""
    drawing = model.plan.drawing
    (before, *others) = model.plan.inputs
    for node in drawing.nodes:
        needs = drawing.needs(node)
        if others or len(needs) != 1 or needs[0].node is not before.node:
            return False
        before = node.outputs[0]
    return len({id(node.layer) for node in drawing.nodes}) == len(drawing.nodes)


def _in_range(parts: list[Any], layer_range: Sequence[str] | None) -> list[Any]:
    """Return the parts from the first whose name begins like one pattern to the last that does like the other."""
    if layer_range is None:
        return parts
    wanted = "two names, or patterns of names, of the first and the last layer"
    patterns = checks.items("layer_range", layer_range, wanted)
    if len(patterns) != 2 or not all(isinstance(pattern, str) for pattern in patterns):
        checks.refuse(ValueError, "layer_range", wanted, layer_range)
    first, last = ([k for k, part in enumerate(parts) if re.match(pattern, part.name)] for pattern in patterns)
    if not first or not last:
        checks.refuse(ValueError, "layer_range", "names that layers of the model have", layer_range)
    start, end = (first[0], last[-1]) if first[0] <= last[-1] else (last[0], first[-1])
    return parts[start : end + 1]


class _Rows:
    """The rows of a table."""

    def __init__(self, model: Any, header: Sequence[str], expand: bool) -> None:
        self.header, self.expand = header, expand
        drawing = model.plan.drawing if model.is_functional else None
        self.nodes = {id(node) for node in drawing.nodes} if drawing is not None else set()
        self.needs: Needs = needs if drawing is None else drawing.needs

    def of(self, parts: Sequence[Any], level: int = 0) -> list[list[str]]:
        """Return the rows of layers, and below them those of the layers of models inside."""
        prefix = f"{'   ' * level}└ " if level else ""
        rows = []
        for part in parts:
            rows.append(self._row(part, prefix))
            if self.expand and hasattr(part, "get_layer"):
                rows += self.of(part.layers, level + 1)
        return rows

    def _row(self, part: Any, prefix: str) -> list[str]:
        precision = part.precision_now() if hasattr(part, "precision_now") else ""
        quantized = f", {precision}" if precision in NAMES else ""
        kind = f"{part.keras_class_name}{quantized}"
        cells = [f"{prefix}{part.name} ({kind})", shape_of(part), _parameters(part)]
        if "Connected to" in self.header:
            cells.append(self._connections(part))
        if "Trainable" in self.header:
            cells.append(("Y" if part.trainable else "N") if part.weights else "-")
        return cells

    def _connections(self, part: Any) -> str:
        """Return where the inputs of the calls in this graph come from."""
        inside = [node for node in part.inbound_nodes if id(node) in self.nodes]
        return ", ".join(_origin(tensor) for node in inside for tensor in self.needs(node)) or "-"


def _origin(tensor: SymbolicTensor) -> str:
    """Name of a layer, which of its calls it was, and which output."""
    node = tensor.node
    assert node is not None  # every tensor of a graph has one
    call = next(k for k, other in enumerate(node.layer.inbound_nodes) if other is node)
    return f"{node.layer.name}[{call}][{tensor.index}]"


def shape_of(part: Any) -> str:
    """Return the shape of what a layer gave last, or would give; several of them in brackets."""
    if part.inbound_nodes:
        shapes = [tensor.shape for tensor in part.inbound_nodes[-1].outputs]
    elif getattr(part, "input_shape", None) is not None:
        try:
            found = part.output_shape
        except (ValueError, TypeError, IndexError):
            if not part.composed:
                raise
            return UNKNOWN  # a call() of a user's own may not take the zeros that it is tried with
        shapes = found if isinstance(found, list) else [found]
    else:
        return UNKNOWN
    return str(shapes[0]) if len(shapes) == 1 else f"[{', '.join(map(str, shapes))}]"


def _parameters(part: Any) -> str:
    if not getattr(part, "built", True):
        return "0 (unbuilt)"
    return f"{_size(part.weights):,}"


def _totals(model: Any) -> list[str]:
    trained, fixed = model.trainable_variables, model.non_trainable_variables
    counts = {"Trainable": (_size(trained), _bytes(trained)), "Non-trainable": (_size(fixed), _bytes(fixed))}
    if model.optimizer is not None and model.optimizer.built:
        extra = model.optimizer.count_params()
        # The number of steps takes eight bytes and the learning rate four.
        itemsize = trained[0].dtype.itemsize if trained else 4
        counts["Optimizer"] = (extra, (extra - 2) * itemsize + 12)
    total = tuple(map(sum, zip(*counts.values(), strict=True)))
    lines = [_total("Total", total[0], total[1])]
    return lines + [_total(name, number, size) for name, (number, size) in counts.items()]


def _total(name: str, number: int, size: int) -> str:
    return f" {name} params: {number:,} ({_memory(size)})"


def _size(variables: Sequence[Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _bytes(variables: Sequence[Variable]) -> int:
    return sum(variable.value.nbytes for variable in variables)


def _memory(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TB"
