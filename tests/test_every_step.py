"""Every layer that can be drawn, stepped: one stream or many together, with `out` over the input, states set again."""

from __future__ import annotations

import copy

import numpy as np
from arrangements import anything, arranged, in_one_block, two_places
from drawing import Arguments, Drawn, layers, make_arguments
from hypothesis import strategies as st
from running import Found, assert_same, infer, on, pack, present, running
from seeds import for_all

import fastlstm as fl
from fastlstm import _core

Places = tuple[int, int, int, int]


def steppable(drawn: Drawn) -> bool:
    return not drawn.masked and not drawn.reverse and drawn.skip == "nothing"


def whole(drawn: Drawn) -> tuple[Arguments, Found]:
    """What one thread gives for the whole sequence."""
    arguments = make_arguments(drawn)
    with running(drawn.isa, 1):
        return arguments, infer(arguments, np.full_like(arguments.dy, np.nan))


def started(a: Arguments, weights: _core.Weights, rows: slice = slice(None)) -> _core.Stream:
    h, c = a.h_0[rows], None if a.c_0 is None else a.c_0[rows]
    stream = _core.Stream([weights], len(h))
    stream.set_state([(h, c)])
    return stream


def state_of(stream: _core.Stream) -> Found:
    [(h, c)] = stream.state()
    return present(h_n=h, c_n=c)


def check_steps(drawn: Drawn, places: Places, arrangement: str) -> None:
    """Some steps with `out`, wherever it lies, and some without; a state that is read and set again is the same."""
    arguments, wanted = whole(drawn)
    with on(drawn):
        stream, steps = started(arguments, pack(arguments)), np.empty_like(arguments.dy)
        for t, x_t in enumerate(arguments.x):
            x, out = in_one_block(x_t, drawn.state_size, places)
            steps[t] = stream.step(x, out) if t % 3 else stream.step(arranged(x_t, arrangement))
            assert t % 3 == 0 or np.array_equal(steps[t], out)
            stream.set_state(stream.state())
    assert_same({"y": steps} | state_of(stream), wanted)


@for_all(40, drawn=layers(least=1).filter(steppable), places=two_places(), arrangement=anything)
def test_steps(drawn: Drawn, places: Places, arrangement: str) -> None:
    check_steps(drawn, places, arrangement)


@for_all(12, drawn=layers(teams=True).filter(lambda d: steppable(d) and d.sizes.T < 50), places=two_places())
def test_steps_of_teams(drawn: Drawn, places: Places) -> None:
    check_steps(drawn, places, "plain")


@for_all(25, drawn=layers(least=1).filter(steppable), places=two_places())
def test_many_streams_together(drawn: Drawn, places: Places) -> None:
    arguments, wanted = whole(drawn)
    with on(drawn):
        weights, steps = pack(arguments), np.empty_like(arguments.dy)
        streams = [started(arguments, weights, slice(n, n + 1)) for n in range(drawn.sizes.N)]
        for t, x_t in enumerate(arguments.x):
            x, out = in_one_block(x_t, drawn.state_size, places)
            steps[t] = _core.step_many(streams, x, out if t % 3 else None)
    states = [state_of(stream) for stream in streams]
    joined = {name: np.concatenate([state[name] for state in states]) for name in states[0]}
    assert_same({"y": steps} | joined, wanted)


@for_all(25, sizes=st.tuples(*[st.integers(1, 40)] * 3), data=st.data())
def test_states_of_public_streams(sizes: tuple[int, int, int], data: st.DataObject) -> None:
    """Before every step the stream is copied somehow, and its state set to what it is."""
    N, I, H = sizes
    kind = data.draw(st.sampled_from([fl.LSTM, fl.LSTM, fl.GRU, fl.RNN]), label="kind")
    options = {"proj_size": data.draw(st.integers(0, H - 1), label="proj_size")} if kind is fl.LSTM else {}
    layer = kind(I, H, num_layers=data.draw(st.integers(1, 3), label="layers"), **options, seed=0)
    x = np.random.default_rng(0).standard_normal((4, N, I), "float32")
    y, final = layer(x)
    stream = layer.stream(N)
    for x_t, y_t in zip(x, y, strict=True):
        stream = data.draw(st.sampled_from([copy.copy, copy.deepcopy, lambda same: same]), label="copied")(stream)
        stream.state = stream.state
        np.testing.assert_array_equal(stream.step(x_t), y_t)
    for part, wanted in zip(stream.state, final, strict=True):
        np.testing.assert_array_equal(part, wanted)
