"""A long time of mixed calls on both surfaces: neither memory nor the number of objects grows.

Layers, models, streams and files come and go, calls are refused, and threads and instruction sets change in between, in
one thread or in several. The environment variable ``FASTLSTM_TEST_SOAK`` says for how many seconds that goes on after
the warm-up; every few hundred calls memory must still be what it was then.
"""

from __future__ import annotations

import copy
import gc
import os
import pickle
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import num_threads, resident_bytes
from seeds import FIXED, FRESH

import fastlstm as fl
from fastlstm.keras import Input, Model, Sequential, layers, models

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc"),
]

SECONDS = float(os.environ.get("FASTLSTM_TEST_SOAK", "0"))
WARM_UP, CALLS = 600, 300
"""Calls before the first look at memory, and between two looks."""
MOST_BYTES = 12 * 2**20
"""That memory may grow for each thread: its blocks settle in thousands of calls. Measured are 6 MiB, after 5,000."""
MOST_OBJECTS = 100
"""That may come to be, of 100,000: Python keeps what it made last. Measured are 2."""


class Churn:
    """Calls drawn at random.

    Layers are kept for a while, so that those of one surface are called between those of another, and let go.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.folder, self.kept = folder, list[Any]()

    def __call__(self, calls: int) -> None:
        for _ in range(calls):
            self.rng.choice(WORK)(self)
            del self.kept[: max(0, len(self.kept) - 6)]
        self.kept.clear()

    def x(self, *shape: int) -> Any:
        return self.numbers.standard_normal(shape).astype("float32")

    def size(self) -> int:
        return self.rng.choice([1, 2, 3, 5, 8, 17, 33])


# --- Layers on arrays -------------------------------------------------------------------------------------------------


def array_layer(churn: Churn) -> Any:
    kind, size = churn.rng.choice([fl.LSTM, fl.GRU, fl.RNN]), churn.size()
    options = {"bidirectional": churn.rng.random() < 0.3, "num_layers": churn.rng.randint(1, 2)}
    return kind(3, size, **options, seed=churn.rng.randrange(99))


def train_a_layer(churn: Churn) -> None:
    layer, T, N = array_layer(churn), churn.size(), churn.size()
    lengths = churn.numbers.integers(0, T + 1, N) if churn.rng.random() < 0.5 else None
    cut: dict[str, int] = {} if layer.num_directions == 2 else {"tbptt": 2}
    options = churn.rng.choice([{}, cut, {"checkpoint_every": 3}])
    (y, _), pullback = layer.vjp(churn.x(T, N, 3), None, lengths, **options)
    pullback(y)
    churn.kept += [layer, pullback]  # which may never be called again


def stream_a_layer(churn: Churn) -> None:
    layer, N = fl.GRU(3, churn.size(), seed=1), churn.size()
    stream = layer.stream(N)
    for _ in range(4):
        stream.step(churn.x(N, 3))
    stream.state = stream.copy().state
    streams = [layer.stream() for _ in range(N)]
    fl.step_many(streams, churn.x(N, 3))
    churn.kept += [stream, *streams]


def load_weights_into_a_layer(churn: Churn) -> None:
    layer = array_layer(churn)
    stream = layer.stream() if not layer.num_directions - 1 else None
    layer.load_state_dict({name: 0.5 * value for name, value in layer.state_dict().items()})
    layer(churn.x(2, 2, 3))
    churn.kept += [pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer), stream]


def files_of_a_chain(churn: Churn) -> None:
    chain = fl.Chain(lstm=array_layer(churn), last=fl.LastStep())
    path = churn.folder / f"{id(churn)}.fastlstm"
    chain.save(path)
    churn.kept.append(fl.load(path))
    churn.kept[-1](churn.x(4, 2, 3))


def quantize_a_layer(churn: Churn) -> None:
    layer = fl.LSTM(3, churn.size(), seed=2)
    layer.quantize("int8")
    layer(churn.x(3, 2, 3))
    churn.kept.append(layer)


def refused_by_a_layer(churn: Churn) -> None:
    layer, x = fl.LSTM(3, 4, seed=0), churn.x(4, 2, 3)
    for wrong in ({"x": x[..., :2]}, {"x": x, "state": x}, {"x": x, "lengths": [-1, 9]}):
        with pytest.raises((ValueError, TypeError)):
            layer(**wrong)
    with pytest.raises(ValueError, match="out must"):
        layer.stream(2).step(x[0], np.empty((2, 5), "float32"))


# --- Models -----------------------------------------------------------------------------------------------------------


def sequential(churn: Churn) -> Any:
    kind = churn.rng.choice([layers.LSTM, layers.GRU, layers.SimpleRNN])
    model = Sequential([Input((None, 3)), kind(churn.size()), layers.Dropout(0.1), layers.Dense(2)])
    model.compile(churn.rng.choice(["sgd", "adam", "rmsprop"]), "mse", metrics=["mae"])
    return model


def functional(churn: Churn) -> Any:
    x, units = Input((6, 3)), churn.size()
    shared = layers.GRU(units, return_sequences=True)
    inner = Model(x, layers.Concatenate()([shared(x), shared(x * 0.5)]))
    y, h, c = layers.LSTM(units, return_state=True)(layers.Masking()(inner(x)))
    model = Model(x, layers.Dense(2)(layers.Add()([y, h, c])))
    model.compile("adam", "mse")
    return model


def fit_a_model(churn: Churn) -> None:
    model = churn.rng.choice([sequential, functional])(churn)
    x, y = churn.x(9, 6, 3), churn.x(9, 2)
    model.fit(x, y, batch_size=4, epochs=2, validation_split=0.3, verbose=0)
    model.evaluate(x, y, verbose=0)
    churn.kept.append(model)


def fit_from_a_generator(churn: Churn) -> None:
    model = sequential(churn)
    batches = ((churn.x(2, churn.size(), 3), churn.x(2, 2)) for _ in range(5))
    model.fit(batches, steps_per_epoch=3, verbose=0)  # of which two are never taken
    churn.kept += [model.predict(churn.x(5, 4, 3), batch_size=2, verbose=0)]


def copy_a_model(churn: Churn) -> None:
    model = functional(churn)
    churn.kept += [copy.deepcopy(model), models.clone_model(model), pickle.loads(pickle.dumps(model))]
    churn.kept[-1].train_on_batch(churn.x(2, 6, 3), churn.x(2, 2))


def files_of_a_model(churn: Churn) -> None:
    model, path = churn.rng.choice([sequential, functional])(churn), churn.folder / f"{id(churn)}.model"
    model.save(path)
    churn.kept.append(models.load_model(path))
    churn.kept[-1].train_on_batch(churn.x(2, 6, 3), churn.x(2, 2))


def stream_a_model(churn: Churn) -> None:
    model = sequential(churn)
    streams = [model.stream() for _ in range(3)]
    fl.step_many(streams, churn.x(3, 3))
    churn.kept += [model.stream(2), copy.copy(streams[0])]


def refused_by_a_model(churn: Churn) -> None:
    model = functional(churn)
    with pytest.raises(ValueError, match="must have shape"):
        model.predict(churn.x(2, 6, 2), verbose=0)
    with pytest.raises(ValueError, match="must"):
        model.fit(churn.x(2, 6, 3), churn.x(2, 5), verbose=0)


def break_a_fit_off(churn: Churn) -> None:
    def batches() -> Any:
        yield churn.x(2, 3, 3), churn.x(2, 2)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        sequential(churn).fit(batches(), verbose=0)


# --- What is set for all of them --------------------------------------------------------------------------------------


def change_threads(churn: Churn) -> None:
    fl.set_num_threads(churn.rng.choice([1, 1, 2, 3, 5]))


def change_instruction_set(churn: Churn) -> None:
    fl.set_isa(churn.rng.choice(fl.available_isas()))


def a_large_call(churn: Churn) -> None:
    """Shared by the threads there are."""
    layer = fl.LSTM(32, churn.rng.choice([96, 128]), seed=0)
    (y, _), pullback = layer.vjp(churn.x(8, churn.rng.randint(24, 40), 32))
    pullback(y)


WORK: list[Callable[[Churn], None]] = [
    *(train_a_layer, stream_a_layer, load_weights_into_a_layer, files_of_a_chain, quantize_a_layer, refused_by_a_layer),
    *(fit_a_model, fit_from_a_generator, copy_a_model, files_of_a_model, stream_a_model, refused_by_a_model),
    *(break_a_fit_off, change_threads, change_instruction_set, a_large_call),
]


def look() -> tuple[int, int]:
    """Bytes in use and objects that Python knows of, without garbage."""
    gc.collect()
    return resident_bytes(), len(gc.get_objects())


def kinds() -> Counter[str]:
    """How many objects there are of each type, for whoever looks for those that stay."""
    return Counter(f"{type(thing).__module__}.{type(thing).__qualname__}" for thing in gc.get_objects())


@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
@pytest.mark.parametrize("count", [1, 3])
def test_nothing_grows(tmp_path: Path, count: int, seed: int) -> None:
    """In one thread, and in three at once."""
    print(f"FASTLSTM_TEST_SEED={seed}")
    churns = [Churn(seed + k, tmp_path) for k in range(count)]
    isa = fl.active_isa()
    with num_threads(1), ThreadPoolExecutor(count) as pool:

        def run(calls: int) -> None:
            for done in [pool.submit(churn, calls // count) for churn in churns]:
                done.result()

        try:
            run(WARM_UP)
            (memory, objects), before, start = look(), kinds(), time.monotonic()
            while True:
                run(CALLS)
                memory_now, objects_now = look()
                assert objects_now - objects < MOST_OBJECTS, (kinds() - before).most_common(9)
                assert memory_now - memory < MOST_BYTES * count
                if time.monotonic() - start >= SECONDS:
                    break
        finally:
            fl.set_isa(isa)
