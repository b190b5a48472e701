"""Ctrl-C in `fit`, as a real signal to a real process at moments nobody chose."""

import os
import random
import signal
import subprocess
import sys
import time

import interrupted_runs
import pytest

PROGRAM = """
import signal
import numpy as np
from fastlstm.keras import Input, Sequential, callbacks, layers, utils

BATCHES = 5
X = np.random.default_rng(0).normal(size=(8 * BATCHES, 20, 3)).astype(np.float32)
Y = X.sum(axis=(1, 2))

def made():
    utils.set_random_seed(1)
    model = Sequential([Input((20, 3)), layers.LSTM(16), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("adam", "mse")
    return model

def train(model, batches=BATCHES, **options):
    return model.fit(X[: 8 * batches], Y[: 8 * batches], batch_size=8, shuffle=False, verbose=0, **options)

def same(model, other):
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))

class Ready(callbacks.Callback):
    ended = False

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            print("ready", flush=True)

    def on_train_end(self, logs=None):
        self.ended = True

for _ in range(ROUNDS):
    model, ready = made(), Ready()
    try:
        train(model, epochs=10**9, callbacks=[ready])
    except KeyboardInterrupt:
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not ready.ended  # as in Keras, whose fit() raises too
    steps = int(model.optimizer.iterations)
    epochs, rest = divmod(steps, BATCHES)
    losses = model.history.history["loss"]
    assert len(losses) == len(model.history.epoch) >= 2
    # Ctrl-C may come after the last step of an epoch, and before its end is told.
    assert len(losses) == epochs or (len(losses) == epochs - 1 and rest == 0), (len(losses), steps)

    whole = made()
    assert train(whole, epochs=epochs).history["loss"][: len(losses)] == losses
    if rest:
        train(whole, rest)
    assert same(model, whole), steps
    for one in (model, whole):
        train(one)
    assert same(model, whole), steps
print("whole", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process of Windows cannot be sent Ctrl-C alone")
def test_ctrl_c_leaves_whole_steps_and_the_history_of_whole_epochs():
    """The weights are those of a training of so many steps, to the bit, and both go on alike."""
    moments, rounds = random.Random(0), 20
    program = PROGRAM.replace("ROUNDS", str(rounds))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline().strip()]
        while lines[-1] == "ready":
            time.sleep(moments.uniform(0, 0.02))
            process.send_signal(signal.SIGINT)
            lines.append(process.stdout.readline().strip())
    assert lines == ["ready"] * rounds + ["whole"]
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process of Windows cannot be sent Ctrl-C alone")
@pytest.mark.parametrize("name", interrupted_runs.NAMES)
def test_ctrl_c_at_many_moments_of_a_run(tmp_path, name):
    """Nothing is left half done, and none is lost."""
    command = [sys.executable, interrupted_runs.__file__, name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
