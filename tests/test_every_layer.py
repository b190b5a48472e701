"""Every public layer that can be drawn, forward and backward: the same bits as its cells one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from arrangements import anything, arranged
from drawing import Drawn, Numbers, draw_layer
from helpers import Array
from hypothesis import strategies as st
from running import Found, assert_same, on, running
from seeds import for_all

import fastlstm as fl
from fastlstm import _core

REPEATS = 2
CORE_NAMES = {"bias_ih": "bias", "bias_hh": "recurrent_bias"}


@dataclass(frozen=True)
class Public:
    """A public layer: what it is made of, and whether it is given a state."""

    drawn: Drawn
    kind: str
    options: dict[str, Any]
    stateful: bool

    def make(self) -> Any:
        sizes = self.drawn.sizes
        return getattr(fl, self.kind)(sizes.I, sizes.H, **self.options, dtype=self.drawn.dtype, seed=1)


@dataclass(frozen=True)
class Call:
    """Arrays for a public layer, batch before or after time as the layer has it; states are tuples."""

    x: Array
    lengths: Array | None
    state: tuple[Array, ...] | None
    dy: Array
    dstate: tuple[Array, ...]


def draw_public(rng: Random, teams: bool) -> Public:
    drawn = replace(draw_layer(rng, teams, 0), masked=False)
    kind = {4: "LSTM", 3: "GRU", 1: "RNN"}[drawn.gates]
    names = ("bidirectional", "bias", "batch_first")
    options: dict[str, Any] = {name: rng.random() < 0.5 for name in names} | {"num_layers": rng.choice([1, 2, 2, 3])}
    if kind == "LSTM":
        options["proj_size"] = drawn.projection if drawn.projection < drawn.sizes.H else 0
    if kind == "RNN":
        options["nonlinearity"] = rng.choice(["tanh", "relu"])
    return Public(drawn, kind, options, rng.random() < 0.7)


@st.composite
def publics(draw: st.DrawFn, teams: bool = False) -> Public:
    return draw_public(Random(draw(st.integers(0, 2**24 - 1))), teams)


def make_call(public: Public, layer: Any) -> Call:
    T, N, draw = public.drawn.sizes.T, public.drawn.sizes.N, Numbers(public.drawn.dtype, 1)
    lead, D = (N, T) if layer.batch_first else (T, N), layer.num_directions
    S, count = layer.proj_size or layer.hidden_size, layer.num_layers * D
    sizes = (S, layer.hidden_size) if public.kind == "LSTM" else (S,)
    state, dstate = (tuple(draw(count, N, size) for size in sizes) for _ in range(2))
    lengths = np.random.default_rng(T + N).integers(0, T + 1, N) if public.drawn.skip == "lengths" else None
    x, dy = draw(*lead, layer.input_size), draw(*lead, D * S)
    return Call(x, lengths, state if public.stateful else None, dy, dstate)


# --- Cells in turn ----------------------------------------------------------------------------------------------------


def cell_weights(layer: Any, suffix: str) -> dict[str, Array]:
    own = {name.removesuffix(suffix): w for name, w in layer.state_dict().items() if name.endswith(suffix)}
    return {CORE_NAMES.get(name, name): w for name, w in own.items()}


def suffixes(layer: Any) -> list[list[str]]:
    directions = ["", "_reverse"][: layer.num_directions]
    return [[f"_l{k}{direction}" for direction in directions] for k in range(layer.num_layers)]


def part(state: tuple[Array, ...] | None, k: int) -> tuple[Array | None, Array | None]:
    if state is None:
        return None, None
    return state[0][k], state[1][k] if len(state) == 2 else None


def forward_in_turn(cell: str, layer: Any, call: Call) -> tuple[Found, list[_core.Tape]]:
    y = call.x.transpose(1, 0, 2) if layer.batch_first else call.x
    states, tapes = [], []
    for names in suffixes(layer):
        ys = []
        for reverse, suffix in enumerate(names):
            weights = _core.Weights(cell, **cell_weights(layer, suffix))
            ys.append(np.empty((*y.shape[:2], weights.state_size), y.dtype))
            state = part(call.state, len(tapes))
            h, c, tape = _core.forward_training(weights, y, *state, ys[-1], call.lengths, bool(reverse))
            states.append((h,) if c is None else (h, c))
            tapes.append(tape)
        y = np.concatenate(ys, axis=-1)
    return named_state("", [np.stack(arrays) for arrays in zip(*states, strict=True)]) | {"y": y}, tapes


def named_state(prefix: str, arrays: Any) -> Found:
    return {f"{prefix}{name}": array for name, array in zip(("h", "c"), arrays, strict=False)}


def backward_in_turn(layer: Any, call: Call, tapes: list[_core.Tape]) -> Found:
    dy, found, states = call.dy.transpose(1, 0, 2) if layer.batch_first else call.dy, Found(), []
    k = len(tapes)
    for names in reversed(suffixes(layer)):
        dx = 0
        for suffix, own in reversed(list(zip(names, np.split(dy, len(names), axis=-1), strict=True))):
            k -= 1
            weights = cell_weights(layer, suffix)
            rooms = {f"d{name}": np.empty_like(w) for name, w in weights.items()}
            size = weights["weight_ih"].shape[1]
            rooms["dx"] = np.empty((*dy.shape[:2], size), dy.dtype)
            dh, dc = _core.backward(tapes[k], own, *part(call.dstate, k), **rooms)
            dx = dx + rooms.pop("dx")
            states.insert(0, (dh,) if dc is None else (dh, dc))
            found |= {name + suffix: gradient for name, gradient in rooms.items()}
        dy = dx
    return found | {"dx": dy} | named_state("d", [np.stack(arrays) for arrays in zip(*states, strict=True)])


def in_turn(public: Public, layer: Any, call: Call) -> Found:
    cell = {"LSTM": "lstm", "GRU": "gru"}.get(public.kind, f"rnn_{public.options.get('nonlinearity')}")
    with running(public.drawn.isa, 1):
        values, tapes = forward_in_turn(cell, layer, call)
        return values | backward_in_turn(layer, call, tapes)


# --- By the public functions ------------------------------------------------------------------------------------------


def arguments_of(call: Call) -> tuple[Any, ...]:
    state = call.state if call.state is None or len(call.state) == 2 else call.state[0]
    return call.x, state, call.lengths


def values_of(layer: Any, y: Array, state: Any) -> Found:
    time_first = y.transpose(1, 0, 2) if layer.batch_first else y
    return {"y": time_first} | named_state("", state if isinstance(state, tuple) else (state,))


def by_vjp(layer: Any, call: Call) -> Found:
    outputs, pullback = layer.vjp(*arguments_of(call))
    gradients = pullback(call.dy, call.dstate if len(call.dstate) == 2 else call.dstate[0])
    state = gradients.state if isinstance(gradients.state, tuple) else (gradients.state,)
    dx = gradients.x.transpose(1, 0, 2) if layer.batch_first else gradients.x
    names = {name: name.replace("bias_ih", "bias").replace("bias_hh", "recurrent_bias") for name in layer.state_dict()}
    parameters = {f"d{names[name]}": gradient for name, gradient in gradients.parameters.items()}
    return values_of(layer, *outputs) | {"dx": dx} | named_state("d", state) | parameters


def elsewhere(call: Call, forms: tuple[str, ...]) -> Call:
    """The same arrays in other places; forms of x, states, dy, and gradients of states."""
    state = None if call.state is None else tuple(arranged(a, forms[1]) for a in call.state)
    dstate = tuple(arranged(a, forms[3]) for a in call.dstate)
    return replace(call, x=arranged(call.x, forms[0]), state=state, dy=arranged(call.dy, forms[2]), dstate=dstate)


def check_layer(public: Public, forms: tuple[str, ...]) -> None:
    with on(public.drawn):
        layer = public.make()
    call = make_call(public, layer)
    wanted, given = in_turn(public, layer, call), elsewhere(call, forms)
    with on(public.drawn):
        for _ in range(REPEATS):
            found = by_vjp(layer, given)
            assert found.keys() == wanted.keys()
            assert_same(found, wanted)
            assert_same(values_of(layer, *layer(*arguments_of(given))), wanted)


@for_all(40, public=publics(), forms=st.tuples(*[anything] * 4))
def test_layers(public: Public, forms: tuple[str, ...]) -> None:
    check_layer(public, forms)


@for_all(4, public=publics(teams=True), forms=st.tuples(*[anything] * 4))
def test_layers_of_teams(public: Public, forms: tuple[str, ...]) -> None:
    check_layer(public, forms)


@for_all(30, public=publics(), row=st.integers(0, 19))
def test_a_row_alone_and_without_a_batch(public: Public, row: int) -> None:
    """Of any batch, and as one sequence without the axis of the batch."""
    layer = public.make()
    call = make_call(replace(public, drawn=replace(public.drawn, skip="nothing")), layer)
    axis = 0 if layer.batch_first else 1
    if call.x.shape[axis] == 0:
        return
    row %= call.x.shape[axis]
    state = None if call.state is None else tuple(part[:, row] for part in call.state)
    alone = replace(call, x=call.x.take(row, axis), state=state)
    with on(public.drawn):
        y, _ = layer(*arguments_of(call))
        np.testing.assert_array_equal(layer(*arguments_of(alone))[0], y.take(row, axis))
