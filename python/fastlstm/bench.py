"""``python -m fastlstm bench``: how fast this machine runs a selection of layers, in about two minutes.

Every case is checked against `fastlstm.reference` before it is timed. Times stand beside the bound of the hardware,
which is measured in the same run. The whole suite, with other libraries beside this one, is in the folder ``bench`` of
the source tree.
"""

from __future__ import annotations

import argparse
import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

import fastlstm
from fastlstm import _core, reference
from fastlstm.timing import sample, show_time, summarize
from fastlstm.typing import Floats

__all__ = ["CASES", "Bounds", "Case", "Work", "main", "measure_bounds"]

FLOAT_BYTES = 4
TOLERANCE = {"step": 1e-5, "forward": 1e-5, "train": 5e-5}  # relative to the largest magnitude; float32 over 100 steps
BLOCKS = tuple(2**k for k in range(12, 27))  # bytes: 4 KiB to 64 MiB
TRIES = 5  # for a bound: the best of some short measurements


# --- The bound of the hardware ----------------------------------------------------------------------------------------


class Work(NamedTuple):
    """What a call has to do, as far as its bound depends on it."""

    mode: str  # "step", "forward" or "train"
    gates: int
    T: int
    I: int
    H: int
    row_steps: int  # valid steps of all rows together: T * N if every row is full

    @property
    def flops(self) -> int:
        """Operations of the products that are needed; backward: dR, dW and dh, but no dx."""
        width = 2 * self.I + 3 * self.H if self.mode == "train" else self.I + self.H
        return 2 * self.gates * self.H * width * self.row_steps

    @property
    def bytes_read(self) -> int:
        """Bytes of weights read: all of them every step, or W once and R every step, in training twice."""
        reads = {
            "step": (self.I + self.H) * self.T,
            "forward": self.I + self.H * self.T,
            "train": self.I + 2 * self.H * self.T,
        }
        return self.gates * self.H * FLOAT_BYTES * reads[self.mode]


@dataclass(frozen=True)
class Bounds:
    """What one core can do.

    Attributes
    ----------
    multiply_add : float
        Floating-point operations a second with nothing to load.
    bandwidth : dict of int to float
        Bytes a second from blocks of so many bytes: each stands for the cache level that holds it.
    """

    multiply_add: float
    bandwidth: dict[int, float]

    def to_json(self) -> dict[str, Any]:
        """Give what `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Bounds:
        """Read what `to_json` gave; JSON has made the keys strings."""
        return cls(fields["multiply_add"], {int(block): rate for block, rate in fields["bandwidth"].items()})

    def read_rate(self, block: float) -> float:
        """Bytes a second for a block of this size, between the measured ones along the logarithm of the size."""
        sizes = sorted(self.bandwidth)
        k = bisect_left(sizes, block)
        if k in (0, len(sizes)):
            return self.bandwidth[sizes[min(k, len(sizes) - 1)]]
        low, high = sizes[k - 1], sizes[k]
        part = math.log(block / low) / math.log(high / low)
        return self.bandwidth[low] * (1 - part) + self.bandwidth[high] * part

    def seconds(self, work: Work, threads: int = 1) -> float:
        r"""Least time for a call.

        With ``P`` the multiply-add rate, ``B(.)`` the read rate, ``S`` row-steps and bytes of W and R::

            product(width, bytes, reads) = max(2 G H width S / P,  reads * bytes / B(bytes))

            step     product(I + H, W and R, T)                    every step reads all weights
            forward  product(I, W, 1) + product(H, R, T)           steps wait for each other, the projection does not
            train    forward + product(H, R, T) + 2 G H (I + H) S / P      dh, then dW and dR

        Threads multiply P; each reads its share of the weights from its own caches.

        Parameters
        ----------
        work : Work
            The call.
        threads : int
            Cores it may use.

        Returns
        -------
        float
            Seconds.
        """
        unit = work.gates * work.H  # one column of the weights
        peak = threads * self.multiply_add

        def product(width: int, reads: int) -> float:
            share = unit * width * FLOAT_BYTES / threads
            return max(2 * unit * width * work.row_steps / peak, reads * share / self.read_rate(share))

        if work.mode == "step":
            return product(work.I + work.H, work.T)
        forward = product(work.I, 1) + product(work.H, work.T)
        if work.mode == "forward":
            return forward
        return forward + product(work.H, work.T) + 2 * unit * (work.I + work.H) * work.row_steps / peak


def measure_bounds() -> Bounds:
    """Measure the bounds of the core this runs on, for the active instruction set; takes a second.

    Returns
    -------
    Bounds
    """
    multiply_add = max(_core.measure_multiply_add() for _ in range(TRIES))
    best, bandwidth = 0.0, dict[int, float]()
    for block in reversed(BLOCKS):
        # A smaller block is read at least as fast: what says otherwise is noise.
        best = max(best, *(_core.measure_read_bandwidth(block) for _ in range(TRIES)))
        bandwidth[block] = best
    return Bounds(multiply_add, dict(sorted(bandwidth.items())))


# --- The cases --------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A layer and the way it is run, as in the suite's names."""

    mode: str
    cell: str
    T: int
    N: int
    I: int
    H: int

    @property
    def name(self) -> str:
        """Name such as ``forward/lstm_T100_N32_I128_H128``."""
        return f"{self.mode}/{self.cell}_T{self.T}_N{self.N}_I{self.I}_H{self.H}"

    @property
    def work(self) -> Work:
        """What a call has to do."""
        gates = {"lstm": 4, "gru": 3}.get(self.cell, 1)
        return Work(self.mode, gates, self.T, self.I, self.H, self.T * self.N)


CASES = [
    Case("step", "lstm", 100, 1, 1, 32),
    Case("step", "lstm", 100, 1, 128, 128),
    Case("step", "lstm", 100, 1, 512, 512),
    Case("step", "gru", 100, 1, 128, 128),
    Case("step", "rnn_tanh", 100, 1, 128, 128),
    Case("forward", "lstm", 100, 1, 128, 128),
    Case("forward", "lstm", 100, 1, 512, 512),
    Case("forward", "lstm", 100, 32, 128, 128),
    Case("forward", "lstm", 50, 256, 256, 256),
    Case("forward", "gru", 100, 1, 128, 128),
    Case("forward", "gru", 100, 32, 128, 128),
    Case("forward", "rnn_tanh", 100, 1, 128, 128),
    Case("forward", "rnn_tanh", 100, 32, 128, 128),
    Case("train", "lstm", 50, 32, 32, 128),
    Case("train", "lstm", 100, 32, 64, 256),
    Case("train", "gru", 50, 32, 32, 128),
    Case("train", "rnn_tanh", 50, 32, 32, 128),
]


class _Problem:
    """The numbers of a case, the call that is timed, and its check."""

    def __init__(self, case: Case) -> None:
        rng = np.random.default_rng([case.T, case.N, case.I, case.H])
        rows, self.case = case.work.gates * case.H, case

        def draw(*shape: int, scale: float = 1.0) -> Floats:
            return (scale * rng.standard_normal(shape)).astype("float32")

        self.weights: dict[str, Any] = {
            "weight_ih": draw(rows, case.I, scale=case.I**-0.5),
            "weight_hh": draw(rows, case.H, scale=0.9 * case.H**-0.5),
            "bias": draw(rows, scale=0.5),
        }
        if case.cell == "gru":
            self.weights["recurrent_bias"] = draw(rows, scale=0.5)
        self.x, self.h_0, self.dh_n = draw(case.T, case.N, case.I), draw(case.N, case.H), draw(case.N, case.H)
        self.c_0 = draw(case.N, case.H) if case.cell == "lstm" else None
        self.packed = _core.Weights(case.cell, **self.weights)
        self.stream = _core.Stream([self.packed], case.N)
        self.y = np.empty((case.T, case.N, case.H), "float32")
        self.gradients = tuple(np.empty_like(array) for array in self.weights.values())

    @property
    def call(self) -> Callable[[], None]:
        return {"step": self.step, "forward": self.forward, "train": self.train}[self.case.mode]

    def forward(self) -> None:
        _core.forward(self.packed, self.x, self.h_0, self.c_0, self.y)

    def step(self) -> None:
        self.stream.set_state([(self.h_0, self.c_0)])
        for x_t, out in zip(self.x, self.y, strict=True):
            self.stream.step(x_t, out)

    def train(self) -> None:
        # Weights change after every training step, so packing them is part of it.
        packed = _core.Weights(self.case.cell, **self.weights)
        *_, tape = _core.forward_training(packed, self.x, self.h_0, self.c_0)
        _core.backward(tape, None, self.dh_n, None, None, *self.gradients)

    def error(self) -> float:
        """Run once; give the largest difference from the reference, relative to the largest magnitude."""
        self.call()
        if self.case.mode == "train":
            return max(_error(*pair) for pair in zip(self.gradients, self.expected_gradients(), strict=True))
        return _error(self.y, self.expected_y())

    def expected_y(self) -> Any:
        if self.c_0 is not None:
            return reference.lstm(self.x, **self.weights, h_0=self.h_0, c_0=self.c_0)[0]
        layer = reference.gru if self.case.cell == "gru" else reference.rnn
        return layer(self.x, **self.weights, h_0=self.h_0)[0]

    def expected_gradients(self) -> list[Any]:
        found: Any
        if self.c_0 is not None:
            found = reference.lstm_backward(self.x, **self.weights, h_0=self.h_0, c_0=self.c_0, dh_n=self.dh_n)
        else:
            layer = reference.gru_backward if self.case.cell == "gru" else reference.rnn_backward
            found = layer(self.x, **self.weights, h_0=self.h_0, dh_n=self.dh_n)
        return [getattr(found, name) for name in self.weights]


def _error(got: Floats, wanted: Any) -> float:
    return float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()))


# --- Measuring --------------------------------------------------------------------------------------------------------


class Result(NamedTuple):
    """What was found for a case; no time if its check failed."""

    case: Case
    error: float
    median: float | None = None  # seconds a call
    spread: float | None = None  # distance of the quartiles, relative to the median


def _measure(case: Case, seconds: float) -> Result:
    problem = _Problem(case)
    error = problem.error()
    if not error <= TOLERANCE[case.mode]:  # so that NaN fails too
        return Result(case, error)
    found = summarize(sample(problem.call, seconds))
    return Result(case, error, found.median, found.spread)


# --- The table --------------------------------------------------------------------------------------------------------


def _row(result: Result, bounds: Bounds, threads: int) -> tuple[str, ...]:
    case = result.case
    if result.median is None or result.spread is None:
        return case.name, f"wrong by {result.error:.0e}", "", "", ""
    seconds = result.median / (case.T if case.mode == "step" else 1)
    return (
        case.name,
        show_time(seconds) + (" a step" if case.mode == "step" else ""),
        f"{result.spread:.0%}",
        f"{case.work.flops / result.median / 1e9:.1f}",
        f"{bounds.seconds(case.work, threads) / result.median:.0%}",
    )


def _table(rows: Iterable[Sequence[str]]) -> str:
    lines = [("case", "median", "spread", "GFLOP/s", "of bound"), *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]

    def layout(line: Sequence[str]) -> str:
        first, *rest = (cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths)))  # noqa: B905
        return "  ".join([first, *rest]).rstrip()

    return "\n".join(map(layout, lines))


def _heading(bounds: Bounds, threads: int) -> str:
    levels = ", ".join(f"{block // 1024} KiB {bounds.read_rate(block) / 1e9:.0f}" for block in (2**14, 2**18, 2**25))
    return (
        f"fastlstm {fastlstm.__version__}, {fastlstm.active_isa()}, {threads} thread{'s' if threads > 1 else ''}\n"
        f"one core: {bounds.multiply_add / 1e9:.0f} GFLOP/s multiply-add, reads GB/s from {levels}\n"
    )


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fastlstm bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="time for all cases together (default: 120)")
    parser.add_argument("--select", default="", metavar="REGEX", help="only cases whose name matches")
    parser.add_argument("--threads", type=int, help="threads a call may use (default: as FASTLSTM_NUM_THREADS says)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    arguments = parser.parse_args(argv)
    if not arguments.seconds > 0:
        parser.error(f"--seconds must be positive, got {arguments.seconds}")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0; 1 if a case failed its check, 2 if none was selected.
    """
    from tqdm import tqdm  # type: ignore[import-untyped, unused-ignore]

    arguments = _arguments(argv)
    cases = [case for case in CASES if re.search(arguments.select, case.name)]
    if arguments.list or not cases:
        print("\n".join(case.name for case in cases) or f"no case matches {arguments.select!r}")
        return 0 if cases else 2
    if arguments.threads is not None:
        fastlstm.set_num_threads(arguments.threads)
    bounds, threads = measure_bounds(), fastlstm.get_num_threads()
    progress = tqdm(cases, unit="case", leave=False)
    results = [_measure(case, arguments.seconds / len(cases)) for case in progress]
    print(_heading(bounds, threads))
    print(_table(_row(result, bounds, threads) for result in results))
    return int(any(result.median is None for result in results))
