"""What the worked examples on series share: data inside packages, intervals, ridge regression, costs."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
STUDENT = {2: 12.71, 3: 4.30, 5: 2.78, 10: 2.26}
"""How many standard errors a 95 % interval of a mean reaches to each side, by the number of runs."""


def inside(package: str, path: str, install: str) -> Path:
    """Return where a file lies in an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The data come with the package {package}, which is not installed: {install}")
    found = Path(spec.submodule_search_locations[0]) / path
    if not found.exists():
        raise SystemExit(f"{package} has no {path} any more; the page of this example says which release had it")
    return found


def interval(values: Sequence[float], form: str = "{:.1f}") -> str:
    """Word the mean of independent runs with its 95 % interval, by Student's t; a single one alone."""
    if len(values) == 1:
        return form.format(values[0])
    half = STUDENT[len(values)] * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{form.format(np.mean(values))} ± {form.replace('+', '').format(half)}"


def group_interval(values: Array, group: Array, form: str = "{:+.1f}", draws: int = 2000) -> str:
    """Word a mean with a 95 % interval, where those of a group resemble each other: whole groups are drawn again."""
    _, place = np.unique(group, return_inverse=True)
    sums, sizes = np.bincount(place, values), np.bincount(place)
    drawn = np.random.default_rng(0).integers(0, len(sums), (draws, len(sums)))
    low, high = np.quantile(sums[drawn].sum(1) / sizes[drawn].sum(1), (0.025, 0.975))
    return f"{form.format(values.mean())} ({form.format(low)} to {form.format(high)})"


def ridge(x: Array, y: Array, penalty: float) -> Array:
    """Return weights of a linear model of standardised inputs, the last row being the constant."""
    x = np.c_[x, np.ones(len(x))]
    square = x.T @ x + penalty * np.eye(x.shape[1])
    square[-1, -1] -= penalty
    return np.linalg.solve(square, x.T @ y)


def best_ridge(fit: tuple[Array, Array], choose: tuple[Array, Array], x: Array) -> Array:
    """Predict for `x` with weights from `fit`, of the penalty that is best on `choose`."""

    def predict(weights: Array, inputs: Array) -> Array:
        return inputs @ weights[:-1] + weights[-1]

    every = [ridge(*fit, penalty) for penalty in 10.0 ** np.arange(-1, 6)]
    return predict(min(every, key=lambda weights: float(((predict(weights, choose[0]) - choose[1]) ** 2).mean())), x)


def timed(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Microseconds of each call: the median of rounds in which all take turns."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for name in list(calls) * rounds:
        start = time.perf_counter()
        calls[name]()
        taken[name].append(1e6 * (time.perf_counter() - start))
    return {name: float(np.median(times)) for name, times in taken.items()}


def peak() -> float:
    """Megabytes that this process has had at most (Linux)."""
    return int(Path("/proc/self/status").read_text("ascii").partition("VmHWM:")[2].split()[0]) / 1024
