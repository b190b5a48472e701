"""Trained models keep their accuracy when they are quantized."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.demo import _standardised_vowels
from fastlstm.keras import layers

LARGEST_LOSS = 0.005  # of the share of right answers
LAYERS: dict[str, Any] = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}


def vowels(kind: str) -> tuple[Any, Any, Any]:
    """Return a model that was trained to tell speakers apart, and data that it has not seen."""
    x_train, y_train, x_test, y_test = _standardised_vowels()
    model = keras.Sequential([keras.Input(x_train.shape[1:]), LAYERS[kind](128), layers.Dense(9, "softmax")])
    return trained(model, x_train, y_train.argmax(axis=1), 20), x_test, y_test.argmax(axis=1)


def characters() -> tuple[Any, Any, Any]:
    """Return a model that was trained to write on, and windows of a text of the same words that it has not seen."""
    words = ["one potato, ", "two potato, ", "three potato, ", "four; "]
    random = np.random.default_rng(0)
    text = "".join(words[k] for k in random.integers(0, 4, 700))
    letters = sorted(set(text))
    number = np.array([letters.index(letter) for letter in text])
    windows = np.lib.stride_tricks.sliding_window_view(number, 13)
    model = keras.Sequential(
        [
            keras.Input((None,)),
            layers.Embedding(len(letters), 8),
            layers.LSTM(48),
            layers.Dense(len(letters), "softmax"),
        ]
    )
    return trained(model, windows[:4000, :-1], windows[:4000, -1], 3), windows[4000:, :-1], windows[4000:, -1]


def trained(model: Any, x: Any, y: Any, epochs: int) -> Any:
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize("kind", [*LAYERS, "characters"])
def test_quantized_models_are_as_accurate(kind: str) -> None:
    keras.utils.set_random_seed(0)
    model, x, y = characters() if kind == "characters" else vowels(kind)
    before, weights = model.evaluate(x, y, verbose=0)[1], model.get_weights()
    assert before > (0.6 if kind == "characters" else 0.9)  # of the letters in it a third begin a drawn word
    for activations in ("int8", "int16"):
        twin = keras.models.clone_model(model)
        twin.set_weights(weights)
        twin.quantize("int8", activations=activations)
        assert abs(twin.evaluate(x, y, verbose=0)[1] - before) <= LARGEST_LOSS, activations
