"""The callback GradientFlow, and pictures of it and of a History."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers import Array, num_threads

from fastlstm import keras, reference
from fastlstm.keras import Input, Sequential, callbacks, layers, optimizers

STEPS, FEATURES = 9, 3
_source = np.random.default_rng(3)
X = _source.normal(size=(22, STEPS, FEATURES)).astype("float32")
Y = _source.normal(size=(22, 1)).astype("float32")


def model_of(*recurrent: Any, optimizer: Any = "adam") -> Sequential:
    model = Sequential([Input((STEPS, FEATURES)), *recurrent, layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def seeded(make: Callable[[], list[Any]], **options: Any) -> Sequential:
    """The same model in every call: layers draw when they are made, too."""
    keras.utils.set_random_seed(5)
    return model_of(*make(), **options)


def recorded(model: Any, x: Array = X, y: Any = Y, **options: Any) -> callbacks.GradientFlow:
    flow = callbacks.GradientFlow(vanishing=0, exploding=np.inf)
    model.fit(x, y, **{"epochs": 2, "batch_size": 8, "verbose": 0, **options}, callbacks=[flow])
    return flow


EVERYTHING: dict[str, Any] = {
    "lstm": lambda: [layers.LSTM(4, name="a")],
    "stack": lambda: [layers.GRU(4, return_sequences=True, name="a"), layers.LSTM(3, name="b")],
    "both_directions": lambda: [layers.Bidirectional(layers.GRU(4, name="a", reset_after=False))],
    "cells": lambda: [layers.RNN([layers.LSTMCell(4, name="x"), layers.SimpleRNNCell(3, name="y")], name="a")],
    "dropout": lambda: [layers.LSTM(4, dropout=0.2, recurrent_dropout=0.3, seed=1, name="a")],
}
NAMES = {
    "lstm": ["a"],
    "stack": ["a", "b"],
    "both_directions": ["backward_a", "forward_a"],
    "cells": ["a/x", "a/y"],
    "dropout": ["a"],
}


@pytest.mark.parametrize("kind", EVERYTHING)
def test_training_keeps_its_bits(kind: str) -> None:
    with_flow = seeded(EVERYTHING[kind])
    flow = recorded(with_flow)
    without = seeded(EVERYTHING[kind])
    without.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    for got, wanted in zip(with_flow.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert sorted(flow.h) == NAMES[kind]
    for norms in (*flow.h.values(), *flow.c.values()):
        assert norms.shape == (2, STEPS)
        assert (norms > 0).all()


@pytest.mark.parametrize("kind", ["lstm", "stack"])
def test_any_number_of_threads(kind: str) -> None:
    found = []
    for threads in (1, 2, 3):
        with num_threads(threads):
            found.append(recorded(seeded(EVERYTHING[kind])))
    for other in found[1:]:
        for name, norms in found[0].h.items():
            np.testing.assert_array_equal(other.h[name], norms)


def first_norms(layer: Any, backward: Any, x: Array, y: Array, **options: Any) -> Any:
    """What the reference gives for the loss of one batch, before its step; and what the callback does."""
    model = model_of(layer, optimizer="sgd")
    *cell, kernel, bias = (value.astype("float64") for value in model.get_weights())
    flow = recorded(model, x, y, epochs=1, batch_size=len(x))
    w, r, b = cell[0].T, cell[1].T, cell[2].T
    forward = reference.lstm if backward is reference.lstm_backward else reference.rnn
    steps = x.transpose(1, 0, 2)
    h_n = forward(steps, w, r, b, **options)[1]
    dh_n = 2 * (h_n @ kernel + bias - y) / len(x) @ kernel.T
    return backward(steps, w, r, b, dh_n=dh_n, **options), flow


def test_norms_are_those_of_the_reference() -> None:
    wanted, flow = first_norms(layers.LSTM(4, name="a"), reference.lstm_backward, X, Y)
    # float32 against float64, over a few steps
    np.testing.assert_allclose(flow.h["a"][0], np.linalg.norm(wanted.h_norms, axis=1), rtol=1e-5)
    np.testing.assert_allclose(flow.c["a"][0], np.linalg.norm(wanted.c_norms, axis=1), rtol=1e-5)


def test_a_layer_that_reads_backwards_has_the_steps_of_its_input() -> None:
    layer = layers.SimpleRNN(4, name="a", go_backwards=True)
    wanted, flow = first_norms(layer, reference.rnn_backward, X, Y, reverse=True)
    np.testing.assert_allclose(flow.h["a"][0], np.linalg.norm(wanted.h_norms, axis=1), rtol=1e-5)


def test_batches_are_joined_by_the_mean_of_squares() -> None:
    def one(x: Array, y: Array) -> Array:
        return recorded(model, x, y, epochs=1, batch_size=len(x)).h["a"][0]

    model = model_of(layers.GRU(4, name="a"), optimizer=optimizers.SGD(0.0))
    found = recorded(model, X[:16], Y[:16], epochs=1, shuffle=False).h["a"][0]
    parts = [one(X[:8], Y[:8]), one(X[8:16], Y[8:16])]
    np.testing.assert_allclose(found, np.sqrt(np.mean(np.square(parts), axis=0)), rtol=1e-6)


def test_steps_that_no_row_has_are_nan() -> None:
    x = X.copy()
    x[:, :2] = 0
    x[:5, :4] = 0
    flow = recorded(model_of(layers.Masking(), layers.LSTM(4, name="a")), x)
    assert np.isnan(flow.h["a"][:, :2]).all()
    assert (flow.h["a"][:, 2:] > 0).all()


def test_batches_of_other_lengths() -> None:
    model = Sequential([Input((None, FEATURES)), layers.LSTM(4, name="a"), layers.Dense(1)])
    model.compile("adam", "mse")
    flow = callbacks.GradientFlow(vanishing=0)
    lengths = iter([3, 7, 5, 9, 2, 2])
    batches = ((X[:8, :length], Y[:8]) for length in lengths)
    model.fit(batches, epochs=3, steps_per_epoch=2, verbose=0, callbacks=[flow])
    assert flow.h["a"].shape == (3, 9)
    assert (~np.isnan(flow.h["a"])).sum(axis=1).tolist() == [7, 9, 2]


def test_a_layer_called_twice_counts_twice() -> None:
    shared, inputs = layers.SimpleRNN(4, name="a"), Input((STEPS, FEATURES))
    once, twice = keras.Model(inputs, shared(inputs)), keras.Model(inputs, [shared(inputs), shared(inputs)])
    targets = np.zeros((22, 4), "float32")
    found = []
    for model, y in ((once, targets), (twice, [targets, targets])):
        model.compile(optimizers.SGD(0.0), "mse")
        found.append(recorded(model, X, y, epochs=1, shuffle=False).h["a"])
    np.testing.assert_allclose(found[1], np.sqrt(2) * found[0], rtol=1e-6)


def test_layers_deep_inside_are_found() -> None:
    inner = Sequential([Input((STEPS, FEATURES)), layers.GRU(4, name="a")])
    model = model_of(inner)
    assert list(recorded(model).h) == ["a"]


def test_gradients_that_are_cut() -> None:
    flow = recorded(model_of(layers.LSTM(4, name="a")), tbptt=4)
    assert not flow.h["a"][:, :8].any()
    assert flow.h["a"][:, 8:].all()


def test_nobody_listens_after_a_training() -> None:
    model = model_of(layers.LSTM(4, name="a"))
    flow = recorded(model)
    norms = flow.h["a"].copy()
    model.fit(X, Y, epochs=1, verbose=0)
    np.testing.assert_array_equal(flow.h["a"], norms)


def test_a_training_that_goes_on_has_the_norms_of_an_undisturbed_one(tmp_path: Any) -> None:
    wanted = recorded(seeded(EVERYTHING["lstm"]), epochs=4)
    path = tmp_path / "backup.fastlstm"

    def run(epochs: int, **options: Any) -> callbacks.GradientFlow:
        flow = callbacks.GradientFlow(vanishing=0, exploding=np.inf)
        saving = callbacks.ModelCheckpoint(path)
        model = seeded(EVERYTHING["lstm"])
        model.fit(X, Y, epochs=epochs, batch_size=8, verbose=0, callbacks=[flow, saving], **options)
        return flow

    run(2)
    found = run(4, resume_from=path)
    assert found.epoch == [0, 1, 2, 3]
    np.testing.assert_array_equal(found.h["a"], wanted.h["a"])
    np.testing.assert_array_equal(found.c["a"], wanted.c["a"])


# --- Warnings ---------------------------------------------------------------------------------------------------------


def warnings_of(*recurrent: Any, steps: int = 40, optimizer: Any = "sgd", **options: Any) -> list[str]:
    keras.utils.set_random_seed(5)
    model = Sequential([Input((steps, 1)), *recurrent, layers.Dense(1)])
    model.compile(optimizer, "mse")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        x = np.random.default_rng(0).normal(size=(16, steps, 1))
        flow = callbacks.GradientFlow()
        model.fit(x, x.mean(1), epochs=2, verbose=0, callbacks=[flow], **options)
    return [str(one.message) for one in found if "gradients" in str(one.message)]


def test_gradients_that_vanish_are_told_once_with_what_to_do() -> None:
    shrinking = keras.initializers.GlorotUniform(seed=3)
    [text] = warnings_of(layers.SimpleRNN(8, name="a", recurrent_initializer=shrinking))
    assert text.startswith("a: the gradients of its states, in epoch 1, reach ")
    assert "of 39 steps back, and are below 0.001 of their largest before: the gates of an LSTM or GRU" in text
    assert "recurrent_initializer='orthogonal'" in text
    [text] = warnings_of(layers.LSTM(8, name="a", unit_forget_bias=False), steps=60)
    assert "unit_forget_bias=True" in text
    assert "orthogonal" not in text
    [text] = warnings_of(layers.GRU(8, name="a"), steps=80)
    assert "a larger bias of the update gate" in text


def test_gradients_that_explode_are_told_with_what_to_do() -> None:
    wide = keras.initializers.RandomNormal(stddev=0.6, seed=3)
    relu = layers.SimpleRNN(8, name="a", activation="relu", recurrent_initializer=wide)
    text = warnings_of(relu, optimizer=optimizers.SGD(0.0))[0]
    assert "in epoch 1, grow " in text
    assert "times on the way back from step 39 to step " in text
    for cure in ("clipnorm=1.0", "activation='tanh' in place of 'relu'", "recurrent_initializer='orthogonal'", "tbptt"):
        assert cure in text
    relu = layers.SimpleRNN(8, name="a", activation="relu", recurrent_initializer=wide)
    assert "clipnorm" not in warnings_of(relu, optimizer=optimizers.SGD(0.0, clipnorm=1.0))[0]


def test_gradients_that_are_no_numbers_explode() -> None:
    wide = keras.initializers.RandomNormal(stddev=9)
    relu = layers.SimpleRNN(8, name="a", activation="relu", recurrent_initializer=wide)
    texts = warnings_of(relu, optimizer=optimizers.SGD(0.0), steps=100)
    assert "are no numbers any more at " in texts[0]


def test_what_is_as_it_should_be_is_not_told() -> None:
    assert not warnings_of(layers.LSTM(8), steps=10)
    assert not warnings_of(layers.SimpleRNN(8), steps=40, tbptt=8)  # what is cut has not vanished


# --- Errors -----------------------------------------------------------------------------------------------------------


class Own(layers.Layer):
    """A cell of a user."""

    def __init__(self) -> None:
        super().__init__()
        self.state_size = 4

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((input_shape[-1], 4), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        h = inputs @ self.kernel + states[0]
        return h, [h]


@pytest.mark.parametrize("layer", [lambda: layers.RNN(Own(), name="own"), lambda: layers.LSTM(4, "gelu", name="own")])
def test_what_is_stepped_in_python_is_refused_by_name(layer: Any) -> None:
    pytest.importorskip("autograd")
    stack = [layers.GRU(4, return_sequences=True, name="gru"), layer()]
    match = r"GradientFlow: layers must run in the compiled core, got own with a \w+: its steps are taken in Python"
    with pytest.raises(ValueError, match=match):
        recorded(model_of(*stack))
    model, flow = model_of(*stack), callbacks.GradientFlow(layers=["gru"])
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[flow])
    assert list(flow.h) == ["gru"]


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="GradientFlow: model must have recurrent layers"):
        recorded(model_of(layers.Flatten()))
    model = model_of(layers.LSTM(4, name="a"))
    with pytest.raises(ValueError, match="GradientFlow: layers must be 'a', got 'b'"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.GradientFlow(layers=["b"])])
    with pytest.raises(TypeError, match="layers must be a list of names, got 'a'"):
        callbacks.GradientFlow(layers="a")
    with pytest.raises(ValueError, match="vanishing must be"):
        callbacks.GradientFlow(vanishing=1)
    with pytest.raises(ValueError, match="exploding must be"):
        callbacks.GradientFlow(exploding=0.5)
    with pytest.raises(ValueError, match=r"GradientFlow must have been in a fit\(\) before plot\(\)"):
        callbacks.GradientFlow().plot()


# --- Pictures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def pyplot() -> Any:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_a_picture_of_the_flow(pyplot: Any, tmp_path: Any) -> None:
    flow = recorded(seeded(EVERYTHING["stack"]), epochs=3)
    figure = flow.plot()
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    assert [len(ax.lines) for ax in figure.axes] == [3, 6]
    np.testing.assert_array_equal(figure.axes[0].lines[2].get_ydata(), flow.h["a"][2])
    assert figure.axes[0].get_yscale() == "log"
    figure.savefig(tmp_path / "flow.png")


def test_a_picture_of_a_history(pyplot: Any, tmp_path: Any) -> None:
    model = model_of(layers.LSTM(4))
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(X, Y, epochs=3, verbose=0, validation_split=0.3)
    figure = history.plot()
    assert sorted(ax.get_title() for ax in figure.axes) == ["loss", "mae"]
    loss = next(ax for ax in figure.axes if ax.get_title() == "loss")
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), history.history["loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), history.history["val_loss"])
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    figure.savefig(tmp_path / "history.png")
    assert [ax.get_title() for ax in history.plot(["mae"]).axes] == ["mae"]
    assert model.history.plot(["loss"])
    with pytest.raises(ValueError, match="names must be"):
        history.plot(["val_loss"])
    with pytest.raises(TypeError, match="names must be a list of names, got 'loss'"):
        history.plot("loss")
    with pytest.raises(ValueError, match=r"History must have been in a fit\(\) before plot\(\)"):
        callbacks.History().plot()


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    history = model_of(layers.LSTM(4)).fit(X, Y, verbose=0)
    imported = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return imported(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"History.plot\(\) needs matplotlib: pip install fastlstm\[plot\]"):
        history.plot()
