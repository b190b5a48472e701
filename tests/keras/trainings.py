"""Trainings of all kinds, which end with the same bits whether they were interrupted or not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import keras
from fastlstm.data import Dataset
from fastlstm.keras import Input, Model, Sequential, callbacks, layers, metrics, optimizers, utils

ROWS, STEPS, FEATURES = 22, 5, 3
SIZE = 4
BATCHES = 6
"""Of an epoch, the last a short one."""
EPOCHS = 4

_source = np.random.default_rng(3)
X = _source.normal(size=(ROWS, STEPS, FEATURES)).astype("float32")
Y = _source.normal(size=(ROWS, 1)).astype("float32")
X_VALIDATION, Y_VALIDATION = X[:7] + 0.1, Y[:7]

Training = tuple[Any, dict[str, Any]]
"""A model, and the arguments of its `fit`."""


def sequential(optimizer: Any = "adam", more: tuple[Any, ...] = (), **options: Any) -> Sequential:
    chain = [layers.LSTM(4), layers.Dropout(0.3), layers.BatchNormalization(), *more, layers.Dense(1)]
    model = Sequential([Input((STEPS, FEATURES)), *chain])
    model.compile(optimizer, "mse", **options)
    return model


def noisy() -> Training:
    """Layers that draw, from the generator of the model and from their own."""
    model = Sequential(
        [
            Input((STEPS, FEATURES)),
            layers.GaussianNoise(0.1, seed=4),
            layers.SpatialDropout1D(0.2),
            layers.GRU(4, dropout=0.2, recurrent_dropout=0.1, return_sequences=True),
            layers.Bidirectional(layers.SimpleRNN(3, recurrent_dropout=0.3, seed=5)),
            layers.Dropout(0.3, seed=6),
            layers.GaussianDropout(0.2),
            layers.Dense(1),
        ]
    )
    model.compile(optimizers.RMSprop(0.01), "mse", metrics=["mae"])
    return model, {}


def watched() -> Training:
    """Callbacks that carry something from epoch to epoch."""
    watching = [
        callbacks.ReduceLROnPlateau("loss", factor=0.37, patience=1, cooldown=1, min_delta=0.3),
        callbacks.EarlyStopping("val_loss", patience=2, min_delta=0.005, restore_best_weights=True),
    ]
    return sequential(optimizers.Adam(0.01)), {"validation_split": 0.2, "callbacks": watching, "epochs": 9}


def scheduled() -> Training:
    """A rate that follows from the one before."""
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.83)
    model = sequential(optimizers.SGD(0.1, momentum=0.9, nesterov=True))
    return model, {"callbacks": [schedule], "steps_per_epoch": 4, "validation_data": (X_VALIDATION, Y_VALIDATION)}


def averaged() -> Training:
    """Optimizers with more than slots, and metrics that gather arrays."""
    optimizer = optimizers.Adam(
        optimizers.schedules.ExponentialDecay(0.02, 5, 0.7), use_ema=True, gradient_accumulation_steps=4
    )
    model = sequential(optimizer, metrics=[metrics.R2Score(), metrics.RootMeanSquaredError()])
    return model, {"validation_data": (X_VALIDATION, Y_VALIDATION), "validation_steps": 1, "validation_batch_size": 2}


def branched() -> Training:
    """A functional model with two outputs, weights of rows, and data in dicts."""
    x = Input((STEPS, FEATURES), name="x")
    h = layers.Dropout(0.2)(layers.LSTM(4, return_sequences=True)(x))
    outputs = {"a": layers.Dense(1, name="a")(h), "b": layers.Dense(2, "softmax", name="b")(layers.GRU(3)(h))}
    model = Model(x, outputs)
    losses = {"a": "mse", "b": "sparse_categorical_crossentropy"}
    model.compile(optimizers.Nadam(0.01), losses, loss_weights={"a": 0.5}, metrics={"b": ["accuracy"]})
    labels = {"a": X.sum(-1, keepdims=True), "b": (Y[:, 0] > 0).astype(int)}
    return model, {"x": {"x": X}, "y": labels, "sample_weight": {"a": None, "b": np.linspace(0, 1, ROWS)}}


def stateful() -> Training:
    model = Sequential(
        [
            Input(batch_shape=(2, STEPS, FEATURES)),
            layers.LSTM(3, stateful=True, return_sequences=True),
            layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)], stateful=True),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    return model, {"batch_size": 2, "shuffle": False}


class Scaled(layers.Layer):
    """A layer of a user's own: a generator, and something that it carries."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source, self.calls = np.random.default_rng(8), 0

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.sum = self.add_weight(shape=(), initializer="zeros", name="sum", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        if not training:
            return x * self.scale
        self.calls += 1
        self.sum.assign(self.sum + 1.0)
        return x * self.scale * float(self.source.uniform(0.5, 1.5)) / self.calls

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {"calls": self.calls}

    def set_state(self, state: dict[str, Any]) -> None:
        self.calls = state["calls"]
        super().set_state({name: entry for name, entry in state.items() if name != "calls"})


class Losses(callbacks.Callback):
    """A callback of a user's own that says which attributes change."""

    kept = ("losses", "steps")

    def on_train_begin(self, logs: Any = None) -> None:
        self.losses: list[Any] = []
        self.steps = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1
        self.losses.append(logs["loss"])
        random.random()


class Halting(callbacks.Callback):
    """A callback of a user's own that gives and takes its state."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 15

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if not self.left:
            self.model.stop_training = True

    def get_state(self) -> dict[str, Any]:
        return {"steps that are left": self.left}

    def set_state(self, state: dict[str, Any]) -> None:
        self.left = state["steps that are left"]


def of_ones_own() -> Training:
    return sequential(more=(Scaled(),)), {"callbacks": [Losses(), Halting()]}


class Numbered(utils.PyDataset):
    """Batches with numbers, of rows in an order of its own every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.order, self.source = np.arange(ROWS), np.random.default_rng(5)

    def __len__(self) -> int:
        return BATCHES

    def __getitem__(self, index: int) -> Any:
        rows = self.order[SIZE * index : SIZE * (index + 1)]
        return X[rows] + self.source.normal(size=X[rows].shape) * 0.1, Y[rows] + np.random.rand() * 0.1  # noqa: NPY002

    def on_epoch_end(self) -> None:
        self.source.shuffle(self.order)

    def get_state(self) -> dict[str, Any]:
        return {"order": self.order, "source": self.source.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        self.order, self.source.bit_generator.state = state["order"], state["source"]


def batches() -> Any:
    """Give batches without end; NumPy's own generator draws them."""
    while True:
        rows = np.random.permutation(ROWS)[:SIZE]  # noqa: NPY002
        yield X[rows], Y[rows], np.random.rand(len(rows))  # noqa: NPY002


class Passes:
    """Batches without numbers, every pass anew, from a generator that is an attribute."""

    def __init__(self) -> None:
        self.source = np.random.default_rng(6)

    def __iter__(self) -> Any:
        for _ in range(BATCHES):
            rows = self.source.permutation(ROWS)[:SIZE]
            yield X[rows], Y[rows]


def of_numbered() -> Training:
    return sequential(), {"x": Numbered(), "y": None, "batch_size": None}


def of_numbered_in_parts() -> Training:
    return sequential(), {"x": Numbered(), "y": None, "batch_size": None, "steps_per_epoch": 3}


def of_generator() -> Training:
    return sequential(), {"x": batches(), "y": None, "batch_size": None, "steps_per_epoch": BATCHES}


def of_passes() -> Training:
    return sequential(), {"x": Passes(), "y": None, "batch_size": None, "validation_data": Passes()}


def of_dataset() -> Training:
    data = Dataset.from_tensor_slices((X, Y)).shuffle(10).batch(SIZE)
    seeded = Dataset.from_tensor_slices((X_VALIDATION, Y_VALIDATION)).shuffle(5, seed=3).batch(3)
    return sequential(), {"x": data, "y": None, "batch_size": None, "validation_data": seeded}


def of_series() -> Training:
    """Windows of a series in an order of their own."""
    series = np.concatenate(X)
    order: dict[str, Any] = {"batch_size": SIZE, "shuffle": True, "seed": 3}
    data = utils.timeseries_dataset_from_array(series[:30], series[5:, :1], STEPS, **order)
    return sequential(), {"x": data, "y": None, "batch_size": None, "validation_data": data.skip(1)}


def of_unseeded_repeated_dataset() -> Training:
    data = Dataset.from_tensor_slices((X, Y)).shuffle(10).batch(SIZE).repeat()
    return sequential(), {"x": data, "y": None, "batch_size": None, "steps_per_epoch": 4}


def of_repeated_dataset() -> Training:
    data = Dataset.from_tensor_slices((X, Y)).shuffle(10, seed=2).batch(SIZE).repeat()
    return sequential(), {"x": data, "y": None, "batch_size": None, "steps_per_epoch": 4}


TRAININGS: dict[str, Callable[[], Training]] = {
    made.__name__: made
    for made in (
        *(noisy, watched, scheduled, averaged, branched, stateful, of_ones_own),
        *(of_numbered, of_numbered_in_parts, of_generator, of_passes, of_dataset, of_repeated_dataset),
        *(of_unseeded_repeated_dataset, of_series),
    )
}


class Done(dict[str, Any]):
    """What a training came to."""


def trained(name: str, more: tuple[Any, ...] = (), before: tuple[Any, ...] = (), seed: int = 7, **options: Any) -> Done:
    """Train, and return all that it came to, as plain values."""
    utils.set_random_seed(seed)
    keras.backend.clear_session()
    model, own = TRAININGS[name]()
    given = {"x": X, "y": Y, "batch_size": SIZE, "epochs": EPOCHS, "verbose": 0} | own | options
    given["callbacks"] = [*before, *own.get("callbacks", ()), *more]
    history = model.fit(**given)
    losses = [one.losses for one in given["callbacks"] if isinstance(one, Losses)]
    states = [layer.states for layer in model.layers if getattr(layer, "stateful", False)]
    return Done(
        weights=[w.tobytes() for w in model.get_weights()],
        optimizer=[np.asarray(w).tobytes() for w in model.optimizer.get_weights()],
        history=repr(history.history),
        epoch=history.epoch,
        losses=losses,
        states=repr(states),
        drawn=(np.random.rand(), random.random(), float(keras.random.uniform(()))),  # noqa: NPY002
    )
