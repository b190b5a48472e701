"""The training programs behind the golden curves, written against Keras' interface.

``make_keras.py`` runs them with Keras and keeps what came out; ``test_golden.py`` runs the same lines with
``fastlstm.keras``. The argument ``keras`` is either module.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

T, I, CLASSES = 6, 4, 3
TRAIN, VALIDATE, BATCH, EPOCHS = 70, 20, 32, 3  # the last batch of an epoch has 6 rows


def speaker(x, rng):
    """Label each sequence by which of a few random directions its sum points along: learnable, not trivial."""
    return np.argmax(x.sum(axis=1) @ rng.normal(size=(I, CLASSES)), axis=1).astype(np.int32)


def one_hot(x, rng):
    return np.eye(CLASSES, dtype=np.float32)[speaker(x, rng)]


def positive_sum(x, rng):
    return (x.sum(axis=(1, 2))[:, None] > 0).astype(np.float32)


def running_mean(x, rng):
    """Regression target at every step, (N, T, 2)."""
    return (np.cumsum(x, axis=1) / np.arange(1, T + 1)[:, None])[:, :, :2].astype(np.float32)


@dataclass(frozen=True)
class Program:
    """A model, how it is compiled, what it is asked to learn, and further arguments of fit."""

    layers: Callable[[Any], list[Any]]
    loss: str
    targets: Callable[[Any, Any], Any]
    optimizer: Callable[[Any], Any] = lambda keras: "adam"
    metrics: tuple[str, ...] = ("accuracy",)
    fit: dict[str, Any] = field(default_factory=dict)
    weighted_rows: bool = False
    padded: bool = False

    def data(self, rng):
        """Draw everything random: inputs, targets, row weights."""
        x = rng.normal(size=(TRAIN + VALIDATE, T, I)).astype(np.float32)
        y = self.targets(x, rng)
        if self.padded:
            lengths = rng.integers(1, T + 1, size=len(x))
            x[np.arange(T) >= lengths[:, None]] = 0.0
        data = {"x": x[:TRAIN], "y": y[:TRAIN], "x_val": x[TRAIN:], "y_val": y[TRAIN:]}
        if self.weighted_rows:
            data["sample_weight"] = rng.uniform(0.1, 3.0, size=TRAIN).astype(np.float32)
        return data

    def build(self, keras):
        model = keras.models.Sequential([keras.layers.Input((T, I)), *self.layers(keras.layers)])
        model.compile(loss=self.loss, optimizer=self.optimizer(keras), metrics=list(self.metrics))
        return model

    def train(self, model, data):
        """Run three epochs in the stored order and return the history."""
        return model.fit(
            data["x"],
            data["y"],
            batch_size=BATCH,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            validation_data=(data["x_val"], data["y_val"]),
            sample_weight=data.get("sample_weight"),
            **self.fit,
        ).history


def classifier(*recurrent):
    """Layers of a softmax classifier, from functions that take ``keras.layers``."""
    return lambda layers: [*(make(layers) for make in recurrent), layers.Dense(CLASSES, activation="softmax")]


stack = classifier(
    lambda layers: layers.Dense(6, activation="tanh"),
    lambda layers: layers.LSTM(8, return_sequences=True),
    lambda layers: layers.SimpleRNN(7),
)
small = classifier(lambda layers: layers.LSTM(8))

PROGRAMS = {
    "lstm": Program(classifier(lambda layers: layers.LSTM(24)), "categorical_crossentropy", one_hot),
    "simple_rnn": Program(classifier(lambda layers: layers.SimpleRNN(24)), "categorical_crossentropy", one_hot),
    "stack_sgd": Program(
        stack,
        "sparse_categorical_crossentropy",
        speaker,
        lambda keras: keras.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
    ),
    "stack_rmsprop": Program(
        stack, "sparse_categorical_crossentropy", speaker, lambda keras: keras.optimizers.RMSprop(learning_rate=0.01)
    ),
    "stack_adam": Program(
        stack, "sparse_categorical_crossentropy", speaker, lambda keras: keras.optimizers.Adam(learning_rate=0.01)
    ),
    "binary": Program(
        lambda layers: [layers.LSTM(8), layers.Dense(1, activation="sigmoid")], "binary_crossentropy", positive_sum
    ),
    "regression": Program(
        lambda layers: [layers.SimpleRNN(8, return_sequences=True), layers.Dense(2)],
        "mse",
        running_mean,
        metrics=("mae",),
    ),
    "class_weight": Program(
        small, "sparse_categorical_crossentropy", speaker, fit={"class_weight": {0: 1.0, 1: 4.0, 2: 0.5}}
    ),
    "sample_weight": Program(small, "categorical_crossentropy", one_hot, weighted_rows=True),
    "masking": Program(
        classifier(lambda layers: layers.Masking(), lambda layers: layers.LSTM(8)),
        "categorical_crossentropy",
        one_hot,
        padded=True,
    ),
    "bidirectional": Program(
        classifier(lambda layers: layers.Bidirectional(layers.LSTM(5))), "categorical_crossentropy", one_hot
    ),
    "gru": Program(
        classifier(lambda layers: layers.GRU(9, bias_initializer="random_normal")), "categorical_crossentropy", one_hot
    ),
    "gru_reset_before": Program(
        classifier(lambda layers: layers.GRU(9, bias_initializer="random_normal", reset_after=False)),
        "sparse_categorical_crossentropy",
        speaker,
    ),
    "gru_masking": Program(
        classifier(
            lambda layers: layers.Masking(),
            lambda layers: layers.GRU(7, bias_initializer="random_normal", return_sequences=True),
            lambda layers: layers.GRU(5, bias_initializer="random_normal", reset_after=False),
        ),
        "categorical_crossentropy",
        one_hot,
        padded=True,
    ),
    "gru_backwards": Program(
        lambda layers: [
            layers.GRU(7, bias_initializer="random_normal", return_sequences=True, go_backwards=True),
            layers.GRU(
                5, bias_initializer="random_normal", return_sequences=True, go_backwards=True, reset_after=False
            ),
            layers.Dense(2),
        ],
        "mse",
        running_mean,
        metrics=("mae",),
    ),
    "gru_bidirectional": Program(
        classifier(
            lambda layers: layers.Bidirectional(
                layers.GRU(5, bias_initializer="random_normal", return_sequences=True, reset_after=False)
            ),
            lambda layers: layers.Bidirectional(layers.GRU(3, bias_initializer="random_normal"), merge_mode="sum"),
        ),
        "categorical_crossentropy",
        one_hot,
    ),
}
