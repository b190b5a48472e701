"""Stacks: several layers or directions in one call give the bits of one layer and direction after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cases import CELLS
from helpers import num_threads
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import fastlstm as fl
from fastlstm import _core

Array = NDArray[np.floating]
State = tuple[Array | None, Array | None]
GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "rnn_tanh": 1, "rnn_relu": 1}


@dataclass(frozen=True)
class Shape:
    """A stack: the cell and hidden size of every layer; T steps, N rows, I inputs, D directions."""

    layers: tuple[tuple[str, int], ...]
    T: int
    N: int
    I: int
    D: int


@dataclass(frozen=True)
class Stack:
    """Weights and arguments of `_core.forward_stack`."""

    shape: Shape
    weights: list[_core.Weights]
    x: Array
    states: list[State]
    lengths: NDArray[np.int64]
    mask: NDArray[np.bool_]


def make_stack(shape: Shape, dtype: str = "float32") -> Stack:
    rng = np.random.default_rng(0)

    def draw(*sizes: int, scale: float = 1.0) -> Array:
        return (scale * rng.standard_normal(sizes)).astype(dtype)

    weights, states, inputs = [], list[State](), shape.I
    for cell, H in shape.layers:
        rows = GATES[cell] * H
        for _ in range(shape.D):
            arrays = draw(rows, inputs, scale=inputs**-0.5), draw(rows, H, scale=0.9 * H**-0.5), draw(rows, scale=0.5)
            weights.append(_core.Weights(cell, *arrays))
            states.append((draw(shape.N, H), draw(shape.N, H) if cell == "lstm" else None))
        inputs = H * shape.D
    x, lengths = draw(shape.T, shape.N, shape.I), rng.integers(0, shape.T + 1, shape.N)
    return Stack(shape, weights, x, states, lengths, rng.random((shape.T, shape.N)) < 0.7)


def outputs_of(stack: Stack) -> tuple[Array, list[Array]]:
    """A (T, N, D*H) array and the part of every direction."""
    D, H = stack.shape.D, stack.weights[-1].hidden_size
    y = np.full((*stack.x.shape[:2], D * H), np.nan, stack.x.dtype)
    return y, [y[..., d * H : (d + 1) * H] for d in range(D)]


def together(stack: Stack, states: bool = True, **options: Any) -> tuple[Array, list[State]]:
    y, parts = outputs_of(stack)
    return y, _core.forward_stack(stack.weights, stack.x, stack.states if states else None, parts, **options)


def in_turn(stack: Stack, states: bool = True, **options: Any) -> tuple[Array, list[State]]:
    y, final, D = stack.x, list[State](), stack.shape.D
    for first in range(0, len(stack.weights), D):
        parts = []
        for k in range(first, first + D):
            parts.append(np.empty((*y.shape[:2], stack.weights[k].hidden_size), y.dtype))
            state = stack.states[k] if states else (None, None)
            final.append(_core.forward(stack.weights[k], y, *state, parts[-1], reverse=k > first, **options))
        y = np.concatenate(parts, axis=-1)
    return y, final


def assert_same(got: tuple[Array, list[State]], wanted: tuple[Array, list[State]]) -> None:
    np.testing.assert_array_equal(got[0], wanted[0])
    assert len(got[1]) == len(wanted[1])
    for state, wanted_state in zip(got[1], wanted[1], strict=True):
        for part, wanted_part in zip(state, wanted_state, strict=True):
            np.testing.assert_array_equal(part, wanted_part)  # None is None


layers = st.lists(st.tuples(st.sampled_from(CELLS), st.integers(1, 70)), min_size=1, max_size=4).map(tuple)
shapes = st.builds(Shape, layers, st.integers(0, 150), st.integers(0, 9), st.integers(1, 70), st.integers(1, 2))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=shapes,
    dtype=st.sampled_from(["float32", "float64"]),
    skip=st.sampled_from(["nothing", "lengths", "mask"]),
    states=st.booleans(),
    count=st.integers(1, 6),
)
def test_any_stack(isa: str, shape: Shape, dtype: str, skip: str, states: bool, count: int) -> None:
    stack = make_stack(shape, dtype)
    options = {} if skip == "nothing" else {skip: getattr(stack, skip)}
    wanted = in_turn(stack, states, **options)
    with num_threads(count):
        assert_same(together(stack, states, **options), wanted)


WAYS = {
    "one thread": Shape((("lstm", 8),) * 2, 5, 2, 8, 1),
    "pipeline": Shape((("lstm", 96),) * 4, 300, 1, 96, 1),
    "pipeline of unlike layers": Shape((("gru", 130), ("rnn_relu", 1), ("gru_reset_before", 33)), 257, 3, 7, 1),
    "sides of one thread": Shape((("lstm", 96), ("gru", 64)), 100, 2, 32, 2),
    "sides that split units": Shape((("gru_reset_before", 600),), 9, 1, 200, 2),
    "sides that split rows": Shape((("lstm", 40),), 20, 50, 40, 2),
    "in turn, splitting rows": Shape((("lstm", 40),) * 3, 20, 50, 40, 1),
    "in turn, splitting units": Shape((("lstm", 700),) * 2, 3, 1, 300, 1),
}


@pytest.mark.parametrize("shape", WAYS.values(), ids=WAYS)
def test_every_way_has_the_same_bits(isa: str, shape: Shape) -> None:
    stack = make_stack(shape)
    wanted, wanted_ragged = in_turn(stack), in_turn(stack, lengths=stack.lengths)
    for count in (1, 2, 3, 4, 5, 8):
        with num_threads(count):
            assert_same(together(stack), wanted)
            assert_same(together(stack, lengths=stack.lengths), wanted_ragged)


def test_outputs_that_nobody_wants() -> None:
    for D in (1, 2):
        stack = make_stack(Shape((("lstm", 64),) * 2, 60, 2, 32, D))
        y, final = in_turn(stack)
        unwanted = np.full_like(y, np.nan), _core.forward_stack(stack.weights, stack.x, stack.states, [None] * D)
        assert_same((y, unwanted[1]), (y, final))


def test_directions_of_different_sizes() -> None:
    wide, narrow = (make_stack(Shape((("lstm", H),), 50, 3, 20, 1)) for H in (90, 40))
    weights = [*wide.weights, *narrow.weights]
    wanted = [np.empty((50, 3, H), "float32") for H in (90, 40)]
    states = [_core.forward(weights[d], wide.x, y=wanted[d], reverse=d == 1) for d in range(2)]
    ys = [np.empty_like(y) for y in wanted]
    with num_threads(2):
        final = _core.forward_stack(weights, wide.x, None, ys)
    for y, w, state, wanted_state in zip(ys, wanted, final, states, strict=True):
        assert_same((y, [state]), (w, [wanted_state]))


@pytest.mark.parametrize("kind", [fl.LSTM, fl.GRU, fl.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_layers_call_is_its_training_forward(threads: int, kind: type, bidirectional: bool) -> None:
    layer = kind(24, 64, num_layers=3, bidirectional=bidirectional, batch_first=True, seed=0)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, 50, 24)).astype("float32")
    lengths = np.array([50, 0, 17])
    (wanted, wanted_state), _ = layer.vjp(x, lengths=lengths)
    y, state = layer(x, lengths=lengths)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(np.asarray(state), np.asarray(wanted_state))


def test_calls_from_many_threads() -> None:
    """Those that find the pool busy run alone."""
    for D in (1, 2):
        stack = make_stack(Shape((("lstm", 64),) * 3, 100, 1, 64, D))
        wanted = in_turn(stack)
        with num_threads(2), ThreadPoolExecutor(6) as pool:
            for got in pool.map(lambda _, stack=stack: together(stack), range(48)):
                assert_same(got, wanted)


LONG_CALL = """
import sys, numpy as np
from fastlstm import _core
def weights(I, H):
    return _core.Weights("lstm", np.full((4 * H, I), 0.01, "f"), np.full((4 * H, H), 0.01, "f"))
stack, D = {stack}
x = np.broadcast_to(np.ones((1, 1, 64), "f"), (20_000_000, 2, 64))
print("started", flush=True)
try:
    _core.forward_stack(stack, x, None, [None] * D)
except KeyboardInterrupt:
    print("interrupted", np.isfinite(_core.forward_stack(stack, x[:10], None, [None] * D)[0][0]).all(), flush=True)
"""


# The calling thread has the first layer or direction; the small ones leave it to wait for the other thread.
@pytest.mark.slow
@pytest.mark.parametrize(
    "stack",
    [
        "[weights(64, 128), weights(128, 128), weights(128, 64)], 1",
        "[weights(64, 8), weights(8, 256)], 1",
        "[weights(64, 128)] * 2, 2",
        "[weights(64, 8), weights(64, 256)], 2",
    ],
)
@pytest.mark.parametrize("count", ["1", "2", "4"])
def test_ctrl_c_ends_a_long_call(stack: str, count: str) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", LONG_CALL.format(stack=stack)],
        env={**os.environ, "FASTLSTM_NUM_THREADS": count},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "started\n"
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    try:
        assert run.communicate(timeout=30)[0] == "interrupted True\n"
    finally:
        run.kill()


def test_impossible_sizes_raise_and_leave_the_pool_free() -> None:
    stack = make_stack(Shape((("lstm", 64),) * 2, 100, 1, 64, 2))
    huge = np.broadcast_to(stack.x[:1], (2**45, 2**5, 64))
    with num_threads(2):
        with pytest.raises(MemoryError, match=r"could not allocate \d+ bytes"):
            _core.forward_stack(stack.weights, huge, None, [None] * 2)
        assert_same(together(stack), in_turn(stack))


def peak_bytes() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.parametrize("count", [1, 2])
def test_a_pipeline_needs_no_memory_for_all_steps(count: int) -> None:
    """Between two layers would lie a quarter of a gigabyte."""
    stack = make_stack(Shape((("rnn_tanh", 16),) * 3, 1, 1, 4, 1))
    long = np.broadcast_to(stack.x, (4_000_000, 1, 4))
    with num_threads(count):
        _core.forward_stack(stack.weights, long[:10_000], None, [None])
        before = peak_bytes()
        _core.forward_stack(stack.weights, long, None, [None])
    assert peak_bytes() - before < 8 * 2**20


ONE = make_stack(Shape((("lstm", 5), ("gru", 6)), 7, 3, 4, 1))
TWO = make_stack(Shape((("lstm", 5),), 7, 3, 4, 2))
DOUBLE = make_stack(ONE.shape, "float64")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weights": []}, ValueError, "weights must hold 1 for each layer, got 0"),
        ({"weights": [None]}, TypeError, "weights must all be Weights, got None"),
        ({"weights": ONE.weights, "y": [None, None]}, ValueError, r"weights\[1\] must have input size 4, got 5"),
        ({"weights": ONE.weights[::-1]}, ValueError, r"weights\[1\] must have input size 6, got 4"),
        ({"weights": TWO.weights * 2 + ONE.weights[1:], "y": [None] * 2}, ValueError, "hold 2 for each layer, got 5"),
        ({"weights": [ONE.weights[0], DOUBLE.weights[1]]}, TypeError, "weights must all have the same dtype"),
        ({"x": ONE.x[0]}, ValueError, r"x must have shape \(any, any, 4\), got \(3, 4\)"),
        ({"x": DOUBLE.x}, TypeError, "x must have dtype float32, got float64"),
        ({"states": ONE.states[:1]}, ValueError, "states must hold a pair for each of 2 weights, got 1"),
        ({"states": ONE.states[::-1]}, ValueError, r"h_0\[0\] must have shape \(3, 5\), got \(3, 6\)"),
        ({"states": [ONE.states[0]] * 2}, ValueError, r"c_0\[1\] must be None: a gru layer has no cell state"),
        ({"y": []}, ValueError, "y must hold one array or None for each of 1 or 2 directions, got 0"),
        ({"y": [None] * 3}, ValueError, "y must hold one array or None for each of 1 or 2 directions, got 3"),
        ({"y": [np.zeros((7, 3, 5), "f")]}, ValueError, r"y\[0\] must have shape \(7, 3, 6\), got \(7, 3, 5\)"),
        ({"y": [np.zeros((7, 3, 6))]}, TypeError, r"y\[0\] must have dtype float32, got float64"),
        ({"lengths": np.array([8, 1, 1])}, ValueError, "between 0 and the number of steps 7, got 8 in row 0"),
        ({"mask": np.ones((7, 4), bool)}, ValueError, r"mask must have shape \(7, 3\), got \(7, 4\)"),
    ],
)
def test_wrong_arguments(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"weights": ONE.weights, "x": ONE.x, "states": None, "y": [None]}
    with pytest.raises(error, match=message):
        _core.forward_stack(**{**arguments, **change})
