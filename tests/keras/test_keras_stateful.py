"""Layers that carry their states from batch to batch, within models."""

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers

X = np.random.default_rng(0).normal(size=(12, 6, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 1)).astype("float32")


def make(kind=layers.LSTM, **options):
    model = Sequential([Input((None, 2)), kind(3, stateful=True, **options), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_states_go_on_between_predictions_until_the_model_is_reset(kind):
    model = make(kind)
    whole = model.predict(X, verbose=0)
    model.reset_states()
    model.predict(X[:, :2], verbose=0)
    np.testing.assert_array_equal(model.predict(X[:, 2:], verbose=0), whole)
    model.reset_state()
    np.testing.assert_array_equal(model.predict(X, verbose=0), whole)


def test_states_go_on_from_batch_to_batch_row_by_row():
    model = make()
    y = model.predict(np.concatenate([X[:4, :3], X[:4, 3:]]), batch_size=4, verbose=0)
    model.reset_states()
    np.testing.assert_array_equal(y[4:], model.predict(X[:4], verbose=0))


def test_states_go_on_from_fit_to_evaluate_and_predict():
    model = make()
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    held = [state.copy() for state in model.layers[0].states]
    model.evaluate(X[:4], Y[:4], verbose=0)
    assert not np.array_equal(model.layers[0].states[0], held[0])
    model.layers[0].states = tuple(held)
    y = model.predict(X[:4], verbose=0)
    plain = layers.LSTM(3)
    plain.build((None, 6, 2))
    plain.set_weights(model.layers[0].get_weights())
    np.testing.assert_array_equal(y, model.layers[1](plain(X[:4], initial_state=held)))


def test_another_batch_size_needs_a_reset_only():
    model = make()
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    with pytest.raises(
        ValueError, match=r"x must have 4 rows, as the states .*, got 1; call reset_state\(\), of the layer or"
    ):
        model.predict(X[:1], verbose=0)
    model.reset_states()
    assert model.predict(X[:1], verbose=0).shape == (1, 1)


def test_batches_of_different_sizes_are_refused_before_the_first_step():
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"as lstm is stateful, got 2 and 5; choose another batch_size"):
        model.fit(X, Y, batch_size=5, verbose=0)
    with pytest.raises(ValueError, match="as lstm is stateful, got 2 and 4"):
        model.fit(X, Y, batch_size=4, validation_data=(X[:2], Y[:2]), verbose=0)
    with pytest.raises(ValueError, match="as lstm is stateful, got 2 and 5"):
        model.predict(X, batch_size=5, verbose=0)
    with pytest.raises(ValueError, match="as lstm is stateful, got 2 and 5"):
        model.evaluate(X, Y, batch_size=5, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_states_under_a_mask_stay():
    model = Sequential([Input((6, 2)), layers.Masking(), layers.LSTM(3, stateful=True)])
    model.predict(X, verbose=0)
    held = model.layers[1].states
    model.predict(np.zeros_like(X), verbose=0)
    for state, before in zip(model.layers[1].states, held, strict=True):
        np.testing.assert_array_equal(state, before)


def test_bidirectional_in_a_stateful_model():
    model = Sequential([Input((6, 2)), layers.Bidirectional(layers.LSTM(3, stateful=True)), layers.Dense(1)])
    y = model.predict(X, verbose=0)
    assert not np.array_equal(model.predict(X, verbose=0), y)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X, verbose=0), y)
    model.reset_states()
    with pytest.raises(ValueError, match="bidirectional is stateful"):
        model.predict(X, batch_size=5, verbose=0)


STATEFUL = {
    "lstm": (lambda: layers.LSTM(3, stateful=True), [(12, 3)] * 2),
    "gru": (lambda: layers.GRU(3, stateful=True), [(12, 3)]),
    "stack": (lambda: layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], stateful=True), [[(12, 2)] * 2, (12, 3)]),
    "both": (lambda: layers.Bidirectional(layers.GRU(3, stateful=True)), [(12, 3)] * 2),
}


def drawn(shapes):
    if isinstance(shapes, list):
        return [drawn(shape) for shape in shapes]
    return np.random.default_rng(len(shapes)).normal(size=shapes)


@pytest.mark.parametrize("way", ["attribute", "reset_states"])
@pytest.mark.parametrize("name", STATEFUL)
def test_states_may_be_set(name, way):
    make_layer, shapes = STATEFUL[name]
    layer, given = make_layer(), drawn(shapes)
    layer(X)
    if way == "attribute":
        layer.states = given
    else:
        layer.reset_states(given)
    y = layer(X)
    layer.reset_state()
    np.testing.assert_array_equal(y, layer(X, initial_state=given))
    layer.reset_states()
    assert layer.states is None


def test_states_that_are_set_are_copied():
    layer, state = layers.GRU(3, stateful=True), np.ones((12, 3), "float32")
    layer.states = state
    state[:] = 0
    np.testing.assert_array_equal(layer.states[0], np.ones((12, 3)))


def test_states_that_do_not_fit():
    layer = layers.LSTM(3, stateful=True, name="a")
    with pytest.raises(ValueError, match=r"a: states must have 2 arrays, of sizes \[3, 3\], got 1"):
        layer.states = np.zeros((12, 3))
    with pytest.raises(ValueError, match=r"a: states must have shape \(12, 3\), got \(12, 4\)"):
        layer.reset_states([np.zeros((12, 3)), np.zeros((12, 4))])
    with pytest.raises(ValueError, match=r"a: states must be set of a stateful layer, got .*; make it with stateful"):
        layers.LSTM(3, name="a").states = [np.zeros((12, 3))] * 2
    with pytest.raises(ValueError, match=r"a: states must be a list of 2 arrays, got 1 of them"):
        layers.ConvLSTM1D(2, 3, stateful=True, name="a").states = [np.zeros((12, 3))]
