"""Drawn layers run through the core, forward and backward, by the names of what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from arrangements import room_for
from drawing import Arguments, Drawn, make_arguments
from helpers import Array, num_threads

import fastlstm as fl
from fastlstm import _core

Found = dict[str, Array]
BY_ROW = ("y", "h_n", "c_n", "dx", "dh_0", "dc_0")  # what each row of a batch has its own part of


@contextmanager
def running(isa: str, threads: int) -> Iterator[None]:
    """On that instruction set and so many threads."""
    before = fl.active_isa()
    fl.set_isa(isa)
    try:
        with num_threads(threads):
            yield
    finally:
        fl.set_isa(before)


def on(drawn: Drawn) -> Any:
    return running(drawn.isa, drawn.threads)


def pack(a: Arguments) -> _core.Weights:
    return _core.Weights(a.drawn.cell, **a.weights, **a.drawn.options)


def present(**arrays: Array | None) -> Found:
    return {name: array for name, array in arrays.items() if array is not None}


def infer(a: Arguments, y: Array) -> Found:
    h_n, c_n = _core.forward(pack(a), a.x, a.h_0, a.c_0, y, reverse=a.drawn.reverse, **a.steps)
    return present(y=y, h_n=h_n, c_n=c_n)


def train_forward(a: Arguments, y: Array | None = None, **bounds: int) -> tuple[Found, _core.Tape]:
    options = {"reverse": a.drawn.reverse, "recurrent_masks": a.masks, **a.steps, **bounds}
    h_n, c_n, tape = _core.forward_training(pack(a), a.x, a.h_0, a.c_0, y, **options)
    return present(y=y, h_n=h_n, c_n=c_n), tape


def pull_back(a: Arguments, tape: _core.Tape, rooms: Found) -> Found:
    dh_0, dc_0 = _core.backward(tape, a.dy, a.dh_n, a.dc_n, **rooms)
    return rooms | present(dh_0=dh_0, dc_0=dc_0)


def gradient_rooms(a: Arguments, dx: str = "plain", matrices: str = "plain") -> Found:
    """Arrays for the gradients: dx and those of weight matrices arranged so."""
    rooms = {"dx": room_for(a.x, dx)}
    return rooms | {f"d{n}": room_for(w, matrices if w.ndim == 2 else "plain") for n, w in a.weights.items()}


def norm_rooms(a: Arguments) -> Found:
    """Arrays for the norms of the gradients of states."""
    names = ("dh_norms",) if a.c_0 is None else ("dh_norms", "dc_norms")
    return {name: np.full(a.x.shape[:2], np.nan) for name in names}


def train(a: Arguments, **bounds: int) -> Found:
    """Values and gradients, within the bounds of a tape."""
    values, tape = train_forward(a, np.full_like(a.dy, np.nan), **bounds)
    return values | pull_back(a, tape, gradient_rooms(a))


def by_one_thread(a: Arguments) -> Found:
    """What everything else must be: values and gradients by one thread, of plain arrays."""
    with running(a.drawn.isa, 1):
        return train(a)


def prepared(drawn: Drawn) -> tuple[Arguments, Found]:
    arguments = make_arguments(drawn)
    return arguments, by_one_thread(arguments)


def rows_of(found: Found, picked: list[int]) -> Found:
    return {name: found[name][..., picked, :] for name in BY_ROW if name in found}


def assert_same(got: Found, wanted: Found) -> None:
    """The same bits of every array that both have; what is not a number in one is none in the other."""
    assert got.keys() & wanted.keys()
    for name in sorted(got.keys() & wanted.keys()):
        np.testing.assert_array_equal(got[name], wanted[name], err_msg=name)
