"""Weights by class, and objects that give batches: what they bring is used."""

import warnings

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, callbacks, layers, optimizers, utils

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 6, 3)).astype("float32")
NUMBERS = RNG.integers(0, 3, (8, 6))
BY_CLASS = {0: 0.5, 1: 5.0, 2: 10.0}
# float32 means of at most 48 numbers, each of order ten.
FLOAT32 = 1e-5


def make(loss, units=3, end="softmax", sequences=False, first=()):
    utils.set_random_seed(1)
    net = Sequential([Input((6, 3)), *first, layers.LSTM(4, return_sequences=sequences)])
    net.add(layers.Dense(units, activation=end))
    net.compile(optimizers.SGD(0.1), loss)
    return net


def one_hot(numbers):
    return np.eye(3, dtype="float32")[numbers]


ONE = NUMBERS[:, 0]
STEPS = ("sparse_categorical_crossentropy", {"sequences": True})
LABELS = {
    "numbers": ("sparse_categorical_crossentropy", {}, ONE, ONE),
    "floats": ("sparse_categorical_crossentropy", {}, ONE[:, None].astype(float), ONE),
    "one-hot": ("categorical_crossentropy", {}, one_hot(ONE), ONE),
    "smooth": ("categorical_crossentropy", {}, one_hot(ONE) * 0.7 + 0.1, ONE),
    "yes or no": ("binary_crossentropy", {"units": 1, "end": "sigmoid"}, ONE % 2, ONE % 2),
    "probabilities": ("binary_crossentropy", {"units": 1, "end": "sigmoid"}, ONE % 2 * 0.8 + 0.1, ONE % 2),
    "numbers at steps": (*STEPS, NUMBERS, NUMBERS),
    "numbers at steps, with an axis": (*STEPS, NUMBERS[..., None], NUMBERS),
    "one-hot at steps": ("categorical_crossentropy", {"sequences": True}, one_hot(NUMBERS), NUMBERS),
    "yes or no at steps": (
        *("binary_crossentropy", {"units": 1, "end": "sigmoid", "sequences": True}),
        *(NUMBERS % 2, NUMBERS % 2),
    ),
}
WAYS = {
    "arrays": lambda net, y, by_class: net.fit(X, y, class_weight=by_class, shuffle=False, verbose=0).history["loss"],
    "batches": lambda net, y, by_class: net.fit(iter([(X, y)]), class_weight=by_class, verbose=0).history["loss"],
    "one batch": lambda net, y, by_class: [net.train_on_batch(X, y, class_weight=by_class)],
    "validation": lambda net, y, by_class: net.fit(
        *(np.concatenate([part, part[:4]]) for part in (X, y)),
        **{"class_weight": by_class, "shuffle": False, "verbose": 0, "validation_split": 4 / 12},
    ).history["loss"],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LABELS)
def test_class_weights_are_the_sample_weights_of_the_labels(name, way):
    loss, options, y, classes = LABELS[name]
    by_class = {c: BY_CLASS[c] for c in np.unique(classes)}
    one, two = make(loss, **options), make(loss, **options)
    wanted = two.train_on_batch(X, y, sample_weight=np.vectorize(by_class.get)(classes))
    assert WAYS[way](one, y, by_class) == pytest.approx([wanted], rel=FLOAT32)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


@pytest.mark.parametrize("fill", [0, -1, np.nan])
@pytest.mark.parametrize("hot", [False, True])
def test_masked_steps_need_no_class(hot, fill):
    """Sequences are filled up with labels that are none, or with zeros in place of one-hot rows."""
    x = X.copy()
    x[3, 2:] = 0
    y = (one_hot(NUMBERS) if hot else NUMBERS).astype(float)
    loss = "categorical_crossentropy" if hot else "sparse_categorical_crossentropy"
    net = lambda: make(loss, sequences=True, first=[layers.Masking()])  # noqa: E731
    wanted = net().train_on_batch(x, y, class_weight=BY_CLASS)
    if hot and fill == -1:
        fill = 0
    y[3, 2:] = fill
    assert net().train_on_batch(x, y, class_weight=BY_CLASS) == pytest.approx(wanted, rel=FLOAT32)


NOT_ONE_CLASS = {
    "several": ("binary_crossentropy", {"end": "sigmoid"}, np.array([1.0, 1.0, 0.0])),
    "values": ("mse", {"end": None}, np.array([0.3, -2.0, 5.0])),
    "one value": ("mse", {"units": 1, "end": None}, np.array([3.7])),
}


@pytest.mark.parametrize("name", NOT_ONE_CLASS)
def test_labels_of_no_one_class_are_refused(name):
    loss, options, label = NOT_ONE_CLASS[name]
    with pytest.raises(
        ValueError, match=r"class_weight must go with labels of one class each, got .* use sample_weight"
    ):
        make(loss, **options).fit(X, np.tile(label, (8, 1)), class_weight={0: 2.0}, verbose=0)


def test_classes_are_those_there_are():
    net = make("binary_crossentropy", units=1, end="sigmoid")
    with pytest.raises(ValueError, match=r"class_weight must name classes from 0 to 1, got \[0, 2\]"):
        net.fit(X, ONE % 2, class_weight={0: 1.0, 2: 1.0}, verbose=0)
    for names in ((0.0, 1.0), (False, True), tuple(np.float32([0, 1]))):
        by_class = dict(zip(names, (1.0, 3.0), strict=True))
        one, two = make("mse", units=1, end=None), make("mse", units=1, end=None)
        wanted = two.train_on_batch(X, ONE % 2, class_weight={0: 1.0, 1: 3.0})
        assert one.train_on_batch(X, ONE % 2, class_weight=by_class) == wanted


def test_weights_in_the_batches_beside_class_weights_are_refused():
    net = make("sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="class_weight must come without sample_weight, got both"):
        net.fit(iter([(X, ONE, np.ones(8))]), class_weight=BY_CLASS, verbose=0)


class Batches:
    """Four batches with numbers, told of epochs."""

    def __init__(self):
        self.asked, self.told = [], []

    def __len__(self):
        return 4

    def __getitem__(self, i):
        self.asked.append(i)
        return X[2 * i : 2 * i + 2], ONE[2 * i : 2 * i + 2]

    def on_epoch_begin(self):
        self.told.append(("begin", len(self.asked)))

    def on_epoch_end(self):
        self.told.append(("end", len(self.asked)))


def test_batches_are_told_of_epochs():
    net, train, test = make("sparse_categorical_crossentropy"), Batches(), Batches()
    net.fit(train, epochs=3, validation_data=test, validation_freq=2, verbose=0)
    assert train.told == [("begin", 0), ("end", 4), ("begin", 4), ("end", 8), ("begin", 8), ("end", 12)]
    assert test.told == [("begin", 0), ("end", 4)]
    net.evaluate(test, verbose=0)
    net.predict(test, verbose=0)
    assert test.told[2:] == [("begin", 4), ("end", 8), ("begin", 8), ("end", 12)]
    parts = Batches()
    net.fit(parts, epochs=2, steps_per_epoch=2, verbose=0)
    assert parts.told == [("begin", 0), ("end", 2), ("begin", 2), ("end", 4)]


def test_an_end_is_told_before_the_callbacks_of_the_epoch():
    order = []

    class Told(Batches):
        def on_epoch_end(self):
            order.append("batches")

    hook = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: order.append("callback"))
    make("sparse_categorical_crossentropy").fit(Told(), epochs=2, callbacks=[hook], verbose=0)
    assert order == ["batches", "callback"] * 2


def test_batches_with_numbers_are_shuffled_in_training():
    given = Batches()
    net = make("sparse_categorical_crossentropy")
    net.fit(given, epochs=5, verbose=0)
    epochs = [given.asked[i : i + 4] for i in range(0, 20, 4)]
    assert all(sorted(epoch) == [0, 1, 2, 3] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    given = Batches()
    net.fit(given, epochs=2, shuffle=False, verbose=0)
    net.evaluate(given, verbose=0)
    assert given.asked == [0, 1, 2, 3] * 3


def test_a_validation_drawn_ahead_loses_no_batch():
    seen = []

    def validation():
        for i in range(6):
            seen.append(i)
            yield X[i : i + 1], ONE[i : i + 1]

    net = make("sparse_categorical_crossentropy")
    history = net.fit(X, ONE, epochs=2, validation_data=validation(), validation_steps=3, shuffle=False, verbose=0)
    assert seen == list(range(6))
    assert history.history["val_loss"][1] == pytest.approx(net.evaluate(X[3:6], ONE[3:6], verbose=0), rel=FLOAT32)


def without_a_length(base, error, **methods):
    """Two batches, of a class with a ``__len__`` that raises, or without any."""

    def length(self):
        raise error("no length")

    return type("Source", (base,), methods if error is None else methods | {"__len__": length})()


def batch_of(self, number):
    if number >= 2:
        raise IndexError(number)
    return X, ONE


BY_NUMBER, IN_TURN = {"__getitem__": batch_of}, {"__iter__": lambda self: iter([(X, ONE)] * 2)}


@pytest.mark.parametrize("error", [TypeError, NotImplementedError])
@pytest.mark.parametrize(
    ("base", "methods"),
    [(object, IN_TURN), (object, BY_NUMBER), (object, BY_NUMBER | IN_TURN), (utils.PyDataset, BY_NUMBER)],
    ids=["in turn", "by number", "both", "PyDataset"],
)
def test_a_length_that_is_not_known(base, methods, error):
    data, net = without_a_length(base, error, **methods), make("sparse_categorical_crossentropy")
    history = net.fit(data, epochs=2, validation_data=data, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert net.optimizer.iterations == 4
    assert len(net.predict(data, verbose=0)) == 2 * len(X)
    assert net.evaluate(data, steps=1, verbose=0) == pytest.approx(net.evaluate(X, ONE, verbose=0), rel=FLOAT32)


def test_batches_by_number_without_a_length_end_where_there_are_no_more():
    net = make("sparse_categorical_crossentropy")
    net.fit(without_a_length(utils.PyDataset, None, **BY_NUMBER), epochs=3, verbose=0)
    assert net.optimizer.iterations == 6


def test_other_errors_of_a_length_are_its_own():
    data = without_a_length(object, ValueError, **IN_TURN)
    with pytest.raises(ValueError, match="no length"):
        make("sparse_categorical_crossentropy").fit(data, verbose=0)


class Own(Model):
    """A model whose weights depend on the data."""

    def __init__(self):
        super().__init__()
        self.last = layers.Dense(3)

    def call(self, x):
        return self.last(x)


class Numbered:
    """Two batches, by number."""

    def __len__(self):
        return 2

    def __getitem__(self, number):
        return X[4 * number :][:4], X[4 * number :][:4]


@pytest.mark.parametrize("batches", [Numbered, lambda: (Numbered()[k] for k in range(2))], ids=["numbered", "drawn"])
@pytest.mark.parametrize("model", [Own, lambda: Sequential([layers.Dense(3)])], ids=["own", "sequential"])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_the_first_batch_builds_a_model(method, model, batches):
    net = model()
    net.compile("sgd", "mse")
    found = getattr(net, method)(batches(), verbose=0)
    if method == "fit":
        assert len(found.epoch) == 1
    elif method == "evaluate":
        assert found == pytest.approx(np.mean((net.predict(X, verbose=0) - X) ** 2), rel=FLOAT32)
    else:
        np.testing.assert_array_equal(found, net.predict(X, verbose=0))


@pytest.mark.parametrize(("steps", "taken"), [(5, 15), (None, 15), (3, 8)])
def test_numbered_batches_begin_again_when_an_epoch_has_taken_the_last(steps, taken):
    """As in Keras, where ``steps_per_epoch=len(data)`` is what programs say."""

    class Data(utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return np.ones((2, 3), "float32"), np.ones(2, "float32")

    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(Data(), epochs=3, steps_per_epoch=steps, verbose=0)
    assert len(history.history["loss"]) == 3
    assert model.optimizer.iterations == taken
    assert any("the data ended after 2 batches" in str(entry.message) for entry in told) == (steps == 3)
