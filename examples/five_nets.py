"""The five nets of `combining_lstm_and_rnn.py`: LSTM and RNN alone, on top of each other and side by side."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import peak

from fastlstm import keras
from fastlstm.keras import layers

LSTM, RNN = layers.LSTM, layers.SimpleRNN
NETS: dict[str, Callable[..., Any]] = {
    "LSTM": lambda x, a, b: LSTM(a)(x),
    "RNN": lambda x, a, b: RNN(a)(x),
    "RNN -> LSTM": lambda x, a, b: LSTM(b)(RNN(a, return_sequences=True)(x)),
    "LSTM -> RNN": lambda x, a, b: RNN(b)(LSTM(a, return_sequences=True)(x)),
    "side by side": lambda x, a, b: layers.Concatenate()([LSTM(a)(x), RNN(b)(x)]),
}


def net(name: str, shape: tuple[int, ...], classes: int, units: tuple[int, int], rate: float = 1e-3) -> Any:
    x = keras.Input(shape)
    model = keras.Model(x, layers.Dense(classes, activation="softmax")(NETS[name](x, *units)))
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def equal_units(name: str, shape: tuple[int | None, ...], classes: int) -> tuple[int, int]:
    """Units of the two layers: nearly as many parameters as LSTM(32) has, and then nearly equal."""

    def count(units: tuple[int, int]) -> int:
        return int(net(name, shape, classes, units).count_params())

    wanted = net("LSTM", shape, classes, (32, 32)).count_params()
    near = bisect(range(96), wanted, lo=8, key=lambda units: count((units, units)))
    close = range(near - 3, near + 2)
    off = {(a, b): abs(count((a, b)) / wanted - 1) for a in close for b in close}
    return min(off, key=lambda units: (max(off[units], 0.015), abs(units[0] - units[1]), off[units]))


def memory(name: str, units: tuple[int, int]) -> float:
    """Megabytes that a training step of 256 rows of 200 steps takes more than one of a single step."""
    model, x, y = net(name, (None, 12), 9, units), np.zeros((256, 200, 12), "float32"), np.zeros(256, int)
    model.train_on_batch(x[:, :1], y)
    before = peak()
    model.train_on_batch(x, y)
    return peak() - before
