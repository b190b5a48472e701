"""Named problems, shared by the tests and the benchmarks: what is timed is also checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """One layer over a batch: T steps, N rows, I inputs, H outputs; recurrent in one direction, or a convolution."""

    cell: str  # "lstm", "gru", "gru_reset_before", "rnn_tanh", "rnn_relu" or "conv1d"
    T: int
    N: int
    I: int
    H: int
    K: int = 0  # taps of a convolution

    @property
    def name(self) -> str:
        """Name such as ``lstm_T100_N32_I128_H128``."""
        return f"{self.cell}_T{self.T}_N{self.N}_I{self.I}_H{self.H}" + (f"_K{self.K}" if self.K else "")

    @property
    def gates(self) -> int:
        """Gates of the cell."""
        return {"lstm": 4, "gru": 3, "gru_reset_before": 3}.get(self.cell, 1)

    @property
    def windows(self) -> int:
        """Output steps of a convolution: its windows lie within the sequence."""
        return self.T - self.K + 1

    @property
    def flops(self) -> int:
        """Floating-point operations of the forward products."""
        if self.K:
            return 2 * self.K * self.I * self.H * self.windows * self.N
        return 2 * self.gates * self.H * (self.I + self.H) * self.T * self.N


@dataclass(frozen=True)
class Problem:
    """Random weights, inputs, states and gradients for a case."""

    case: Case
    weight_ih: NDArray[np.floating]  # (G*H, I)
    weight_hh: NDArray[np.floating]  # (G*H, H)
    bias: NDArray[np.floating]  # (G*H,)
    recurrent_bias: NDArray[np.floating] | None  # (G*H,), GRU; the other cells would add it to the bias
    x: NDArray[np.floating]  # (T, N, I)
    h_0: NDArray[np.floating]  # (N, H)
    c_0: NDArray[np.floating] | None  # (N, H), LSTM
    dy: NDArray[np.floating]  # (T, N, H)
    dh_n: NDArray[np.floating]  # (N, H)
    dc_n: NDArray[np.floating] | None  # (N, H), LSTM
    lengths: NDArray[np.int64]  # (N,), from 0 to T


def make_problem(case: Case, dtype: str = "float32", seed: int = 0) -> Problem:
    """Draw a problem whose recurrence neither dies nor explodes, so that an error anywhere shows at the end."""
    rng = np.random.default_rng([seed, case.T, case.N, case.I, case.H])
    rows = case.gates * case.H

    def draw(*shape: int, scale: float = 1.0) -> NDArray[np.floating]:
        return (scale * rng.standard_normal(shape)).astype(dtype)

    has_cell_state = case.cell == "lstm"
    return Problem(
        case,
        weight_ih=draw(rows, case.I, scale=case.I**-0.5),
        weight_hh=draw(rows, case.H, scale=0.9 * case.H**-0.5),
        bias=draw(rows, scale=0.5),
        recurrent_bias=draw(rows, scale=0.5) if case.cell == "gru" else None,
        x=draw(case.T, case.N, case.I),
        h_0=draw(case.N, case.H),
        c_0=draw(case.N, case.H) if has_cell_state else None,
        dy=draw(case.T, case.N, case.H),
        dh_n=draw(case.N, case.H),
        dc_n=draw(case.N, case.H) if has_cell_state else None,
        lengths=rng.integers(0, case.T + 1, case.N),
    )


@dataclass(frozen=True)
class Convolution:
    """Random weights, inputs and gradients for a case that is a convolution."""

    case: Case
    kernel: NDArray[np.floating]  # (K, I, H)
    bias: NDArray[np.floating]  # (H,)
    x: NDArray[np.floating]  # (N, T, I)
    dy: NDArray[np.floating]  # (N, windows, H)


def make_convolution(case: Case) -> Convolution:
    """Draw a convolution whose outputs are of order one, in float32."""
    rng = np.random.default_rng([case.T, case.N, case.I, case.H, case.K])

    def draw(*shape: int, scale: float = 1.0) -> NDArray[np.floating]:
        return (scale * rng.standard_normal(shape)).astype("float32")

    kernel = draw(case.K, case.I, case.H, scale=(case.K * case.I) ** -0.5)
    return Convolution(case, kernel, draw(case.H), draw(case.N, case.T, case.I), draw(case.N, case.windows, case.H))


CELLS = ("lstm", "gru", "gru_reset_before", "rnn_tanh", "rnn_relu")

# Sizes around the widths of packets and tiles, and each letter at 1.
SMALL = [
    Case(cell, *sizes)
    for cell in CELLS
    for sizes in [
        (1, 1, 1, 1),
        (5, 3, 4, 7),
        (4, 2, 3, 16),
        (7, 1, 2, 17),
        (20, 1, 17, 33),
        (9, 13, 5, 48),
        (6, 7, 9, 70),
        (12, 7, 70, 65),
        (30, 32, 12, 128),
    ]
]

# The cases whose speed is promised.
FORWARD = [
    Case("lstm", 100, 1, 128, 128),
    Case("lstm", 100, 32, 128, 128),
    Case("gru", 100, 1, 128, 128),
    Case("gru", 100, 32, 128, 128),
    Case("rnn_tanh", 100, 1, 128, 128),
    Case("rnn_tanh", 100, 32, 128, 128),
]
CONVOLUTIONS = [Case("conv1d", 100, 32, 64, 64, 3), Case("conv1d", 1000, 1, 16, 32, 5)]
TRAINING = [Case("lstm", 50, 32, 32, 128), Case("gru", 50, 32, 32, 128), Case("rnn_tanh", 50, 32, 32, 128)]
