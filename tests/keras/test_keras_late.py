"""Large arrays are cast a batch at a time, which changes no number and takes memory for a batch."""

import tracemalloc

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, utils
from fastlstm.keras.foundation import late

SERIES = np.random.default_rng(0).normal(size=(70, 3))
X = np.lib.stride_tricks.sliding_window_view(SERIES, 6, axis=0).transpose(0, 2, 1)
Y = X.sum(-1, keepdims=True)
CLASSES = np.random.default_rng(1).integers(0, 3, len(X))


@pytest.fixture(params=[2**40, 10], ids=["at_once", "late"])
def large(request, monkeypatch):
    monkeypatch.setattr(late, "LARGE", request.param)
    return request.param


def chain(*layers_before, outputs=1, loss="mse", sequences=True):
    last = layers.Dense(outputs, "softmax" if outputs > 1 else None)
    model = Sequential([Input((6, 3)), *layers_before, layers.LSTM(4, return_sequences=sequences), last])
    model.compile("adam", loss, metrics=["mae"] if outputs == 1 else ["accuracy"], weighted_metrics=[])
    return model


def branched():
    inputs = {"a": Input((6, 3), name="a"), "b": Input((6,), dtype="int64", name="b")}
    h = layers.Concatenate()([inputs["a"], layers.Embedding(5, 2)(inputs["b"])])
    model = Model(inputs, {"y": layers.Dense(1, name="y")(layers.GRU(3, return_sequences=True)(h))})
    model.compile("sgd", "mse")
    return model


NUMBERS = (abs(X[..., 0]) * 2).astype(int) % 5
RUNS = {
    "windows": (chain, X, Y, {}),
    "float16": (chain, X.astype("float16"), Y.astype("float16"), {"shuffle": False}),
    "integers": (chain, (X * 3).astype("int32"), Y, {"validation_split": 0.3}),
    "big_endian": (chain, X.astype(">f4"), Y.astype(">f8"), {"steps_per_epoch": 3}),
    "fortran": (chain, np.asfortranarray(X), Y[..., 0], {"sample_weight": np.linspace(0, 1, len(X))}),
    "masked": (lambda: chain(layers.Masking()), np.where(X > 0, X, 0) * (X[..., :1] > 0), Y, {}),
    "classes": (
        lambda: chain(outputs=3, loss="categorical_crossentropy", sequences=False),
        *(X, utils.to_categorical(CLASSES).astype("float64"), {"class_weight": {0: 2.0, 1: 0.5}}),
    ),
    "numbers": (lambda: chain(outputs=3, loss="sparse_categorical_crossentropy", sequences=False), X, CLASSES, {}),
    "several": (branched, {"a": X, "b": NUMBERS}, {"y": Y}, {"validation_data": ({"a": X, "b": NUMBERS}, Y)}),
    "awaiting": (lambda: compiled(Sequential([layers.GRU(3), layers.Dense(1)])), X, Y[:, 0], {}),
}


def compiled(model):
    model.compile("adam", "mse")
    return model


def results(name):
    make, x, y, options = RUNS[name]
    utils.set_random_seed(3)
    model = make()
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, **options).history
    one, other = model.predict(x, batch_size=16, verbose=0), model.predict(x, batch_size=100, verbose=0)
    parts = [next(iter(part.values())) if isinstance(part, dict) else part for part in (one, other)]
    return [repr(history), repr(model.evaluate(x, y, verbose=0)), *parts, *model.get_weights()]


WANTED = {}


@pytest.mark.parametrize("name", RUNS)
def test_numbers_are_the_same(name, large):
    WANTED.setdefault(name, found := results(name))
    assert len(found) == len(WANTED[name])
    for one, other in zip(found, WANTED[name], strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_fit_is_refused(large):
    model = chain()
    with pytest.raises(ValueError, match=r"x must have shape \(None, 6, 3\), the input of .*, got \(65, 6, 2\)"):
        model.fit(X[..., :2], Y, verbose=0)
    with pytest.raises(ValueError, match="x, y must have the same number of rows, got 65 in x, 64 in y"):
        model.fit(X, Y[:-1], verbose=0)
    with pytest.raises(ValueError, match="y must have shape"):
        model.fit(X, Y[:, :3], verbose=0)
    with pytest.raises(TypeError, match=r"x must be a float array .*, got dtype complex128"):
        model.fit(X.astype(complex), Y, verbose=0)
    with pytest.raises(ValueError, match="x must have the same number of rows in all inputs"):
        branched().fit({"a": X, "b": NUMBERS[:-1]}, Y, verbose=0)


@pytest.mark.parametrize("run", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("is_built", [True, False])
def test_peak_memory_is_that_of_a_batch(run, is_built):
    """All windows are 48 MB in float32, and as much for labels; a batch of them is 0.1 MB."""
    series = np.random.default_rng(0).normal(size=(20_000, 3))
    x = np.lib.stride_tricks.sliding_window_view(series, 200, axis=0).transpose(0, 2, 1)
    model = Sequential([*([Input((200, 3))] if is_built else []), layers.SimpleRNN(3, return_sequences=True)])
    model.compile("sgd", "mse")
    runs = {
        "fit": lambda: model.fit(x, x, batch_size=64, steps_per_epoch=2, verbose=0, validation_split=0.001),
        "evaluate": lambda: model.evaluate(x, x, batch_size=64, steps=2, verbose=0),
        "predict": lambda: model.predict(x, batch_size=64, steps=2, verbose=0),
    }
    tracemalloc.start()
    runs[run]()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6
