"""The compiled layer and its reference behind the same two functions, and comparison by the tolerance table."""

from __future__ import annotations

import functools
import gc
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from cases import Case, Problem, make_problem
from numpy.typing import NDArray
from tolerances import TOLERANCE

import fastlstm as fl
from fastlstm import _core, reference

Array = NDArray[np.floating]
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
"""What keeps programs from the network: a proxy where nobody listens."""


class Values(NamedTuple):
    """What a forward pass gives."""

    y: Array
    h_n: Array
    c_n: Array | None


class Gradients(NamedTuple):
    """What a backward pass gives."""

    x: Array
    h_0: Array
    c_0: Array | None
    weight_ih: Array
    weight_hh: Array
    bias: Array
    recurrent_bias: Array | None


def pack(problem: Problem) -> _core.Weights:
    arguments = (problem.weight_ih, problem.weight_hh, problem.bias, problem.recurrent_bias)
    return _core.Weights(problem.case.cell, *arguments)


def kernel_forward(problem: Problem, weights: _core.Weights | None = None, **options: Any) -> Values:
    y = np.full(problem.dy.shape, np.nan, problem.dy.dtype)
    h_n, c_n = _core.forward(weights or pack(problem), problem.x, problem.h_0, problem.c_0, y, **options)
    return Values(y, h_n, c_n)


def kernel_backward(problem: Problem, **options: Any) -> tuple[Values, Gradients]:
    y = np.full(problem.dy.shape, np.nan, problem.dy.dtype)
    h_n, c_n, tape = _core.forward_training(pack(problem), problem.x, problem.h_0, problem.c_0, y, **options)
    return Values(y, h_n, c_n), run_pullback(problem, tape)


def run_pullback(problem: Problem, tape: _core.Tape) -> Gradients:
    like = (problem.x, problem.weight_ih, problem.weight_hh, problem.bias, problem.recurrent_bias)
    dx, *dparameters = (None if a is None else np.full(a.shape, np.nan, a.dtype) for a in like)
    dh_0, dc_0 = _core.backward(tape, problem.dy, problem.dh_n, problem.dc_n, dx, *dparameters)
    return Gradients(dx, dh_0, dc_0, *dparameters)


def reference_forward(problem: Problem, **options: Any) -> Values:
    arguments = (problem.x, problem.weight_ih, problem.weight_hh, problem.bias)
    if problem.case.cell == "lstm":
        return Values(*reference.lstm(*arguments, problem.h_0, problem.c_0, **options))
    if problem.case.cell.startswith("gru"):
        options["reset_after"] = problem.case.cell == "gru"
        return Values(*reference.gru(*arguments, problem.recurrent_bias, problem.h_0, **options), None)
    kind = problem.case.cell.removeprefix("rnn_")
    return Values(*reference.rnn(*arguments, problem.h_0, nonlinearity=kind, **options), None)


def reference_backward(problem: Problem, **options: Any) -> Gradients:
    found = reference_gradients(problem, **options)
    return Gradients(*(getattr(found, name) for name in Gradients._fields))


def reference_gradients(problem: Problem, **options: Any) -> reference.Gradients:
    """All that the reference gives, norms too."""
    arguments = (problem.x, problem.weight_ih, problem.weight_hh, problem.bias)
    if problem.case.cell == "lstm":
        seeds = {"dy": problem.dy, "dh_n": problem.dh_n, "dc_n": problem.dc_n}
        return reference.lstm_backward(*arguments, problem.h_0, problem.c_0, **seeds, **options)
    if problem.case.cell.startswith("gru"):
        seeds = {"dy": problem.dy, "dh_n": problem.dh_n, "reset_after": problem.case.cell == "gru"}
        found = reference.gru_backward(*arguments, problem.recurrent_bias, problem.h_0, **seeds, **options)
        return found if problem.recurrent_bias is not None else found._replace(recurrent_bias=None)
    kind = problem.case.cell.removeprefix("rnn_")
    seeds = {"dy": problem.dy, "dh_n": problem.dh_n, "nonlinearity": kind}
    return reference.rnn_backward(*arguments, problem.h_0, **seeds, **options)


def options_of(problem: Problem, ragged: bool, reverse: bool) -> dict[str, Any]:
    return ({"lengths": problem.lengths} if ragged else {}) | {"reverse": reverse}


@functools.cache
def expected(case: Case, dtype: str, ragged: bool = False, reverse: bool = False) -> tuple[Values, Gradients]:
    """What the reference gives for a problem: worked out once, for every instruction set."""
    problem = make_problem(case, dtype)
    options = options_of(problem, ragged, reverse)
    return reference_forward(problem, **options), reference_backward(problem, **options)


def assert_agree(got: Values | Gradients, wanted: Values | Gradients, dtype: str) -> None:
    """Every array within the tolerance of its kind, and with the shape and dtype it should have."""
    tolerance = TOLERANCE[dtype, "value" if isinstance(got, Values) else "gradient"]
    for name, g, w in zip(got._fields, got, wanted, strict=True):
        if w is None:
            assert g is None, name
            continue
        assert g.shape == w.shape, name
        assert g.dtype == dtype, name
        if w.size:
            scale = max(1.0, float(np.abs(w).max()))
            np.testing.assert_allclose(g, w, rtol=0, atol=tolerance * scale, err_msg=name)


def assert_same_bits(got: Values | Gradients, wanted: Values | Gradients) -> None:
    for name, g, w in zip(got._fields, got, wanted, strict=True):
        if w is not None:
            np.testing.assert_array_equal(g, w, err_msg=name)


def resident_bytes() -> int:
    """Memory of this process that is in use, where there is a /proc."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_of(work: Callable[[], object]) -> int:
    """Bytes that Python and NumPy held at most while `work` ran, beyond what they held before.

    The least of three runs: what threads of the test's runner allocate meanwhile counts as well. Garbage is not
    collected: that empties the lists of free dictionaries and frames, which Python refills, and calls `gc.callbacks`,
    of which hypothesis has one.
    """
    gc.disable()
    try:
        work()
        return min([_traced_peak(work) for _ in range(3)])
    finally:
        gc.enable()


def _traced_peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Compute with this many threads for the time of a block."""
    before = fl.get_num_threads()
    fl.set_num_threads(n)
    try:
        yield
    finally:
        fl.set_num_threads(before)
