"""The table that `summary` prints."""

import math
import shutil
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from fastlstm import checks

from ..foundation.variable import Variable
from ..layers.base import Layer

HEADER = ("Layer (type)", "Output Shape", "Param #")
POSITIONS = (0.45, 0.80, 1.0)


def print_summary(model: Any, line_length: int | None = None, print_fn: Callable[..., Any] | None = None) -> None:
    """Print the layers of `model` with their output shapes and numbers of weights, and the totals."""
    width = min(88, shutil.get_terminal_size().columns - 4) if line_length is None else line_length
    show = _print if print_fn is None else checks.function("print_fn", print_fn)
    show(summary_text(model, checks.whole_number("line_length", width, at_least=1, at_most=10_000)))


def _print(text: str) -> None:
    print(text, end="")


def summary_text(model: Any, line_length: int) -> str:
    """Return the table and the totals, as one string."""
    widths = _column_widths(line_length)
    rows = [_cells(HEADER, widths, "┃")]
    body = [_cells(_fields(layer), widths, "│") for layer in model.layers]
    lines = [f'Model: "{model.name}"', _rule(widths, "┏━┳┓"), *rows, _rule(widths, "┡━╇┩")]
    lines += f"\n{_rule(widths, '├─┼┤')}\n".join(body).splitlines()
    lines += [_rule(widths, "└─┴┘"), *_totals(model)]
    return "\n".join(lines) + "\n"


def _column_widths(line_length: int) -> list[int]:
    ends = [0, *(int(position * line_length) for position in POSITIONS)]
    widths = [end - start for start, end in pairwise(ends)]
    # The vertical lines and the blanks beside them are taken off all columns alike.
    excess = len(ends) + 2 * len(widths)
    for i in range(len(widths)):
        cut = round(excess / (len(widths) - i))
        widths[i], excess = widths[i] - cut, excess - cut
    if min(widths) < 1:
        raise ValueError(f"line_length: got {line_length}, too narrow for the table")
    return widths


def _rule(widths: list[int], parts: str) -> str:
    left, line, cross, right = tuple(parts)
    return left + cross.join(line * (width + 2) for width in widths) + right


def _cells(fields: tuple[str, ...], widths: list[int], bar: str) -> str:
    columns = [_wrap(field, width) for field, width in zip(fields, widths, strict=True)]
    lines = []
    for i in range(max(map(len, columns))):
        texts = [column[i] if i < len(column) else "" for column in columns]
        padded = [t.ljust(w) for t, w in zip(texts[:-1], widths, strict=False)] + [texts[-1].rjust(widths[-1])]
        lines.append(f"{bar} {f' {bar} '.join(padded)} {bar}")
    return "\n".join(lines)


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line[i : i + width] for line in lines for i in range(0, max(1, len(line)), width)]


def _fields(layer: Layer) -> tuple[str, str, str]:
    params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    return f"{layer.name} ({type(layer).__name__})", str(layer.output_shape) if layer.built else "?", params


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


def _size(variables: list[Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _bytes(variables: list[Variable]) -> int:
    return sum(variable.value.nbytes for variable in variables)


def _memory(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TB"
