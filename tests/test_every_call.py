"""Calls of both surfaces with arguments spoiled at random: they work, or an error says argument, wanted and got.

An array has another shape, dtype, order or kind, a value is one of those that no argument can mean, or an argument
belongs to another call. Afterwards everything works as before.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from malformed import VALUES
from seeds import for_all

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, layers

pytestmark = pytest.mark.usefixtures("little_memory")

REFUSALS = (TypeError, ValueError, MemoryError, NotImplementedError)
WORDED = re.compile(r" must .*, got |not supported|missing \d+ required|unexpected keyword", re.DOTALL)
T, N, I, H = 4, 2, 3, 5


def numbers(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


X, ROWS, FLAGS = numbers(T, N, I), numbers(N, I), np.ones((N, T), bool)
LSTM, GRU = fl.LSTM(I, H, num_layers=2, seed=0), fl.GRU(I, H, bidirectional=True, seed=0)
CHAIN = fl.Chain(lstm=fl.LSTM(I, H, seed=0), last=fl.LastValidStep(), fc=fl.Linear(H, 2, seed=0))
STATE = (numbers(2, N, H), numbers(2, N, H))
PULLBACK = LSTM.vjp(X)[1]


def model() -> Any:
    x = Input((T, I))
    shared = layers.GRU(H, return_sequences=True)
    made = Model(x, layers.Dense(2)(layers.LSTM(H)(layers.Add()([shared(x), shared(x * 0.5)]))))
    made.compile("adam", "mse", metrics=["mae"])
    return made


MODEL, CHAINED, BATCH = model(), Sequential([Input((T, I)), layers.LSTM(H), layers.Dense(2)]), numbers(N, T, I)
TWO = {"x": BATCH, "y": numbers(N, 2)}
FIT = TWO | {"batch_size": 2, "sample_weight": np.ones(N), "validation_data": (BATCH, numbers(N, 2))}

# A call, and arguments that are right. What a test does to one it may do after any other.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "LSTM": (fl.LSTM, {"input_size": I, "hidden_size": H, "num_layers": 1, "proj_size": 0, "seed": 1}),
    "lstm": (lambda **given: LSTM(**given), {"x": X, "state": STATE, "lengths": [4, 2]}),
    "lstm.vjp": (LSTM.vjp, {"x": X, "state": STATE, "lengths": [4, 2], "checkpoint_every": 2}),
    "pullback": (PULLBACK, {"dy": numbers(T, N, H), "dstate": STATE}),
    "gru": (lambda **given: GRU(**given), {"x": X, "state": numbers(2, N, H)}),
    "chain": (lambda **given: CHAIN(**given), {"x": X, "lengths": np.array([1, 4])}),
    "stream": (lambda batch_size, x: LSTM.stream(batch_size).step(x), {"batch_size": N, "x": ROWS}),
    "out": (lambda out: LSTM.stream(N).step(ROWS, out), {"out": numbers(N, H)}),
    "step_many": (lambda x: fl.step_many([LSTM.stream() for _ in range(N)], x), {"x": ROWS}),
    "load_state_dict": (
        lambda bias_hh_l1: fl.LSTM(I, H, num_layers=2).load_state_dict(LSTM.state_dict() | {"bias_hh_l1": bias_hh_l1}),
        {"bias_hh_l1": numbers(4 * H)},
    ),
    "layers.LSTM": (layers.LSTM, {"units": H, "dropout": 0.1, "return_sequences": True, "unroll": False}),
    "layer": (lambda **given: layers.LSTM(H)(**given), {"x": BATCH, "mask": FLAGS, "training": False}),
    "initial_state": (lambda **given: layers.GRU(H)(BATCH, **given), {"initial_state": numbers(N, H)}),
    "bidirectional": (layers.Bidirectional, {"layer": layers.GRU(3), "merge_mode": "sum"}),
    "compile": (lambda **given: model().compile(**given), {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]}),
    "fit": (lambda **given: model().fit(**given, verbose=0), FIT),
    "evaluate": (lambda **given: MODEL.evaluate(**given, verbose=0), TWO | {"batch_size": 1}),
    "predict": (lambda **given: MODEL.predict(**given, verbose=0), {"x": BATCH, "batch_size": 1}),
    "train_on_batch": (lambda **given: model().train_on_batch(**given), TWO | {"sample_weight": np.ones(N)}),
    "call": (lambda **given: MODEL(**given), {"x": BATCH, "training": True}),
    "set_weights": (lambda weights: model().set_weights(weights), {"weights": MODEL.get_weights()}),
    "model.stream": (lambda batch_size, x: CHAINED.stream(batch_size).step(x), {"batch_size": N, "x": ROWS}),
}
ALL = [value for _, given in CALLS.values() for value in given.values()]


# --- What is wrong with an argument -----------------------------------------------------------------------------------


def other_shape(array: Any, rng: Random) -> Any:
    sizes = [*array.shape]
    kind = rng.choice(["axis less", "axis more", "size", "size", "turned"])
    if kind == "axis less":
        return array[..., 0] if sizes and sizes[-1] else array.sum()
    if kind == "axis more":
        return array[None]
    if kind == "turned" or not sizes:
        return array.T
    sizes[rng.randrange(len(sizes))] = rng.choice([0, 1, 2, 7])
    return np.resize(array, sizes)


def other_array(array: Any, rng: Random) -> Any:
    """Of another shape, dtype, order or kind."""
    dtypes = ["float64", "float16", "int32", "uint8", "bool", "complex64", "U3", "O", ">f4", "datetime64[s]"]
    changes: list[Callable[[], Any]] = [
        *(lambda: other_shape(array, rng),) * 4,
        lambda: array.astype(rng.choice(dtypes)),
        lambda: np.where(rng.choice([True, False]), np.nan, array),
        lambda: array[::-1],
        lambda: np.asfortranarray(array),
        lambda: array.tolist(),
        lambda: np.ma.masked_array(array),
        lambda: memoryview(np.ascontiguousarray(array)),
        lambda: (array, array),
        lambda: {"x": array},
    ]
    return rng.choice(changes)()


def spoiled(value: Any, rng: Random) -> Any:
    """Another argument in place of one."""
    if rng.random() < 0.2:
        return VALUES[rng.choice([*VALUES])]
    if rng.random() < 0.1:
        return rng.choice(ALL)
    if isinstance(value, np.ndarray):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return other_array(value, rng)
    if isinstance(value, tuple | list) and value:
        parts = [*value]
        kind = rng.choice(["less", "more", "one", "one"])
        if kind == "less":
            parts.pop()
        elif kind == "more":
            parts.append(parts[0])
        else:
            k = rng.randrange(len(parts))
            parts[k] = spoiled(parts[k], rng)
        return type(value)(parts)
    return rng.choice([-1, 0, 1, 7, 2.5, "x", None, True, [value], float("nan")])


def outcome(call: Callable[..., Any], given: dict[str, Any]) -> str | None:
    """What is wrong with how a call ends."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            call(**given)
    except REFUSALS as error:
        return None if WORDED.search(str(error)) else f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def right(name: str) -> Any:
    """What a call gives for arguments that are right, if that is numbers."""
    call, given = CALLS[name]
    return call(**given)


WANTED = {name: right(name) for name in ("lstm", "gru", "chain", "predict")}


def check_call(name: str, seed: int) -> None:
    rng, (call, given) = Random(seed), CALLS[name]
    for _ in range(10):
        names = rng.sample([*given], min(len(given), rng.choice([1, 1, 2])))
        wrong = given | {each: spoiled(given[each], rng) for each in names}
        found = outcome(call, wrong)
        assert found is None, (found, {each: wrong[each] for each in names})
    if name in WANTED:
        np.testing.assert_equal(right(name), WANTED[name])


@for_all(40, name=st.sampled_from([*CALLS]), seed=st.integers(0, 2**24 - 1))
def test_calls(name: str, seed: int) -> None:
    check_call(name, seed)
