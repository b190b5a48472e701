"""Random numbers of a training come from generators of its own: fits in parallel threads give what they give alone."""

import copy
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.data import Dataset
from fastlstm.keras import Input, Sequential, callbacks, layers, utils

ROWS, STEPS, FEATURES = 26, 4, 2
_source = np.random.default_rng(0)
X = _source.normal(size=(ROWS, STEPS, FEATURES)).astype("float32")
Y = _source.normal(size=(ROWS, 1)).astype("float32")
SEEDS = range(4)


class Drawing(callbacks.Callback):
    """Draws a learning rate."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.01 * float(keras.random.uniform(()))

    def get_state(self):
        return {}


def make(*more):
    recurrent = layers.LSTM(3, dropout=0.2, recurrent_dropout=0.1)
    model = Sequential([Input((STEPS, FEATURES)), recurrent, layers.GaussianNoise(0.1), *more, layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fitted(model, x=X, y=Y, **options):
    """Return all that a training comes to."""
    drawing = [*options.pop("callbacks", ()), Drawing()]
    given = {"batch_size": 6, "epochs": 2, "verbose": 0, "callbacks": drawing, **options}
    history = model.fit(x, y, **given)
    return history.history, [w.tobytes() for w in model.get_weights()]


def together(work, *of_each):
    """Do the work in as many threads, which begin at the same moment, and return what each of them gives."""
    start = threading.Barrier(len(of_each[0]))

    def begin(*args):
        start.wait()
        return work(*args)

    with ThreadPoolExecutor(len(of_each[0])) as pool:
        return list(pool.map(begin, *of_each))


def seeded_fit(seed):
    utils.set_random_seed(seed)
    return fitted(make(layers.Dropout(0.3)))


def test_models_made_and_trained_in_threads_that_have_a_seed():
    alone = [seeded_fit(seed) for seed in SEEDS]
    assert together(seeded_fit, SEEDS) == alone
    assert alone[0] != alone[1]


def models_of_one_seed():
    utils.set_random_seed(3)
    return [make(layers.Dropout(0.3)) for _ in SEEDS]


def test_models_that_were_made_before():
    """They give what they do one after the other, and each what it does where nobody else trains."""
    one_by_one = [fitted(model) for model in models_of_one_seed()]
    assert together(fitted, models_of_one_seed()) == one_by_one
    assert fitted(models_of_one_seed()[-1]) == one_by_one[-1]


def test_single_steps():
    def steps(model):
        return [model.train_on_batch(X[k : k + 4], Y[k : k + 4]) for k in range(0, ROWS, 4)]

    assert together(steps, models_of_one_seed()) == [steps(model) for model in models_of_one_seed()]


def test_one_data_set_for_all():
    def of_data(model, data):
        return fitted(model, data, None, batch_size=None)

    def data():
        return len(SEEDS) * [Dataset.from_tensor_slices((X, Y)).shuffle(9).batch(4)]

    one_by_one = [of_data(*both) for both in zip(models_of_one_seed(), data(), strict=True)]
    assert together(of_data, models_of_one_seed(), data()) == one_by_one


def uniform(count):
    return [float(keras.random.uniform(())) for _ in range(count)]


def test_a_seed_given_in_a_thread_is_that_thread_s():
    utils.set_random_seed(3)
    wanted = uniform(4)
    utils.set_random_seed(3)
    found = uniform(1)
    together(seeded_fit, [5])
    found += uniform(1)
    assert together(uniform, [2]) == [wanted[2:]], "a thread without a seed draws from what the main one has"
    assert found == wanted[:2]


def start_and_order(*more, **options):
    """Return initial weights and the order of rows of a training, which a metric sees in the labels."""
    seen = []

    def rows(y_true, y_pred):
        seen.extend(np.asarray(y_true)[:, 0].tolist())
        return y_pred[:, 0] * 0

    model = Sequential([Input((STEPS, FEATURES)), *more, layers.LSTM(3, **options), layers.Dense(1)])
    start = [w.tobytes() for w in model.get_weights()]
    model.compile("adam", "mse", metrics=[rows])
    model.fit(X, np.arange(ROWS)[:, None], batch_size=4, epochs=2, verbose=0)
    return start, seen


NOISES = {
    "dropout of a layer": lambda: start_and_order(layers.Dropout(0.5)),
    "dropout of a cell": lambda: start_and_order(dropout=0.3, recurrent_dropout=0.2),
    "noise": lambda: start_and_order(layers.GaussianNoise(0.2), layers.GaussianDropout(0.2)),
    "what a user draws": lambda: (uniform(3), start_and_order())[1],
}


@pytest.mark.parametrize("noise", NOISES)
def test_noise_changes_neither_initial_weights_nor_the_order_of_rows(noise):
    wanted = start_and_order()
    utils.set_random_seed(7)
    assert NOISES[noise]() == wanted
    assert wanted[1][:ROWS] != wanted[1][ROWS:]


def test_models_of_one_seed_have_orders_of_their_own():
    assert start_and_order()[1] != start_and_order()[1]


def test_a_seed_before_a_fit_repeats_it():
    """Whatever the model drew before; a model of a file has orders that follow from the seed, too."""
    model = make(layers.Dropout(0.3))
    start, found = model.get_weights(), []
    for _ in range(3):
        utils.set_random_seed(11)
        model.set_weights(start)
        model.compile("adam", "mse")
        found.append(fitted(model))
    assert found[0] == found[1] == found[2]


def test_a_seed_that_a_callback_gives_counts():
    def with_seeds(model, before):
        uniform(before)
        seed = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: utils.set_random_seed(epoch))
        return fitted(model, callbacks=[seed]), uniform(1)

    model = make(layers.Dropout(0.3))
    twin = copy.deepcopy(model)
    model.fit(X, Y, epochs=0, verbose=0)
    assert with_seeds(model, 0) == with_seeds(twin, 3)


def test_what_is_drawn_outside_goes_on_as_if_there_was_no_fit():
    wanted = uniform(2)
    utils.set_random_seed(7)
    model = make(layers.Dropout(0.3))
    found = uniform(1)
    fitted(model)
    assert [*found, *uniform(1)] == wanted


def test_a_training_after_one_that_was_resumed(tmp_path):
    """It has the numbers that it would have had."""

    def twice(seed, **options):
        utils.set_random_seed(seed)
        model = make(layers.Dropout(0.3))
        return fitted(model, **options), fitted(model), uniform(2)

    path = tmp_path / "middle.fastlstm"
    wanted = twice(7, callbacks=[callbacks.ModelCheckpoint(path, save_freq=7)])
    assert twice(8, resume_from=path)[1:] == wanted[1:]


@pytest.mark.slow
def test_a_model_that_goes_to_another_process():
    model = make(layers.Dropout(0.3))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(fitted, (model,)) == fitted(model)
