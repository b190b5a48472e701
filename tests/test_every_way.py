"""The same bits whichever way a layer is computed, everything crossed: threads, batches, pieces of time, processes.

A layer is drawn, any cell with any options, and a few ways to compute it: on some threads, more than there are
processors perhaps, in batches of some rows in some order, in pieces of time that hand their states on, with some tape
in training, here, in a forked or in a spawned process. All must have the bits of one call by one thread.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from drawing import Arguments, Drawn, draw_layer, make_arguments
from hypothesis import strategies as st
from running import BY_ROW, Found, assert_same, by_one_thread, infer, running, train, train_forward
from seeds import for_all

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

THREADS = [1, 2, 3, 4, 8, 16, 64]
WAYS = 4  # for each layer


@dataclass(frozen=True)
class Way:
    """How to compute a layer: rows of each batch, steps at which time is cut, bounds of a tape, and where."""

    threads: int
    batches: list[list[int]]
    cuts: list[int]
    bounds: dict[str, int] = field(default_factory=dict)
    place: str = "here"


def draw_way(rng: Random, drawn: Drawn) -> Way:
    T, N = drawn.sizes.T, drawn.sizes.N
    rows = rng.sample(range(N), N) if rng.random() < 0.7 else [*range(N)]
    ends = sorted({0, N, *rng.choices(range(N + 1), k=rng.randint(0, 3))})
    batches = [rows[start:end] for start, end in pairwise(ends)] or [[]]
    cuts = [0, *sorted(rng.choices(range(T + 1), k=rng.randint(0, 3))), T]
    bounds = rng.choice([{}, {"checkpoint_every": rng.randint(1, 9)}])
    place = rng.choice(["here", "here", "spawned", *(["forked"] if hasattr(os, "fork") else [])])
    return Way(rng.choice(THREADS), batches, cuts, bounds, place)


def draw_case(seed: int, teams: bool) -> tuple[Drawn, list[Way]]:
    rng = Random(seed)
    drawn = draw_layer(rng, teams, 0)
    return drawn, [draw_way(rng, drawn) for _ in range(WAYS)]


# --- Pieces of time ---------------------------------------------------------------------------------------------------


def piece(a: Arguments, start: int, end: int, state: Found) -> Arguments:
    """Some steps of a layer, from the state in which the ones before ended."""
    steps = dict(a.steps)
    if "lengths" in steps:
        steps["lengths"] = np.clip(steps["lengths"] - start, 0, end - start)
    if "mask" in steps:
        steps["mask"] = steps["mask"][start:end]
    begins = {"h_0": state["h_n"], "c_0": state.get("c_n")} if state else {}
    return replace(a, x=a.x[start:end], dy=a.dy[start:end], steps=steps, **begins)


def values_of(a: Arguments) -> Found:
    if a.drawn.masked:  # recurrent masks are for training
        return train_forward(a, np.full_like(a.dy, np.nan))[0]
    return infer(a, np.full_like(a.dy, np.nan))


def in_pieces(a: Arguments, cuts: list[int]) -> Found:
    """Values of all steps; in the reverse direction the last piece comes first."""
    pairs = [*pairwise(cuts)]
    state, y = Found(), np.full_like(a.dy, np.nan)
    for start, end in reversed(pairs) if a.drawn.reverse else pairs:
        state = values_of(piece(a, start, end, state))
        y[start:end] = state["y"]
    return state | {"y": y}


# --- Batches and processes --------------------------------------------------------------------------------------------


def joined(parts: list[Found], batches: list[list[int]]) -> Found:
    """What batches gave, row by row, in the order of the rows."""
    order = np.argsort(np.concatenate([np.asarray(rows, int) for rows in batches]), kind="stable")
    names = [name for name in BY_ROW if name in parts[0]]
    return {name: np.concatenate([part[name] for part in parts], axis=-2)[..., order, :] for name in names}


def compute(drawn: Drawn, way: Way) -> tuple[Found, Found]:
    """Values in pieces, and values and gradients of a training; those of weights where all rows are in one batch."""
    arguments = make_arguments(drawn)
    with running(drawn.isa, way.threads):
        parts = [arguments.rows(rows) for rows in way.batches]
        values = joined([in_pieces(part, way.cuts) for part in parts], way.batches)
        trained = [train(part, **way.bounds) for part in parts]
    whole = way.batches == [[*range(drawn.sizes.N)]]
    return values, trained[0] if whole else joined(trained, way.batches)


@pytest.fixture(autouse=True, scope="module")
def _spawned() -> Iterator[None]:
    """A process that is started where one is first needed, and waits for more work."""
    yield
    while SPAWNED:
        SPAWNED.pop().terminate()


SPAWNED = list[Any]()


def by_spawned(work: Callable[..., Any], *given: Any) -> Any:
    if not SPAWNED:
        SPAWNED.append(multiprocessing.get_context("spawn").Pool(1))
    return SPAWNED[0].apply(work, given)


def by_forked(work: Callable[..., Any], *given: Any) -> Any:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(work, given)


PLACES: dict[str, Callable[..., Any]] = {
    "here": lambda work, *given: work(*given),
    "forked": by_forked,
    "spawned": by_spawned,
}


def check_ways(drawn: Drawn, ways: list[Way]) -> None:
    wanted = by_one_thread(make_arguments(drawn))
    for way in ways:
        values, trained = PLACES[way.place](compute, drawn, way)
        assert_same(values, wanted)
        assert_same(trained, wanted)


@st.composite
def cases(draw: st.DrawFn, teams: bool = False) -> tuple[Drawn, list[Way]]:
    return draw_case(draw(st.integers(0, 2**24 - 1)), teams)


@for_all(25, case=cases())
def test_ways(case: tuple[Drawn, list[Way]]) -> None:
    check_ways(*case)


@for_all(3, case=cases(teams=True))
def test_ways_of_teams(case: tuple[Drawn, list[Way]]) -> None:
    check_ways(*case)
