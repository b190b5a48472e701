"""Wrong arguments to the compiled core: the right exception, naming argument, got and wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import Case, make_problem
from helpers import pack

from fastlstm import _core

PROBLEM = make_problem(Case("lstm", 6, 3, 4, 5))
WEIGHTS = pack(PROBLEM)
RNN = pack(make_problem(Case("rnn_tanh", 6, 3, 4, 5)))
GRU = pack(make_problem(Case("gru", 6, 3, 4, 5)))


def zeros(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ("cell", zeros(20, 4), zeros(20, 5)),
            ValueError,
            "cell must be 'lstm', 'gru', 'gru_reset_before', .*, got 'cell'",
        ),
        (("lstm", zeros(19, 4), zeros(20, 5)), ValueError, r"weight_ih must have shape \(20, any\), got \(19, 4\)"),
        (("lstm", zeros(20, 4), zeros(19, 5)), ValueError, r"weight_hh must have shape \(20, 5\), got \(19, 5\)"),
        (("lstm", zeros(20, 4), zeros(20)), ValueError, r"weight_hh must have shape \(any, any\), got \(20,\)"),
        (("lstm", zeros(0, 4), zeros(0, 0)), ValueError, "weight_hh must have at least one hidden unit"),
        (("lstm", zeros(20, 0), zeros(20, 5)), ValueError, "weight_ih must have at least one input"),
        (("lstm", zeros(20, 4), zeros(20, 5), zeros(21)), ValueError, r"bias must have shape \(20,\), got \(21,\)"),
        (("gru", zeros(20, 4), zeros(20, 5)), ValueError, r"weight_hh must have shape \(15, 5\), got \(20, 5\)"),
        (
            ("gru", zeros(15, 4), zeros(15, 5), None, zeros(5)),
            ValueError,
            r"recurrent_bias must have shape \(15,\), got",
        ),
        (("lstm", zeros(20, 4), zeros(20, 5, dtype="float64")), TypeError, "weight_hh must have dtype float32"),
        (("lstm", zeros(20, 4, dtype="int32"), zeros(20, 5)), TypeError, "float32 or float64, got int32"),
        (("lstm", zeros(20, 4, dtype="float16"), zeros(20, 5)), TypeError, "float32 or float64, got float16"),
    ],
)
def test_weights(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _core.Weights(*arguments)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": zeros(6, 3, 5)}, ValueError, r"x must have shape \(any, any, 4\), got \(6, 3, 5\)"),
        ({"x": zeros(6, 4)}, ValueError, r"x must have shape \(any, any, 4\), got \(6, 4\)"),
        ({"x": zeros(6, 3, 4, dtype="float64")}, TypeError, "x must have dtype float32, got float64"),
        ({"x": zeros(6, 3, 4, dtype="complex64")}, TypeError, "x must have dtype float32, got complex64"),
        ({"x": np.full((6, 3, 4), None)}, TypeError, "x must have dtype float32, got object"),
        ({"x": None}, TypeError, "x must be a NumPy array, got NoneType"),
        ({"x": [[[0.0]]]}, TypeError, "x must be a NumPy array, got list"),
        ({"h_0": zeros(1, 5)}, ValueError, r"h_0 must have shape \(3, 5\), got \(1, 5\)"),
        ({"c_0": zeros(3, 6)}, ValueError, r"c_0 must have shape \(3, 5\), got \(3, 6\)"),
        ({"h_0": zeros(3, 5, dtype="float64")}, TypeError, "h_0 must have dtype float32"),
        ({"y": zeros(6, 3, 6)}, ValueError, r"y must have shape \(6, 3, 5\), got \(6, 3, 6\)"),
        ({"y": zeros(6, 3, 5, dtype="float64")}, TypeError, "y must have dtype float32"),
        ({"y": zeros(6, 3, 10)[..., ::2]}, ValueError, "y must be aligned, .* no gaps in its last axis"),
        ({"y": np.broadcast_to(zeros(6, 3, 5), (6, 3, 5))}, ValueError, "y must be writeable"),
        ({"lengths": np.array([1, 7, 2])}, ValueError, "between 0 and the number of steps 6, got 7 in row 1"),
        ({"lengths": np.array([1, -1, 2])}, ValueError, "between 0 and the number of steps 6, got -1 in row 1"),
        ({"lengths": np.array([1, 2])}, ValueError, r"lengths must have shape \(3,\), got \(2,\)"),
        ({"lengths": np.array([1.0, 2.5, 3.0])}, TypeError, "lengths must be an array of whole numbers"),
        ({"lengths": [1, 2, 3]}, TypeError, "lengths must be an array of whole numbers"),
        ({"mask": np.ones((3, 6), bool)}, ValueError, r"mask must have shape \(6, 3\), got \(3, 6\)"),
        ({"mask": np.ones((6, 3), int)}, TypeError, "mask must have dtype bool, got int64"),
        ({"mask": np.ones((6, 3), bool), "lengths": np.ones(3, int)}, ValueError, "either lengths or mask, got both"),
    ],
)
def test_forward(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"x": PROBLEM.x, **change}
    for function in (_core.forward, _core.forward_training):
        with pytest.raises(error, match=message):
            function(WEIGHTS, **arguments)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"dy": zeros(6, 3, 4)}, ValueError, r"dy must have shape \(6, 3, 5\), got \(6, 3, 4\)"),
        ({"dh_n": zeros(3, 4)}, ValueError, r"dh_n must have shape \(3, 5\), got \(3, 4\)"),
        ({"dc_n": zeros(3, 5, dtype="float64")}, TypeError, "dc_n must have dtype float32"),
        ({"dx": zeros(6, 3, 5)}, ValueError, r"dx must have shape \(6, 3, 4\), got \(6, 3, 5\)"),
        ({"dweight_ih": zeros(4, 20)}, ValueError, r"dweight_ih must have shape \(20, 4\), got \(4, 20\)"),
        ({"dweight_hh": zeros(20, 4)}, ValueError, r"dweight_hh must have shape \(20, 5\), got \(20, 4\)"),
        ({"dbias": zeros(5)}, ValueError, r"dbias must have shape \(20,\), got \(5,\)"),
        ({"drecurrent_bias": zeros(5)}, ValueError, r"drecurrent_bias must have shape \(20,\), got \(5,\)"),
        ({"dbias": zeros(20, dtype=">f4")}, ValueError, "dbias must be aligned, in native byte order"),
    ],
)
def test_backward(change: dict[str, Any], error: type[Exception], message: str) -> None:
    _, _, tape = _core.forward_training(WEIGHTS, PROBLEM.x)
    with pytest.raises(error, match=message):
        _core.backward(tape, **change)


@pytest.mark.parametrize("weights", [RNN, GRU], ids=["rnn_tanh", "gru"])
def test_only_the_lstm_has_a_cell_state(weights: _core.Weights) -> None:
    with pytest.raises(ValueError, match=f"c_0 must be None: a {weights.cell} layer has no cell state"):
        _core.forward(weights, PROBLEM.x, c_0=zeros(3, 5))
    _, _, tape = _core.forward_training(weights, PROBLEM.x)
    with pytest.raises(ValueError, match="dc_n must be None"):
        _core.backward(tape, dc_n=zeros(3, 5))


def test_impossible_sizes_raise_at_once() -> None:
    """Views of up to 2**60 numbers that need no memory themselves."""
    huge = np.broadcast_to(zeros(1, 1, 4), (2**40, 2**10, 4))
    with pytest.raises((MemoryError, ValueError), match=r"could not allocate \d+ bytes|overflow"):
        _core.forward_training(WEIGHTS, huge)
    one = np.broadcast_to(zeros(1, 1), (4 * 2**28, 2**28))
    with pytest.raises((MemoryError, ValueError), match=r"could not allocate \d+ bytes|overflow"):
        _core.Weights("lstm", one[:, :1], one)


def test_inputs_are_never_written() -> None:
    arrays = [PROBLEM.x.copy(), PROBLEM.h_0.copy(), PROBLEM.c_0.copy(), PROBLEM.lengths.copy()]
    for array in arrays:
        array.flags.writeable = False
    _core.forward(WEIGHTS, arrays[0], arrays[1], arrays[2], lengths=arrays[3])
    np.testing.assert_array_equal(arrays[0], PROBLEM.x)
