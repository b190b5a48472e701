"""Chains of layers: PyTorch's numbers, gradients, streams, files, and what they refuse."""

from __future__ import annotations

import copy
import functools
import pickle
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fastlstm as fl

GOLDEN = Path(__file__).parent / "golden" / "torch_chains.npz"

Pieces = dict[str, Any]
POOLED: dict[str, Callable[[], Any]] = {
    "final": fl.FinalHidden,
    "mean": fl.MeanOverTime,
    "max": fl.MaxOverTime,
    "valid": fl.LastValidStep,
}
PIECES: dict[str, tuple[Pieces, bool]] = {
    "classifier": (
        {
            "embedding": functools.partial(fl.Embedding, padding_idx=0),
            "lstm": fl.LSTM,
            "last": fl.LastStep(),
            "fc": fl.Linear,
        },
        True,
    ),
    "forecaster": ({"gru": fl.GRU, "head": [fl.Linear, fl.ReLU(), fl.Dropout(0.0), fl.Linear, fl.Tanh()]}, False),
    "tagger": (
        {
            "rnn": functools.partial(fl.RNN, nonlinearity="relu"),
            "norm": fl.LayerNorm,
            "fc": fl.Linear,
            "shares": fl.LogSoftmax(),
        },
        True,
    ),
    **{
        how: ({"lstm": fl.LSTM, "pool": pool(), "norm": fl.BatchNorm1d, "fc": fl.Linear, "out": fl.Sigmoid()}, True)
        for how, pool in POOLED.items()
    },
}


def case_of(name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return arrays of a case: what goes in and comes out, the state_dict, the gradients."""
    parts: list[dict[str, Any]] = [{}, {}, {}]
    with np.load(GOLDEN) as kept:
        for key in kept:
            case, _, rest = key.partition("/")
            if case == name:
                kind = {"state": 1, "grad": 2}.get(rest.partition("/")[0], 0)
                parts[kind][rest.partition("/")[2] if kind else rest] = kept[key]
    return parts[0], parts[1], parts[2]


def chain_of(name: str) -> fl.Chain:
    pieces, batch_first = PIECES[name]
    return fl.Chain.from_state_dict(case_of(name)[1], batch_first=batch_first, **pieces)


@pytest.mark.parametrize("name", PIECES)
def test_a_chain_is_what_torch_computed(name: str) -> None:
    arrays, state, gradients = case_of(name)
    net = chain_of(name)
    assert list(net.state_dict()) == list(state)
    (y, final), pullback = net.vjp(arrays["x"], arrays.get("h_0"), arrays.get("lengths"))
    close: dict[str, Any] = {"rtol": 0, "atol": 1e-12}  # float64 on both sides, numbers up to 20
    np.testing.assert_allclose(y, arrays["y"], **close)
    for part, kind in zip(final if isinstance(final, tuple) else (final,), "hc", strict=False):
        np.testing.assert_allclose(part, arrays[f"{kind}_n"], **close)
    found = pullback(arrays["dy"]).parameters
    assert list(found) == list(gradients) == [key for key, _ in net.named_parameters()]
    for key, wanted in gradients.items():
        np.testing.assert_allclose(found[key], wanted, **close, err_msg=key)


def assert_same_state(state: Any, wanted: Any) -> None:
    for part, other in zip(state, wanted, strict=True):
        np.testing.assert_array_equal(part, other)


@pytest.mark.parametrize("name", PIECES)
def test_inference_has_the_numbers_of_training_without_dropout(name: str) -> None:
    arrays, _, _ = case_of(name)
    net = chain_of(name)
    arguments = (arrays["x"], arrays.get("h_0"), arrays.get("lengths"))
    (y, state), (y_trained, state_trained) = net(*arguments), net.vjp(*arguments)[0]
    np.testing.assert_array_equal(y, y_trained)
    assert_same_state(state, state_trained)


# -- gradients ---------------------------------------------------------------------------------------------------------


def draw(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def recurrent(kind: Any, I: int, H: int = 4, **options: Any) -> Any:
    return kind(I, H, seed=I, dtype="float64", **options)


def linear(inputs: int, outputs: int = 3, **options: Any) -> fl.Linear:
    return fl.Linear(inputs, outputs, dtype="float64", seed=inputs, **options)


CHAINS: dict[str, Callable[[], fl.Chain]] = {
    "stack": lambda: fl.Chain(
        a=recurrent(fl.LSTM, 3), b=recurrent(fl.GRU, 4, 5, num_layers=2), c=recurrent(fl.RNN, 5), fc=linear(4)
    ),
    "final of several": lambda: fl.Chain(
        a=recurrent(fl.LSTM, 3, bidirectional=True, proj_size=2, batch_first=True),
        b=recurrent(fl.GRU, 4, 5, bidirectional=True, num_layers=2, batch_first=True),
        final=fl.FinalHidden(),
        fc=linear(10),
        out=fl.Softmax(),
    ),
    "layers before": lambda: fl.Chain(
        linear(3, 6),
        fl.Tanh(),
        fl.LayerNorm(6, dtype="float64"),
        recurrent(fl.GRU, 6, bidirectional=True),
        fl.MeanOverTime(),
        fl.LeakyReLU(0.1),
    ),
    "directions that differ": lambda: fl.Chain(
        recurrent(fl.LSTM, 3, bidirectional=True), recurrent(fl.LSTM, 8), fl.MaxOverTime(), linear(4), fl.LogSoftmax(1)
    ),
    "nothing but a layer": lambda: fl.Chain(recurrent(fl.LSTM, 3)),
    "chains within": lambda: fl.Chain(
        body=fl.Chain(first=fl.Chain(recurrent(fl.RNN, 3)), second=recurrent(fl.LSTM, 4, batch_first=False)),
        last=fl.LastValidStep(),
        head=fl.Chain(linear(4), fl.Sigmoid()),
    ),
}


def states_like(state: Any, seed: int = 0) -> Any:
    """Random numbers in the form of a state."""
    if isinstance(state, dict):
        return {name: states_like(part, seed + 1 + k) for k, (name, part) in enumerate(state.items())}
    if isinstance(state, tuple):
        return tuple(states_like(part, seed + 50 + k) for k, part in enumerate(state))
    return np.random.default_rng(seed).standard_normal(state.shape).astype(state.dtype) / 2


def product_of(state: Any, other: Any) -> float:
    if isinstance(state, dict):
        return sum(product_of(state[name], other[name]) for name in state)
    if isinstance(state, tuple):
        return sum(map(product_of, state, other))
    return float(np.sum(state * other))


def moved(state: Any, direction: Any, step: float) -> Any:
    if isinstance(state, dict):
        return {name: moved(state[name], direction[name], step) for name in state}
    if isinstance(state, tuple):
        return tuple(moved(part, other, step) for part, other in zip(state, direction, strict=True))
    return state + step * direction


STEP = 1e-6


def assert_slope(found: float, up: float, down: float) -> None:
    # truncation is of order STEP^2, rounding 1e-16 * |scalar| / STEP
    np.testing.assert_allclose(found, (up - down) / (2 * STEP), rtol=1e-6, atol=2e-8)


@pytest.mark.parametrize("lengths", [None, [6, 0, 3, 5]], ids=["all", "lengths"])
@pytest.mark.parametrize("name", CHAINS)
def test_central_differences(name: str, lengths: Any) -> None:
    net = CHAINS[name]()
    x = draw(4, 6, 3) if net._plan.batch_first else draw(6, 4, 3)
    start = states_like(net(x)[1])
    (y, final), pullback = net.vjp(x, start, lengths)
    dy, dstate = draw(*y.shape), states_like(final, 7)
    gradients = pullback(dy, dstate)

    def scalar(x: Any, start: Any) -> float:
        y, final = net(x, start, lengths)
        return float(np.sum(y * dy)) + product_of(final, dstate)

    way = draw(*x.shape)
    assert_slope(float(np.sum(gradients.x * way)), scalar(x + STEP * way, start), scalar(x - STEP * way, start))
    way = states_like(start, 11)
    up, down = scalar(x, moved(start, way, STEP)), scalar(x, moved(start, way, -STEP))
    assert_slope(product_of(gradients.state, way), up, down)
    arrays = net.state_dict()
    for key, value in arrays.items():
        way = draw(*value.shape)
        values = []
        for sign in (STEP, -STEP):
            net.load_state_dict({**arrays, key: value + sign * way})
            values.append(scalar(x, start))
        assert_slope(float(np.sum(gradients.parameters[key] * way)), *values)
    net.load_state_dict(arrays)


@pytest.mark.parametrize("name", CHAINS)
def test_a_gradient_of_one_output_is_that_with_zeros_for_the_other(name: str) -> None:
    net = CHAINS[name]()
    x = draw(4, 6, 3)
    (y, final), pullback = net.vjp(x)
    dy, dstate = draw(*y.shape), states_like(final, 3)
    nothing = moved(dstate, dstate, -1.0)
    for some, both in ((pullback(dy), pullback(dy, nothing)), (pullback(None, dstate), pullback(0 * dy, dstate))):
        np.testing.assert_array_equal(some.x, both.x)
        for key, value in both.parameters.items():
            np.testing.assert_array_equal(some.parameters[key], value, err_msg=key)
    with pytest.raises(ValueError, match="pullback must be given either dy or dstate"):
        pullback()


def test_indices_have_no_gradient_and_padding_has_none() -> None:
    net = chain_of("classifier")
    (y, _), pullback = net.vjp([[1, 0, 0], [2, 2, 0]])
    gradients = pullback(np.ones_like(y))
    assert gradients.x is None
    assert not gradients.parameters["embedding.weight"][0].any()
    assert gradients.parameters["embedding.weight"][1:3].all()


def test_dropout_drops_in_training_only() -> None:
    net = fl.Chain(lstm=fl.LSTM(3, 40, seed=0), drop=fl.Dropout(0.5, seed=1), last=fl.LastStep())
    x = draw(5, 8, 3).astype("float32")
    y, _ = net(x)
    (dropped, _), pullback = net.vjp(x)
    gone = dropped == 0
    assert 0.3 < gone.mean() < 0.7
    np.testing.assert_array_equal(dropped[~gone], 2 * y[~gone])
    assert pullback(np.ones_like(y)).x.any()


def test_training_by_hand_lowers_the_loss() -> None:
    net = fl.Chain(
        embedding=fl.Embedding(12, 6, seed=0),
        gru=fl.GRU(6, 8, batch_first=True, seed=0),
        last=fl.LastStep(),
        fc=fl.Linear(8, 2, seed=0),
        shares=fl.LogSoftmax(1),
    )
    rng = np.random.default_rng(0)
    x = rng.integers(0, 12, (64, 5))
    labels = (x[:, -1] > 5).astype(int)
    losses = []
    for _ in range(60):
        (y, _), pullback = net.vjp(x)
        losses.append(-y[np.arange(64), labels].mean())
        grads = pullback((-np.eye(2)[labels] / 64).astype("float32"))
        net.load_state_dict({name: value - 1.0 * grads.parameters[name] for name, value in net.named_parameters()})
    assert losses[-1] < 0.1 * losses[0]


# -- what goes in and comes out ----------------------------------------------------------------------------------------


def test_recurrent_layers_on_top_of_each_other_are_one_layer() -> None:
    whole = fl.LSTM(3, 5, num_layers=2, batch_first=True, seed=0)
    arrays = whole.state_dict()
    below = {name: value for name, value in arrays.items() if name.endswith("l0")}
    above = {name.replace("l1", "l0"): value for name, value in arrays.items() if name.endswith("l1")}
    net = fl.Chain(
        below=fl.LSTM.from_state_dict(below, batch_first=True),
        drop=fl.Dropout(),
        above=fl.LSTM.from_state_dict(above, batch_first=True),
    )
    assert [stage.places for stage in net._plan.stages] == [(0, 2)]
    x = draw(4, 6, 3).astype("float32")
    start = states_like(whole(x)[1])
    for lengths in (None, [2, 6, 0, 3]):
        y, final = net(
            x, {name: tuple(part[k : k + 1] for part in start) for k, name in enumerate(("below", "above"))}, lengths
        )
        wanted, (h_n, c_n) = whole(x, start, lengths)
        np.testing.assert_array_equal(y, wanted)
        np.testing.assert_array_equal(np.concatenate([final["below"][0], final["above"][0]]), h_n)
        np.testing.assert_array_equal(np.concatenate([final["below"][1], final["above"][1]]), c_n)


def test_one_sequence_is_a_batch_of_one() -> None:
    for name in PIECES:
        if name in POOLED:
            continue  # a BatchNorm1d takes no single row
        net, (arrays, _, _) = chain_of(name), case_of(name)
        axis = 0 if net._plan.batch_first else 1
        x = arrays["x"].take([1], axis)
        y, state = net(x)
        alone, state_alone = net(x.squeeze(axis))
        np.testing.assert_array_equal(alone, y.squeeze(axis if y.ndim == 3 else 0))
        assert_same_state(state_alone, np.stack(state).squeeze(-2))


@pytest.mark.parametrize("pool", [fl.FinalHidden, fl.LastStep, fl.LastValidStep, fl.MeanOverTime, fl.MaxOverTime])
def test_one_sequence_through_what_takes_one_step(pool: Any) -> None:
    net = fl.Chain(lstm=recurrent(fl.LSTM, 3, bidirectional=True, batch_first=True), pool=pool(), fc=linear(8))
    x = draw(1, 6, 3)
    (y, _), pullback = net.vjp(x)
    (alone, _), pullback_alone = net.vjp(x[0])
    np.testing.assert_array_equal(alone, y[0])
    np.testing.assert_array_equal(net(x[0])[0], y[0])
    np.testing.assert_array_equal(pullback_alone(y[0]).x, pullback(y).x[0])


def test_hx_is_the_state() -> None:
    net = chain_of("forecaster")
    arrays, _, _ = case_of("forecaster")
    np.testing.assert_array_equal(net(arrays["x"], hx=arrays["h_0"])[0], net(arrays["x"], arrays["h_0"])[0])
    np.testing.assert_array_equal(net.vjp(arrays["x"], hx=arrays["h_0"])[0][0], net(arrays["x"], arrays["h_0"])[0])
    with pytest.raises(ValueError, match="state must be left out where hx is given, its other name, got both"):
        net(arrays["x"], arrays["h_0"], hx=arrays["h_0"])


def test_states_left_out_of_a_dict_are_zeros() -> None:
    net = CHAINS["stack"]()
    x = draw(6, 4, 3)
    _, state = net(x)
    y, _ = net(x, {"b": state["b"]})
    zeros = {"a": tuple(np.zeros_like(part) for part in state["a"]), "b": state["b"], "c": 0 * state["c"]}
    np.testing.assert_array_equal(y, net(x, zeros)[0])
    assert list(state) == ["a", "b", "c"]


def test_rows_of_no_steps() -> None:
    x, lengths = draw(3, 5, 3), [5, 0, 2]
    for pool in (fl.LastValidStep(), fl.MeanOverTime(), fl.MaxOverTime(), fl.FinalHidden()):
        net = fl.Chain(recurrent(fl.GRU, 3, batch_first=True), pool)
        (y, _), pullback = net.vjp(x, lengths=lengths)
        assert not y[1].any()
        assert y[[0, 2]].all()
        assert not pullback(np.ones_like(y)).x[1].any()


@pytest.mark.parametrize("pool", [fl.LastValidStep, fl.MeanOverTime, fl.MaxOverTime])
def test_what_is_past_the_length_does_not_count(pool: Any) -> None:
    """Not even NaN, which a layer in between may make of the zeros there."""
    net = fl.Chain(gru=recurrent(fl.GRU, 3, batch_first=True), fc=linear(4), pool=pool())
    net.fc.load_state_dict({"weight": np.ones((3, 4)), "bias": np.full(3, 1e300)})
    x = draw(2, 5, 3)
    y, _ = net(x, lengths=[2, 5])
    np.testing.assert_allclose(y[0], net(x[:1, :2])[0][0], rtol=1e-15)


@pytest.mark.parametrize(("T", "N"), [(0, 2), (1, 2), (3, 0), (1, 1)])
@pytest.mark.parametrize("name", CHAINS)
def test_few_steps_and_rows(name: str, T: int, N: int) -> None:
    net = CHAINS[name]()
    x = np.zeros((N, T, 3) if net._plan.batch_first else (T, N, 3))
    (y, _), pullback = net.vjp(x)
    np.testing.assert_array_equal(net(x)[0], y)
    assert pullback(y).x.shape == x.shape
    last = fl.Chain(recurrent(fl.LSTM, 3, bidirectional=True), fl.LastStep())
    if T == 0:
        with pytest.raises(ValueError, match=re.escape("1: x must have at least one step for a LastStep, got none")):
            last(np.zeros((T, N, 3)))
    else:
        assert last(np.zeros((T, N, 3)))[0].shape == (N, 8)


def test_the_arrays_of_the_caller_stay_as_they_are() -> None:
    for name in CHAINS:
        net = CHAINS[name]()
        x = draw(6, 4, 3)[::-1].transpose(1, 0, 2)[..., ::-1]
        before = x.copy()
        (y, state), pullback = net.vjp(x)
        dy, dstate = draw(*y.shape), states_like(state)
        kept = copy.deepcopy((dy, dstate))
        pullback(dy, dstate)
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(dy, kept[0])
        assert product_of(dstate, dstate) == product_of(kept[1], kept[1])
        np.testing.assert_array_equal(net(x)[0], net(np.ascontiguousarray(x))[0])


def test_calls_under_way_keep_their_arrays() -> None:
    net = CHAINS["stack"]()
    x = draw(6, 4, 3)
    (y, _), pullback = net.vjp(x)
    before = pullback(y)
    stream = net.stream(4)
    net.load_state_dict({name: 0 * value for name, value in net.state_dict().items()})
    np.testing.assert_array_equal(pullback(y).x, before.x)
    np.testing.assert_array_equal(stream.step(x[0]), y[0])
    assert not net(x)[0].any()


# -- streams -----------------------------------------------------------------------------------------------------------

STREAMED: dict[str, Callable[[Any], fl.Chain]] = {
    "stack": lambda dtype: fl.Chain(
        a=fl.LSTM(7, 9, dtype=dtype, seed=0),
        drop=fl.Dropout(),
        b=fl.GRU(9, 5, num_layers=2, dtype=dtype, seed=0),
        norm=fl.LayerNorm(5, dtype=dtype),
        c=fl.LSTM(5, 33, proj_size=6, dtype=dtype, seed=0),
        fc=fl.Chain(fl.Linear(6, 11, dtype=dtype, seed=0), fl.LeakyReLU(), fl.Linear(11, 13, dtype=dtype, seed=0)),
        out=fl.Softmax(),
    ),
    "before": lambda dtype: fl.Chain(
        fl.Linear(7, 17, dtype=dtype, seed=0),
        fl.Sigmoid(),
        fl.RNN(17, 5, dtype=dtype, seed=0),
        fl.Tanh(),
        fl.LogSoftmax(),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", STREAMED)
def test_steps_have_the_bits_of_the_whole(name: str, batch: int, dtype: str) -> None:
    net = STREAMED[name](dtype)
    x = draw(9, batch, 7).astype(dtype)
    whole, final = net(x)
    stream = net.stream(batch)
    steps = [stream.step(x_t) for x_t in x[:4]]
    later = net.stream(batch)
    later.state = stream.state
    twin, out = copy.copy(later), np.empty(whole.shape[1:], dtype)
    for k in range(4, 9):
        steps.append(later.step(x[k], out).copy())
        np.testing.assert_array_equal(twin.step(x[k]), steps[-1])
        if batch == 1:
            np.testing.assert_array_equal(stream.step(x[k, 0]), steps[-1][0])
    np.testing.assert_array_equal(np.stack(steps), whole)
    assert product_of(moved(later.state, final, -1.0), moved(later.state, final, -1.0)) == 0
    later.reset()
    np.testing.assert_array_equal(later.step(x[0]), whole[0])


def test_many_streams_step_as_one() -> None:
    net = STREAMED["stack"]("float32")
    x = draw(6, 5, 7).astype("float32")
    streams = [net.stream() for _ in range(5)]
    found = np.stack([fl.step_many(streams, x_t) for x_t in x])
    np.testing.assert_array_equal(found, net(x)[0])
    with pytest.raises(ValueError, match="streams must be of one chain, with the same weights, got others"):
        fl.step_many([net.stream(), STREAMED["stack"]("float32").stream()], x[0, :2])
    net.load_state_dict(net.state_dict())
    with pytest.raises(ValueError, match="with the same weights"):
        fl.step_many([streams[0], net.stream()], x[0, :2])
    with pytest.raises(ValueError, match="streams must have a batch size of 1, got 2"):
        fl.step_many([net.stream(2)], x[0, :1])
    with pytest.raises(ValueError, match=re.escape("x must have shape (5, ...), got (4, 7)")):
        fl.step_many(streams, x[0, :4])


def test_a_stream_of_words() -> None:
    net = fl.Chain(fl.Embedding(10, 4, seed=0), fl.LSTM(4, 5, seed=0), fl.Linear(5, 10, seed=0))
    words = np.array([3, 9, 0, 1])
    stream = net.stream()
    np.testing.assert_array_equal([stream.step(word) for word in words], net(words)[0])
    pair = net.stream(2)
    np.testing.assert_array_equal([pair.step([word, word]) for word in words], net(np.stack([words] * 2, 1))[0])
    with pytest.raises(ValueError, match="0: x must hold whole numbers from 0 to 9, got 10"):
        stream.step(10)


NOT_STREAMED: dict[str, tuple[Callable[[], fl.Chain], str]] = {
    "last": (lambda: fl.Chain(a=fl.LSTM(3, 4), last=fl.LastStep()), "last must act on single steps"),
    "final": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), h=fl.FinalHidden()),
        "h must act on .*, got a FinalHidden",
    ),
    "both": (
        lambda: fl.Chain(a=fl.LSTM(3, 4, bidirectional=True)),
        "a: bidirectional must be False for a layer",
    ),
    "dim": (lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.Softmax(1)), "b: dim must be -1 for a layer to stream"),
    "norm": (lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.BatchNorm1d(4)), "b: a layer to stream must act on the last axis"),
    "axes": (lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.LayerNorm((2, 4))), "b: normalized_shape must be one number for a"),
    "none": (lambda: fl.Chain(a=fl.Linear(3, 4)), "a chain to stream must have a recurrent layer, got none"),
}


@pytest.mark.parametrize("case", NOT_STREAMED)
def test_what_takes_more_than_a_step_is_not_streamed(case: str) -> None:
    make, message = NOT_STREAMED[case]
    with pytest.raises(ValueError, match=message):
        make().stream()


def test_wrong_steps() -> None:
    net = STREAMED["stack"]("float32")
    stream, x = net.stream(2), np.zeros((2, 7), "float32")
    with pytest.raises(ValueError, match=r"a: x must have shape"):
        stream.step(x[:, :3])
    with pytest.raises(TypeError, match="x must have dtype float32, that of the chain, got float64"):
        stream.step(x.astype("float64"))
    with pytest.raises(ValueError, match=re.escape("out must have shape (2, 13), got (2, 7)")):
        stream.step(x, x)
    with pytest.raises(TypeError, match="out must be a NumPy array of float32, got float64"):
        stream.step(x, np.zeros((2, 13)))
    with pytest.raises(ValueError, match="out must be writeable"):
        stream.step(x, np.broadcast_to(np.zeros(13, "float32"), (2, 13)))
    with pytest.raises(TypeError, match="state must be the states of the recurrent layers, got None"):
        stream.state = None
    with pytest.raises(TypeError, match="state must be a dict from a, b, c to states"):
        stream.state = 3
    with pytest.raises(ValueError, match="names in state must be 'a', 'b' or 'c', got 'd'"):
        stream.state = {"d": 3}
    with pytest.raises(ValueError, match=re.escape("state['b'] must hold arrays of shape (2, 2, 5), got (1, 2, 5)")):
        stream.state = {"b": np.zeros((1, 2, 5), "float32")}
    with pytest.raises(TypeError, match="a stream cannot be pickled"):
        pickle.dumps(stream)
    with pytest.raises(MemoryError, match="batch_size must be smaller"):
        net.stream(2**50)


def test_a_stream_is_for_one_thread_at_a_time() -> None:
    stream = fl.Chain(fl.LSTM(512, 512, seed=0), fl.Linear(512, 512, seed=0)).stream(64)
    x, refused = np.ones((64, 512), "float32"), []

    def step() -> None:
        for _ in range(50):
            try:
                stream.step(x)
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("stepping in another thread" in text for text in refused)
    stream.step(x)


# -- arrays by name ----------------------------------------------------------------------------------------------------


def test_layers_are_attributes_of_their_names() -> None:
    net = CHAINS["chains within"]()
    assert isinstance(net.head, fl.Chain)
    assert [name for name, _ in net.body.named_children()] == ["first", "second"]
    assert next(iter(net.state_dict())) == "body.first.0.weight_ih_l0"
    assert {"head", "vjp"} <= {*dir(net)}
    assert repr(net) == "Chain(body=Chain, last=LastValidStep, head=Chain)"
    with pytest.raises(AttributeError, match="'Chain' object has no attribute 'tail'"):
        _ = net.tail
    for name in ("head", "tail"):
        with pytest.raises(AttributeError, match=f"fixed: make a new Chain with another {name}"):
            setattr(net, name, linear(4))


def test_parameters_are_what_is_trained() -> None:
    net = chain_of("mean")
    names = [name for name, _ in net.named_parameters()]
    assert {*net.state_dict()} - {*names} == {
        f"norm.{n}" for n in ("running_mean", "running_var", "num_batches_tracked")
    }
    assert [value.size for value in net.parameters()] == [value.size for _, value in net.named_parameters()]
    with pytest.raises(ValueError, match="read-only"):
        next(net.parameters())[...] = 0
    for value in net.state_dict().values():
        value[...] = 0
    assert all(value.any() for value in net.parameters())


def test_loading_is_all_or_nothing() -> None:
    net = chain_of("classifier")
    before = net.state_dict()
    wrong = {**{name: 0 * value for name, value in before.items()}, "fc.bias": np.zeros(3)}
    with pytest.raises(ValueError, match=re.escape("fc.bias must have shape (2,), got (3,)")):
        net.load_state_dict(wrong)
    with pytest.raises(ValueError, match=re.escape("others: missing=['fc.bias'], unknown=['fc.b']")):
        net.load_state_dict({("fc.b" if name == "fc.bias" else name): value for name, value in before.items()})
    with pytest.raises(TypeError, match="mapping must be a dict"):
        net.load_state_dict([1])  # type: ignore[arg-type]
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


FOUND = {
    "fc": (lambda d: d.pop("fc.weight"), "mapping must have 'fc.weight', got the names"),
    "bias": (lambda d: d.update({"fc.bias": np.ones(9)}), "Linear of 'fc.': bias must have shape (2,), got (9,)"),
    "more": (
        lambda d: d.update({"attention.weight": np.ones(9), "x": np.ones(2)}),
        "mapping must have no names but those of embedding., lstm., last., fc., got ['attention.weight', 'x']; leave",
    ),
    "below": (lambda d: d.update({"last.weight": np.ones(9)}), "unknown=['weight']"),
    "sizes": (
        lambda d: d.update({"fc.weight": np.ones((2, 9))}),
        "fc: in_features must be 4, what the layer before gives, got 9",
    ),
    "flat": (
        lambda d: d.update({"fc.weight": np.ones(2)}),
        "Linear of 'fc.': weight must have shape (rows, columns), at least one of each, got (2,)",
    ),
    "dtype": (
        lambda d: d.update({"fc.weight": np.ones((2, 4), "float32"), "fc.bias": np.ones(2, "float32")}),
        "fc: dtype must be float64, that of embedding, got float32",
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_arrays_that_are_no_such_chain_say_which_is_wrong(case: str) -> None:
    change, message = FOUND[case]
    _, state, _ = case_of("classifier")
    change(state)  # type: ignore[no-untyped-call]
    with pytest.raises(ValueError, match=re.escape(message)):
        fl.Chain.from_state_dict(state, batch_first=True, **PIECES["classifier"][0])


def test_a_chain_of_part_of_a_module() -> None:
    _, state, _ = case_of("forecaster")
    whole = {f"model.{name}": value for name, value in state.items()} | {"other.weight": np.ones(3)}
    net = fl.Chain.from_state_dict(whole, "model.", **PIECES["forecaster"][0])
    x = draw(3, 2, 3)
    np.testing.assert_array_equal(net(x)[0], chain_of("forecaster")(x)[0])
    given = fl.Chain.from_state_dict(state, gru=fl.GRU(3, 4, dtype="float64"), head=PIECES["forecaster"][0]["head"])
    np.testing.assert_array_equal(given(x)[0], net(x)[0])
    with pytest.raises(TypeError, match="names in mapping must be a str, got 1"):
        fl.Chain.from_state_dict({1: 2}, gru=fl.GRU)  # type: ignore[dict-item]
    for wrong in (3, functools.partial(fl.GRU, 3), dict, np.ones(2)):
        with pytest.raises(TypeError, match="gru must be a class of this package, a layer, or a list or dict"):
            fl.Chain.from_state_dict({}, gru=wrong)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (lambda: fl.Chain(), "Chain must be given layers, all by place or all by name, got none"),
    "both": (lambda: fl.Chain(fl.ReLU(), a=fl.ReLU()), "Chain must be given layers, .* got both"),
    "name": (lambda: fl.Chain(vjp=fl.ReLU()), "names of layers must be other than those of a chain, .* got 'vjp'"),
    "dot": (lambda: fl.Chain(**{"a.b": fl.ReLU()}), "names of layers must be .* without dots, got 'a.b'"),
    "private": (lambda: fl.Chain(_plan=fl.ReLU()), "names of layers must be"),
    "size": (
        lambda: fl.Chain(a=fl.LSTM(3, 4, bidirectional=True), b=fl.GRU(4, 5)),
        "b: input_size must be 8, what the layer before gives, got 4",
    ),
    "norm": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.LayerNorm(5)),
        "b: normalized_shape must be 4, what the layer before gives, got 5",
    ),
    "features": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.LastStep(), c=fl.BatchNorm1d(5)),
        "c: num_features must be 4, what the layer before gives, got 5",
    ),
    "dtype": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.Linear(4, 2, dtype="float64")),
        "b: dtype must be float32, that of a, got float64",
    ),
    "batch_first": (
        lambda: fl.Chain(a=fl.LSTM(3, 4, batch_first=True), b=fl.LSTM(4, 4)),
        "b: batch_first must be True, that of a, got False",
    ),
    "embedding": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.Embedding(3, 4)),
        "b must be the first layer: it takes whole numbers, got a Embedding behind a",
    ),
    "final": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.ReLU(), c=fl.FinalHidden()),
        "c must come directly behind a recurrent layer, .* got a FinalHidden behind b",
    ),
    "where time is": (
        lambda: fl.Chain(a=fl.Linear(3, 4), b=fl.LastStep()),
        "b must come behind a recurrent layer, which says where time is, got a LastStep behind a",
    ),
    "no time": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.LastStep(), c=fl.GRU(4, 4)),
        "c must come where there are time steps, got a GRU behind b",
    ),
    "twice": (
        lambda: fl.Chain(a=fl.LSTM(3, 4), b=fl.LastStep(), c=fl.MeanOverTime()),
        "c must come where there are time steps",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_follow_what(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_no_layer() -> None:
    with pytest.raises(TypeError, match="a must be a layer of this package, got the class LSTM; from_state_dict takes"):
        fl.Chain(a=fl.LSTM)
    with pytest.raises(TypeError, match="a must be a layer of this package, got 3"):
        fl.Chain(a=3)
    with pytest.raises(TypeError, match=r"a must be a layer over sequences, .* got .*: a cell takes single"):
        fl.Chain(a=fl.LSTMCell(3, 4))
    layer = fl.Linear(3, 3)
    with pytest.raises(ValueError, match="b must be a layer of its own, got that of a"):
        fl.Chain(a=layer, b=layer)
    relu = fl.ReLU()
    fl.Chain(a=relu, b=relu)


def test_wrong_calls() -> None:
    net = chain_of("classifier")
    with pytest.raises(ValueError, match=re.escape("lengths must be None for a LastStep, got 2 lengths")):
        net([[1, 2], [3, 4]], lengths=[1, 2])
    with pytest.raises(ValueError, match=re.escape("lstm: lengths must have shape (2,), got (3,)")):
        net([[1, 2], [3, 4]], lengths=[1, 2, 2])
    with pytest.raises(ValueError, match="embedding: x must hold whole numbers from 0 to 8, got 9"):
        net([[1, 9]])
    with pytest.raises(ValueError, match="embedding: x must hold whole numbers from 0 to 8, got -1"):
        net([[1, -1]])
    with pytest.raises(TypeError, match="embedding: x must be an array of whole numbers, got dtype float64"):
        net(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="lstm: x must have shape"):
        net(3)
    with pytest.raises(TypeError, match=re.escape("lstm: state must be a pair of arrays (h, c), got ndarray")):
        net([[1, 2]], np.zeros((2, 1, 4)))
    stack = CHAINS["stack"]()
    with pytest.raises(TypeError, match="x must have dtype float64, that of the chain, got float32"):
        stack(np.zeros((2, 2, 3), "float32"))
    with pytest.raises(TypeError, match="a: x must be a NumPy array of float64, got list"):
        stack([[1.0]])
    with pytest.raises(TypeError, match="state must be a dict from a, b, c to states, got"):
        stack(np.zeros((2, 2, 3)), np.zeros((1, 2, 4)))
    with pytest.raises(ValueError, match=re.escape("state['b'] must have shape (2, 2, 5), got (1, 2, 5)")):
        stack(np.zeros((2, 2, 3)), {"b": np.zeros((1, 2, 5))})
    head = fl.Chain(fl.Linear(3, 2))
    with pytest.raises(ValueError, match="state must be left out for a chain without a recurrent layer"):
        head(np.zeros((2, 3), "float32"), np.zeros(2))
    with pytest.raises(ValueError, match="lengths must be left out for a chain without a recurrent layer"):
        head(np.zeros((2, 3), "float32"), lengths=[1])
    y, pullback = head.vjp(np.zeros((2, 3), "float32"))
    assert y.shape == (2, 2)
    with pytest.raises(ValueError, match="dstate must be left out for a chain without a recurrent layer"):
        pullback(y, 3)
    with pytest.raises(ValueError, match=re.escape("dy must have shape (2, 2), got (2, 3)")):
        pullback(np.zeros((2, 3), "float32"))
    with pytest.raises(TypeError, match="dy must have dtype float32"):
        pullback(np.zeros((2, 2)))


# -- files, copies, threads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PIECES, *CHAINS])
def test_a_chain_comes_back_from_a_file(tmp_path: Path, name: str) -> None:
    net = chain_of(name) if name in PIECES else CHAINS[name]()
    net.save(tmp_path / "net")
    for found in (fl.load(tmp_path / "net"), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert found._description() == net._description()
        assert list(found.state_dict()) == list(net.state_dict())
        for key, value in net.state_dict().items():
            assert found.state_dict()[key].tobytes() == value.tobytes(), key
        x = case_of(name)[0]["x"] if name in PIECES else draw(4, 6, 3)
        np.testing.assert_array_equal(found(x)[0], net(x)[0])
        kept = net.state_dict()
        found.load_state_dict({key: value + 1 for key, value in kept.items()})
        for key, value in net.state_dict().items():
            np.testing.assert_array_equal(value, kept[key], err_msg=key)


@pytest.mark.parametrize("name", ["classifier", "max"])
def test_one_chain_in_eight_threads(name: str) -> None:
    net, (arrays, _, _) = chain_of(name), case_of(name)
    (wanted, _), pullback = net.vjp(arrays["x"], lengths=arrays.get("lengths"))
    slope = pullback(wanted).parameters["fc.weight"]

    def run(_: int) -> tuple[Any, Any]:
        (y, _), pullback = net.vjp(arrays["x"], lengths=arrays.get("lengths"))
        return y, pullback(y).parameters["fc.weight"]

    with ThreadPoolExecutor(8) as pool:
        for y, gradient in pool.map(run, range(64)):
            np.testing.assert_array_equal(y, wanted)
            np.testing.assert_array_equal(gradient, slope)


def test_arrays_loaded_meanwhile_are_all_old_or_all_new() -> None:
    net, x = CHAINS["stack"](), draw(2, 2, 3)
    choices = [{name: value * factor for name, value in net.state_dict().items()} for factor in (1, 2)]
    wanted = set()
    for choice in choices:
        net.load_state_dict(choice)
        wanted.add(net(x)[0].tobytes())
    finished = threading.Event()

    def load() -> None:
        while not finished.is_set():
            for choice in choices:
                net.load_state_dict(choice)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        found = {net(x)[0].tobytes() for _ in range(1000)}
    finally:
        finished.set()
        thread.join()
    assert found <= wanted
