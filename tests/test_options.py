"""Cells with other activations, clip, peepholes, coupled gates, projections and masked recurrent inputs.

Every option on every instruction set against the reference, forward and backward; the reference's own gradients are
checked by central differences in ``test_reference.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from helpers import Array
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tolerances import TOLERANCE

from fastlstm import _core, reference
from fastlstm.reference.activations import read_activation

GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "rnn": 1, "rnn_relu": 1}
ACTIVATIONS = {  # with parameters that are not the defaults
    "affine": (0.7, -0.2),
    "relu": (0.0, 0.0),
    "leaky_relu": (0.3, 0.0),
    "thresholded_relu": (0.4, 0.0),
    "tanh": (0.0, 0.0),
    "scaled_tanh": (1.7, 0.6),
    "sigmoid": (0.0, 0.0),
    "hard_sigmoid": (1 / 6, 0.5),
    "elu": (0.8, 0.0),
    "softsign": (0.0, 0.0),
    "softplus": (0.0, 0.0),
    "exponential": (0.0, 0.0),
    "selu": (0.0, 0.0),
    "silu": (0.0, 0.0),
}


def entry(name: str) -> tuple[str, float, float]:
    return (name, *ACTIVATIONS[name])


def three(gates: str, candidate: str, output: str) -> list[tuple[str, float, float]]:
    return [entry(gates), entry(candidate), entry(output)]


@dataclass(frozen=True)
class Options:
    """What a cell has besides its weights."""

    cell: str
    activations: list[tuple[str, float, float]] = field(default_factory=list)
    clip: float = 0.0
    input_forget: bool = False
    peepholes: bool = False
    projection: int = 0
    masked: bool = False


OPTIONS = {
    "hard_sigmoid": Options("lstm", three("hard_sigmoid", "tanh", "tanh")),
    "three_functions": Options("lstm", three("softsign", "elu", "scaled_tanh")),
    "lstm_relu": Options("lstm", three("sigmoid", "relu", "relu")),
    "lstm_clip": Options("lstm", clip=0.6),
    "peepholes": Options("lstm", peepholes=True),
    "input_forget": Options("lstm", input_forget=True),
    "peepholes_coupled_clipped": Options("lstm", three("hard_sigmoid", "tanh", "softsign"), 0.9, True, True),
    "lstm_masked": Options("lstm", masked=True),
    "lstm_masked_peepholes": Options("lstm", peepholes=True, masked=True),
    "projection": Options("lstm", projection=3),
    "projection_to_one": Options("lstm", projection=1),
    "projection_with_all": Options("lstm", three("sigmoid", "softsign", "elu"), 1.5, True, True, projection=6),
    "gru_functions": Options("gru", [entry("hard_sigmoid"), entry("softsign")]),
    "gru_clip": Options("gru", clip=0.5),
    "gru_masked": Options("gru", masked=True),
    "gru_masked_functions": Options("gru", [entry("hard_sigmoid"), entry("silu")], 0.8, masked=True),
    "reset_before_functions": Options("gru_reset_before", [entry("hard_sigmoid"), entry("elu")]),
    "reset_before_clip": Options("gru_reset_before", clip=0.5),
    "reset_before_masked": Options("gru_reset_before", masked=True),
    "rnn_clip": Options("rnn", [entry("tanh")], 0.4),
    "rnn_masked": Options("rnn", masked=True),
} | {f"rnn_{name}": Options("rnn", [entry(name)], 1.5 if name == "exponential" else 0.0) for name in ACTIVATIONS}

UNMASKED = [name for name, options in OPTIONS.items() if not options.masked]  # masks are for training

SIZES = [(5, 3, 4, 7), (4, 1, 3, 17), (3, 9, 6, 40), (2, 2, 5, 70)]  # T, N, I, H


@dataclass(frozen=True)
class Problem:
    """Random weights, inputs, states and gradients; S is H, or P with a projection."""

    options: Options
    weights: dict[str, Array]
    x: Array
    h_0: Array
    c_0: Array | None
    masks: Array | None
    dy: Array
    dh_n: Array
    dc_n: Array | None
    lengths: NDArray[np.int64]


def make_problem(options: Options, sizes: tuple[int, int, int, int], dtype: str, seed: int = 0) -> Problem:
    T, N, I, H = sizes
    rng = np.random.default_rng([seed, *sizes])
    rows, S = GATES[options.cell] * H, options.projection or H

    def draw(*shape: int, scale: float = 1.0) -> Array:
        return (scale * rng.standard_normal(shape)).astype(dtype)

    weights = {
        "weight_ih": draw(rows, I, scale=I**-0.5),
        "weight_hh": draw(rows, S, scale=0.9 * S**-0.5),
        "bias": draw(rows, scale=0.5),
    }
    if options.cell.startswith("gru"):
        weights["recurrent_bias"] = draw(rows, scale=0.5)
    if options.projection:
        weights["weight_hr"] = draw(S, H, scale=H**-0.5)
    if options.peepholes:
        weights["peepholes"] = draw(3 * H, scale=0.7)
    lstm = options.cell == "lstm"
    masks = ((rng.random((GATES[options.cell], N, H)) < 0.7) / 0.7).astype(dtype) if options.masked else None
    return Problem(
        options,
        weights,
        x=draw(T, N, I),
        h_0=draw(N, S),
        c_0=draw(N, H) if lstm else None,
        masks=masks,
        dy=draw(T, N, S),
        dh_n=draw(N, S),
        dc_n=draw(N, H) if lstm else None,
        lengths=rng.integers(0, T + 1, N),
    )


def pack(problem: Problem) -> _core.Weights:
    o = problem.options
    return _core.Weights(o.cell, **problem.weights, activations=o.activations, clip=o.clip, input_forget=o.input_forget)


def reference_arguments(problem: Problem, ragged: bool, reverse: bool) -> dict[str, Any]:
    o = problem.options
    arguments: dict[str, Any] = {"x": problem.x, **problem.weights, "h_0": problem.h_0, "reverse": reverse}
    arguments |= {"lengths": problem.lengths} if ragged else {}
    arguments |= {"clip": o.clip or None, "recurrent_masks": problem.masks}
    if o.activations:
        arguments["activations"] = o.activations
    if o.cell == "lstm":
        arguments |= {"c_0": problem.c_0, "input_forget": o.input_forget}
    if o.cell.startswith("gru"):
        arguments["reset_after"] = o.cell == "gru"
    return arguments


def run_reference(problem: Problem, ragged: bool, reverse: bool) -> dict[str, Array]:
    name = problem.options.cell.split("_")[0]
    arguments = reference_arguments(problem, ragged, reverse)
    seeds = {"dy": problem.dy, "dh_n": problem.dh_n} | ({"dc_n": problem.dc_n} if name == "lstm" else {})
    values = dict(zip(["y", "h_n", "c_n"], getattr(reference, name)(**arguments), strict=False))
    grads = getattr(reference, name + "_backward")(**arguments, **seeds)
    return values | {f"d{key}": value for key, value in grads._asdict().items() if value is not None}


def run_core(problem: Problem, ragged: bool, reverse: bool) -> dict[str, Array]:
    weights = pack(problem)
    y = np.full(problem.dy.shape, np.nan, problem.dy.dtype)
    lengths = problem.lengths if ragged else None
    h_n, c_n, tape = _core.forward_training(
        weights, problem.x, problem.h_0, problem.c_0, y, lengths, reverse, recurrent_masks=problem.masks
    )
    grads = {f"d{name}": np.full_like(value, np.nan) for name, value in problem.weights.items()}
    dx = np.full_like(problem.x, np.nan)
    names = ("dh_norms", "dc_norms") if problem.c_0 is not None else ("dh_norms",)
    norms = {name: np.full(y.shape[:2], np.nan) for name in names}
    dh_0, dc_0 = _core.backward(tape, problem.dy, problem.dh_n, problem.dc_n, dx, **grads, **norms)
    found = {"y": y, "h_n": h_n, "c_n": c_n, "dx": dx, "dh_0": dh_0, "dc_0": dc_0} | grads
    found |= {name: value.astype(y.dtype) for name, value in norms.items()}
    return {name: value for name, value in found.items() if value is not None}


def assert_close(got: dict[str, Array], wanted: dict[str, Array], dtype: str) -> None:
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        kind = "gradient" if name.startswith("d") else "value"
        # functions without an upper bound feed errors back for a few steps: four times the table's roundings
        tolerance = 4 * TOLERANCE[dtype, kind] * max(1.0, float(np.abs(value).max(initial=0)))
        assert got[name].dtype == dtype
        np.testing.assert_allclose(got[name], value, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_matches_reference(isa: str, name: str, sizes: tuple[int, int, int, int], dtype: str) -> None:
    problem = make_problem(OPTIONS[name], sizes, dtype)
    ragged, reverse = sizes[0] % 2 == 1, sizes[1] % 2 == 1
    assert_close(run_core(problem, ragged, reverse), run_reference(problem, ragged, reverse), dtype)


@pytest.mark.parametrize("name", UNMASKED)
def test_inference_has_the_bits_of_training(isa: str, name: str) -> None:
    problem = make_problem(OPTIONS[name], (6, 5, 4, 21), "float32")
    y = np.empty_like(problem.dy)
    h_n, c_n = _core.forward(pack(problem), problem.x, problem.h_0, problem.c_0, y)
    trained = run_core(problem, False, False)
    np.testing.assert_array_equal(y, trained["y"])
    np.testing.assert_array_equal(h_n, trained["h_n"])
    if c_n is not None:
        np.testing.assert_array_equal(c_n, trained["c_n"])


@pytest.mark.parametrize("name", UNMASKED)
def test_a_stream_has_the_bits_of_the_sequence(isa: str, name: str) -> None:
    problem = make_problem(OPTIONS[name], (6, 3, 4, 21), "float32")
    stream = _core.Stream([pack(problem)], 3)
    stream.set_state([(problem.h_0, problem.c_0)])
    steps = np.stack([stream.step(x_t) for x_t in problem.x])
    wanted = run_core(problem, False, False)
    np.testing.assert_array_equal(steps, wanted["y"])
    [(h, c)] = stream.state()
    np.testing.assert_array_equal(h, wanted["h_n"])
    if c is not None:
        np.testing.assert_array_equal(c, wanted["c_n"])


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(list(OPTIONS)),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 20), st.integers(1, 9), st.integers(1, 70)),
    ragged=st.booleans(),
    reverse=st.booleans(),
)
def test_threads_and_batches_keep_the_bits(
    name: str, sizes: tuple[int, int, int, int], ragged: bool, reverse: bool
) -> None:
    problem = make_problem(OPTIONS[name], sizes, "float32")
    before = _core.get_num_threads()
    try:
        runs = []
        for count in (1, 2, 3):
            _core.set_num_threads(count)
            runs.append(run_core(problem, ragged, reverse))
    finally:
        _core.set_num_threads(before)
    for run in runs[1:]:
        for key, value in runs[0].items():
            np.testing.assert_array_equal(run[key], value, err_msg=key)
    row = sizes[1] // 2
    alone = Problem(
        problem.options,
        problem.weights,
        *(
            None if a is None else np.ascontiguousarray(a[..., row : row + 1, :])
            for a in (problem.x, problem.h_0, problem.c_0, problem.masks, problem.dy, problem.dh_n, problem.dc_n)
        ),
        problem.lengths[row : row + 1],
    )
    np.testing.assert_array_equal(run_core(alone, ragged, reverse)["y"][:, 0], runs[0]["y"][:, row])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["projection", "projection_with_all", "lstm_masked", "peepholes", "gru_functions"])
def test_split_units_keep_the_bits(isa: str, name: str) -> None:
    """One long row of many units is what threads share units for."""
    problem = make_problem(OPTIONS[name], (40, 1, 64, 600), "float32")
    before = _core.get_num_threads()
    try:
        runs = []
        for count in (1, 2, 3):
            _core.set_num_threads(count)
            runs.append(run_core(problem, False, False))
    finally:
        _core.set_num_threads(before)
    for run in runs[1:]:
        for key, value in runs[0].items():
            np.testing.assert_array_equal(run[key], value, err_msg=key)


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before"])
def test_unused_lanes_stay_out_of_it(isa: str, cell: str) -> None:
    """Gates of 3 at a sum of zero let states grow beyond all bounds: those of units that are there only as padding."""
    H, T = 3, 400
    gates = ("affine", 1.0, 3.0)
    activations = [gates, entry("tanh"), entry("tanh")] if cell == "lstm" else [gates, entry("tanh")]
    problem = make_problem(Options(cell, activations), (T, 2, 4, H), "float32")
    problem.weights["weight_ih"][...] = problem.weights["weight_hh"][...] = 0
    problem.weights["bias"][:] = -2.5  # so that the real ones shrink
    if cell != "lstm":
        problem.weights["recurrent_bias"][:] = 0
    assert all(np.isfinite(value).all() for value in run_core(problem, False, False).values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("candidate", ["relu", "affine"])
@pytest.mark.parametrize("cell", ["gru", "gru_reset_before"])
def test_a_candidate_may_be_infinite(isa: str, cell: str, candidate: str, dtype: str) -> None:
    """The mean of it and the state before is then infinite in a GRU, and so are gradients where the reference's are."""
    problem = make_problem(Options(cell, [entry("sigmoid"), entry(candidate)]), (1, 3, 4, 7), dtype)
    problem.weights["bias"][14] = np.inf  # of the first unit's candidate
    with np.errstate(invalid="ignore"):
        got, wanted = run_core(problem, False, False), run_reference(problem, False, False)
    assert np.isinf(got["y"]).any()
    for name, value in wanted.items():
        tolerance = 4 * TOLERANCE[dtype, "gradient" if name.startswith("d") else "value"]
        np.testing.assert_allclose(got[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


def test_standard_activations_take_the_standard_kernels() -> None:
    for cell, entries in (
        ("lstm", three("sigmoid", "tanh", "tanh")),
        ("gru", [entry("sigmoid"), entry("tanh")]),
        ("rnn", [entry("relu")]),
    ):
        spelled = make_problem(Options(cell, entries), (7, 5, 4, 33), "float32")
        plain = make_problem(Options("rnn_relu" if cell == "rnn" else cell), (7, 5, 4, 33), "float32")
        np.testing.assert_array_equal(run_core(spelled, False, False)["y"], run_core(plain, False, False)["y"])


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 4e-7), ("float64", 1e-15)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_and_slope(isa: str, name: str, dtype: str, bound: float) -> None:
    """Within a few roundings of the larger of the value and one; the slope within twice that."""
    x = np.concatenate([np.linspace(-30, 30, 60_001), np.geomspace(1e-30, 1, 301), [0.0, 50.0, -50.0]]).astype(dtype)
    function = read_activation(entry(name))
    value, slope = _core.general_activation(*entry(name), x)
    wanted, wanted_slope = function(x.astype("float64")), function.derivative(x.astype("float64"))
    kink = np.abs(function.derivative(x + 1e-6) - function.derivative(x - 1e-6)) > 1e-2  # float32 may land beside it
    smooth = ~kink if name == "thresholded_relu" else slice(None)  # the others do not jump
    rounding = np.maximum(1, np.abs(x)) if name == "exponential" else 1  # e^x is as uncertain as x
    assert np.all((np.abs(value - wanted) <= bound * rounding * np.maximum(1, np.abs(wanted)))[smooth])
    error = np.abs(slope - wanted_slope) / np.maximum(1, np.abs(wanted_slope)) / rounding
    assert np.all(error[~kink] <= 2 * bound * np.maximum(1, np.abs(x[~kink])))


def test_contradictions_are_refused() -> None:
    lstm = make_problem(Options("lstm"), (2, 3, 4, 5), "float32")
    gru = make_problem(Options("gru"), (2, 3, 4, 5), "float32")
    for problem, options, text in (
        (gru, {"peepholes": np.zeros(15, "float32")}, "peepholes is for an LSTM only"),
        (gru, {"weight_hr": np.zeros((5, 5), "float32")}, "weight_hr is for an LSTM only"),
        (gru, {"input_forget": True}, "input_forget is for an LSTM only"),
        (gru, {"activations": [entry("tanh")]}, "activations must hold 2 for a gru, got 1"),
        (lstm, {"activations": [("swosh", 0, 0)] * 3}, "an activation must be one of .*got 'swosh'"),
        (lstm, {"clip": -1.0}, "clip must be positive"),
        (lstm, {"peepholes": np.zeros(5, "float32")}, r"peepholes must have shape \(15,\)"),
        (lstm, {"weight_hr": np.zeros((3, 5), "float32")}, r"weight_hr must have shape \(5, \*\)|weight_hr must have"),
    ):
        with pytest.raises(ValueError, match=text):
            _core.Weights(problem.options.cell, **problem.weights, **options)
    projected = make_problem(Options("lstm", projection=2), (2, 3, 4, 5), "float32")
    with pytest.raises(ValueError, match="recurrent_masks must be None"):
        _core.forward_training(pack(projected), projected.x, recurrent_masks=np.ones((4, 3, 5), "float32"))
    tape = _core.forward_training(pack(lstm), lstm.x)[2]
    with pytest.raises(ValueError, match="dpeepholes must be None"):
        _core.backward(tape, dpeepholes=np.zeros(15, "float32"))
    with pytest.raises(ValueError, match="dweight_hr must be None"):
        _core.backward(tape, dweight_hr=np.zeros((5, 5), "float32"))
