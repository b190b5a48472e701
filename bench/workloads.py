"""What is timed: the problems of ``cases.py``, run as a user would run them, in named groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from cases import CONVOLUTIONS, FORWARD, TRAINING, Case, Convolution, Problem, make_convolution, make_problem
from numpy.typing import NDArray
from training import Head, make_head

Mode = Literal["step", "forward", "train", "fit_step"]

STEP_FLOPS_LIMIT = 20e9  # sequences of very large layers are cut so that a call stays below this


@dataclass(frozen=True)
class Workload:
    """A case and the way it is run.

    ``step`` feeds the T steps one call at a time and keeps the state between them, ``forward`` is one call over the
    whole sequence, ``train`` is forward and backward of ``sum(h_n * dh_n)`` to the gradients of all weights, and of a
    convolution that of ``sum(y * dy)`` to the gradients of its input too, ``fit_step`` is a step of training as a user
    runs it: a net of the layer and a softmax of its last step, the loss, and Adam's update of all weights.
    """

    mode: Mode
    case: Case
    variable_lengths: bool = False
    bidirectional: bool = False

    @property
    def name(self) -> str:
        """Name such as ``forward/lstm_T100_N32_I128_H128``."""
        flags = ("_lengths" if self.variable_lengths else "") + ("_bidirectional" if self.bidirectional else "")
        return f"{self.mode}/{self.case.name}{flags}"

    @property
    def directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def calls(self) -> int:
        """Calls that share one timing: a streaming result is given a step."""
        return self.case.T if self.mode == "step" else 1

    @property
    def row_steps(self) -> int:
        """Steps that are really there, over all rows and directions."""
        return self.directions * int(make_lengths(self).sum())

    def to_json(self) -> dict[str, Any]:
        """Give what ``from_json`` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Workload:
        """Rebuild a workload in another process."""
        return cls(**{**fields, "case": Case(**fields["case"])})


@dataclass(frozen=True)
class Task:
    """A workload with its numbers: what a contender prepares."""

    workload: Workload
    problems: tuple[Problem, ...]  # a problem for each direction; only the weights and states of the second are used
    lengths: NDArray[np.int64] | None  # (N,), from 1 to T
    head: Head | None = None  # of ``fit_step``
    convolution: Convolution | None = None  # in place of problems
    precision: str = "float32"  # one of ``contenders.PRECISIONS``

    @property
    def problem(self) -> Problem:
        """The first direction's problem."""
        return self.problems[0]


def make_lengths(workload: Workload) -> NDArray[np.int64]:
    """Draw the valid steps of every row, uniform in [1, T]: PyTorch takes no zeros.

    Every row has a part of its own of [1, T], one of N, so that a batch has the share of valid steps of very many.
    """
    case = workload.case
    if not workload.variable_lengths:
        return np.full(case.N, case.T)
    rng = np.random.default_rng([case.T, case.N])
    parts = (rng.permutation(case.N) + rng.random(case.N)) / case.N
    return np.floor(parts * case.T).astype(np.int64) + 1


def make_task(workload: Workload, precision: str = "float32") -> Task:
    """Draw the numbers of a workload, the same in every process and for every precision."""
    if workload.case.K:
        return Task(workload, (), None, convolution=make_convolution(workload.case), precision=precision)
    problems = tuple(make_problem(workload.case, seed=direction) for direction in range(workload.directions))
    lengths = make_lengths(workload) if workload.variable_lengths else None
    if workload.mode != "fit_step":
        return Task(workload, problems, lengths, precision=precision)
    head = make_head(workload.case)
    return Task(workload, tuple(map(_from_zero, problems)), lengths, head, precision=precision)


def _from_zero(problem: Problem) -> Problem:
    """Start from zero states, as the layers of a net do."""
    c_0 = None if problem.c_0 is None else np.zeros_like(problem.c_0)
    return replace(problem, h_0=np.zeros_like(problem.h_0), c_0=c_0)


def _steps(cell: str, N: int, H: int) -> int:
    one_step = Case(cell, 1, N, H, H).flops
    return max(5, min(100 if N <= 32 else 50, int(STEP_FLOPS_LIMIT // one_step)))


def _promised() -> Iterator[Workload]:
    yield from (Workload("forward", case) for case in FORWARD)
    yield from (Workload("train", case) for case in TRAINING)


def _streaming() -> Iterator[Workload]:
    for cell in ("lstm", "rnn_tanh"):
        for sizes in ((1, 8), (1, 32), (40, 64), (128, 128), (512, 512)):
            yield Workload("step", Case(cell, 100, 1, *sizes))
    for sizes in ((1, 32), (128, 128)):
        yield Workload("step", Case("gru", 100, 1, *sizes))
    yield Workload("step", Case("lstm", 20, 1, 1024, 1024))
    yield Workload("step", Case("lstm", 100, 1, 250, 200))  # pytorch#26387
    yield Workload("step", Case("lstm", 100, 32, 128, 128))  # a server's batch of streams


def _sequences() -> Iterator[Workload]:
    for cell in ("lstm", "rnn_tanh"):
        for N in (1, 32, 256):
            for H in (8, 32, 128, 256, 512, 1024):
                yield Workload("forward", Case(cell, _steps(cell, N, H), N, H, H))
    for N in (1, 32):
        for H in (32, 512):
            yield Workload("forward", Case("gru", _steps("gru", N, H), N, H, H))
    yield Workload("forward", Case("rnn_relu", 100, 32, 128, 128))


def _training() -> Iterator[Workload]:
    for cell in ("lstm", "rnn_tanh"):
        for sizes in ((30, 32, 8, 32), (28, 32, 28, 128), (100, 32, 64, 256), (50, 256, 64, 128)):
            yield Workload("train", Case(cell, *sizes))
    yield Workload("train", Case("gru", 100, 32, 64, 256))
    yield Workload("train", Case("lstm", 25, 128, 128, 512))
    yield Workload("train", Case("lstm", 1000, 8, 16, 64))  # a long sequence


def _fitting() -> Iterator[Workload]:
    yield from (Workload("fit_step", case) for case in TRAINING)
    yield Workload("fit_step", Case("lstm", 20, 32, 8, 16))  # a tiny model: what surrounds the layer counts
    yield Workload("fit_step", Case("lstm", 100, 32, 64, 256))


def _odd() -> Iterator[Workload]:
    for cell in ("lstm", "rnn_tanh"):
        for sizes in ((100, 1, 13, 33), (37, 3, 5, 17), (61, 7, 41, 100), (50, 33, 3, 129), (20, 31, 65, 257)):
            yield Workload("forward", Case(cell, *sizes))


def _lengths() -> Iterator[Workload]:
    for cell in ("lstm", "gru", "rnn_tanh"):
        for T in (10, 100, 1000):
            yield Workload("forward", Case(cell, T, 32, 128, 128), variable_lengths=True)
            yield Workload("train", Case(cell, T, 32, 128, 128), variable_lengths=True)
        yield Workload("forward", Case(cell, 100, 32, 128, 128), variable_lengths=True, bidirectional=True)


def _bidirectional() -> Iterator[Workload]:
    for cell in ("lstm", "gru", "rnn_tanh"):
        for N in (1, 32):
            yield Workload("forward", Case(cell, 100, N, 128, 128), bidirectional=True)


def _convolutions() -> Iterator[Workload]:
    for mode in ("forward", "train"):
        yield from (Workload(mode, case) for case in CONVOLUTIONS)


def _voice() -> Iterator[Workload]:
    """Voice-activity models: a thousand frames, a call each."""
    for sizes in ((40, 64), (64, 64), (128, 128)):
        yield Workload("step", Case("lstm", 1000, 1, *sizes))


def _issues() -> Iterator[Workload]:
    for T, inputs in ((63, 24), (31, 48), (15, 96)):
        yield Workload("forward", Case("lstm", T, 1, inputs, 32), bidirectional=True)  # oneDNN#837
    yield Workload("forward", Case("lstm", 15, 1, 250, 200))  # pytorch#26387
    yield Workload("forward", Case("lstm", 2000, 8, 256, 256))  # pytorch#81634


def _onednn() -> Iterator[Workload]:
    """Shapes oneDNN's authors time."""
    for T, inputs, H in ((30, 512, 512), (30, 1024, 1024), (629, 128, 128), (10, 128, 128)):
        yield Workload("forward", Case("lstm", T, 1, inputs, H))


def _deepbench() -> Iterator[Workload]:
    """Inference on servers and devices."""
    for H, T in ((512, 25), (1024, 25), (256, 150), (1536, 50)):
        for N in (1, 2, 4):
            yield Workload("forward", Case("lstm", T, N, H, H))
    yield Workload("forward", Case("rnn_tanh", 672, 1, 32, 32))
    yield Workload("forward", Case("rnn_tanh", 96, 1, 64, 64))


def _precisions() -> Iterator[Workload]:
    """Those that are timed in bfloat16 and int8 too."""
    for N, H in ((1, 128), (1, 256), (1, 512), (1, 1024), (32, 128), (32, 512), (256, 256)):
        yield Workload("forward", Case("lstm", 100 if N <= 32 else 50, N, H, H))
    for H in (128, 512):
        yield Workload("step", Case("lstm", 100, 1, H, H))
    for cell in ("rnn_tanh", "gru"):
        for N in (1, 32):
            yield Workload("forward", Case(cell, 100, N, 128, 128))
    yield Workload("train", Case("lstm", 50, 32, 32, 128))
    yield Workload("train", Case("lstm", 25, 128, 128, 512))


GROUPS: dict[str, list[Workload]] = {
    "promised": list(_promised()),
    "streaming": list(_streaming()),
    "sequences": list(_sequences()),
    "training": list(_training()),
    "fitting": list(_fitting()),
    "odd": list(_odd()),
    "lengths": list(_lengths()),
    "bidirectional": list(_bidirectional()),
    "convolutions": list(_convolutions()),
    "voice": list(_voice()),
    "issues": list(_issues()),
    "onednn": list(_onednn()),
    "deepbench": list(_deepbench()),
    "precisions": list(_precisions()),
}


def all_workloads(groups: list[str] | None = None) -> list[tuple[str, Workload]]:
    """Give (group, workload) pairs, each workload once, in the first group that has it."""
    seen: dict[Workload, str] = {}
    for group in groups or list(GROUPS):
        for workload in GROUPS[group]:
            seen.setdefault(workload, group)
    return [(group, workload) for workload, group in seen.items()]


def shrink(workload: Workload, T: int = 3, N: int = 2, size: int = 5) -> Workload:
    """Make the same kind of workload small, to try the suite itself."""
    case = workload.case
    small = replace(
        case, T=min(T, case.T), N=min(N, case.N), I=min(size, case.I), H=min(size, case.H), K=min(T, case.K)
    )
    return replace(workload, case=small)
