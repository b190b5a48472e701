"""Norms of the gradients of states: the same bits in every way, by central differences, and as PyTorch has them.

Every option on every instruction set is held to the reference in ``test_options.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import CELLS, Case, make_problem
from drawing import Arguments, Drawn, layers
from helpers import Array, num_threads, reference_gradients
from reference_runs import random_inputs
from running import Found, assert_same, gradient_rooms, norm_rooms, on, prepared, pull_back, running, train_forward
from seeds import for_all

import fastlstm as fl
from fastlstm import _core, reference
from fastlstm.reference.lstm_cell import LstmCell

THREADS = [1, 2, 3]


def train_with_norms(a: Arguments, **bounds: int) -> Found:
    values, tape = train_forward(a, np.full_like(a.dy, np.nan), **bounds)
    return values | pull_back(a, tape, gradient_rooms(a) | norm_rooms(a))


def check(drawn: Drawn) -> None:
    """Gradients are as without norms, and norms are those of one thread and of a whole tape."""
    arguments, plain = prepared(drawn)
    with running(drawn.isa, 1):
        wanted = train_with_norms(arguments)
    assert_same(wanted, plain)
    with on(drawn):
        assert_same(train_with_norms(arguments), wanted)
        assert_same(train_with_norms(arguments, checkpoint_every=drawn.sizes.T // 2 + 1), wanted)


@for_all(40, drawn=layers())
def test_gradients_keep_their_bits(drawn: Drawn) -> None:
    check(drawn)


@for_all(15, drawn=layers(teams=True))
def test_any_number_of_threads(drawn: Drawn) -> None:
    check(drawn)


# --- What they are ----------------------------------------------------------------------------------------------------


def by_differences(scalar: Any, state: Array) -> Array:
    """Norms (N,) of the gradient with respect to a state (N, size)."""
    gradient = np.empty_like(state)
    for index in np.ndindex(state.shape):
        shift = np.zeros_like(state)
        shift[index] = 1e-6
        gradient[index] = (scalar(state + shift) - scalar(state - shift)) / 2e-6
    return np.linalg.norm(gradient, axis=1)


# Central differences are off by 1e-9 or so, see test_gradients.py.
CLOSE = {"rtol": 1e-7, "atol": 2e-8}


@pytest.mark.parametrize("cell", CELLS)
def test_norms_of_h_by_central_differences(isa: str, cell: str) -> None:
    problem = make_problem(Case(cell, 5, 3, 2, 9), "float64", seed=3)
    weights = _core.Weights(cell, problem.weight_ih, problem.weight_hh, problem.bias, problem.recurrent_bias)
    *_, tape = _core.forward_training(weights, problem.x, problem.h_0, problem.c_0)
    norms = np.full((5, 3), np.nan)
    _core.backward(tape, problem.dy, problem.dh_n, problem.dc_n, dh_norms=norms)
    for t in range(5):
        h, c = _core.forward(weights, problem.x[: t + 1], problem.h_0, problem.c_0)

        def scalar(h: Array, c: Array | None = c, t: int = t) -> float:
            y = np.empty_like(problem.dy[t + 1 :])
            h_n, c_n = _core.forward(weights, problem.x[t + 1 :], h, c, y)
            rest = 0.0 if c_n is None else np.vdot(c_n, problem.dc_n)
            later = np.vdot(y, problem.dy[t + 1 :]) + np.vdot(h_n, problem.dh_n)
            return float(np.vdot(h, problem.dy[t]) + later + rest)

        np.testing.assert_allclose(norms[t], by_differences(scalar, h), **CLOSE, err_msg=f"step {t}")


OPTIONS: list[dict[str, Any]] = [
    {},
    {"peepholes": True},
    {"P": 2},
    {"peepholes": True, "P": 2, "input_forget": True, "clip": 0.8, "activations": ("hard_sigmoid", "tanh", "softsign")},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_norms_of_c_by_central_differences(options: dict[str, Any]) -> None:
    """Of the reference: c_t reaches the scalar through c_{t+1} and through h_t, which is made of it."""
    T, N, sizes = 4, 2, {name: options[name] for name in ("P", "peepholes") if name in options}
    more = {name: value for name, value in options.items() if name not in sizes}
    inputs = random_inputs("lstm", T, N, 3, 4, **sizes)
    draw = np.random.default_rng(5).normal
    width = inputs["weight_hh"].shape[1]
    dy, dh_n, dc_n = draw(size=(T, N, width)), draw(size=(N, width)), draw(size=(N, 4))
    norms = reference.lstm_backward(**inputs, dy=dy, dh_n=dh_n, dc_n=dc_n, **more).c_norms
    cell = LstmCell.read(*(inputs.get(name) for name in ("weight_ih", "weight_hh", "bias")),
                         more.get("activations", ("sigmoid", "tanh", "tanh")), more.get("clip"),
                         inputs.get("peepholes"), more.get("input_forget", False), inputs.get("weight_hr"))  # fmt: skip
    states = inputs.pop("h_0"), inputs.pop("c_0")
    x = inputs.pop("x")
    for t in range(T):
        gates = cell.gates(x[t], *states, np.ones((4, N, width)))
        states = cell.step(x[t], states, np.ones((4, N, width)))

        def scalar(c: Array, gates: Any = gates, t: int = t) -> float:
            peep = 0 if cell.peepholes is None else cell.peepholes[8:] * (c - gates.c_t)
            s = cell.act_f(gates.z_o + peep) * cell.act_h(c)
            h = s if cell.weight_hr is None else s @ cell.weight_hr.T
            y, h_n, c_n = reference.lstm(x[t + 1 :], **inputs, h_0=h, c_0=c, **more)
            later = np.vdot(y, dy[t + 1 :]) + np.vdot(h_n, dh_n) + np.vdot(c_n, dc_n)
            return float(np.vdot(h, dy[t]) + later)

        np.testing.assert_allclose(norms[t], by_differences(scalar, states[1]), **CLOSE, err_msg=f"step {t}")


def test_vanishing_gradients_of_doubles_are_not_lost() -> None:
    """Squares of 1e-200 are no numbers: the norm is taken of shares of the largest."""
    layer = fl.RNN(1, 4, seed=0, dtype="float64")
    layer.load_state_dict({name: 0.01 * value for name, value in layer.state_dict().items()})
    (_, h_n), pullback = layer.vjp(np.zeros((120, 1, 1)))
    norms = pullback(None, np.ones_like(h_n), flow=True).flow.h[0, :, 0]
    assert 0 < norms[0] < 1e-200
    assert (np.diff(norms) > 0).all()


# --- Array layers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [fl.LSTM, fl.GRU, fl.RNN])
@pytest.mark.parametrize("batch_first", [False, True])
def test_layers_give_them_with_the_axes_of_x(cls: Any, batch_first: bool) -> None:
    layer = cls(3, 9, num_layers=2, bidirectional=True, batch_first=batch_first, seed=0)
    x = np.random.default_rng(0).standard_normal((4, 7, 3) if batch_first else (7, 4, 3)).astype("float32")
    (y, _), pullback = layer.vjp(x, None, [7, 0, 3, 5])
    plain, found = pullback(np.ones_like(y)), pullback(np.ones_like(y), flow=True)
    assert plain.flow is None
    np.testing.assert_array_equal(plain.x, found.x)
    assert_same(plain.parameters, found.parameters)
    for norms in found.flow:
        if norms is None:
            assert cls is not fl.LSTM
            continue
        assert norms.shape == (4, *x.shape[:2])
        by_row = norms if batch_first else norms.transpose(0, 2, 1)
        assert (np.count_nonzero(by_row, axis=-1) == [7, 0, 3, 5]).all()


@pytest.mark.parametrize("cls", [fl.LSTM, fl.GRU, fl.RNN])
def test_products_of_bfloat16(cls: Any) -> None:
    layer, draw = cls(3, 40, dtype="bfloat16", seed=0), np.random.default_rng(0)
    x, dy = draw.standard_normal((30, 9, 3)).astype("float32"), draw.standard_normal((30, 9, 40)).astype("float32")
    pullback = layer.vjp(x)[1]
    plain, found = pullback(dy), pullback(dy, flow=True)
    np.testing.assert_array_equal(found.x, plain.x)
    assert_same(found.parameters, plain.parameters)
    full = cls(3, 40, seed=0)
    full.load_state_dict(layer.state_dict())
    # gradients of the gates are rounded to 8 bits at every step
    np.testing.assert_allclose(found.flow.h, full.vjp(x)[1](dy, flow=True).flow.h, rtol=0.02)


def test_a_single_sequence_has_no_axis_of_rows() -> None:
    (y, _), pullback = fl.LSTM(3, 5, seed=0).vjp(np.ones((7, 3), "float32"))
    found = pullback(np.ones_like(y), flow=True).flow
    assert found.h.shape == found.c.shape == (1, 7)


def test_gradients_that_are_cut_do_not_reach_back() -> None:
    layer, x = fl.LSTM(2, 6, seed=0), np.ones((20, 3, 2), "float32")
    (_, (h_n, c_n)), pullback = layer.vjp(x, tbptt=8)
    found = pullback(None, (np.ones_like(h_n), np.ones_like(c_n)), flow=True).flow
    for norms in found:
        assert not norms[0, :16].any()
        assert norms[0, 16:].all()


def test_chains_give_them_by_layer() -> None:
    x = np.ones((7, 2, 3), "float32")
    chain = fl.Chain(gru=fl.GRU(3, 4, seed=0), lstm=fl.LSTM(4, 5, seed=0), end=fl.LastStep(), head=fl.Linear(5, 1))
    (y, _), pullback = chain.vjp(x)
    found = pullback(np.ones_like(y), flow=True).flow
    assert {name: flow.h.shape for name, flow in found.items()} == {"gru": (1, 7, 2), "lstm": (1, 7, 2)}
    assert found["gru"].c is None
    one = fl.Chain(gru=fl.GRU(3, 4, seed=0), end=fl.LastStep())
    (y, _), pullback = one.vjp(x)
    assert pullback(np.ones_like(y), flow=True).flow.h.shape == (1, 7, 2)


def test_what_cannot_be_asked_for() -> None:
    y, pullback = fl.Chain(fl.Linear(3, 4)).vjp(np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match="flow must be False for a chain without a recurrent layer, got True"):
        pullback(y, flow=True)
    (y, _), pullback = fl.GRU(3, 4).vjp(np.ones((5, 2, 3), "float32"))
    with pytest.raises(TypeError, match="flow must be"):
        pullback(y, flow="h")
    weights = _core.Weights("gru", np.ones((6, 1)), np.ones((6, 2)))
    *_, tape = _core.forward_training(weights, np.ones((3, 1, 1)))
    with pytest.raises(ValueError, match="dc_norms must be None: a gru layer has no cell state"):
        _core.backward(tape, dc_norms=np.empty((3, 1)))
    with pytest.raises(ValueError, match="dh_norms must"):
        _core.backward(tape, dh_norms=np.empty((2, 1)))
    with pytest.raises(TypeError, match="dh_norms must"):
        _core.backward(tape, dh_norms=np.empty((3, 1), "float32"))


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def pytorch_norms(torch: Any, layer: Any, x: Array, dy: Array) -> tuple[Array, Array | None]:
    """From autograd, which keeps the gradients of the states of a loop over PyTorch's cell."""
    kind = type(layer).__name__
    cell = getattr(torch.nn, f"{kind}Cell")(layer.input_size, layer.hidden_size, dtype=torch.float64)
    named = {name.removesuffix("_l0"): torch.from_numpy(value) for name, value in layer.state_dict().items()}
    cell.load_state_dict(named)
    state, kept, total = None, [], torch.zeros(())
    for x_t, dy_t in zip(torch.from_numpy(x), torch.from_numpy(dy), strict=True):
        state = cell(x_t, state)
        states = state if isinstance(state, tuple) else (state,)
        for part in states:
            part.retain_grad()
        kept.append(states)
        total = total + (states[0] * dy_t).sum()
    total.backward()
    h, *c = (np.stack([part.grad.norm(dim=1).numpy() for part in parts[:-1]]) for parts in zip(*kept, strict=True))
    return h, c[0] if c else None


@pytest.mark.parametrize("cls", [fl.LSTM, fl.GRU, fl.RNN])
def test_they_are_those_of_autograd(cls: Any) -> None:
    torch = pytest.importorskip("torch")
    layer, draw = cls(3, 9, seed=0, dtype="float64"), np.random.default_rng(0)
    x, dy = draw.standard_normal((13, 4, 3)), draw.standard_normal((13, 4, 9))
    found = layer.vjp(x)[1](dy, flow=True).flow
    # two ways of rounding
    for norms, wanted in zip(found, pytorch_norms(torch, layer, x, dy), strict=True):
        if wanted is not None:
            np.testing.assert_allclose(norms[0, :-1], wanted, rtol=1e-11)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_reference_agrees_in_teams(cell: str, threads: int) -> None:
    """A few rows and many units, which threads share, in several chunks."""
    problem = make_problem(Case(cell, 60, 3, 5, 130), "float64")
    weights = _core.Weights(cell, problem.weight_ih, problem.weight_hh, problem.bias, problem.recurrent_bias)
    norms = {"dh_norms": np.empty((60, 3))} | ({"dc_norms": np.empty((60, 3))} if cell == "lstm" else {})
    with num_threads(threads):
        *_, tape = _core.forward_training(weights, problem.x, problem.h_0, problem.c_0, lengths=problem.lengths)
        _core.backward(tape, problem.dy, problem.dh_n, problem.dc_n, **norms)
    wanted = reference_gradients(problem, lengths=problem.lengths)
    for name, value in norms.items():
        # 60 steps of sums over 130 units, each a rounding of 1e-16 that may grow on its way back
        np.testing.assert_allclose(value, getattr(wanted, name.removeprefix("d")), rtol=1e-10, err_msg=name)
