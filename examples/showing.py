"""What the worked examples share: their options, tables, and pictures where matplotlib is installed."""

from __future__ import annotations

import argparse
import builtins
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


def options(description: str | None) -> argparse.Namespace:
    """Read the command line: `short` and `pictures`."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="everything once, in seconds; the figures mean little")
    parser.add_argument("--pictures", type=Path, default=PICTURES, metavar="DIR", help="folder of the picture")
    return parser.parse_args()


def spread(values: Sequence[float], form: str = "{:.1%}") -> str:
    """Word the mean of several runs, with the least and the largest; a single one alone."""
    if len(values) == 1:
        return form.format(values[0])
    mean, least, most = (form.format(value) for value in (sum(values) / len(values), min(values), max(values)))
    return f"{mean} ({least} to {most})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as pages have it: numbers stand to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    first, *others = (max(map(len, column)) for column in zip(*cells, strict=True))
    cells.insert(1, ["-" * first, *("-" * (width - 1) + ":" for width in others)])
    for label, *numbers in cells:
        shown = (number.rjust(width) for number, width in zip(numbers, others, strict=True))
        print("| " + " | ".join([label.ljust(first), *shown]) + " |")


def picture(path: Path, draw: Callable[[Any], None], size: tuple[float, float] = (9, 3.6)) -> None:
    """Let `draw` fill a figure, keep it in a file, and show it in a notebook."""
    try:
        figure_module = importlib.import_module("matplotlib.figure")
    except ImportError:
        print("No picture: matplotlib is not installed (pip install fastlstm[plot]).")
        return
    figure = figure_module.Figure(figsize=size, layout="constrained")  # no window, whatever the backend
    draw(figure)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    print(f"Picture: {path}")
    if show := getattr(builtins, "display", None):  # which notebooks put there
        show({"image/png": path.read_bytes()}, raw=True)
