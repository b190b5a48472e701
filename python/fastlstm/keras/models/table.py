"""A table of text with lines around its cells, drawn as Keras draws that of a summary."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from fastlstm import checks

Alignment = str
"""``"left"``, ``"right"`` or ``"center"``."""


def _centered(text: str, width: int) -> str:
    left = (width - len(text)) // 2
    return " " * left + text + " " * (width - len(text) - left)


_PAD: Mapping[Alignment, Callable[[str, int], str]] = {"left": str.ljust, "right": str.rjust, "center": _centered}


def table(header: Sequence[str], rows: Sequence[Sequence[str]], alignment: Sequence[str], widths: list[int]) -> str:
    """Return a table as lines of text.

    Parameters
    ----------
    header, rows : sequence of str; sequence of sequence of str
        Texts of the cells; what does not fit into a line goes on in the next one, a word that does not fit is cut.
    alignment : sequence of str
        Of each column: ``"left"``, ``"right"`` or ``"center"``.
    widths : list of int
        Of the texts in each column.
    """
    body = f"\n{_rule(widths, '├─┼┤')}\n".join(_cells(row, alignment, widths, "│") for row in rows)
    lines = [_rule(widths, "┏━┳┓"), _cells(header, alignment, widths, "┃", above=True), _rule(widths, "┡━╇┩")]
    return "\n".join([*lines, *([body] if rows else []), _rule(widths, "└─┴┘")])


def column_widths(positions: Sequence[float], line_length: int) -> list[int]:
    """Return how much text columns hold that end at these parts of a line; ValueError if it is too short."""
    widths = [end - start for start, end in pairwise([0, *(int(position * line_length) for position in positions)])]
    # The vertical lines and the blanks beside them are taken off all columns alike; what is left goes to the wide ones.
    excess = sum(widths) + 3 * len(widths) + 1 - line_length
    left = sum(widths) + 2 * len(widths)
    for k, width in enumerate(widths):
        share = (width + 2) / left if excess < 0 else 1 / (len(widths) - k)
        cut = math.floor(excess * share) if excess < 0 else round(excess * share)
        widths[k], excess, left = width - cut, excess - cut, left - width - 2
    if min(widths) < 1:
        checks.complain(ValueError, "line_length", f"leave room for {len(widths)} columns", line_length)
    return widths


def _rule(widths: Sequence[int], parts: str) -> str:
    left, line, cross, right = tuple(parts)
    return left + cross.join(line * (width + 2) for width in widths) + right


def _cells(texts: Sequence[str], alignment: Sequence[str], widths: Sequence[int], bar: str, above: bool = False) -> str:
    """Return the lines of a row; with `above` the empty ones of a cell come before its text."""
    columns = [wrapped(text, width) for text, width in zip(texts, widths, strict=True)]
    height = max(map(len, columns))
    gaps = [[""] * (height - len(column)) for column in columns]
    filled = [gap + column if above else column + gap for gap, column in zip(gaps, columns, strict=True)]
    lines = []
    for parts in zip(*filled, strict=True):
        padded = [_PAD[where](part, width) for part, where, width in zip(parts, alignment, widths, strict=True)]
        lines.append(f"{bar} {f' {bar} '.join(padded)} {bar}")
    return "\n".join(lines)


def wrapped(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most so many letters."""
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    cut = [line.rstrip() for line in lines]
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in cut]
