"""Time of a forward LSTM step over sizes, to find the sizes that fall off a cliff: one core, one instruction set.

``python bench/sweep.py`` prints a table for each sweep, keeps it for ``report.py``, and draws ``sweep_h.png`` and
``sweep_n.png``.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
from cases import Case, make_problem
from tables import show_picture
from timing import sample, summarize
from tqdm import tqdm

import fastlstm
from fastlstm import _core

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
T = 20
FEW = range(1, 41)
LARGEST = 320
ROWS = (1, 32)  # of the sweep over H
HIDDEN = 128  # of the sweep over N
CLIFF = 1.3  # times the cost of both neighbours


@dataclass(frozen=True)
class Point:
    """What was found for one size."""

    case: Case
    size: int  # the one of H and N that is swept
    seconds: float  # a step

    @property
    def per_multiply_add(self) -> float:
        """Seconds a multiply-add of the products."""
        return self.seconds * self.case.T / (self.case.flops / 2)

    @property
    def per_row_unit(self) -> float:
        """Seconds a step of one unit of one row."""
        return self.seconds / (self.case.N * self.case.H)


def hidden_sizes(few: Sequence[int] = FEW, largest: int = LARGEST) -> list[int]:
    """Small sizes, then the multiples of 16 (so of 32 and 64 too) with their neighbours."""
    around = {multiple + d for multiple in range(16, largest + 1, 16) for d in (-1, 0, 1)}
    return sorted({*few, *around})


def sweeps(few: Sequence[int] = FEW, largest: int = LARGEST) -> Iterator[tuple[str, str, list[tuple[int, Case]]]]:
    """Give picture, label and (size, case) pairs of every curve."""
    for N in ROWS:
        yield "sweep_h", f"N = {N}", [(H, Case("lstm", T, N, H, H)) for H in hidden_sizes(few, largest)]
    yield "sweep_n", f"H = {HIDDEN}", [(N, Case("lstm", T, N, HIDDEN, HIDDEN)) for N in few]


def prepare(case: Case) -> Callable[[], object]:
    """Pack the weights of a case and give the call that is timed."""
    problem = make_problem(case)
    weights = _core.Weights(case.cell, problem.weight_ih, problem.weight_hh, problem.bias)
    y = np.empty_like(problem.dy)
    return lambda: _core.forward(weights, problem.x, problem.h_0, problem.c_0, y)


def measure(sizes: Sequence[tuple[int, Case]], rounds: int, seconds: float) -> list[Point]:
    """Go over all sizes some times and keep the best of each: noise only adds, and never to the same size twice."""
    best = dict.fromkeys(sizes, float("inf"))
    for size in tqdm([*sizes] * rounds, unit="size", leave=False):
        best[size] = min(best[size], summarize(sample(prepare(size[1]), seconds)).median)
    return [Point(case, size, time / case.T) for (size, case), time in best.items()]


def packet_width(isa: str) -> int:
    """Floats in a packet of an instruction set."""
    words = _core.build_config()[f"isa {isa}"]
    found = re.search(r"(\d+) float lanes", words)
    if found is None:
        raise ValueError(f"the width of {isa} must be in its description, got {words!r}")
    return int(found[1])


def cliffs(points: Sequence[Point], packet: int) -> list[tuple[Point, float]]:
    """Give the sizes dearer a unit and row than both neighbouring multiples of the packet, and how much dearer.

    Below the first multiple the neighbour is 1. A size one of whose neighbours was not timed is not judged.
    """
    costs = {point.size: point.per_row_unit for point in points}
    found = []
    for point in points:
        below = max(1, point.size // packet * packet)
        above = (point.size // packet + 1) * packet
        if point.size != below and below in costs and above in costs:
            ratio = point.per_row_unit / max(costs[below], costs[above])
            if ratio > CLIFF:
                found.append((point, ratio))
    return found


def describe(points: Sequence[Point], packet: int) -> str:
    """Lay out a table, with the cliffs marked."""
    dearer = {point.size: ratio for point, ratio in cliffs(points, packet)}
    lines = [f"{'size':>5}  {'us a step':>10}  {'ps a multiply-add':>17}"]
    for point in points:
        mark = f"  cliff: {dearer[point.size]:.2f}" if point.size in dearer else ""
        lines.append(f"{point.size:5}  {point.seconds * 1e6:10.3f}  {point.per_multiply_add * 1e12:17.2f}{mark}")
    named = ", ".join(map(str, dearer)) or "none"
    return "\n".join([*lines, f"more than {CLIFF} x both neighbouring multiples of {packet} a unit and row: {named}"])


def curve(picture: str, label: str, points: Sequence[Point], packet: int) -> dict[str, Any]:
    """Give what is kept of a curve: seconds a step by size, and its cliffs."""
    seconds = {point.size: point.seconds for point in points}
    return {
        "picture": picture,
        "label": label,
        "seconds": seconds,
        "cliffs": {point.size: ratio for point, ratio in cliffs(points, packet)},
    }


def section(found: dict[str, Any], pictures: Sequence[str] = ()) -> str:
    """Lay out the part of the page."""
    text = (
        f"A forward LSTM on one core with {found['isa']}, T = {T}, over sizes. A cliff is a size that costs more than "
        f"{CLIFF} times as much a unit and row as both neighbouring multiples of the packet."
    )
    axes = {"sweep_h": "H", "sweep_n": "N"}
    lines = (f"- over {axes[curve['picture']]}, {curve['label']}: {_cliffs(curve)}" for curve in found["curves"])
    said = "\n".join(lines)
    return "\n\n".join(["## Sizes in between", text, said, *map(show_picture, pictures)])


def _cliffs(curve: dict[str, Any]) -> str:
    return ", ".join(f"{size} ({ratio:.2f})" for size, ratio in curve["cliffs"].items()) or "no cliff"


def draw(curves: dict[str, list[Point]], packet: int, title: str, path: Path) -> None:
    """Draw time a multiply-add over size, the cliffs ringed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for label, points in curves.items():
        picoseconds = [point.per_multiply_add * 1e12 for point in points]
        axes.plot([point.size for point in points], picoseconds, ".-", linewidth=0.8, markersize=4, label=label)
        ringed = [point for point, _ in cliffs(points, packet)]
        heights = [point.per_multiply_add * 1e12 for point in ringed]
        axes.plot([point.size for point in ringed], heights, "o", color="red", fillstyle="none", markersize=7)
    largest = max(point.size for points in curves.values() for point in points)
    for multiple in range(packet, largest + 1, packet):
        axes.axvline(multiple, color="lightgrey", linewidth=0.5, zorder=0)
    axes.set_yscale("log")
    axes.set_xlabel({"sweep_h": "H = I", "sweep_n": "N"}.get(path.stem, "size") + f"; grey: multiples of {packet}")
    axes.set_ylabel("picoseconds a multiply-add")
    axes.set_title(f"{title}; red: dearer than {CLIFF} x both neighbouring multiples", fontsize=10)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isa", default=fastlstm.active_isa(), help="instruction set (default: the active one)")
    parser.add_argument("--core", type=int, default=machine.available_cores()[-1], help="processor (default: the last)")
    parser.add_argument("--rounds", type=int, default=5, help="times over all sizes (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.02, help="for a size in a round (default: 0.02)")
    parser.add_argument(
        "--pictures", type=Path, default=PICTURES, help="folder for the charts (default: docs/pictures)"
    )
    parser.add_argument("--out", type=Path, default=Path("results/sweeps.json"))
    parser.add_argument("--small", action="store_true", help="few sizes: try the script, not the speed")
    arguments = parser.parse_args(argv)
    fastlstm.set_isa(arguments.isa)
    fastlstm.set_num_threads(1)
    os.sched_setaffinity(0, [arguments.core])
    packet, figures = packet_width(arguments.isa), dict[str, dict[str, list[Point]]]()
    found: dict[str, Any] = {"machine": machine.facts(), "isa": arguments.isa, "curves": []}
    for name, label, sizes in sweeps(*((range(1, 5), 16) if arguments.small else ())):
        points = measure(sizes, arguments.rounds, arguments.seconds)
        figures.setdefault(name, {})[label] = points
        found["curves"].append(curve(name, label, points, packet))
        print(f"{name}, {label}, T = {T}, {arguments.isa}\n{describe(points, packet)}\n", flush=True)
    for name, curves in figures.items():
        draw(curves, packet, f"forward LSTM, T = {T}, {arguments.isa}, one core", arguments.pictures / f"{name}.png")
    machine.write(found, arguments.out)


if __name__ == "__main__":
    main()
