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
    if (name, writer, ending) == ("attention", theirs, "m.h5"):
        pytest.skip("in a file .h5 Keras says no modules of operations, and does not read it itself")
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
    if (optimizer, ending) == ("adafactor", "m.h5"):
        pytest.skip("Keras fails to write it: two of its slots have one name")
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


FOUND = {
    "texts": (lambda k: k.layers.TextVectorization(output_sequence_length=3), "string"),
    "texts by tf_idf": (lambda k: k.layers.TextVectorization(output_mode="tf_idf"), "string"),
    "pairs of words": (lambda k: k.layers.TextVectorization(ngrams=2, max_tokens=6), "string"),
    "words": (lambda k: k.layers.StringLookup(num_oov_indices=2, mask_token="-"), "string"),
    "words by tf_idf": (lambda k: k.layers.StringLookup(output_mode="tf_idf"), "string"),
    "numbers": (lambda k: k.layers.IntegerLookup(mask_token=0, num_oov_indices=3), "int64"),
    "number or not": (lambda k: k.layers.IntegerLookup(output_mode="multi_hot"), "int64"),
    "mean": (lambda k: k.layers.Normalization(), "float32"),
    "bins": (lambda k: k.layers.Discretization(num_bins=2), "float32"),
}
DATA = {
    "string": np.array([["a b b"], ["c a"], ["d"]], object),
    "int64": np.array([[3], [9], [4]]),
    "float32": np.array([[3], [9], [4]], "float32"),
}


def as_input(keras, dtype):
    return DATA[dtype] if keras is ours or dtype != "string" else keras.ops.convert_to_tensor(DATA[dtype].tolist())


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("writer", "reader"), WAYS, ids=["to_keras", "from_keras"])
@pytest.mark.parametrize("name", FOUND)
def test_what_adapt_found(name, writer, reader, ending, tmp_path):
    if writer is theirs and ending == "m.h5" and name not in ("mean", "bins"):
        pytest.skip("Keras loses vocabularies in files .h5")
    make, dtype = FOUND[name]
    layer = make(writer)
    layer.adapt(DATA[dtype])
    model = writer.Sequential([writer.Input((1,), dtype=dtype), layer])
    model.save(tmp_path / ending)
    found = reader.models.load_model(tmp_path / ending)
    if hasattr(layer, "get_vocabulary"):
        assert found.layers[-1].get_vocabulary() == layer.get_vocabulary()
    wanted, got = (m.predict(as_input(k, dtype), verbose=0) for m, k in ((model, writer), (found, reader)))
    np.testing.assert_allclose(got, wanted, atol=OUTPUT)


CHECKPOINTS = {
    "every epoch": {},
    "the best": {"save_best_only": True, "monitor": "x", "mode": "min"},
    "the largest": {"save_best_only": True, "monitor": "x", "mode": "max"},
    "the best below": {"save_best_only": True, "monitor": "x", "mode": "min", "initial_value_threshold": 1.5},
    "the best by its metric": {"save_best_only": True, "monitor": "loss"},
    "weights": {"save_weights_only": True},
    "batches": {"save_freq": 2},
    "batches, the best": {"save_freq": 2, "save_best_only": True, "monitor": "loss"},
    "said": {"verbose": 1, "save_best_only": True, "monitor": "x", "mode": "min"},
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints(name, tmp_path, capsys):
    options, found = CHECKPOINTS[name], []
    for keras in (ours, theirs):
        folder = tmp_path / keras.__name__
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        fill(model)
        model.compile("sgd", "mse")
        ending = "weights.h5" if options.get("save_weights_only") else "keras"
        place = "{epoch:02d}-{batch}" if "save_freq" in options else "{epoch:02d}-{loss:.3f}"
        checkpoint = keras.callbacks.ModelCheckpoint(str(folder / f"{place}.{ending}"), **options)
        losses = [3, 1, 2, 0.5]
        script = keras.callbacks.LambdaCallback(on_epoch_end=lambda k, logs, x=losses: logs.update(x=x[k]))
        x, y = np.eye(3, dtype="float32")[[0, 1, 2, 1, 0]], np.ones((5, 1), "float32")
        model.fit(x, y, batch_size=2, epochs=4, shuffle=False, verbose=0, callbacks=[script, checkpoint])
        said = capsys.readouterr().out.replace(str(folder), "")
        found.append((sorted(path.name for path in folder.iterdir()), said))
    assert found[0] == found[1]
