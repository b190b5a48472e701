"""The same program, weights and order of batches in real Keras, where it is installed."""

import numpy as np
import pytest

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

# The loss after three epochs of float32 training by two implementations; observed differences are below 2e-6.
CURVE = 1e-4

NUMBERS = np.random.default_rng(1).integers(0, 4, 150)
X = np.random.default_rng(0).normal(size=(150, 7, 3)).astype(np.float32)
ONE_HOT = np.eye(4, dtype=np.float32)[NUMBERS]
WEIGHTS = np.random.default_rng(2).random(150).astype(np.float32)

PROGRAMS = {
    "adam": ("adam", "categorical_crossentropy", ONE_HOT, lambda k: [k.LSTM(8), k.Dense(4, "softmax")]),
    "rmsprop": ("rmsprop", "sparse_categorical_crossentropy", NUMBERS, lambda k: [k.LSTM(8), k.Dense(4, "softmax")]),
    "sgd": ("sgd", "mse", NUMBERS.astype(np.float32), lambda k: [k.SimpleRNN(8), k.Dense(1)]),
    "binary": ("adamw", "bce", ONE_HOT, lambda k: [k.SimpleRNN(8), k.Dense(4, "sigmoid")]),
    "stack": (
        "adam",
        "categorical_crossentropy",
        ONE_HOT,
        lambda k: [k.LSTM(6, return_sequences=True), k.SimpleRNN(5, go_backwards=True), k.Dense(4, "softmax")],
    ),
    "unfused": ("adam", "categorical_crossentropy", ONE_HOT, lambda k: [k.LSTM(8), k.Dense(4, "softplus")]),
}


def train(keras, name):
    optimizer, loss, y, make = PROGRAMS[name]
    model = keras.Sequential([keras.Input((7, 3)), *make(keras.layers)])
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) * 0.3 for w in model.get_weights()])
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    history = model.fit(X, y, epochs=3, shuffle=False, validation_split=0.2, sample_weight=WEIGHTS, verbose=0)
    return history.history, model.predict(X, verbose=0)


@pytest.mark.parametrize("name", PROGRAMS)
def test_history_is_that_of_keras(name):
    history, outputs = train(ours, name)
    wanted, wanted_outputs = train(theirs, name)
    assert list(history) == list(wanted)
    for key, values in wanted.items():
        np.testing.assert_allclose(history[key], values, atol=CURVE, err_msg=key)
    np.testing.assert_allclose(outputs, wanted_outputs, atol=CURVE)


def test_summary_is_that_of_keras():
    texts = []
    for keras in (ours, theirs):
        layers = keras.layers
        model = keras.Sequential([keras.Input((7, 3)), layers.LSTM(8, name="l"), layers.Dense(4, name="d")], name="m")
        model.summary(line_length=70, print_fn=lambda text: texts.append(str(text)))
    assert texts[0].split() == texts[1].split()
