"""Models shared by threads and processes: same bits, changes under way, copies, exit, and what stays behind."""

import copy
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from helpers import resident_bytes
from test_sharing import meanwhile

import fastlstm as fl
from fastlstm.keras import Input, Sequential, constraints, layers
from fastlstm.keras.foundation.random import draw_seed, generator
from fastlstm.keras.training.interrupts import WholeSteps

X = np.random.default_rng(0).normal(size=(40, 6, 3)).astype("float32")
Y = np.eye(4, dtype="float32")[np.arange(40) % 4]


def make():
    model = Sequential(
        [
            Input((None, 3)),
            layers.Masking(),
            layers.Bidirectional(layers.GRU(4, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(5, "relu")),
            layers.LSTM(5, dropout=0.1, kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.Dropout(0.2, seed=3),
            layers.Dense(4, "softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def test_one_model_in_eight_threads():
    model = make()
    wanted = model.predict(X, verbose=0)
    with ThreadPoolExecutor(8) as pool:
        for y in pool.map(lambda _: model.predict(X, verbose=0), range(64)):
            np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_weights_set_meanwhile_are_all_old_or_all_new(kind):
    layer = kind(9)
    layer(X)
    choices = [[np.full_like(w, value) for w in layer.get_weights()] for value in (0.1, -0.2)]
    wanted = set()
    for choice in choices:
        layer.set_weights(choice)
        wanted.add(layer(X).tobytes())
    with meanwhile(lambda: [layer.set_weights(choice) for choice in choices]):
        found = {layer(X).tobytes() for _ in range(300)}
    assert found <= wanted


def test_a_model_sees_the_weights_of_one_moment():
    model = Sequential([Input((None, 3)), *(layers.LSTM(9, return_sequences=True) for _ in range(4))])
    choices = [[np.full_like(w, value) for w in model.get_weights()] for value in (0.1, -0.2)]
    wanted = set()
    for choice in choices:
        model.set_weights(choice)
        wanted.add(model.predict(X, verbose=0).tobytes())
    with meanwhile(lambda: [model.set_weights(choice) for choice in choices]):
        found = {model.predict(X, verbose=0).tobytes() for _ in range(500)}
    assert found <= wanted


def test_a_fit_is_not_disturbed_by_predictions_meanwhile():
    model = make()
    quiet = copy.deepcopy(model)
    wanted = quiet.fit(X, Y, epochs=3, verbose=0, shuffle=False).history
    with meanwhile(lambda: model.predict(X, verbose=0)):
        assert model.fit(X, Y, epochs=3, verbose=0, shuffle=False).history == wanted


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_go_on_as_the_model_does(copied, fitted):
    model = make()
    if fitted:
        model.fit(X, Y, epochs=1, verbose=0)
    twin, start = copied(model), model.get_weights()
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    history = twin.fit(X, Y, epochs=2, verbose=0, shuffle=False).history
    for now, then in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(now, then)
    assert model.fit(X, Y, epochs=2, verbose=0, shuffle=False).history == history


def predict(model, x):
    return model.predict(x, verbose=0)


@pytest.mark.slow
def test_models_go_to_spawned_processes():
    model = make()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(predict, (model, X)), predict(model, X))


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
threads_and_fork = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def in_child(work):
    """Whether `work` gives True in a forked child, within seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def while_another_thread(work):
    """Run `work(inside)` in a thread; the block begins when it has set the event `inside`."""
    inside = threading.Event()
    thread = threading.Thread(target=work, args=(inside,))
    thread.start()
    assert inside.wait(20)
    yield
    thread.join()


def slowly(inside):
    """Something that takes its time, for the place where another thread is when this one forks."""
    inside.set()
    time.sleep(0.3)


@needs_fork
@threads_and_fork
def test_a_forked_child_trains():
    model = make()
    model.fit(X, Y, epochs=1, verbose=0)
    twin = copy.deepcopy(model)
    wanted = twin.fit(X, Y, epochs=1, verbose=0, shuffle=False).history
    assert in_child(lambda: model.fit(X, Y, epochs=1, verbose=0, shuffle=False).history == wanted)


def shared_draw():
    return generator("weights"), lambda: draw_seed("weights") + 1


def seeded_draw():
    layer = layers.Dropout(0.5, seed=3)
    return layer._generator, lambda: layer(X, training=True)


def cell_draw():
    layer = layers.LSTM(4, dropout=0.5, seed=3)
    return layer.cell._generator, lambda: layer(X, training=True)


def copied_draw():
    layer = copy.deepcopy(layers.Dropout(0.5, seed=3))
    return layer._generator, lambda: layer(X, training=True)


def torch_like_draw():
    layer = fl.LSTM(3, 4, num_layers=2, dropout=0.5)
    return layer._rng, lambda: layer.vjp(X)


DRAWS = {draw.__name__: draw for draw in (shared_draw, seeded_draw, cell_draw, copied_draw, torch_like_draw)}


@needs_fork
@threads_and_fork
def test_a_child_forked_in_the_middle_of_a_step_trains():
    model = make()
    model.fit(X, Y, epochs=1, verbose=0)

    def step(inside):
        class Slow(constraints.Constraint):
            def __call__(self, w):
                slowly(inside)
                return w

        model.layers[-1].kernel.constraint = Slow()
        model.train_on_batch(X, Y)

    def train():
        model.layers[-1].kernel.constraint = None
        model.fit(X, Y, epochs=1, verbose=0)
        return model.optimizer.iterations == 5  # two of the fit before, the step, two of this one

    with while_another_thread(step):
        assert in_child(train)


@needs_fork
@threads_and_fork
@pytest.mark.parametrize("kind", DRAWS)
def test_a_child_forked_while_another_thread_draws_draws(kind):
    source, work = DRAWS[kind]()
    work()

    def draw(inside):
        with source.bit_generator.lock:
            slowly(inside)

    with while_another_thread(draw):
        assert in_child(lambda: work() is not None)


@needs_fork
@threads_and_fork
def test_a_child_forked_from_a_thread_can_be_interrupted():
    """The step the main thread was in when another one forked never ends in the child: Ctrl-C must not wait for it."""
    found = []

    def interrupted():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            return True
        return False

    def forking():
        thread = threading.Thread(target=lambda: found.append(in_child(interrupted)))
        thread.start()
        thread.join()

    with WholeSteps():
        forking()
    assert found == [True]


EXIT = """
import threading, time, numpy as np
from fastlstm.keras import Input, Sequential, constraints, layers
from fastlstm.keras.training.interrupts import WholeSteps
from fastlstm.keras.foundation.random import draw_seed, generator
model = Sequential([Input((20, 64)), layers.LSTM(128, return_sequences=True), layers.Dense(64)])
model.compile("adam", "mse")
x = np.ones((64, 20, 64), "f")
threading.Thread(target=lambda: model.fit(x, x, epochs=10**6, verbose=0), daemon=True).start()
time.sleep(0.5)
"""


def test_exit_with_a_daemon_thread_training():
    done = subprocess.run([sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("kind", "states"), [(layers.LSTM, 2), (layers.GRU, 1), (layers.SimpleRNN, 1)])
@pytest.mark.parametrize("shape", [(1, 5), (40, 4), (40, 1), (5,), (40, 5, 1)])
def test_states_of_the_wrong_shape_are_not_broadcast(kind, states, shape):
    with pytest.raises(ValueError, match=r"initial_state must have shape \(40, 5\), got \("):
        kind(5)(X, initial_state=[np.zeros(shape)] * states)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_does_not_grow():
    """3000 models, calls, trainings, streams and refused inputs leave less than 8 MB behind."""

    def churn(rounds):
        for k in range(rounds):
            kind = (layers.LSTM, layers.GRU, layers.SimpleRNN)[k % 3]
            model = Sequential([Input((None, 3)), kind(1 + k % 20), layers.Dense(4, "softmax")])
            model.compile("adam", "categorical_crossentropy")
            model.train_on_batch(X[:8], Y[:8])
            model.stream(2).step(X[:2, 0])
            pickle.loads(pickle.dumps(model)).predict(X[:4], verbose=0)
            with pytest.raises(ValueError, match="x must have shape"):
                model.predict(X[..., :2], verbose=0)

    churn(300)
    gc.collect()
    before = resident_bytes()
    churn(3000)
    gc.collect()
    assert resident_bytes() - before < 8 * 2**20
