"""What ``run.py`` wrote, read back: a line for every workload and number of threads, with ratios and bounds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from timing import Summary
from workloads import Workload

from fastlstm.bench import Bounds, Work

OURS = "fastlstm"
PADDED = "fastlstm@padded"
NUMPY = "numpy"  # a rival, but the floor and no peer: the other rivals are libraries with recurrent layers or compilers

KINDS = {
    "step": "streaming, one step a call",
    "train": "gradients of a layer",
    "fit_step": "training step of a net",
}


def precision_of(label: str) -> str:
    """Read the precision from what ``contenders.in_precision`` made."""
    return label.partition(" ")[2] or "float32"


@dataclass(frozen=True)
class Line:
    """A workload with a number of threads, and what everybody made of it."""

    group: str
    workload: Workload
    threads: int
    found: dict[str, dict[str, Any]]  # by label, as `run.py` wrote them
    bounds: Bounds | None

    @property
    def name(self) -> str:
        """The workload's name."""
        return self.workload.name

    @property
    def kind(self) -> str:
        """What a user would call it."""
        if self.workload.mode in KINDS:
            return KINDS[self.workload.mode]
        if self.workload.variable_lengths:
            return "sequences, rows of different lengths"
        return "sequences, 1 row" if self.workload.case.N == 1 else "sequences, several rows"

    def seconds(self, label: str) -> float | None:
        """Median of a contender, a step for streams, if it was timed."""
        record = self.found.get(label, {})
        return float(record["median"]) / self.workload.calls if record.get("status") == "timed" else None

    def ratio(self, rival: str, ours: str = OURS) -> float | None:
        """How many times as long a rival takes: the median over the rounds, in which both had turns."""
        mine: list[float] = self.found.get(ours, {}).get("rounds", [])
        theirs: list[float] = self.found.get(rival, {}).get("rounds", [])
        if not mine or not theirs:
            return None
        return statistics.median(their / my for my, their in zip(mine, theirs, strict=True))

    @property
    def ratios(self) -> dict[str, float]:
        """Ratio of every rival that was timed in float32, fastlstm's own variations left out."""
        return self.ratios_to(OURS, "float32")

    def ratios_to(self, ours: str, *precisions: str) -> dict[str, float]:
        """Ratios to one of ours, of the rivals that were timed in these precisions."""
        rivals = [label for label in self.found if not label.startswith(OURS) and precision_of(label) in precisions]
        found = {label: self.ratio(label, ours) for label in rivals}
        return {label: ratio for label, ratio in found.items() if ratio is not None}

    @property
    def best_rival(self) -> str | None:
        """The fastest that is not fastlstm, NumPy included."""
        return min(self.ratios, key=self.ratios.__getitem__, default=None)

    @property
    def best_ratio(self) -> float | None:
        """Time of the best rival over ours: below 1 the case is lost."""
        return None if self.best_rival is None else self.ratio(self.best_rival)

    @property
    def peer_ratio(self) -> float | None:
        """The same without NumPy."""
        return min((ratio for label, ratio in self.ratios.items() if label != NUMPY), default=None)

    @property
    def spread(self) -> float | None:
        """Distance of our quartiles, relative to our median."""
        record = self.found.get(OURS, {})
        if record.get("status") != "timed":
            return None
        return Summary(record["median"], record["lower"], record["upper"]).spread

    @property
    def work(self) -> Work:
        """What the workload needs done; of a training step, the part of its recurrent layer."""
        case, mode = self.workload.case, self.workload.mode
        return Work(
            "train" if mode == "fit_step" else mode, case.gates, case.T, case.I, case.H, self.workload.row_steps
        )

    @property
    def _flops(self) -> int:
        """Operations of the products that are needed; of a convolution with the gradient of its input."""
        if self.workload.case.K:
            return self.workload.case.flops * (3 if self.workload.mode == "train" else 1)
        return self.work.flops

    def gflops(self, label: str) -> float | None:
        """Give the rate of a contender, in GFLOP/s of the needed products."""
        seconds = self.seconds(label)
        return None if seconds is None else self._flops / (seconds * self.workload.calls) / 1e9

    @property
    def fraction(self) -> float | None:
        """Our part of the bound."""
        seconds = self.seconds(OURS)
        if seconds is None or self.bounds is None:
            return None
        return self._bound(self.bounds) / (seconds * self.workload.calls)

    def _bound(self, bounds: Bounds) -> float:
        """Least seconds; two directions are two layers over the same input, and no step of a convolution waits."""
        if self.workload.case.K:
            return self._flops / (bounds.multiply_add * self.threads)
        if not self.workload.bidirectional:
            return bounds.seconds(self.work, self.threads)
        return 2 * bounds.seconds(self.work._replace(row_steps=self.work.row_steps // 2), self.threads)


def read_lines(results: dict[str, Any]) -> Iterator[Line]:
    """Go through everything that was run."""
    for part in results["runs"]:
        measured = part["bounds"].get(OURS)
        bounds = Bounds.from_json(measured) if measured else None
        for entry in part["results"]:
            found = {record["label"]: record for record in entry["contenders"]}
            yield Line(entry["group"], Workload.from_json(entry["workload"]), part["threads"], found, bounds)
