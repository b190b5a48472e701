"""Pictures of curves, by matplotlib."""

from __future__ import annotations

from typing import Any

from fastlstm import checks


def panels(purpose: str, count: int) -> tuple[Any, list[Any]]:
    """Return a figure and so many axes of it side by side, two in a row; `purpose` is what needs matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        checks.refuse_without("matplotlib", purpose, "plot", error)
    columns = min(count, 2)
    rows = -(-count // columns)
    size = (5 * columns, 3.2 * rows)
    figure, axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for unused in axes.flat[count:]:
        unused.remove()
    for used in axes.flat[:count]:
        used.spines[["top", "right"]].set_visible(False)
        used.grid(alpha=0.25)
    return figure, [*axes.flat[:count]]
