"""Trainings that are interrupted at any moment and go on: they end with the bits of one that was not."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from seeds import FRESH
from trainings import TRAININGS, Losses, X, Y, sequential, trained

from fastlstm import keras
from fastlstm.files import atomic, native
from fastlstm.files.bundle import Bundle
from fastlstm.files.values import put_together, taken_apart
from fastlstm.keras import Input, Sequential, callbacks, layers, utils


class InterruptionError(Exception):
    """What ends a training early."""


class Interrupting(callbacks.Callback):
    """Raises at the so-manyth call of a hook."""

    def __init__(self, hook, number=0):
        super().__init__()
        self.hook, self.left = hook, number
        setattr(self, hook, self._count)

    def _count(self, *arguments):
        self.left -= 1
        if self.left < 0:
            raise InterruptionError

    def get_state(self):
        return {}


FEW = [("epoch", ("on_train_batch_begin", 11)), (1, ("on_train_batch_end", 5)), (4, ("on_test_batch_begin", 3))]
MANY = [
    (save_freq, moment)
    for save_freq in ("epoch", 1, 4)
    for moment in (
        *(("on_train_batch_begin", number) for number in (1, 3, 6, 11)),
        *(("on_train_batch_end", number) for number in (2, 5, 13)),
        *(("on_epoch_begin", number) for number in (1, 2)),
        *(("on_epoch_end", number) for number in (0, 2)),
        ("on_test_batch_begin", 3),
        ("on_train_end", 0),
    )
]


@pytest.fixture(scope="module")
def wanted():
    found = {}

    def of(name):
        if name not in found:
            found[name] = trained(name)
        return found[name]

    return of


def check(done, wanted):
    for name, value in wanted.items():
        assert done[name] == value, name


def check_goes_on(folder, wanted, name, save_freq, moment):
    def backup():
        return callbacks.BackupAndRestore(folder, save_freq=save_freq)

    try:
        done = trained(name, (backup(), Interrupting(*moment)))
    except InterruptionError:
        done = trained(name, (backup(),))
    check(done, wanted(name))


@pytest.mark.parametrize(("save_freq", "moment"), FEW, ids=str)
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_goes_on(tmp_path, wanted, name, save_freq, moment):
    check_goes_on(tmp_path / "a", wanted, name, save_freq, moment)


@pytest.mark.slow
@pytest.mark.parametrize(("save_freq", "moment"), MANY, ids=str)
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_goes_on_from_any_moment(tmp_path, wanted, name, save_freq, moment):
    check_goes_on(tmp_path / "a", wanted, name, save_freq, moment)


@pytest.mark.parametrize("name", ["noisy", "watched", "branched", "stateful"])
def test_nothing_of_a_new_model_matters(tmp_path, wanted, name):
    """The program that goes on has other initial weights and other random numbers."""
    backup = callbacks.BackupAndRestore(tmp_path / "a", save_freq=1)
    with pytest.raises(InterruptionError):
        trained(name, (backup, Interrupting("on_train_batch_end", 8)))
    check(trained(name, (backup,), seed=8), wanted(name))


def test_callbacks_are_told_of_everything_before_a_checkpoint_is_made(tmp_path, wanted):
    """Wherever they stand in the list."""
    backup = callbacks.BackupAndRestore(tmp_path / "a")
    with pytest.raises(InterruptionError):
        trained("watched", (Interrupting("on_train_batch_begin", 17),), before=(backup,))
    check(trained("watched", before=(backup,)), wanted("watched"))


# Files of ModelCheckpoint, and resume_from.


@pytest.mark.parametrize("name", ["watched", "averaged", "branched", "of_numbered"])
def test_resume_from_a_model_checkpoint(tmp_path, wanted, name):
    path = tmp_path / "{epoch}-{batch}.fastlstm"
    keeping = callbacks.ModelCheckpoint(path, save_freq=5, monitor="loss")
    check(trained(name, (keeping,)), wanted(name))
    assert len(os.listdir(tmp_path)) > 2
    for file in sorted(tmp_path.iterdir()):
        check(trained(name, (), resume_from=file), wanted(name))


def test_a_model_checkpoint_is_a_model(tmp_path):
    path = tmp_path / "a.fastlstm"
    model = sequential()
    model.fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint(path)])
    loaded = keras.models.load_model(path)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    history = loaded.fit(X, Y, epochs=3, verbose=0, resume_from=path)
    assert history.epoch == [0, 1, 2]


def test_more_epochs_than_were_planned(tmp_path, wanted):
    trained("noisy", (callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False),), epochs=2)
    check(trained("noisy", resume_from=tmp_path / "latest.fastlstm"), wanted("noisy"))


def test_fewer_epochs_than_are_done(tmp_path):
    done = trained("noisy", (callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False),), epochs=3)
    check(trained("noisy", resume_from=tmp_path / "latest.fastlstm", epochs=1), done)


# What is refused or told.


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "a.fastlstm"
    keeping = callbacks.ModelCheckpoint(path, save_freq=4)
    more = [keeping, callbacks.EarlyStopping("loss")]
    sequential(metrics=["mae"]).fit(X, Y, batch_size=4, verbose=0, callbacks=more)
    return path


def compiled(*chain, optimizer="adam", **options):
    model = Sequential([Input(X.shape[1:]), *chain])
    model.compile(optimizer, "mse", **options)
    return model


REFUSED = {
    r"a.fastlstm: optimizer must be SGD, as the model is compiled with, got Adam": (sequential("sgd"), {}),
    r"a.fastlstm: layers/simple_rnn/cell/vars must have 3 arrays, the weights of .*, got 0": (
        compiled(layers.SimpleRNN(4), layers.Dense(1)),
        {},
    ),
    r"a.fastlstm: layers: state must have the entries \[.*\], got \[.*\]": (
        compiled(layers.LSTM(4), layers.Dropout(0.3, seed=1), layers.BatchNormalization(), layers.Dense(1)),
        {},
    ),
    r"a.fastlstm: metrics: state must have the entries \['mse'\], got \['mae'\]": (sequential(metrics=["mse"]), {}),
    r"a.fastlstm: batch_size must be 4, as .* in the middle of the data, got 5": (
        sequential(metrics=["mae"]),
        {"batch_size": 5},
    ),
    r"a.fastlstm: rows must be 22, as .* in the middle of the data, got 20": (
        sequential(metrics=["mae"]),
        {"x": X[:20], "y": Y[:20]},
    ),
    r"a.fastlstm: shuffle must be True, as .* in the middle of the data, got False": (
        sequential(metrics=["mae"]),
        {"shuffle": False},
    ),
}


@pytest.mark.filterwarnings("ignore:the checkpoint has the state")
@pytest.mark.parametrize("message", REFUSED)
def test_a_checkpoint_of_another_training_is_refused(checkpoint, message):
    model, options = REFUSED[message]
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(**{"x": X, "y": Y, "batch_size": 4, "verbose": 0, "resume_from": checkpoint} | options)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_no_checkpoint(tmp_path):
    pytest.importorskip("h5py")
    model = sequential()
    with pytest.raises(FileNotFoundError, match=r"resume_from must be that of a file, got .*a.fastlstm"):
        model.fit(X, Y, verbose=0, resume_from=tmp_path / "a.fastlstm")
    with pytest.raises(TypeError, match="resume_from must be a path, got 3"):
        model.fit(X, Y, verbose=0, resume_from=3)
    for name, message in {
        "a.fastlstm": "a.fastlstm must have the state of a training, .* BackupAndRestore and, in files of fastlstm,",
        "a.h5": "a.h5 must be a layer or a model of fastlstm, got",
    }.items():
        model.save(tmp_path / name)
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, verbose=0, resume_from=tmp_path / name)


def test_a_callback_that_is_not_there_any_more_is_told(checkpoint):
    model = sequential(metrics=["mae"])
    with pytest.warns(UserWarning, match="the checkpoint has the state of a EarlyStopping, which is not among"):
        model.fit(X, Y, batch_size=4, verbose=0, resume_from=checkpoint)


class Forgetful(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


class MoreForgetful(callbacks.EarlyStopping):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.last = epoch


@pytest.mark.parametrize(
    ("callback", "text"), [(Forgetful(), "in Forgetful: seen;"), (MoreForgetful("loss"), "in MoreForgetful: last;")]
)
def test_a_callback_that_does_not_give_what_has_changed_is_told_once(tmp_path, callback, text):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        sequential().fit(
            *(X, Y), epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path, save_freq=1), callback]
        )
    assert [text in str(one.message) for one in told] == [True]


def test_callbacks_that_say_what_they_keep_are_not_told(tmp_path):
    more = [Losses(), callbacks.CSVLogger(tmp_path / "a.csv"), callbacks.LambdaCallback(on_epoch_end=lambda *_: None)]
    sequential().fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "a"), *more])


class Shuffling(utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[index : index + 4], Y[index : index + 4]

    def on_epoch_end(self):
        """Change something."""


def test_data_that_does_not_give_what_changes_between_epochs_is_told(tmp_path):
    with pytest.warns(UserWarning, match=r"Shuffling.on_epoch_end\(\) is called between epochs, and what it changes"):
        sequential().fit(Shuffling(), epochs=2, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])


class Unknown(callbacks.Callback):
    def get_state(self):
        return {"a": {1, 2}}


def test_a_state_that_no_file_can_hold(tmp_path):
    with pytest.raises(TypeError, match=r"state/.* must be of numbers, texts, arrays, .*, got {1, 2}"):
        sequential().fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path), Unknown()])


DAMAGES = {
    "the order of the data must be that of a Generator": lambda fit: fit["data"]["x"].update(order={"state": 1}),
    "EarlyStopping: state must have the entries": lambda fit: fit["callbacks"][-2][1].pop("wait"),
    "history must be lists of numbers by name": lambda fit: fit["callbacks"][-1][1].update(history=[1]),
    "x: state must have the entries": lambda fit: fit["data"]["x"].pop("next"),
    "a.fastlstm: step must be a whole number of at least 0": lambda fit: fit.update(step=-1),
    "fit: state must have the entries": lambda fit: fit.pop("random"),
    "the generator of order must be that of a Generator": lambda fit: fit["random"]["own"].update(order=3),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_states_that_make_no_sense_are_refused(checkpoint, message):
    bundle, arrays = native.read(checkpoint), {}
    state = put_together(bundle.description["training"], bundle.arrays, "state")
    DAMAGES[message](state["fit"])
    training = taken_apart(state, "state", arrays)
    native.write(checkpoint, Bundle(bundle.arrays | arrays, bundle.description | {"training": training}))
    with pytest.raises(ValueError, match=message):
        sequential(metrics=["mae"]).fit(
            *(X, Y), batch_size=4, verbose=0, resume_from=checkpoint, callbacks=[callbacks.EarlyStopping("loss")]
        )


# What else is written.


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_rows_of_a_csv_file_are_those_of_the_whole_training(tmp_path):
    def more(name):
        return callbacks.CSVLogger(tmp_path / name), callbacks.BackupAndRestore(tmp_path / "a", save_freq=4)

    trained("noisy", more("whole.csv")[:1])
    with pytest.raises(InterruptionError):
        trained("noisy", (*more("parts.csv"), Interrupting("on_epoch_end", 2)))
    trained("noisy", more("parts.csv"))
    assert (tmp_path / "parts.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, wanted, monkeypatch):
    backup = callbacks.BackupAndRestore(tmp_path, save_freq=1)
    finish, left = atomic._finish, iter(range(10))

    def full(*arguments):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        finish(*arguments)

    monkeypatch.setattr(atomic, "_finish", full)
    with pytest.raises(OSError, match="No space left"):
        trained("watched", (backup,))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["latest.fastlstm"]
    check(trained("watched", (backup,)), wanted("watched"))


# Processes that are killed.

PROGRAM = """
import os, pickle, sys
sys.path[:0] = sys.argv[4:]
from fastlstm.keras import callbacks
from trainings import trained
name, folder, save_freq = sys.argv[1:4]
backup = callbacks.BackupAndRestore(folder, save_freq=int(save_freq) if save_freq.isdigit() else save_freq)
print("ready", flush=True)
done = trained(name, (backup,), epochs=12)
sys.stdout.buffer.write(pickle.dumps(done))
"""


def process(name, folder, save_freq, threads):
    command = [sys.executable, "-c", PROGRAM, name, str(folder), save_freq, os.path.dirname(__file__), *sys.path]
    environment = os.environ | {"FASTLSTM_NUM_THREADS": str(threads)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert child.stdout.readline() == b"ready\n"
    return child


def end(child, after=None):
    """Kill a process after some seconds, or wait; return what it printed, nothing if it was killed."""
    if after is not None:
        time.sleep(after)
        child.send_signal(signal.SIGKILL)
    printed = child.stdout.read()
    child.stdout.close()
    child.wait()
    return printed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ["watched", "of_ones_own", "noisy", "of_dataset", "stateful"])
def test_a_training_that_is_killed_again_and_again(tmp_path, name, threads):
    """Five times for each training and number of threads, the last checkpoint being read every time: fifty in all."""
    print(f"FASTLSTM_TEST_SEED={FRESH}")
    moments = random.Random(f"{FRESH} {name} {threads}")
    wanted = end(process(name, tmp_path / "whole", "epoch", threads=1))
    begun = time.perf_counter()
    end(process(name, tmp_path / "timed", "1", threads))
    length = time.perf_counter() - begun
    for _ in range(5):
        child = process(name, tmp_path / "a", moments.choice(["epoch", "1", "3"]), threads)
        assert end(child, moments.uniform(0, length / 4)) in (b"", wanted)
    assert end(process(name, tmp_path / "a", "epoch", threads)) == wanted
    assert not (tmp_path / "a").exists()
