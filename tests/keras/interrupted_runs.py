"""Ctrl-C at many moments of a run, one after the other: nothing is left half done, and none is lost.

    python interrupted_runs.py NAME FOLDER

This is a program of its own, as what NumPy and Python hold for the time of a block may be left half done.
"""

import gc
import inspect
import os
import signal
import sys
from pathlib import Path

import numpy as np

from fastlstm.keras import Input, Model, Sequential, callbacks, layers, models, utils
from fastlstm.keras.foundation.carried import state_of_numbers, state_of_sources
from fastlstm.scopes import Scoped

ROWS, BATCH = 6, 2
X = np.random.default_rng(0).normal(size=(ROWS, 3, 2)).astype(np.float32)
Y = X.sum(axis=(1, 2))


class Interrupted:
    """Sends Ctrl-C to this process when a function begins, or one in C is done: there Python looks for signals.

    What is sent to a generator that is thrown away would be dropped; there Python does not look.
    """

    def __init__(self, at=None):
        self.at, self.count, self.came = at, 0, False

    def __call__(self, function):
        """Call a function; return whether KeyboardInterrupt came out."""
        gc.disable()  # whose callbacks are functions like others
        try:
            sys.setprofile(self._event)
            function()
        except KeyboardInterrupt:
            self.came = True
        finally:
            sys.setprofile(None)
            gc.enable()
        return self.came

    def _event(self, frame, event, argument):
        begins = event == "call" and not frame.f_code.co_flags & inspect.CO_GENERATOR
        if argument is sys.setprofile or not (begins or event == "c_return"):
            return
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGINT)


MOST = 250
"""Moments at which a run is interrupted."""


def at_many_events(prepare, check):
    """Interrupt ``run, *rest = prepare()`` at each of many events, and hold what is left to ``check(at, *rest)``."""
    scopes = [thing for thing in gc.get_objects() if isinstance(thing, Scoped)]
    assert len(scopes) >= 8
    outside = [scope.get() for scope in scopes]
    for _ in range(2):  # something may be done only once
        run, *_ = prepare()
        counter = Interrupted()
        counter(run)
    assert counter.count > 100
    for at in range(1, counter.count + 1, counter.count // MOST + 1):
        run, *rest = prepare()
        sent = Interrupted(at)
        assert sent(run) or sent.count < at, at  # there may be fewer, where a thread reads ahead or not
        assert [scope.get() for scope in scopes] == outside, at
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, at
        check(at, *rest)


def network():
    utils.set_random_seed(1)
    model = Sequential(
        [Input((3, 2)), layers.LSTM(3, dropout=0.2), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    return model


def state_of(model):
    """All that a training changes."""
    of_all = state_of_numbers()
    random = state_of_sources(model._numbers.sources), of_all["numpy"], of_all["python"]
    return [*model.get_weights(), *model.optimizer.get_weights(), repr(random)]


def same(state, other):
    return len(state) == len(other) and all(map(np.array_equal, state, other))


class Kept(callbacks.Callback):
    """Keeps the states after whole steps."""

    def __init__(self):
        super().__init__()
        self.states = {}

    def on_train_begin(self, logs=None):
        self.states[0] = state_of(self.model)

    def on_train_batch_end(self, batch, logs=None):
        self.states[int(self.model.optimizer.iterations)] = state_of(self.model)


class Idle(callbacks.Callback):
    """A callback of a user, in which Ctrl-C takes effect at once."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def generated():
    for k in range(0, ROWS, BATCH):
        yield X[k : k + BATCH], Y[k : k + BATCH]


DATA = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": BATCH},
    "a generator": lambda: {"x": generated()},
}


def fit(data):
    """Weights, slots of the optimizer and random numbers are those of whole steps, the history is of whole epochs."""
    epochs, kept = 2 if data == "arrays" else 1, Kept()
    options = {"epochs": epochs, "verbose": 0, "validation_data": (X, Y)}
    network().fit(**DATA[data](), callbacks=[kept], **options)
    assert len(kept.states) == epochs * ROWS / BATCH + 1
    done = set()

    def prepare():
        model = network()
        return lambda: model.fit(**DATA[data](), callbacks=[Idle()], **options), model

    def check(at, model):
        steps = int(model.optimizer.iterations)
        done.add(steps)
        wanted = kept.states[steps]
        found = state_of(model)
        # Until the first step the optimizer has no slots; the order of the rows may have been drawn.
        assert same(found, wanted) or steps == 0, (at, steps)
        history = getattr(model.history, "history", {})
        assert len({len(values) for values in history.values()} | {len(getattr(model.history, "epoch", ()))}) == 1, at

    at_many_events(prepare, check)
    assert done >= set(kept.states) - {0}


def saved(model, folder):
    model.save(folder / "a.fastlstm")
    return lambda: models.load_model(folder / "a.fastlstm", custom_objects={"doubled": doubled})


def doubled(value):
    return value * 2


def functional():
    x = Input((3, 2))
    h = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    model = Model(x, layers.Lambda(doubled)(h))
    model.compile(loss="mse")
    return model


RUNS = {
    "predict": lambda model, _: lambda: model.predict(X, verbose=0),
    "evaluate": lambda model, _: lambda: model.evaluate(X, np.zeros((ROWS, 3, 4)), verbose=0),
    "a call": lambda model, _: lambda: model(X, training=True),
    "making": lambda model, _: functional,
    "a copy": lambda model, _: lambda: models.clone_model(model),
    "reading": lambda model, folder: saved(model, folder),
}


def other(name, folder):
    """Runs that may end anywhere; whoever goes on has what there was before."""
    model = functional()
    run, wanted = RUNS[name](model, folder), model.predict(X, verbose=0)
    at_many_events(
        lambda: (run,), lambda at: np.testing.assert_array_equal(model.predict(X, verbose=0), wanted, str(at))
    )


NAMES = [*(f"fit on {data}" for data in DATA), *RUNS]


def main(name, folder):
    """Interrupt the run of a name; it may write into the folder."""
    if name in RUNS:
        other(name, Path(folder))
    else:
        fit(name.removeprefix("fit on "))


if __name__ == "__main__":
    main(*sys.argv[1:])
