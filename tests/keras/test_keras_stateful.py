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
