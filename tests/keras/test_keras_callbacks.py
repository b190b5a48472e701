"""Callbacks: when they are called, and what the ready-made ones do."""

import csv
import math

import numpy as np
import pytest

from fastlstm.keras import callbacks, optimizers


class Told(callbacks.Callback):
    """Gives the training logs of its own instead of real ones."""

    def __init__(self, name, values):
        super().__init__()
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


def test_order_of_the_hooks(model, data):
    calls = []

    class Recorder(callbacks.Callback):
        def __getattribute__(self, name):
            if name.startswith("on_") and "batch_begin" not in name:
                calls.append(name)
            return super().__getattribute__(name)

    hooks = [name for name in dir(callbacks.Callback) if name.startswith("on_")]
    for name in hooks:
        setattr(Recorder, name, lambda self, *args, name=name: calls.append(name))
    Recorder.__getattribute__ = object.__getattribute__
    model.fit(*data, batch_size=35, epochs=2, validation_data=data, callbacks=[Recorder()], verbose=0)
    batches = ["on_train_batch_begin", "on_train_batch_end"] * 2
    tests = ["on_test_begin", *["on_test_batch_begin", "on_test_batch_end"] * 2, "on_test_end"]
    epoch = ["on_epoch_begin", *batches, *tests, "on_epoch_end"]
    assert calls == ["on_train_begin", *epoch, *epoch, "on_train_end"]
    calls.clear()
    model.predict(data[0], batch_size=70, callbacks=[Recorder()], verbose=0)
    assert calls == ["on_predict_begin", "on_predict_batch_begin", "on_predict_batch_end", "on_predict_end"]
    calls.clear()
    model.evaluate(*data, batch_size=70, callbacks=[Recorder()], verbose=0)
    assert calls == ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"]


def test_logs_of_batches_and_epochs(model, data):
    seen = []

    class Recorder(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append((batch, sorted(logs)))

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(logs["outputs"].shape)

    recorder = Recorder()
    model.fit(*data, callbacks=recorder, verbose=0)
    assert seen == [(i, ["accuracy", "loss"]) for i in range(3)]
    assert recorder.model is model
    assert recorder.params == {"verbose": 0, "epochs": 1, "steps": 3}
    seen.clear()
    model.predict(data[0], callbacks=[recorder], verbose=0)
    assert seen == [(32, 4), (32, 4), (6, 4)]


def test_what_callbacks_add_is_recorded(model, data):
    history = model.fit(*data, epochs=2, callbacks=[Told("mine", [1.0, 2.0])], verbose=0)
    assert history.history["mine"] == [1.0, 2.0]


def test_lambda_callback(model, data):
    epochs = []
    model.fit(
        *data,
        epochs=2,
        verbose=0,
        callbacks=[
            callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: epochs.append(epoch), on_train_end=lambda logs: epochs.append(logs)
            )
        ],
    )
    assert epochs[:2] == [0, 1]
    assert set(epochs[2]) == {"accuracy", "loss"}
    with pytest.raises(ValueError, match="each hook must be a method of Callback, got 'on_monday'"):
        callbacks.LambdaCallback(on_monday=print)


@pytest.mark.parametrize(
    ("values", "arguments", "epochs"),
    [
        ([3.0, 2.0, 1.0, 0.0], {}, 4),
        ([3.0, 3.0, 1.0, 0.0], {}, 2),
        ([3.0, 4.0, 4.0, 2.0, 2.0], {"patience": 2}, 3),
        ([3.0, 2.95, 2.9, 1.0], {"min_delta": 0.1}, 2),
        ([1.0, 2.0, 3.0, 2.0], {"mode": "max"}, 4),
        ([3.0, 2.0, 1.0], {"baseline": 0.5, "patience": 2}, 2),
        ([3.0, 3.0, 3.0, 3.0, 3.0], {"start_from_epoch": 2}, 4),
    ],
)
def test_early_stopping(values, arguments, epochs, model, data):
    stopping = callbacks.EarlyStopping("told", **({"mode": "min"} | arguments))
    history = model.fit(*data, epochs=len(values), callbacks=[Told("told", values), stopping], verbose=0)
    # With a baseline that is not met, waiting goes on although the value improves.
    assert len(history.epoch) == (len(values) if "baseline" in arguments else epochs)


NAN = math.nan


@pytest.mark.parametrize(
    ("mode", "values", "best", "epochs"),
    [
        ("min", [NAN, 5.0, 4.0, 3.0], 3.0, 4),
        ("max", [NAN, 5.0, 6.0, 7.0], 7.0, 4),
        ("min", [NAN, NAN, 5.0, 4.0], None, 2),
        ("min", [3.0, NAN, 2.0, 1.0], 3.0, 2),
    ],
)
def test_nan_is_never_the_best(mode, values, best, epochs, model, data):
    stopping = callbacks.EarlyStopping("told", mode=mode, patience=1, restore_best_weights=True)
    at_end = []
    weights = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: at_end.append(model.get_weights()))
    hooks = [Told("told", values), weights, stopping]
    assert len(model.fit(*data, epochs=4, callbacks=hooks, verbose=0).epoch) == epochs
    assert stopping.best == best
    restored = 0 if best is None else values.index(best)
    for now, then in zip(model.get_weights(), at_end[restored], strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_rate_is_lowered_by_epochs_without_a_number_too(model, data):
    model.optimizer.learning_rate = 1.0
    plateau = callbacks.ReduceLROnPlateau("told", 0.5, patience=2, mode="min")
    values = [NAN, 3.0, 2.0, 1.0, NAN, NAN]
    history = model.fit(*data, epochs=6, callbacks=[Told("told", values), plateau], verbose=0)
    assert (plateau.best, model.optimizer.learning_rate) == (1.0, 0.5)
    assert history.history["learning_rate"] == [1.0] * 6


def test_early_stopping_restores_the_best_weights_even_untriggered(model, data, capsys):
    kept = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    stopping = callbacks.EarlyStopping("told", mode="min", patience=5, restore_best_weights=True, verbose=1)
    model.fit(*data, epochs=4, callbacks=[keep, Told("told", [3.0, 1.0, 2.0, 2.0]), stopping], verbose=0)
    for a, b in zip(kept[1], model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "best epoch: 2." in capsys.readouterr().out


def test_auto_mode_follows_the_metric(model, data):
    stopping = callbacks.EarlyStopping("val_accuracy")
    model.fit(*data, epochs=1, validation_data=data, callbacks=[stopping], verbose=0)
    assert stopping.improved(0.6, 0.5)
    assert not stopping.improved(0.4, 0.5)
    by_loss = callbacks.EarlyStopping("val_loss")
    by_loss.set_model(model)
    assert by_loss.improved(0.4, 0.5)
    with pytest.raises(ValueError, match="EarlyStopping: mode must be 'min' or 'max' for monitor='told', got 'auto'"):
        model.fit(*data, epochs=2, callbacks=[Told("told", [1.0, 1.0]), callbacks.EarlyStopping("told")], verbose=0)


def test_missing_monitor_warns_and_goes_on(model, data):
    with pytest.warns(UserWarning, match="'val_loss' is not among the logs; available: accuracy, loss"):
        history = model.fit(*data, epochs=2, callbacks=[callbacks.EarlyStopping()], verbose=0)
    assert len(history.epoch) == 2


def test_reduce_on_plateau(model, data, capsys):
    model.optimizer.learning_rate = 1.0
    values = [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    plateau = callbacks.ReduceLROnPlateau("told", 0.5, patience=1, mode="min", cooldown=2, min_lr=0.3, verbose=1)
    history = model.fit(*data, epochs=6, callbacks=[Told("told", values), plateau], verbose=0)
    # Reduced after epochs 2 and 4 (cooling down in between), then at its lowest.
    assert history.history["learning_rate"] == [1.0, 1.0, 0.5, 0.5, 0.3, 0.3]
    assert "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.5." in capsys.readouterr().out
    with pytest.raises(ValueError, match="factor must be a number of at least 0 and below 1, got 1"):
        callbacks.ReduceLROnPlateau(factor=1)


def test_learning_rate_scheduler(model, data):
    model.optimizer.learning_rate = 1.0
    halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(*data, epochs=3, callbacks=[halve], verbose=0)
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    by_epoch = callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))
    history = model.fit(*data, epochs=2, callbacks=[by_epoch], verbose=0)
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.2])
    with pytest.raises(TypeError, match="schedule: the rate of epoch 0 must be a number of at least 0, got None"):
        model.fit(*data, callbacks=[callbacks.LearningRateScheduler(lambda epoch: None)], verbose=0)


def test_terminate_on_nan(model, data, capsys):
    x = data[0].copy()
    x[40] = np.nan
    with pytest.warns(RuntimeWarning, match="batch 2"):
        history = model.fit(x, data[1], epochs=3, shuffle=False, callbacks=[callbacks.TerminateOnNaN()], verbose=0)
    assert len(history.epoch) == 1
    assert "Batch 1: Invalid loss" in capsys.readouterr().out
    with pytest.warns(RuntimeWarning, match="loss is nan"), pytest.raises(RuntimeError, match="the loss is nan"):
        model.fit(x, data[1], callbacks=[callbacks.TerminateOnNaN(raise_error=True)], verbose=0)


def test_stop_training_from_a_batch(model, data):
    def stop(batch, logs):
        model.stop_training = batch == 1

    steps = []
    hooks = [
        callbacks.LambdaCallback(on_train_batch_end=stop),
        callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch)),
    ]
    model.fit(*data, epochs=3, callbacks=hooks, verbose=0)
    assert steps == [0, 1]


def test_csv_logger(model, data, tmp_path):
    path = tmp_path / "log.csv"
    history = model.fit(*data, epochs=2, validation_data=data, callbacks=[callbacks.CSVLogger(path)], verbose=0)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert [float(row["loss"]) for row in rows] == history.history["loss"]
    model.fit(*data, callbacks=[callbacks.CSVLogger(path, append=True)], verbose=0)
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    assert lines[3].endswith(",NA,NA")
    model.fit(*data, callbacks=[callbacks.CSVLogger(path, separator=";")], verbose=0)
    assert path.read_text().startswith("epoch;accuracy;loss;val_accuracy;val_loss")


def test_weights_set_by_a_callback_are_trained_on(model, data):
    fixed = [np.zeros_like(w) for w in model.get_weights()]
    reset = callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: model.set_weights(fixed))
    model.compile(loss="categorical_crossentropy", optimizer=optimizers.SGD(0.1), metrics=["accuracy"])
    model.fit(*data, batch_size=35, shuffle=False, callbacks=[reset], verbose=0)
    # From all zeros the output is uniform, h is zero, and only the last bias moves: by 0.1 * (share - 1/4).
    share = data[1][35:].mean(0)
    np.testing.assert_allclose(model.get_weights()[-1], 0.1 * (share - 0.25), atol=1e-7)
    assert math.isclose(float(np.abs(model.get_weights()[0]).max()), 0.0)
