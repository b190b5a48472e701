"""The pictures of a report: ratios to the best rival, and the roofline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from contenders import NAMES
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from results import OURS, Line
from tables import show_threads

from fastlstm.bench import Bounds

MODE_COLORS = {"step": "tab:blue", "forward": "tab:green", "train": "tab:orange", "fit_step": "tab:red"}
RIVAL_COLORS = {name: f"C{k}" for k, name in enumerate(NAMES[1:])}
HEIGHT = 0.3  # of the band the dots of a kind are spread over, as a part of the way to the next


def draw(lines: Sequence[Line], machine: dict[str, Any], folder: Path) -> list[Path]:
    """Draw both charts for every number of threads; give the files."""
    paths = []
    for threads in dict.fromkeys(line.threads for line in lines):
        chosen = [line for line in lines if line.threads == threads and line.seconds(OURS) is not None]
        for name, figure in (("ratios", draw_ratios(chosen)), ("roofline", draw_roofline(chosen, machine))):
            if figure is not None:
                paths.append(folder / f"{name}_{show_threads(threads).replace(' ', '_')}.png")
                figure.savefig(paths[-1], dpi=110)
    return paths


def draw_ratios(lines: Sequence[Line]) -> Figure | None:
    """Draw a dot for every case: the best rival's time over ours, in rows of a kind; what is lost lies in the grey."""
    compared = [line for line in lines if line.best_ratio]
    if not compared:
        return None
    kinds = list(dict.fromkeys(line.kind for line in compared))
    figure = Figure(figsize=(9, 1.6 + 0.65 * len(kinds)), layout="constrained")
    axes = figure.subplots()
    for row, kind in enumerate(kinds):
        chosen = sorted((line for line in compared if line.kind == kind), key=lambda line: line.best_ratio or 0.0)
        heights = row + HEIGHT * np.linspace(-1, 1, len(chosen)) if len(chosen) > 1 else [float(row)]
        colors = [RIVAL_COLORS.get(line.best_rival or "", "grey") for line in chosen]
        axes.scatter([line.best_ratio for line in chosen], heights, c=colors, s=16)
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(0.9, axes.get_xlim()[0]), axes.get_xlim()[1])
    axes.axvspan(axes.get_xlim()[0], 1, color="lightgrey", zorder=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.grid(axis="x", color="lightgrey", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.invert_yaxis()
    axes.set_xlabel("time of the best rival / time of fastlstm; in the grey fastlstm is slower")
    axes.set_title(f"{len(compared)} cases, {show_threads(compared[0].threads)}", fontsize=10)
    named = {line.best_rival or "" for line in compared}
    _add_legend(figure, axes, {name: color for name, color in RIVAL_COLORS.items() if name in named}, "best rival")
    return figure


def draw_roofline(lines: Sequence[Line], machine: dict[str, Any]) -> Figure | None:
    """Draw rates over intensity (operations a byte of weights read), under the roofs measured in the same run."""
    bounds = next((line.bounds for line in lines if line.bounds), None)
    if bounds is None:
        return None
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    for line in lines:
        x = line.work.flops / (line.work.bytes_read * line.workload.directions)
        color, ours = MODE_COLORS[line.workload.mode], line.gflops(OURS) or 0.0
        axes.plot(x, ours, "o", color=color, markersize=5)
        rate = line.gflops(line.best_rival or "")
        if rate:
            axes.plot([x, x], [ours, rate], color=color, linewidth=0.6, alpha=0.5)
            axes.plot(x, rate, "o", color=color, markersize=4, fillstyle="none")
    axes.set_xscale("log")
    axes.set_yscale("log")
    _draw_roofs(axes, bounds, lines[0].threads, machine["caches"])
    axes.set_xlabel("operations a byte of weights read")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"filled: fastlstm, hollow: best rival; {show_threads(lines[0].threads)}", fontsize=10)
    modes = {line.workload.mode for line in lines}
    _add_legend(figure, axes, {mode: color for mode, color in MODE_COLORS.items() if mode in modes}, "mode")
    return figure


def _draw_roofs(axes: Axes, bounds: Bounds, threads: int, caches: dict[str, int]) -> None:
    peak = threads * bounds.multiply_add / 1e9
    intensity = np.geomspace(axes.get_xlim()[0] / 3, axes.get_xlim()[1], 200)
    # Half a level: weights share it with everything else, and a full one is already slower.
    blocks = {level: size / 2 for level, size in caches.items()} | {"memory": float(max(bounds.bandwidth))}
    for level, block in blocks.items():
        rate = threads * bounds.read_rate(block) / 1e9
        roof = np.minimum(peak, rate * intensity)
        axes.plot(intensity, roof, color="grey", linewidth=0.8, zorder=0)
        _label(axes, f"{level}, {rate:.0f} GB/s", (intensity[0], roof[0]), (4, -2), "left")
    _label(axes, f"multiply-add, {peak:.0f} GFLOP/s", (intensity[-1], peak), (-4, 3), "right")
    axes.set_xlim(intensity[0], intensity[-1])


def _label(axes: Axes, words: str, point: tuple[float, float], offset: tuple[float, float], side: str) -> None:
    axes.annotate(words, point, offset, textcoords="offset points", fontsize=7, color="dimgrey", ha=side)


def _add_legend(figure: Figure, axes: Axes, colors: dict[str, str], title: str) -> None:
    marks = [axes.plot([], [], "o", color=color, label=name)[0] for name, color in colors.items()]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), fontsize=8, title=title, title_fontsize=8)
