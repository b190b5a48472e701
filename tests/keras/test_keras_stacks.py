"""Recurrent layers on top of each other: inference runs them in one call of the core, with the bits of one by one."""

import copy
from typing import NamedTuple

import numpy as np
import pytest
from helpers import num_threads
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastlstm import _core
from fastlstm.keras import Input, Sequential, layers, regularizers

KINDS = {
    "lstm": layers.LSTM,
    "rnn": layers.SimpleRNN,
    "gru": layers.GRU,
    "gru_before": lambda *args, **options: layers.GRU(*args, reset_after=False, **options),
    "general": lambda *args, **options: layers.LSTM(*args, activation="relu", **options),
    "cell": lambda units, dtype=None, **options: layers.RNN(layers.LSTMCell(units, dtype=dtype), **options),
}


class Level(NamedTuple):
    """A recurrent layer, its size and options, and the number of Dropouts above it."""

    kind: str
    units: int
    options: dict
    dropouts: int


flags = st.fixed_dictionaries({"stateful": st.booleans(), "zero_output_for_mask": st.booleans()})
levels = st.builds(Level, st.sampled_from(sorted(KINDS)), st.integers(1, 70), flags, st.integers(0, 2))


def make(levels, sequences=False, dtype="float32", inputs=3):
    """A model of these levels; all but the last give sequences."""
    model = Sequential([Input((None, inputs))])
    for place, level in enumerate(levels):
        options = {"return_sequences": sequences or place < len(levels) - 1, "dtype": dtype, **level.options}
        model.add(KINDS[level.kind](level.units, **options))
        for _ in range(level.dropouts):
            model.add(layers.Dropout(0.5, dtype=dtype))
    return model


def plain(*kinds, **options):
    return make([Level(kind, 4, {}, 0) for kind in kinds], **options)


def draw(*shape, dtype="float32"):
    return np.random.default_rng(5).normal(size=shape).astype(dtype)


def one_by_one(model, x, mask=None):
    """The definition: call each layer by itself."""
    for layer in model.layers:
        x, mask = layer(x, mask=mask), layer.compute_mask(x, mask)
    return x


@pytest.fixture
def calls(monkeypatch):
    """How many layers and directions each call of `_core.forward` and `_core.forward_stack` took."""
    found = []

    def count(name, size):
        function = getattr(_core, name)

        def counted(weights, *args, **options):
            found.append(size(weights))
            return function(weights, *args, **options)

        monkeypatch.setattr(_core, name, counted)

    count("forward", lambda weights: 1)
    count("forward_stack", len)
    return found


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    levels=st.lists(levels, min_size=2, max_size=4),
    sequences=st.booleans(),
    shape=st.tuples(st.integers(0, 9), st.integers(0, 100), st.integers(1, 70)),
    present=st.sampled_from([None, 0.0, 0.2, 0.8, 1.0]),
    dtype=st.sampled_from(["float32", "float64"]),
    count=st.integers(1, 5),
)
def test_a_stack_has_the_bits_of_one_layer_after_the_other(calls, levels, sequences, shape, present, dtype, count):
    rows, steps, inputs = shape
    model, x = make(levels, sequences, dtype, inputs), draw(*shape, dtype=dtype)
    mask = None if present is None else np.random.default_rng(6).random((rows, steps)) < present
    apart = copy.deepcopy(model)
    for _ in range(2):  # stateful layers go on where they were
        wanted = one_by_one(apart, x, mask)
        calls.clear()
        with num_threads(count):
            got = model(x, mask=mask)
        assert calls == [len(levels)]
        np.testing.assert_array_equal(got, wanted)
    for layer, twin in zip(model.layers, apart.layers, strict=True):
        for state, wanted in zip(
            getattr(layer, "states", None) or (), getattr(twin, "states", None) or (), strict=True
        ):
            np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("shape", [(1, 200, 96), (3, 100, 33), (50, 20, 40)], ids=["one row", "few rows", "many rows"])
def test_a_stack_with_work_for_several_threads(threads, shape):
    model = make([Level(kind, 96, {}, 0) for kind in ("lstm", "gru", "lstm")], inputs=shape[-1])
    x = draw(*shape)
    mask = np.random.default_rng(2).random(shape[:2]) < 0.7
    np.testing.assert_array_equal(model(x), one_by_one(model, x))
    np.testing.assert_array_equal(model(x, mask=mask), one_by_one(model, x, mask))


def test_masked_steps_of_nan_reach_nothing():
    model, x = plain("lstm", "gru", "rnn", sequences=True), draw(3, 6, 3)
    mask = np.random.default_rng(2).random((3, 6)) < 0.5
    wanted = one_by_one(model, x, mask)
    np.testing.assert_array_equal(model(np.where(mask[..., None], x, np.nan), mask=mask), wanted)


def test_predict_evaluate_and_calls_are_one_call_of_the_core(calls):
    model = Sequential([Input((6, 3)), layers.Masking()])
    model.add(layers.LSTM(5, return_sequences=True))
    model.add(layers.Dropout(0.5))
    model.add(layers.GRU(4, return_sequences=True))
    model.add(layers.SimpleRNN(3))
    model.add(layers.Dense(2, activation="softmax"))
    model.compile("sgd", "categorical_crossentropy")
    x, y = draw(8, 6, 3), np.eye(2)[[0, 1] * 4]
    x[:, 4:] = 0
    wanted = one_by_one(model, x)
    calls.clear()
    for give in (model, model.predict_on_batch, lambda x: model.predict(x, verbose=0)):
        np.testing.assert_array_equal(give(x), wanted)
        assert calls == [3]
        calls.clear()
    loss = model.evaluate(x, y, verbose=0)
    assert calls == [3]
    assert loss == pytest.approx(-np.log(wanted[y == 1]).mean(), rel=1e-6)  # float32


def test_the_loss_of_steps_under_a_mask_is_that_of_one_layer_after_the_other(calls):
    model = Sequential([Input((None, 3)), layers.Masking(), *plain("lstm", "gru", sequences=True).layers])
    model.compile("sgd", "mse")
    x, y = draw(5, 6, 3), draw(5, 6, 4)
    x[1:, 4:] = 0
    there = np.arange(6) < np.array([6, 4, 4, 4, 4])[:, None]
    wanted = ((one_by_one(model, x) - y) ** 2).mean(axis=-1)[there].mean()
    calls.clear()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-6)  # float32
    assert calls == [2]


def test_training_runs_the_layers_one_by_one(calls):
    model = make([Level("lstm", 4, {}, 1), Level("gru", 4, {}, 0)])
    model.compile("sgd", "mse")
    model.train_on_batch(draw(2, 5, 3), draw(2, 4))
    assert calls == []  # but calls of forward_training
    model(draw(2, 5, 3), training=True)
    assert calls == [1, 1]


class Fading(layers.Layer):
    """A user's cell."""

    state_size = 4

    def call(self, inputs, states):
        h = 0.9 * states[0] + inputs[:, :1]
        return h, [h]


class Doubled(layers.LSTM):
    """A user's layer."""

    def forward(self, x, *call):
        return 2 * super().forward(x, *call)


class HalfDropout(layers.Dropout):
    """A user's layer that does something in inference too."""

    def forward(self, x, *call):
        return 0.5 * x


def lstm(kind=layers.LSTM, **options):
    return kind(4, return_sequences=True, **options)


def patched():
    layer = lstm()
    layer.forward = lambda x, *call: -layers.LSTM.forward(layer, x, *call)
    return layer


ALONE = {
    "go_backwards": lambda: lstm(go_backwards=True),
    "a cell of one's own": lambda: layers.RNN(Fading(), return_sequences=True),
    "stacked cells": lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(4)], return_sequences=True),
    "a layer of one's own": lambda: lstm(Doubled),
    "a method put in place": patched,
    "a penalty on the output": lambda: lstm(activity_regularizer=regularizers.L2(0.1)),
    "another dtype": lambda: lstm(dtype="float64"),
    "Dropout of another dtype": lambda: layers.Dropout(0.5, dtype="float64"),
    "Dropout of one's own": lambda: HalfDropout(0.5),
    "both directions": lambda: layers.Bidirectional(lstm()),
    "Dense": lambda: layers.Dense(4),
    "Masking": lambda: layers.Masking(0.5),
}


@pytest.mark.parametrize("between", ALONE.values(), ids=ALONE)
def test_what_must_run_alone_parts_a_stack(calls, between):
    model = Sequential([Input((None, 3)), lstm(), lstm(layers.GRU), between(), lstm(), lstm(layers.SimpleRNN)])
    x = draw(3, 6, 3)
    mask = np.random.default_rng(2).random((3, 6)) < 0.6
    wanted = one_by_one(model, x, mask)
    calls.clear()
    np.testing.assert_array_equal(model(x, mask=mask), wanted)
    assert calls[0] == calls[-1] == 2
    np.testing.assert_array_equal(model.predict(x, verbose=0), one_by_one(model, x))


def test_a_penalty_on_an_output_inside_counts():
    model = Sequential([Input((None, 3)), lstm(), lstm(activity_regularizer=regularizers.L2(0.1)), lstm()])
    model.compile("sgd", "mse")
    x, y = draw(3, 6, 3), draw(3, 6, 4)
    inside, out = one_by_one(Sequential(model.layers[:2]), x), one_by_one(model, x)
    wanted = ((out - y) ** 2).mean() + 0.1 * (inside**2).sum() / 3
    assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-6)  # float32


@pytest.mark.parametrize("option", ["go_backwards", "return_state"])
def test_options_set_later_count(calls, option):
    model, x = plain("lstm", "gru", "rnn", sequences=True), draw(3, 6, 3)
    model(x)
    setattr(model.layers[2], option, True)
    calls.clear()
    got = model(x)
    assert calls == [2, 1]
    for array, wanted in zip(got, one_by_one(model, x), strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_a_layer_without_sequences_ends_a_stack():
    model, x = plain("lstm", "gru"), draw(3, 6, 3)
    model.layers[0].return_sequences = False
    with pytest.raises(ValueError, match="gru: input_shape must have 3 axes"):
        model(x)


def test_models_of_some_of_the_layers_share_weights_and_states(calls):
    model, x = plain("lstm", "gru", "rnn", sequences=True), draw(3, 6, 3)
    part = Sequential(model.layers[:2])
    calls.clear()
    features = part.predict(x, verbose=0)
    np.testing.assert_array_equal(model.layers[2](features), model.predict(x, verbose=0))
    assert calls == [2, 1, 3]
    stream = model.stream(3)
    steps = [stream.step(x[:, t]) for t in range(6)]
    np.testing.assert_array_equal(np.stack(steps, axis=1), model.predict(x, verbose=0))


def test_states_of_another_number_of_rows_are_refused_by_the_layer_that_holds_them():
    model = make([Level("lstm", 4, {}, 0), Level("gru", 4, {"stateful": True}, 0)])
    model(draw(3, 6, 3))
    with pytest.raises(ValueError, match="gru: x must have 3 rows, as the states that the stateful layer holds, got 2"):
        model(draw(2, 6, 3))


def test_new_weights_count_at_once():
    model, x = plain("lstm", "gru"), draw(3, 6, 3)
    before = model.predict(x, verbose=0)
    model.set_weights([0.5 * weight for weight in model.get_weights()])
    after = model.predict(x, verbose=0)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, one_by_one(model, x))
