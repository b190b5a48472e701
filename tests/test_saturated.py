"""Gates that are shut or wide open, and states and weights near the ends of the range: what is forgotten is forgotten.

A shut gate is exactly 0 and its slope too, so however large what it is multiplied with is, nothing comes through; and
0 times infinity is NaN, as in IEEE 754.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing import Arguments, Drawn, Sizes, make_arguments
from helpers import Array
from running import Found, train
from test_every_value import by_reference

import fastlstm as fl

GATED = ["lstm", "gru", "gru_reset_before"]
FORGETS = {"lstm": 1, "gru": 1, "gru_reset_before": 1}  # the gate that keeps the state: f, u
OPTIONS = {"standard": {}, "general": {"clip": 1e30}}  # the fused kernels, and those of general cells
SIZES = Sizes(T=3, N=2, I=4, H=21)


def make(cell: str, dtype: str = "float32", options: str = "standard") -> Arguments:
    chosen = OPTIONS[options] | ({"activations": [("tanh", 0, 0)]} if cell == "rnn" else {})
    return make_arguments(Drawn(cell, SIZES, dtype, 1, "", chosen))


def gate(array: Array, number: int) -> Array:
    """The rows of a gate in a weight or its gradient."""
    return array[number * SIZES.H : (number + 1) * SIZES.H]


def shut(arguments: Arguments, bias: float = -1e4) -> Arguments:
    """The state is forgotten, and no product takes it."""
    weights = {name: value.copy() for name, value in arguments.weights.items()}
    gate(weights["bias"], FORGETS[arguments.drawn.cell])[...] = bias
    weights["weight_hh"][...] = 0
    return replace(arguments, weights=weights)


def started_from(arguments: Arguments, value: float) -> Arguments:
    """From a state of that value in the first row: c of an LSTM, h of a GRU."""
    name = "c_0" if arguments.drawn.cell == "lstm" else "h_0"
    state = np.zeros_like(getattr(arguments, name))
    state[0] = value
    return replace(arguments, **{name: state})


def assert_forgotten(cell: str, options: str, value: float, scale: float) -> None:
    """Whatever the gradients of y are, large or small."""
    arguments = shut(make(cell, options=options))
    arguments = replace(arguments, dy=arguments.dy * np.float32(scale))
    wanted, got = train(started_from(arguments, 0.0)), train(started_from(arguments, value))
    for name in ("y", "h_n", "dx", "dweight_ih", "dbias"):
        np.testing.assert_array_equal(got[name], wanted[name], err_msg=name)
    assert not got["dc_0" if cell == "lstm" else "dh_0"].any()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("value", [2.0**100, -(2.0**100), 1e9])
@pytest.mark.parametrize("cell", GATED)
def test_a_large_state_is_forgotten(isa: str, cell: str, value: float, options: str) -> None:
    assert_forgotten(cell, options, value, 1.0)
    assert_forgotten(cell, options, value, 1e6)


@pytest.mark.parametrize("value", [3e38, -3e38])
@pytest.mark.parametrize("cell", GATED)
def test_the_largest_states_are_forgotten(isa: str, cell: str, value: float) -> None:
    assert_forgotten(cell, "standard", value, 100.0)


@pytest.mark.parametrize("cell", GATED)
def test_the_largest_states_are_forgotten_by_general_cells(isa: str, cell: str) -> None:
    assert_forgotten(cell, "general", 3e38, 100.0)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", GATED)
def test_an_infinite_state_gives_nan_in_its_row_alone(isa: str, cell: str, options: str) -> None:
    arguments = shut(make(cell, options=options))
    wanted, got = train(started_from(arguments, 0.0)), train(started_from(arguments, np.inf))
    assert np.isnan(got["y"][:, 0]).all()
    assert np.isfinite(wanted["y"]).all()
    for name in ("y", "dx"):
        np.testing.assert_array_equal(got[name][:, 1], wanted[name][:, 1], err_msg=name)


@pytest.mark.parametrize("cell", GATED)
def test_a_large_state_is_kept(isa: str, cell: str) -> None:
    """By a gate that is wide open: but for a rounding at every step."""
    found = train(started_from(shut(make(cell), 1e4), 2.0**100))
    rounding = SIZES.T * np.finfo("float32").eps
    np.testing.assert_allclose(found["c_n" if cell == "lstm" else "h_n"][0], 2.0**100, rtol=rounding)
    assert all(np.isfinite(array).all() for array in found.values())


# --- Large inputs and weights -----------------------------------------------------------------------------------------


def all_one_sign(array: Array, scale: float) -> Array:
    """Rows of one sign each, so that no sum is small."""
    signs = np.where(np.arange(len(array)) % 2, 1, -1).astype(array.dtype)
    return (0.5 + np.abs(array) % 0.5) * signs[:, None] * array.dtype.type(scale)


def saturated(arguments: Arguments, x: float, weight: float) -> Arguments:
    """Inputs of about `x` with input weights of about `weight`: every sum is far beyond where slopes are 0."""
    weights = arguments.weights | {"weight_ih": all_one_sign(arguments.weights["weight_ih"], weight)}
    inputs = (x * (1 + np.abs(arguments.x))).astype(arguments.x.dtype)
    return replace(arguments, x=inputs, weights=weights)


def assert_no_slopes(found: Found) -> None:
    for name in found:
        if name in ("dx", "dh_0") or name.startswith(("dweight", "dbias", "drecurrent")):
            assert not found[name].any(), name


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("x", "weight"), [(1e4, 1.0), (1e6, 1.0), (1e9, 1.0), (1.0, 2.0**100), (2.0**20, 2.0**100)])
@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_nothing_comes_through_saturated_sums(
    isa: str, cell: str, x: float, weight: float, dtype: str, options: str
) -> None:
    """All gradients are 0, but that of c; in a GRU an open u still passes h on, below."""
    found = train(saturated(make(cell, dtype, options), x, weight))
    assert_no_slopes(found)
    assert np.isfinite(found["y"]).all()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("x", "weight"), [(1e4, 1.0), (1e9, 1.0), (1.0, 2.0**100)])
@pytest.mark.parametrize("cell", GATED)
def test_saturated_gates_around_a_candidate(
    isa: str, cell: str, x: float, weight: float, dtype: str, options: str
) -> None:
    """Gates are 0 or 1 and have no gradient; that of the candidate, whose sums are of order 1, is the reference's.

    It is a chain of a few products, without a sum in which anything large cancels: relative to its largest number the
    table's bound of gradients holds.
    """
    arguments = saturated(make(cell, dtype, options), x, weight)
    candidate = 2
    weights = {name: value.copy() for name, value in arguments.weights.items()}
    gate(weights["weight_ih"], candidate)[...] /= weight * x * 8
    arguments = replace(arguments, weights=weights)
    got, wanted = train(arguments), by_reference(arguments)
    for number in range(arguments.drawn.gates):
        for name in ("dweight_ih", "dweight_hh", "dbias"):
            found, expected = gate(got[name], number), gate(wanted[name], number)
            if number != candidate:
                assert not found.any(), (name, number)
            allowed = {"float32": 1e-5, "float64": 4e-14}[dtype] * np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=0, atol=allowed, err_msg=f"{name} {number}")
    assert all(np.isfinite(array).all() for array in got.values())


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("cell", [*GATED, "rnn"])
def test_an_infinite_input_spoils_gradients_of_its_own_weights_alone(
    isa: str, cell: str, value: float, dtype: str, options: str
) -> None:
    """Infinity times the slope of 0 is NaN there; the zeros that weights are filled up with meet it too."""
    arguments = make(cell, dtype, options)
    x = arguments.x.copy()
    x[1, 0, 2] = value
    found = train(replace(arguments, x=x))
    assert np.isnan(found["dweight_ih"][:, 2]).all()
    found["dweight_ih"][:, 2] = 0
    assert all(np.isfinite(array).all() for array in found.values())


# --- Slopes near saturation -------------------------------------------------------------------------------------------

UNITS = 2000


def one_step(cell: str, biases: dict[int, Array | float], *, link: float = 0.0, **given: Array | float) -> Found:
    """A step whose sums are the biases of the gates alone.

    Parameters
    ----------
    link
        What the recurrent part of a GRU's n is: a bias, or the weight of a unit from itself.
    given
        States that it starts from, and gradients of those it ends in; 0 unless given.
    """
    drawn = Drawn(cell, Sizes(T=1, N=1, I=1, H=UNITS), "float32", 1, "", {})
    arguments = make_arguments(drawn)
    weights = {name: np.zeros_like(value) for name, value in arguments.weights.items()}
    for number, bias in biases.items():
        weights["bias"].reshape(drawn.gates, UNITS)[number] = bias
    if cell == "gru":
        weights["recurrent_bias"].reshape(drawn.gates, UNITS)[2] = link
    elif cell == "gru_reset_before":
        np.fill_diagonal(weights["weight_hh"][2 * UNITS :], link)
    given = {"dh_n": 0.0, "h_0": 0.0} | ({"dc_n": 0.0, "c_0": 0.0} if cell == "lstm" else {}) | given
    states = {name: np.full((1, UNITS), value, "float32") for name, value in given.items()}
    return train(replace(arguments, weights=weights, dy=np.zeros_like(arguments.dy), **states))


SHUT, OPEN, TINY = -200, 200, 2.0**-20
AROUND = {  # cell, number of a gate s, and all else so that the gradient of its sum is s (1 - s), times TINY if linked
    "lstm i": ("lstm", 0, {1: SHUT, 2: OPEN, 3: OPEN}, {"dc_n": 1.0}),
    "lstm f": ("lstm", 1, {0: SHUT, 2: OPEN, 3: OPEN}, {"dc_n": 1.0, "c_0": 1.0}),
    "lstm o": ("lstm", 3, {0: SHUT, 1: OPEN, 2: OPEN}, {"dh_n": 1.0, "c_0": 20.0}),
    "gru r": ("gru", 0, {1: SHUT}, {"dh_n": 1.0, "link": TINY}),
    "gru u": ("gru", 1, {0: OPEN, 2: SHUT}, {"dh_n": 1.0}),
    "gru_reset_before r": ("gru_reset_before", 0, {1: SHUT}, {"dh_n": 1.0, "link": TINY, "h_0": 1.0}),
    "gru_reset_before u": ("gru_reset_before", 1, {0: OPEN, 2: SHUT}, {"dh_n": 1.0}),
}


@pytest.mark.parametrize("gate_of_cell", AROUND)
def test_slopes_of_gates_keep_their_digits(isa: str, gate_of_cell: str) -> None:
    """However wide open or shut: 1 - s is not found from s. Ten roundings lead to a slope."""
    cell, number, others, rest = AROUND[gate_of_cell]
    bias = np.linspace(-60, 60, UNITS).astype("float32")
    found = one_step(cell, {number: bias, **others}, **rest)
    slope = found["dbias"].reshape(-1, UNITS)[number] / np.float32(rest.get("link", 1))
    share = 1 / (1 + np.exp(-bias.astype(np.longdouble)))
    exact = share / (1 + np.exp(bias.astype(np.longdouble)))
    np.testing.assert_allclose(slope, exact.astype("float64"), rtol=10 * 2.0**-24)


def assert_slopes_of_tanh(slope: Array, x: Array) -> None:
    """1 - |tanh| is a square, whose root has six roundings; and the fit of tanh is off by up to 7.4e-9."""
    exact = 1 / np.cosh(x.astype(np.longdouble)) ** 2
    assert (np.abs(slope - exact) <= 6 * 2.0**-24 * np.sqrt(exact) + 1.6e-8).all()


@pytest.mark.parametrize("cell", [*GATED, "rnn"])
def test_slopes_of_candidates_near_saturation(isa: str, cell: str) -> None:
    """A step that takes its candidate n over as it is has the gradient 1 - n^2; an RNN does nothing else."""
    bias = np.linspace(-9, 9, UNITS).astype("float32")
    others = {} if cell == "rnn" else {0: OPEN, FORGETS[cell]: SHUT}
    number = 0 if cell == "rnn" else 2
    found = one_step(cell, {**others, number: bias}, **{"dc_n" if cell == "lstm" else "dh_n": 1.0})
    assert_slopes_of_tanh(found["dbias"].reshape(-1, UNITS)[number], bias)


def test_slopes_of_shown_cell_states_near_saturation(isa: str) -> None:
    """What an open gate shows of a cell state is its tanh."""
    bias = np.linspace(-9, 9, UNITS).astype("float32")
    found = one_step("lstm", {0: SHUT, 1: OPEN, 3: OPEN}, dh_n=1.0, c_0=bias)
    assert_slopes_of_tanh(found["dc_0"][0], bias)


@pytest.mark.parametrize("cell", ["gru", "gru_reset_before"])
def test_what_a_shut_gate_lets_through(isa: str, cell: str) -> None:
    """Where u is 0 all of the gradient goes to n, also where 1 / (1 + e^-x) is a subnormal number."""
    bias = np.linspace(-100, -80, UNITS).astype("float32")
    found = one_step(cell, {0: OPEN, 1: bias, 2: 0.0}, dh_n=1.0)
    np.testing.assert_allclose(found["dbias"].reshape(-1, UNITS)[2], 1, rtol=2.0**-23)


ERRORS_OF_PYTORCH = {  # 2.13, on these numbers: the largest, at inputs of 1e4, 1e5, 1e6 and 1e9
    "LSTM": (8.0e-7, 3.5e-7, 1.1e-7, 0),
    "GRU": (2.2e-6, 1.3e-6, 3.4e-7, 0),
    "RNN": (9.1e-7, 3.6e-7, 9.5e-8, 0),
}


@pytest.mark.parametrize("kind", ERRORS_OF_PYTORCH)
def test_large_inputs_are_differentiated_as_well_as_in_pytorch(isa: str, kind: str) -> None:
    """One input of four is not normalised; gradients of its weights, against float64."""
    exact, single = (getattr(fl, kind)(4, 32, seed=1, dtype=dtype) for dtype in ("float64", "float32"))
    exact.load_state_dict({name: value.astype("float32") for name, value in exact.state_dict().items()})
    single.load_state_dict(exact.state_dict())
    for scale, allowed in zip((1e4, 1e5, 1e6, 1e9), ERRORS_OF_PYTORCH[kind], strict=True):
        rng = np.random.default_rng(0)
        x = (scale * rng.standard_normal((20, 32, 4))).astype("float32")
        x[..., 1:] /= scale
        dy = rng.standard_normal((20, 32, 32)).astype("float32") / 640
        wanted = exact.vjp(x.astype("float64"))[1](dy.astype("float64")).parameters["weight_ih_l0"]
        assert np.abs(single.vjp(x)[1](dy).parameters["weight_ih_l0"] - wanted).max() <= allowed, scale


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", [*GATED, "rnn"])
def test_large_recurrent_weights(isa: str, cell: str, options: str) -> None:
    """Weights of 2**100 take gradients of exactly 0 back to the step before."""
    arguments = saturated(make(cell, options=options), 1e4, 1.0)
    weights = arguments.weights | {"weight_hh": np.full_like(arguments.weights["weight_hh"], 2.0**100)}
    found = train(replace(arguments, weights=weights))
    assert all(np.isfinite(array).all() for array in found.values())
    assert not found["dx"].any()
