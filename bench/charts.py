"""The pictures of a report: ratios to the best rival, and the roofline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from results import OURS, Line

from fastlstm.bench import Bounds

COLORS = {"step": "tab:blue", "forward": "tab:green", "train": "tab:orange"}


def draw(lines: Sequence[Line], machine: dict[str, Any], folder: Path) -> list[Path]:
    """Draw both charts for every number of threads; give the files."""
    paths = []
    for threads in dict.fromkeys(line.threads for line in lines):
        chosen = [line for line in lines if line.threads == threads and line.seconds(OURS) is not None]
        for name, figure in (("ratios", draw_ratios(chosen)), ("roofline", draw_roofline(chosen, machine))):
            if figure is not None:
                words = f"{threads}_thread{'s' if threads > 1 else ''}"
                paths.append(folder / f"{name}_{words}.png")
                figure.savefig(paths[-1], dpi=110)
    return paths


def draw_ratios(lines: Sequence[Line]) -> Figure | None:
    """Draw a bar for every case: the best rival's time over ours, the lost cases on top."""
    compared = sorted((line for line in lines if line.best_ratio), key=lambda line: -(line.best_ratio or 0))
    if not compared:
        return None
    figure = Figure(figsize=(9, 1.5 + 0.21 * len(compared)), layout="constrained")
    axes = figure.subplots()
    ratios = [line.best_ratio or 1.0 for line in compared]
    colors = [COLORS[line.workload.mode] for line in compared]
    axes.barh(range(len(compared)), [ratio - 1 for ratio in ratios], left=1, color=colors)
    axes.set_yticks(range(len(compared)), [f"{line.name}  ({line.best_rival})" for line in compared], fontsize=6)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.set_xlabel(f"time of the best rival / time of fastlstm, {compared[0].threads} thread(s); left of 1 is lost")
    axes.margins(y=0.01)
    _add_legend(figure, axes)
    return figure


def draw_roofline(lines: Sequence[Line], machine: dict[str, Any]) -> Figure | None:
    """Draw rates over intensity (operations a byte of weights read), under the roofs measured in the same run."""
    bounds = next((line.bounds for line in lines if line.bounds), None)
    if bounds is None:
        return None
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    for line in lines:
        x, color = line.work.flops / (line.work.bytes_read * line.workload.directions), COLORS[line.workload.mode]
        ours = line.gflops(OURS) or 0.0
        axes.plot(x, ours, "o", color=color, markersize=5)
        rate = line.gflops(line.best_rival or "")
        if rate:
            axes.plot([x, x], [ours, rate], color=color, linewidth=0.6, alpha=0.5)
            axes.plot(x, rate, "o", color=color, markersize=4, fillstyle="none")
    _draw_roofs(axes, bounds, lines[0].threads, machine["caches"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("operations a byte of weights read")
    axes.set_ylabel(f"GFLOP/s, {lines[0].threads} thread(s)")
    axes.set_title("filled: fastlstm, hollow: best rival", fontsize=10)
    _add_legend(figure, axes)
    return figure


def _draw_roofs(axes: Axes, bounds: Bounds, threads: int, caches: dict[str, int]) -> None:
    peak = threads * bounds.multiply_add / 1e9
    intensity = np.geomspace(*axes.get_xlim(), 200) if axes.get_xlim()[0] > 0 else np.geomspace(0.1, 1e3, 200)
    # Half a level: weights share it with everything else, and a full one is already slower.
    blocks = {level: size / 2 for level, size in caches.items()} | {"memory": float(max(bounds.bandwidth))}
    for level, block in blocks.items():
        roof = np.minimum(peak, threads * bounds.read_rate(block) / 1e9 * intensity)
        axes.plot(intensity, roof, color="grey", linewidth=0.8)
        axes.annotate(level, (intensity[0], roof[0]), fontsize=7, color="grey")


def _add_legend(figure: Figure, axes: Axes) -> None:
    marks = [axes.plot([], [], "s", color=color, label=mode)[0] for mode, color in COLORS.items()]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), fontsize=8)
