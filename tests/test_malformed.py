"""Arguments that cannot be meant, of the array layers, of streams and of the functions about threads and ISAs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from malformed import REAL, TRUTH, VALUES, WHOLE, by_annotation, complaints

import fastlstm as fl

pytestmark = pytest.mark.usefixtures("little_memory")

X = np.zeros((5, 2, 3), "float32")
LSTM, GRU = fl.LSTM(3, 4, seed=0), fl.GRU(3, 4, seed=0)
OUTPUTS, PULLBACK = LSTM.vjp(X)


@pytest.mark.parametrize("layer", [fl.LSTM, fl.GRU, fl.RNN])
def test_constructors(layer: Callable[..., Any]) -> None:
    needed = {"input_size": 3, "hidden_size": 4}
    wrong = []
    for name, parameter in inspect.signature(layer).parameters.items():
        allowed = by_annotation(parameter.annotation) - ({"None"} if name == "dtype" else set())
        if name.endswith("size") or name == "num_layers":
            allowed = {"0"} if name == "proj_size" else set()
        if name == "dropout":
            allowed = {"0"}
        wrong += complaints(lambda value, name=name: layer(**needed | {name: value}), name, allowed)
    assert not wrong


OTHERS: dict[str, tuple[Callable[..., Any], dict[str, Any], dict[str, set[str]]]] = {
    "LSTMCell": (fl.LSTMCell, {"input_size": 3, "hidden_size": 4}, {}),
    "GRUCell": (fl.GRUCell, {"input_size": 3, "hidden_size": 4}, {}),
    "RNNCell": (fl.RNNCell, {"input_size": 3, "hidden_size": 4}, {}),
    "Linear": (fl.Linear, {"in_features": 3, "out_features": 4}, {}),
    "Embedding": (fl.Embedding, {"num_embeddings": 3, "embedding_dim": 4}, {"padding_idx": {"None", "0", "-1"}}),
    "LayerNorm": (fl.LayerNorm, {"normalized_shape": 3}, {"eps": {"0", "2.5", "2**31", "2**62", "2**70"}}),
    "BatchNorm1d": (fl.BatchNorm1d, {"num_features": 3}, {"eps": {"0", "2.5", "2**31", "2**62", "2**70"}}),
    "Dropout": (fl.Dropout, {}, {"p": {"0"}}),
    "LeakyReLU": (fl.LeakyReLU, {}, {"negative_slope": REAL}),
    "Softmax": (fl.Softmax, {}, {"dim": WHOLE | {"-1"}}),
    "LogSoftmax": (fl.LogSoftmax, {}, {"dim": WHOLE | {"-1"}}),
}
BY_NAME = {"bias": TRUTH, "elementwise_affine": TRUTH, "affine": TRUTH, "seed": WHOLE | {"None"}}


@pytest.mark.parametrize("case", OTHERS)
def test_constructors_of_other_layers(case: str) -> None:
    layer, needed, allowed = OTHERS[case]
    wrong = []
    for name in inspect.signature(layer).parameters:
        may = allowed.get(name, BY_NAME.get(name, set()))
        wrong += complaints(lambda value, name=name: layer(**needed | {name: value}), name, may)
    assert not wrong


CHAIN = fl.Chain(lstm=fl.LSTM(3, 4, seed=0), gru=fl.GRU(4, 4, seed=0), fc=fl.Linear(4, 2, seed=0))
CHAIN_PULLBACK = CHAIN.vjp(X)[1]
CELL, TABLE, LINEAR = fl.LSTMCell(3, 4, seed=0), fl.Embedding(3, 4, seed=0), fl.Linear(3, 4, seed=0)


def set_state(stream: Any, value: Any) -> None:
    stream.state = value


CALLS: dict[str, tuple[Callable[[Any], Any], str, set[str]]] = {
    "set_num_threads": (fl.set_num_threads, "n", set()),
    "set_isa": (fl.set_isa, "name", set()),
    "x": (LSTM, "x", set()),
    "state of an LSTM": (lambda v: LSTM(X, v), "state", {"None"}),
    "state of a GRU": (lambda v: GRU(X, v), "state", {"None"}),
    "lengths": (lambda v: LSTM(X, None, v), "lengths", {"None"}),
    "vjp": (lambda v: LSTM.vjp(v), "x", set()),
    "tbptt": (lambda v: LSTM.vjp(X, tbptt=v), "tbptt", WHOLE - {"0"} | {"None"}),
    "checkpoint_every": (lambda v: CHAIN.vjp(X, checkpoint_every=v), "checkpoint_every", WHOLE - {"0"} | {"None"}),
    "memory_limit": (lambda v: LSTM.vjp(X, memory_limit=v), "memory_limit", WHOLE - {"0"} | {"None"}),
    "dy": (PULLBACK, "dy", set()),
    "dstate": (lambda v: PULLBACK(OUTPUTS[0], v), "dstate", {"None"}),
    "load_state_dict": (LSTM.load_state_dict, "mapping", set()),
    "a parameter": (lambda v: LSTM.load_state_dict(LSTM.state_dict() | {"bias_hh_l0": v}), "bias_hh_l0", set()),
    "batch_size": (LSTM.stream, "batch_size", set()),
    "step": (LSTM.stream().step, "x", set()),
    "step, out": (lambda v: LSTM.stream().step(X[0, 0], v), "out", {"None"}),
    "state of a stream": (lambda v: set_state(LSTM.stream(), v), "state", set()),
    "state of a stream of a GRU": (lambda v: set_state(GRU.stream(), v), "state", set()),
    "step_many": (lambda v: fl.step_many(v, X[0]), "streams", set()),
    "step_many, x": (lambda v: fl.step_many([LSTM.stream(), LSTM.stream()], v), "x", set()),
    "step_many, out": (lambda v: fl.step_many([LSTM.stream(), LSTM.stream()], X[0], v), "out", {"None"}),
    "hx": (lambda v: GRU(X, hx=v), "state", {"None"}),
    "dy, no dstate": (lambda v: PULLBACK(v, None), "dy", set()),
    "x of a chain": (CHAIN, "x", set()),
    "state of a chain": (lambda v: CHAIN(X, v), "state", {"None", "{}"}),
    "lengths of a chain": (lambda v: CHAIN(X, None, v), "lengths", {"None"}),
    "dy of a chain": (CHAIN_PULLBACK, "dy", set()),
    "dstate of a chain": (lambda v: CHAIN_PULLBACK(None, v), "dstate", {"{}"}),
    "batch_size of a chain": (CHAIN.stream, "batch_size", set()),
    "step of a chain": (CHAIN.stream().step, "x", set()),
    "step of a chain, out": (lambda v: CHAIN.stream().step(X[0, 0], v), "out", {"None"}),
    "state of a stream of a chain": (lambda v: set_state(CHAIN.stream(), v), "state", {"{}"}),
    "load_state_dict of a chain": (CHAIN.load_state_dict, "mapping", set()),
    "piece of a chain": (lambda v: fl.Chain(a=v), "a must", set()),
    "from_state_dict of a chain": (lambda v: fl.Chain.from_state_dict(v, a=fl.ReLU()), "mapping", {"{}"}),
    "prefix of a chain": (lambda v: fl.Chain.from_state_dict({}, v, a=fl.ReLU()), "prefix", {"text"}),
    "batch_first of a chain": (
        lambda v: fl.Chain.from_state_dict({}, batch_first=v, a=fl.ReLU()),
        "batch_first",
        TRUTH,
    ),
    "class of a chain": (lambda v: fl.Chain.from_state_dict({}, a=v), "a.*must|layers", set()),
    "x of a cell": (CELL, "x", set()),
    "state of a cell": (lambda v: CELL(X[0], v), "state", {"None"}),
    "dstate of a cell": (lambda v: CELL.vjp(X[0])[1](v), "dstate", set()),
    "x of a table": (TABLE, "x", {"0", "[]"}),
    "x of a linear layer": (LINEAR, "x", set()),
    "dy of a linear layer": (lambda v: LINEAR.vjp(X)[1](v), "dy", set()),
    "x of a function": (fl.Tanh(), "x", {"array"}),
    "x of a softmax": (fl.Softmax(), "x", {"array"}),
    "japanese_vowels": (fl.datasets.japanese_vowels, "pad", set()),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case: str) -> None:
    call, name, allowed = CALLS[case]
    assert not complaints(call, name, allowed)


@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**62])
@pytest.mark.parametrize("name", ["input_size", "hidden_size", "num_layers"])
def test_sizes_no_machine_has(name: str, size: int) -> None:
    sizes: dict[str, int] = {"input_size": 300, "hidden_size": 400, name: size}
    with pytest.raises((ValueError, MemoryError), match=f"{name}.* must be .*, got .*{size}"):
        fl.LSTM(**sizes)


@pytest.mark.parametrize("batch_size", [2**40, 2**62, 2**70])
def test_streams_no_machine_has(batch_size: int) -> None:
    with pytest.raises(MemoryError, match=f"batch_size must be smaller, got {batch_size}: that needs \\d+ bytes"):
        LSTM.stream(batch_size)


def test_parts_of_the_wrong_kind() -> None:
    h = np.zeros((1, 2, 4), "float32")
    for state in ((h,), (h, h, h), (h, None), ((h, h), h), (h, h[0]), (h, h.astype("float64")), {0: h, 1: h}):
        with pytest.raises((TypeError, ValueError), match=r"^state.* must .*, got"):
            LSTM(X, state)
        with pytest.raises((TypeError, ValueError), match=r"^dstate.* must .*, got"):
            PULLBACK(OUTPUTS[0], state)
    for names in ({1: 2}, {**LSTM.state_dict(), 1: 2}, {"a": h}):
        with pytest.raises(ValueError, match="mapping must have the names of this layer's state_dict, got others"):
            LSTM.load_state_dict(names)  # type: ignore[arg-type]


def test_unsigned_lengths() -> None:
    assert np.array_equal(LSTM(X, None, np.array([5, 2], "uint8"))[0], LSTM(X, None, [5, 2])[0])
    with pytest.raises(ValueError, match=r"lengths must be an array of .*, got 9223372036854775808"):
        LSTM(X, None, np.array([2**63, 1], "uint64"))


def test_a_matrix_is_an_array() -> None:
    x = np.arange(15, dtype="float32").reshape(5, 3)
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(x)
    assert np.array_equal(LSTM(matrix)[0], LSTM(x)[0])


def test_sets_name_values_of_the_table() -> None:
    assert set(VALUES) > WHOLE | REAL | TRUTH
