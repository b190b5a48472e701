"""Files of models side by side with real Keras, where it is installed: what either writes the other goes on with."""

import numpy as np
import pytest
from drawn_graphs import drawn_graphs
from golden.described_models import MODELS, data, fill, outputs
from hypothesis import HealthCheck, given, settings

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

OUTPUT = 2e-6  # float32 sums of a few dozen terms of order one, through some steps
LOSS = 1e-4  # as curves of training agree

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of Keras under a new NumPy
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning"),  # of one without steps
]

ENDINGS = ("m.keras", "m.h5")
WAYS = ((ours, theirs), (theirs, ours))


def assert_the_same(model, other):
    for got, wanted in zip(outputs(model), outputs(other), strict=True):
        np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), atol=OUTPUT)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("writer", "reader"), WAYS, ids=["to_keras", "from_keras"])
@pytest.mark.parametrize("name", MODELS)
def test_models(name, writer, reader, ending, tmp_path):
    model = MODELS[name](writer)
    fill(model)
    model.save(tmp_path / ending)
    found = reader.models.load_model(tmp_path / ending)
    assert_the_same(found, model)
    for got, wanted in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(("writer", "reader"), WAYS, ids=["to_keras", "from_keras"])
@pytest.mark.parametrize("name", MODELS)
def test_weights(name, writer, reader, tmp_path):
    model, other = MODELS[name](writer), MODELS[name](reader)
    fill(model)
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    assert_the_same(other, model)


OPTIMIZERS = {
    "sgd": lambda keras: keras.optimizers.SGD(0.1, momentum=0.9),
    "plain_sgd": lambda keras: keras.optimizers.SGD(0.1),
    "adam": lambda keras: keras.optimizers.Adam(0.01),
    "amsgrad": lambda keras: keras.optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda keras: keras.optimizers.AdamW(0.01),
    "nadam": lambda keras: keras.optimizers.Nadam(0.01),
    "adamax": lambda keras: keras.optimizers.Adamax(0.01),
    "rmsprop": lambda keras: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda keras: keras.optimizers.Adagrad(0.01),
    "adadelta": lambda keras: keras.optimizers.Adadelta(0.1),
    "ftrl": lambda keras: keras.optimizers.Ftrl(0.01),
    "lion": lambda keras: keras.optimizers.Lion(0.001),
    "lamb": lambda keras: keras.optimizers.Lamb(0.01),
    "adafactor": lambda keras: keras.optimizers.Adafactor(0.01),
    "mean": lambda keras: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "gathered": lambda keras: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "schedule": lambda keras: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.02, 3, 0.8)),
}


def trained(keras, optimizer):
    """Return a model after some steps, and the data it learns."""
    layers, rng = keras.layers, np.random.default_rng(1)
    x, y = rng.normal(size=(12, 5, 3)).astype("float32"), rng.normal(size=(12, 1)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.BatchNormalization(),
            layers.GRU(3),
            layers.Dense(1),
        ]
    )
    fill(model)
    model.compile(OPTIMIZERS[optimizer](keras), "mse", metrics=["mae"])
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model, x, y


# To Keras there is no way by .h5: it builds an optimizer that it reads from there for no weights, and refuses to train.
GOING_ON = [(ours, theirs, "m.keras"), (theirs, ours, "m.keras"), (theirs, ours, "m.h5")]


@pytest.mark.parametrize(("writer", "reader", "ending"), GOING_ON, ids=["to_keras", "from_keras", "from_keras_h5"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on(optimizer, writer, reader, ending, tmp_path):
    model, x, y = trained(writer, optimizer)
    model.save(tmp_path / ending)
    found = reader.models.load_model(tmp_path / ending)
    curves = [m.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history for m in (model, found)]
    assert curves[0].keys() == curves[1].keys()
    for key, wanted in curves[0].items():
        np.testing.assert_allclose(curves[1][key], wanted, rtol=LOSS, err_msg=key)
    for got, wanted in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning")  # a softmax of one number
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=drawn_graphs(functions=False))
def test_drawn_graphs(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    fill(model)
    model.save(folder / "m.keras")
    other = theirs.models.load_model(folder / "m.keras")
    other.save(folder / "again.keras")
    again = ours.models.load_model(folder / "again.keras")
    x = data(model)
    wanted = leaves(other.predict(x, verbose=0))
    for one in (model, again):
        for got, expected in zip(leaves(one.predict(x, verbose=0)), wanted, strict=True):
            np.testing.assert_allclose(got, expected, atol=10 * OUTPUT)


def leaves(found):
    return [found] if isinstance(found, np.ndarray) else list(found.values() if isinstance(found, dict) else found)
