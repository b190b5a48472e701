"""Batches that a thread makes ahead: the same ones in the same order, and nothing of it is left behind."""

import os
import signal
import threading
import time
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, callbacks, layers, utils
from fastlstm.keras.training import reading
from fastlstm.keras.training.reading import Reader
from fastlstm.keras.utils import PyDataset

ROWS, COUNT = 4, 9
X = np.random.default_rng(0).normal(size=(COUNT, ROWS, 5, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(COUNT, ROWS, 1)).astype("float32")


def model(*more):
    utils.set_random_seed(1)
    made = Sequential([Input((5, 2)), layers.LSTM(3), *more, layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def threads():
    """Which threads make the batches of an epoch, one after the other; they are whether it is the one that trains."""
    return [name is threading.main_thread() for name in MAKERS]


MAKERS: list = []


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch):
    """No thread; and small steps count as worth one, unless a test says otherwise."""
    monkeypatch.setattr(reading, "LEAST_MAKING", 0)
    monkeypatch.setattr(reading, "LEAST_STEP", 0)
    before = threading.active_count()
    MAKERS.clear()
    yield
    assert threading.active_count() == before


def batches(count=COUNT):
    for k in range(count):
        MAKERS.append(threading.current_thread())
        yield X[k], Y[k]


class Plain(PyDataset):
    def __len__(self):
        return COUNT

    def __getitem__(self, k):
        MAKERS.append(threading.current_thread())
        return X[k], Y[k]


class Numbered(Plain):
    def __init__(self, **options):
        super().__init__(**options)
        self.asked, self.events = [], []

    def __getitem__(self, k):
        self.asked.append(k)
        return super().__getitem__(k)

    def on_epoch_begin(self):
        self.events.append(("begin", len(self.asked)))

    def on_epoch_end(self):
        self.events.append(("end", len(self.asked)))


AHEAD = [True, True, True, *[False] * (COUNT - 3)]


def test_batches_of_a_generator_are_those_of_arrays():
    found = model().fit(batches(), verbose=0).history["loss"]
    assert threads() == AHEAD
    wanted = model().fit(X.reshape(-1, 5, 2), Y.reshape(-1, 1), ROWS, shuffle=False, verbose=0).history["loss"]
    assert found == wanted


@pytest.mark.parametrize("shuffle", [False, True])
def test_numbered_batches_keep_order_and_events(shuffle):
    data, alone = Numbered(), Numbered(workers=0, max_queue_size=3)
    found = model().fit(data, epochs=3, shuffle=shuffle, verbose=0).history["loss"]
    assert threads() == 3 * AHEAD
    MAKERS.clear()
    assert found == model().fit(alone, epochs=3, shuffle=shuffle, verbose=0).history["loss"]
    assert threads() == 3 * COUNT * [True]
    assert data.asked == alone.asked
    assert data.events == alone.events == [(e, n) for k in range(3) for e, n in (("begin", 9 * k), ("end", 9 * k + 9))]


def test_evaluate_and_predict_read_ahead_too():
    made = model()
    made.evaluate(batches(), verbose=0)
    assert threads() == AHEAD
    found = made.predict((x for x, _ in batches()), verbose=0)
    np.testing.assert_array_equal(found, made.predict(X.reshape(-1, 5, 2), ROWS, verbose=0))


def test_no_more_is_read_than_an_epoch_takes():
    source = batches()
    model().fit(source, steps_per_epoch=4, epochs=2, verbose=0)
    assert len(MAKERS) == 8
    np.testing.assert_array_equal(next(source)[0], X[8])
    with pytest.warns(UserWarning, match="ended after 9 batches"):
        model().fit(batches(), steps_per_epoch=20, verbose=0)


class SourceError(Exception):
    pass


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, COUNT - 1])
def test_an_error_of_the_data_comes_out_as_it_is(at):
    error, steps = SourceError("no such row"), []

    def failing():
        for k in range(COUNT):
            if k == at:
                raise error
            yield X[k], Y[k]

    count = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: steps.append(batch))
    with pytest.raises(SourceError) as found:
        model().fit(failing(), callbacks=[count], verbose=0)
    assert found.value is error
    assert steps == list(range(at))
    assert [entry.name for entry in found.traceback][-1] == "failing"


def test_a_batch_that_does_not_fit_is_told_in_its_turn():
    def wrong():
        yield from [(X[0], Y[0])] * 4
        yield X[0][..., :1], Y[0]

    with pytest.raises(ValueError, match=r"x must have shape \(None, 5, 2\)"):
        model().fit(wrong(), verbose=0)


def test_the_generator_is_free_when_training_fails():

    def sleepy():
        for k in range(COUNT):
            time.sleep(0.05)
            yield X[k], Y[k]

    def fail(batch, logs):
        if batch == 4:
            raise SourceError

    source = sleepy()

    with pytest.raises(SourceError):
        model().fit(source, callbacks=[callbacks.LambdaCallback(on_batch_end=fail)], verbose=0)
    source.close()  # no thread is in it


@pytest.mark.parametrize("slow", [False, True])
def test_ctrl_c(slow):
    """While the thread makes a batch, and while the training thread waits for it."""

    def sleepy():
        for k in range(COUNT):
            if slow and k == 4:
                threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
                time.sleep(0.4)
            yield X[k], Y[k]

    stop = callbacks.LambdaCallback(
        on_batch_end=lambda batch, logs: os.kill(os.getpid(), signal.SIGINT) if batch == 4 and not slow else None
    )
    with pytest.raises(KeyboardInterrupt):
        model().fit(sleepy(), callbacks=[stop], verbose=0)
    time.sleep(0.05 if slow else 0)  # the timer's own thread ends


def test_stop_training_ends_the_thread():
    made = model()
    stop = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: setattr(made, "stop_training", batch == 4))
    made.fit(batches(), callbacks=[stop], verbose=0)
    assert len(MAKERS) in (6, 7)


def test_what_draws_from_shared_numbers_is_made_in_turn():
    """NumPy's own generator, from which a step of a user's layer might draw too."""

    def drawing():
        for k in range(COUNT):
            MAKERS.append(threading.current_thread())
            yield X[k] + np.random.normal(size=X[k].shape), Y[k]  # noqa: NPY002

    losses = [model(layers.Dropout(0.5)).fit(drawing(), verbose=0).history["loss"] for _ in range(2)]
    assert losses[0] == losses[1]
    assert threads() == 2 * COUNT * [True]


def test_what_runs_a_model_is_made_in_turn():
    made = model()

    def own_labels():
        for k in range(COUNT):
            MAKERS.append(threading.current_thread())
            yield X[k], made.predict(X[k], verbose=0) + 1

    made.fit(own_labels(), verbose=0)
    assert threads() == COUNT * [True]


def test_checkpoints_between_batches_are_of_what_was_trained_on(tmp_path):
    path = tmp_path / "latest.fastlstm"
    saving = callbacks.ModelCheckpoint(path, save_freq=4)
    wanted = model().fit(Plain(), epochs=2, callbacks=[saving], verbose=0).history["loss"]
    assert threads() == 2 * COUNT * [True]
    assert model().fit(Plain(), epochs=2, resume_from=path, verbose=0).history["loss"] == wanted


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("limit", [None, 3])
def test_maps_of_files(tmp_path, dtype, shuffle, limit):
    """With the bits of the arrays in memory."""
    rows = 70
    x = np.random.default_rng(2).normal(size=(rows, 5, 2)).astype(dtype)
    y = np.random.default_rng(3).normal(size=(rows, 1)).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    how = {"batch_size": 8, "epochs": 4, "shuffle": shuffle, "steps_per_epoch": limit, "verbose": 0}
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    found = model(layers.Dropout(0.5)).fit(*mapped, **how)
    assert found.history["loss"] == model(layers.Dropout(0.5)).fit(x, y, **how).history["loss"]
    found = model().predict(mapped[0], 8, verbose=0)
    np.testing.assert_array_equal(found, model().predict(x, 8, verbose=0))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_trains():
    """Also one that was forked in the middle of a training, and goes on with it."""
    child = []

    def fork(batch, logs):
        if batch == 4 and not child:
            child.append(os.fork())

    made = model()
    try:
        made.fit(Numbered(), epochs=2, callbacks=[callbacks.LambdaCallback(on_batch_end=fork)], verbose=0)
        made.fit(Numbered(), epochs=2, verbose=0)
        done = True
    except BaseException:
        done = False
    if child == [0]:
        os._exit(0 if done else 1)
    assert done
    assert os.waitpid(child[0], 0)[1] == 0


@pytest.mark.parametrize("together", [1, 2, 3])
def test_a_reader_makes_one_thing_at_a_time(together):
    makers, numbers = [], iter(range(99))

    def make():
        makers.append(threading.current_thread())
        return next(numbers)

    with Reader() as reader:
        for k in range(99):
            reader.offer([make] * together)  # counts where nothing of before is left
            assert reader.take(make) == k
    assert [maker is threading.main_thread() for maker in makers] == 3 * [True] + 96 * [False]
    assert len({*makers}) == 2


def test_what_was_made_is_there_when_the_reader_is_closed():
    """It ends with what it is at, so that nobody waits for more than that."""
    begun, go_on, made = threading.Event(), threading.Event(), []

    def slow(k):
        begun.set()
        go_on.wait(10)
        made.append(k)
        return k

    with Reader() as reader:
        for k in range(3):
            assert reader.take(lambda k=k: k) == k
        reader.offer([lambda: slow(3), lambda: slow(4)])
        begun.wait(10)
        threading.Timer(0.05, go_on.set).start()
        reader.close()
        reader.close()
        assert made == [3]
        assert [reader.take(lambda k=k: -k) for k in (3, 4)] == [3, -4]
        reader.offer([lambda: 5])
        assert [reader.take(lambda k=k: -k) for k in (5, 6)] == [5, -6]
    time.sleep(0.02)  # the timer's own thread ends


@pytest.mark.parametrize(("long", "ahead"), [(0, 1), (1e9, 3)])
def test_large_batches_are_made_one_at_a_time(monkeypatch, long, ahead):
    monkeypatch.setattr(reading, "LONG_STEP", long)
    numbers = iter(range(9))
    with Reader() as reader:
        for k in range(3):
            assert reader.take(numbers.__next__) == k
        reader.offer([numbers.__next__] * 3)
        assert reader.take(numbers.__next__) == 3
        time.sleep(0.05)  # the thread has made all by now
        assert next(numbers) == 3 + ahead


@pytest.mark.parametrize("last", [None, SourceError()])
def test_nothing_is_made_after_the_last_one(last):
    things, made = iter([*range(4), last, 5, 6]), []

    def make():
        made.append(next(things))
        if isinstance(made[-1], Exception):
            raise made[-1]
        return made[-1]

    with Reader() as reader:
        for k in range(4):
            assert reader.take(make) == k
        reader.offer([make, make, make])
        with pytest.raises(SourceError) if last else nullcontext():
            assert reader.take(make) is None
    assert made == [0, 1, 2, 3, last]


class Endless:
    """An iterator that begins anew when it has ended, as no iterator should."""

    def __init__(self):
        self.k = 0

    def __iter__(self):
        return self

    def __next__(self):
        MAKERS.append(threading.current_thread())
        if self.k == COUNT:
            self.k = 0
            raise StopIteration
        self.k += 1
        return X[self.k - 1], Y[self.k - 1]


def test_an_iterator_that_begins_anew_gives_every_batch():
    made = model()
    found = [made.fit(Endless(), verbose=0).history["loss"] for _ in range(2)]
    assert MAKERS[5] is not threading.main_thread()
    assert len(MAKERS) == 2 * (COUNT + 1)
    other = model()
    assert found == [other.fit(batches(), verbose=0).history["loss"] for _ in range(2)]


@pytest.mark.parametrize(("making", "step"), [(1e9, 0), (0, 1e9)])
def test_small_steps_and_batches_that_are_there_are_not_worth_a_thread(monkeypatch, making, step):
    monkeypatch.setattr(reading, "LEAST_MAKING", making)
    monkeypatch.setattr(reading, "LEAST_STEP", step)
    model().fit(batches(), verbose=0)
    assert threads() == COUNT * [True]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_map_takes_memory_for_a_batch(tmp_path, dtype):
    shape = (3500, 200, 8)  # 22 or 45 MB
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype, shape).flush()
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    made = Sequential([Input(shape[1:]), layers.SimpleRNN(8, return_sequences=True)])
    made.compile("sgd", "mse")
    tracemalloc.start()
    made.fit(x, x, batch_size=50, steps_per_epoch=8, verbose=0)
    made.fit(x, x, batch_size=50, steps_per_epoch=8, shuffle=False, verbose=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
