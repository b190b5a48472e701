"""Steps that change few rows of a large table: the numbers of steps that change all; nothing given out is touched."""

import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, optimizers
from fastlstm.keras.foundation.rows import RowGradient, gradient_of_rows
from fastlstm.keras.layers.core import embedding

WORDS, SIZE = 60, 3
RNG = np.random.default_rng(3)
BATCHES = [RNG.integers(0, 8, (2, 3)) + RNG.integers(0, WORDS - 8) for _ in range(7)]  # few words a batch
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.1),
    "amsgrad": lambda: optimizers.Adam(0.1, amsgrad=True),
    "adam, no epsilon": lambda: optimizers.Adam(0.1, epsilon=1e-30),
    "adamw": lambda: optimizers.AdamW(0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.1),
    "rmsprop, all": lambda: optimizers.RMSprop(0.1, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adadelta": lambda: optimizers.Adadelta(0.1),
    "adamax": lambda: optimizers.Adamax(0.1),
    "nadam": lambda: optimizers.Nadam(0.1),
    "lion": lambda: optimizers.Lion(0.1),
    "ftrl": lambda: optimizers.Ftrl(0.1),
    "adafactor": lambda: optimizers.Adafactor(0.1),
    "means": lambda: optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=2),
    "accumulated": lambda: optimizers.Adam(0.1, gradient_accumulation_steps=2),
    "short values": lambda: optimizers.Adam(0.1, clipvalue=0.01),
    "short": lambda: optimizers.SGD(0.1, clipnorm=0.01),
    "short together": lambda: optimizers.Adam(0.1, global_clipnorm=0.01),
}
NORMS = ("short", "short together")


@pytest.fixture(params=["rows", "whole"])
def way(request, monkeypatch):
    monkeypatch.setattr(embedding, "LARGE_TABLE", 0 if request.param == "rows" else 2**62)
    return request.param


def made(optimizer, **options):
    model = Sequential([Input((3,)), layers.Embedding(WORDS, SIZE, **options), layers.LSTM(2), layers.Dense(1)])
    weights = [np.random.default_rng(w.size).normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    model.compile(optimizer, "mse")
    return model


def trained(model, batches=BATCHES):
    losses = [float(model.train_on_batch(x, np.ones((len(x), 1)))) for x in batches]
    return [np.array(losses), *model.get_weights(), *model.optimizer.get_weights()]


def both(run, monkeypatch):
    found = []
    for large in (0, 2**62):
        monkeypatch.setattr(embedding, "LARGE_TABLE", large)
        found.append(run())
    return zip(*found, strict=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_numbers_are_those_of_whole_steps(name, monkeypatch):
    for a, b in both(lambda: trained(made(OPTIMIZERS[name]())), monkeypatch):
        if name in NORMS:
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)  # a length is a sum, of fewer numbers by rows
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "options",
    [
        {"embeddings_regularizer": "l2"},
        {"embeddings_constraint": "max_norm"},
        {"mask_zero": True},
        {"dtype": "float64"},
    ],
    ids=str,
)
def test_options_of_the_table(options, monkeypatch):
    for a, b in both(lambda: trained(made("adam", **options)), monkeypatch):
        np.testing.assert_array_equal(a, b)


def test_steps_are_by_rows(way):
    model = made("adam")
    trained(model, BATCHES[:2])
    kinds = {type(group).__name__ for group in model.optimizer._slots.groups}
    assert kinds == ({"Group", "Table"} if way == "rows" else {"Group"})


def test_two_uses_of_a_table_and_two_tables(monkeypatch):
    def run():
        x, y = Input((3,)), Input((3,))
        shared, own = layers.Embedding(WORDS, SIZE), layers.Embedding(WORDS, SIZE)
        parts = [shared(x), shared(y), own(y)]
        model = Model([x, y], layers.Dense(1)(layers.Flatten()(layers.Concatenate()(parts))))
        model.set_weights([np.random.default_rng(w.size).normal(size=w.shape) for w in model.get_weights()])
        model.compile("adam", "mse")
        for a, b in zip(BATCHES, reversed(BATCHES), strict=True):
            model.train_on_batch([a, b], np.ones((2, 1)))
        return model.get_weights()

    for a, b in both(run, monkeypatch):
        np.testing.assert_array_equal(a, b)


def test_when_most_rows_move_all_are_taken(monkeypatch):
    batches = [*BATCHES, np.arange(WORDS).reshape(-1, 3), *BATCHES]
    for a, b in both(lambda: trained(made("adam"), batches), monkeypatch):
        np.testing.assert_array_equal(a, b)
    for a, b in both(lambda: trained(made("sgd"), batches), monkeypatch):
        np.testing.assert_array_equal(a, b)


def test_what_happens_between_steps(monkeypatch):
    """Weights set, a state brought back, a layer frozen for a while, an optimizer pickled."""

    def run():
        model = made("adam")
        table = model.layers[0].embeddings
        trained(model, BATCHES[:2])
        state, weights = model.optimizer.get_weights(), model.get_weights()
        trained(model, BATCHES[2:4])
        table.assign(table.numpy() * 2)
        trained(model, BATCHES[4:5])
        model.set_weights(weights)
        model.optimizer.set_weights(state)
        trained(model, BATCHES[2:4])
        model.layers[0].trainable = False
        trained(model, BATCHES[4:5])
        model.layers[0].trainable = True
        found = trained(model, BATCHES[5:])
        model = pickle.loads(pickle.dumps(model))
        return [*found, *trained(model)]

    for a, b in both(run, monkeypatch):
        np.testing.assert_array_equal(a, b)


def test_what_was_given_out_stays(way):
    model = made("adam")
    table = model.layers[0].embeddings
    kept = []
    for batch in BATCHES * 3:
        value = table.value
        assert not value.flags.writeable
        kept.append((value, value.copy(), value[3:5], value[3:5].copy()))
        model.train_on_batch(batch, np.ones((2, 1)))
        assert table.value is not value
    for value, copy, part, copy_of_part in kept:
        np.testing.assert_array_equal(value, copy)
        np.testing.assert_array_equal(part, copy_of_part)


def test_two_arrays_do_where_nobody_has_them(monkeypatch):
    monkeypatch.setattr(embedding, "LARGE_TABLE", 0)
    model = made("adam")
    places = set()
    for batch in BATCHES:
        model.train_on_batch(batch, np.ones((2, 1)))
        places.add(model.layers[0].embeddings.value.ctypes.data)
    assert len(places) <= 3  # the first was the initial value


def test_an_optimizer_of_ones_own_takes_whole_gradients(monkeypatch):
    class Own(optimizers.SGD):
        def update(self, w, g, new, scratch, slots, rate):
            np.subtract(w, rate * (g + 0.1), out=new)  # weights without a gradient move

    for a, b in both(lambda: trained(made(Own(0.1))), monkeypatch):
        np.testing.assert_array_equal(a, b)


def test_row_gradients():
    slopes = np.arange(12.0).reshape(4, 3)
    found = gradient_of_rows(np.array([5, 2, 5, 0]), slopes, (7, 3))
    assert found.places.tolist() == [0, 2, 5]
    whole = np.zeros((7, 3))
    np.add.at(whole, [5, 2, 5, 0], slopes)
    np.testing.assert_array_equal(found.whole(), whole)
    np.testing.assert_array_equal(np.asarray(found), whole)
    np.testing.assert_array_equal(found + whole, 2 * whole)
    np.testing.assert_array_equal(whole + found.whole(), found + found)
    with pytest.raises(ValueError, match="must have shape"):
        made("sgd").optimizer.apply([RowGradient(found.places, found.rows, (9, 3))], made("sgd").layers[0].weights)
