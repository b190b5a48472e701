"""Layers drawn at random: any cell with any options, in sizes that reach every way of sharing work among threads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np
from helpers import Array
from hypothesis import strategies as st

import fastlstm as fl

GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "rnn_tanh": 1, "rnn_relu": 1, "rnn": 1}
COUNTS = [2, 3, 5, 8]  # of threads; more than there are processors always come together
BOUNDED = [("sigmoid", 0, 0), ("hard_sigmoid", 0.2, 0.5), ("tanh", 0, 0), ("softsign", 0, 0), ("scaled_tanh", 0.9, 0.6)]
FUNCTIONS = [
    *BOUNDED,
    *[("affine", 0.7, -0.2), ("relu", 0, 0), ("leaky_relu", 0.3, 0), ("thresholded_relu", 0.4, 0), ("elu", 0.8, 0)],
    *[("softplus", 0, 0), ("exponential", 0, 0), ("selu", 0, 0), ("silu", 0, 0)],
]


@dataclass(frozen=True)
class Sizes:
    """T steps, N rows, I inputs, H hidden units."""

    T: int
    N: int
    I: int
    H: int


@dataclass(frozen=True)
class Drawn:
    """A recurrent layer in one direction, and how it is run."""

    cell: str
    sizes: Sizes
    dtype: str
    threads: int
    isa: str
    options: dict[str, Any] = field(default_factory=dict)
    projection: int = 0
    peepholes: bool = False
    biases: tuple[bool, bool] = (True, True)  # whether there is a bias, and a recurrent bias
    masked: bool = False  # recurrent masks
    skip: str = "nothing"  # or "lengths", "mask"
    reverse: bool = False

    @property
    def gates(self) -> int:
        return GATES[self.cell]

    @property
    def lanes(self) -> int:
        """Of the widest packet there is."""
        return 64 // np.dtype(self.dtype).itemsize

    @property
    def state_size(self) -> int:
        return self.projection or self.sizes.H


@dataclass(frozen=True)
class Arguments:
    """Random arrays for a layer; `steps` has the lengths or the mask."""

    drawn: Drawn
    weights: dict[str, Array]
    x: Array
    h_0: Array
    c_0: Array | None
    masks: Array | None
    dy: Array
    dh_n: Array
    dc_n: Array | None
    steps: dict[str, Array]

    def rows(self, picked: list[int]) -> Arguments:
        """Some rows of the batch, in any order and any number of times."""
        by_row = {n: getattr(self, n) for n in ("x", "h_0", "c_0", "masks", "dy", "dh_n", "dc_n")}
        part = {name: None if a is None else a[..., picked, :] for name, a in by_row.items()}
        return replace(self, **part, steps={name: a[..., picked] for name, a in self.steps.items()})


# --- Sizes ------------------------------------------------------------------------------------------------------------


def odd_sizes(rng: Random, least: int) -> Sizes:
    """Around the widths of packets and tiles."""
    most = rng.choice([20, 70])
    return Sizes(rng.randint(least, 9), rng.randint(least, 20), rng.randint(1, most), rng.randint(1, most))


def _steps_of_chunks(d: Drawn, N: int, H: int) -> int:
    """Enough for several of backward's chunks: rows whose gate gradients are gathered before their sums are taken."""
    numbers = (H + d.lanes) * (1 if d.gates == 1 else 4)
    return 3 * max(192, 384 * 1024 // (numbers * np.dtype(d.dtype).itemsize)) // N + 1


def row_team(rng: Random, d: Drawn, chunks: bool) -> Sizes:
    """Enough rows for every thread, and over two million multiply-adds."""
    N, H = 8 * d.threads + rng.randint(0, 20), rng.randint(33, 130)
    T = _steps_of_chunks(d, N, H) if chunks else rng.randint(3, 8)
    return Sizes(T, N, rng.randint(1, 70) + int(2e6 / (d.gates * H * T * N)), H)


def unit_team(rng: Random, d: Drawn, chunks: bool) -> Sizes:
    """Few rows, and so many units and inputs that a barrier at every visit is worth it."""
    N, H = rng.randint(1, 7), 4 * d.lanes * d.threads + rng.randint(1, 40)
    T = _steps_of_chunks(d, N, H) if chunks else 40 // N + rng.randint(1, 5)  # fewer steps are not worth it
    barrier = 33_000 / (N * H) + 140 * (1 + d.gates)  # see cpp/layers/plan.cpp
    running = 1.0 if d.skip == "nothing" else 0.5  # of the rows
    return Sizes(T, N, max(0, int(d.threads * barrier / d.gates / running) - H) + rng.randint(1, 70), H)


def _affordable(d: Drawn) -> bool:
    work = d.gates * d.sizes.H * (d.sizes.I + d.sizes.H) * d.sizes.T * d.sizes.N
    return work * np.dtype(d.dtype).itemsize / 4 * (4 if d.isa == "baseline" else 1) < 6e8


# --- Layers -----------------------------------------------------------------------------------------------------------


def _cell_options(rng: Random, cell: str) -> dict[str, Any]:
    """Activations, clip, coupled gates; half of the cells have none."""
    if cell.startswith("rnn_") or (cell != "rnn" and rng.random() < 0.5):
        return {}
    candidates = {"lstm": 2, "gru": 1, "gru_reset_before": 1}.get(cell, 0)
    first = rng.choice(FUNCTIONS if cell == "rnn" else BOUNDED)
    options: dict[str, Any] = {}
    if cell == "rnn" or rng.random() < 0.7:
        options["activations"] = [first, *rng.choices(FUNCTIONS, k=candidates)]
    if rng.random() < 0.3 or "exponential" in str(options):
        options["clip"] = rng.choice([0.6, 1.5])
    return options | ({"input_forget": True} if cell == "lstm" and rng.random() < 0.3 else {})


def _without_sizes(rng: Random) -> Drawn:
    cell = rng.choice([*GATES, "lstm"])
    projection = rng.choice([0, 1, 3, 9, 33, 70]) if cell == "lstm" else 0
    return Drawn(
        cell,
        Sizes(0, 0, 0, 0),
        dtype=rng.choice(["float32", "float64"]),
        threads=rng.choice(COUNTS),
        isa=rng.choice(fl.available_isas()),
        options=_cell_options(rng, cell),
        projection=projection,
        peepholes=cell == "lstm" and rng.random() < 0.25,
        biases=(rng.random() < 0.75, rng.random() < 0.75),
        masked=not projection and rng.random() < 0.25,
        skip=rng.choice(["nothing", "nothing", "lengths", "mask"]),
        reverse=rng.random() < 0.5,
    )


def draw_layer(rng: Random, teams: bool, least: int) -> Drawn:
    team, chunks = rng.choice([row_team, unit_team]), rng.random() < 0.5
    while True:
        drawn = _without_sizes(rng)
        drawn = replace(drawn, sizes=team(rng, drawn, chunks) if teams else odd_sizes(rng, least))
        if _affordable(drawn):
            return drawn


@st.composite
def layers(draw: st.DrawFn, teams: bool = False, least: int = 0) -> Drawn:
    """Any layer; with `teams`, of sizes whose work its threads share; otherwise T and N are at least `least`.

    Hypothesis likes small numbers, and to vary an example in one place. Here every layer is as likely as another.
    """
    return draw_layer(Random(draw(st.integers(0, 2**24 - 1))), teams, least)


def draw_stack(rng: Random, teams: bool) -> list[list[Drawn]]:
    """One to three layers on top of each other, each of one or two directions that may be unlike."""
    first, directions, stack = replace(draw_layer(rng, teams, 0), masked=False), rng.choice([1, 2]), list[list[Drawn]]()
    shared = {name: getattr(first, name) for name in ("dtype", "threads", "isa", "skip")}
    for _ in range(rng.randint(1, 3)):
        I = sum(d.state_size for d in stack[-1]) if stack else first.sizes.I
        sizes = [
            replace(first.sizes, I=I, H=rng.choice([first.sizes.H, rng.randint(1, 70)])) for _ in range(directions)
        ]
        stack.append([replace(_without_sizes(rng), sizes=s, masked=False, **shared) for s in sizes])
    return stack


@st.composite
def stacks(draw: st.DrawFn, teams: bool = False) -> list[list[Drawn]]:
    """Layers for one call: `draw_stack` from a random seed, as `layers`."""
    return draw_stack(Random(draw(st.integers(0, 2**24 - 1))), teams)


# --- Arrays -----------------------------------------------------------------------------------------------------------

_NUMBERS = np.random.default_rng(0).standard_normal(2**20 + 7)


class Numbers:
    """Normal numbers, as many as the tests want: the same million again and again, which takes no time."""

    def __init__(self, dtype: str, seed: int = 0) -> None:
        self.dtype, self.at = dtype, 977 * seed

    def __call__(self, *shape: int, scale: float = 1.0) -> Array:
        size, first = int(np.prod(shape)), self.at % 10_007
        self.at += size + 1
        found = _NUMBERS[first : first + size] if first + size <= _NUMBERS.size else np.resize(_NUMBERS, size)
        return (scale * found).reshape(shape).astype(self.dtype)


def _weights(drawn: Drawn, draw: Numbers) -> dict[str, Array]:
    rows, I, H, S = drawn.gates * drawn.sizes.H, drawn.sizes.I, drawn.sizes.H, drawn.state_size
    found = {"weight_ih": draw(rows, I, scale=I**-0.5), "weight_hh": draw(rows, S, scale=0.9 * S**-0.5)}
    if drawn.biases[0]:
        found["bias"] = draw(rows, scale=0.5)
    if drawn.biases[1]:
        found["recurrent_bias"] = draw(rows, scale=0.5)
    if drawn.projection:
        found["weight_hr"] = draw(S, H, scale=H**-0.5)
    if drawn.peepholes:
        found["peepholes"] = draw(3 * H, scale=0.7)
    return found


def make_arguments(drawn: Drawn) -> Arguments:
    T, N, I, H, S = drawn.sizes.T, drawn.sizes.N, drawn.sizes.I, drawn.sizes.H, drawn.state_size
    draw, rng, lstm = Numbers(drawn.dtype), np.random.default_rng([T, N, I, H]), drawn.cell == "lstm"
    steps = {"lengths": rng.integers(0, T + 1, N), "mask": rng.random((T, N)) < 0.7}
    return Arguments(
        drawn,
        _weights(drawn, draw),
        x=draw(T, N, I),
        h_0=draw(N, S),
        c_0=draw(N, H) if lstm else None,
        masks=((rng.random((drawn.gates, N, H)) < 0.7) / 0.7).astype(drawn.dtype) if drawn.masked else None,
        dy=draw(T, N, S),
        dh_n=draw(N, S),
        dc_n=draw(N, H) if lstm else None,
        steps={name: value for name, value in steps.items() if name == drawn.skip},
    )
