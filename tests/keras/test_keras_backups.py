"""BackupAndRestore: a training that was interrupted goes on with the numbers that it would have had."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from seeds import FRESH

from fastlstm.keras import Input, Sequential, callbacks, layers, optimizers

X = np.random.default_rng(0).normal(size=(8, 4, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 1)).astype("float32")


class InterruptionError(Exception):
    """What ends a training early."""


class Interrupting(callbacks.Callback):
    def __init__(self, epoch, batch=0):
        super().__init__()
        self.at, self.epoch = (epoch, batch), None

    def get_state(self):
        return {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise InterruptionError


def made():
    made = Sequential([Input((4, 2)), layers.LSTM(3, seed=1), layers.BatchNormalization(), layers.Dense(1)])
    made.set_weights([np.full(w.shape, 0.1) for w in made.get_weights()])
    made.compile(optimizers.Adam(0.01), "mse")
    return made


def fitted(model, epochs=5, more=(), **options):
    return model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0, callbacks=more, **options).history


def interrupted(folder, at=(3, 1), **options):
    with pytest.raises(InterruptionError):
        fitted(made(), more=[callbacks.BackupAndRestore(folder, **options), Interrupting(*at)])


def test_a_training_goes_on_with_the_same_numbers(tmp_path):
    wanted = fitted(made())["loss"]
    interrupted(tmp_path / "a")
    assert os.listdir(tmp_path / "a") == ["latest.fastlstm"]
    model = made()
    history = fitted(model, more=[callbacks.BackupAndRestore(tmp_path / "a")])
    assert history["loss"] == wanted
    assert model.optimizer.iterations == 10
    assert not (tmp_path / "a").exists()
    assert fitted(made(), more=[callbacks.BackupAndRestore(tmp_path / "a")])["loss"] == wanted


def test_so_many_batches(tmp_path):
    wanted = fitted(made())["loss"]
    interrupted(tmp_path / "a", at=(2, 1), save_freq=1)
    model = made()
    history = fitted(model, more=[callbacks.BackupAndRestore(tmp_path / "a", save_freq=1, delete_checkpoint=False)])
    assert history["loss"] == wanted
    assert model.optimizer.iterations == 10
    assert os.listdir(tmp_path / "a") == ["latest.fastlstm"]


def test_nothing_is_kept_with_false(tmp_path):
    fitted(made(), more=[callbacks.BackupAndRestore(tmp_path / "a", save_freq=False)])
    assert not (tmp_path / "a").exists()


def test_a_training_that_was_whole_has_nothing_left_to_do(tmp_path):
    backup = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    model = made()
    wanted = fitted(model, more=[backup])
    before = model.get_weights()
    assert fitted(model, more=[backup]) == wanted
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_folder_stays_if_something_else_is_in_it(tmp_path):
    (tmp_path / "notes").touch()
    fitted(made(), more=[callbacks.BackupAndRestore(tmp_path)])
    assert os.listdir(tmp_path) == ["notes"]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"half"), lambda path: path.unlink()])
def test_the_state_before_is_there_if_the_latest_is_not(tmp_path, damage):
    wanted = fitted(made())["loss"]
    interrupted(tmp_path, double_checkpoint=True)
    damage(tmp_path / "latest.fastlstm")
    assert fitted(made(), more=[callbacks.BackupAndRestore(tmp_path)])["loss"] == wanted


def test_what_cannot_be_gone_on_with(tmp_path):
    interrupted(tmp_path)
    other = Sequential([Input((4, 2)), layers.LSTM(2), layers.Dense(1)])
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"latest.fastlstm: .* must have"):
        fitted(other, more=[callbacks.BackupAndRestore(tmp_path)])
    (tmp_path / "latest.fastlstm").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"latest.fastlstm must be a safetensors file"):
        fitted(made(), more=[callbacks.BackupAndRestore(tmp_path)])
    made().save(tmp_path / "latest.fastlstm")
    with pytest.raises(ValueError, match=r"latest.fastlstm must have the state of a training, got"):
        fitted(made(), more=[callbacks.BackupAndRestore(tmp_path)])


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"backup_dir": 3}, TypeError, "backup_dir must be"),
        ({"backup_dir": ""}, ValueError, "backup_dir must be"),
        ({"save_freq": "batch"}, TypeError, "save_freq must be a whole number"),
        ({"save_freq": 0}, ValueError, "save_freq must be"),
        ({"double_checkpoint": "no"}, TypeError, "double_checkpoint must be True or False"),
        ({"delete_checkpoint": 2}, ValueError, "delete_checkpoint must be True or False"),
    ],
)
def test_arguments(options, error, text):
    with pytest.raises(error, match=text):
        callbacks.BackupAndRestore(**{"backup_dir": "a"} | options)


TRAINING = """
import json, sys
sys.path[:0] = sys.argv[2:]
from test_keras_backups import made, fitted, callbacks
print("ready", flush=True)
print(json.dumps(fitted(made(), 60, [callbacks.BackupAndRestore(sys.argv[1])])))
"""


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again(tmp_path):
    """It comes to its end with the numbers of one that is not."""
    print(f"FASTLSTM_TEST_SEED={FRESH}")
    wanted, moments, killed = fitted(made(), 60)["loss"], random.Random(FRESH), 0
    while True:
        command = [sys.executable, "-c", TRAINING, str(tmp_path / "a"), *sys.path[:2], os.path.dirname(__file__)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            if killed < 10:
                time.sleep(moments.uniform(0, 0.1))
                child.send_signal(signal.SIGKILL)
                killed += 1
            rest = child.stdout.read()
        if rest:
            break
        names = os.listdir(tmp_path / "a") if (tmp_path / "a").exists() else []
        left_over = [name for name in names if name.startswith(".fastlstm-")]  # of one that was about to be renamed
        assert len(left_over) <= 1
        assert {"latest.fastlstm"} >= {*names} - {*left_over}
    assert json.loads(rest)["loss"] == wanted
