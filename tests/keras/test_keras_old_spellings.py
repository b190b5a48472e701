"""Programs of Keras 1 and 2: old modules, arguments and methods."""

import importlib
import inspect
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fastlstm
from fastlstm import keras
from fastlstm.keras import layers, models, optimizers
from fastlstm.keras.old_spellings import arguments, modules

OLD = pytest.mark.filterwarnings(
    "ignore:.*is an old spelling:DeprecationWarning", "ignore:an input shape given:UserWarning"
)


@pytest.mark.parametrize("old", modules.MODULES)
def test_old_modules_have_what_is_elsewhere_today(old):
    module = importlib.import_module(f"fastlstm.keras.{old}")
    today = importlib.import_module(f"fastlstm.keras.{modules.MODULES[old]}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for name in today.__all__:
            assert getattr(module, name) is getattr(today, name)
    for text in (str(entry.message) for entry in told):
        name = text.split()[0].rpartition(".")[2]
        assert text.endswith(f"is an old spelling; write {today.__name__}.{name}")
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        module.Nothing  # noqa: B018


def test_imports_as_programs_write_them():
    """In a process of its own: a name is told once."""
    program = (
        "from fastlstm.keras.layers.core import *\n"
        "from fastlstm.keras.layers.recurrent import LSTM as R\n"
        "from fastlstm.keras.layers import LSTM, recurrent\n"
        "from fastlstm.keras.utils import np_utils\n"
        "import fastlstm.keras.utils.np_utils as same\n"
        "from fastlstm.keras.models import Input\n"
        "assert R is LSTM is recurrent.LSTM and same is np_utils and np_utils.to_categorical([1]).shape == (1, 2)\n"
        "assert issubclass(Dense, Layer) and Input((3,)).shape == (None, 3)\n"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True)
    told = [line for line in done.stderr.splitlines() if "old spelling" in line]
    assert sum("recurrent.LSTM" in line for line in told) == 1
    assert sum("models.Input" in line for line in told) >= 1
    assert "write fastlstm.keras.utils.to_categorical" in done.stderr


@pytest.mark.parametrize("place", arguments.ARGUMENTS)
def test_today_there_are_the_arguments_that_the_table_names(place):
    module, *names = place.split(".")
    found = getattr(keras, module)
    for name in names:
        found = getattr(found, name)
    known = inspect.signature(found).parameters
    for today in arguments.ARGUMENTS[place].values():
        assert today in known, today


@OLD
def test_a_program_of_keras_1_gives_the_bits_of_today():
    def old():
        model = models.Sequential()
        model.add(layers.Embedding(20, 6, init="uniform", mask_zero=True))
        model.add(
            layers.LSTM(output_dim=5, inner_init="glorot_uniform", inner_activation="hard_sigmoid", consume_less="gpu")
        )
        model.add(layers.Dropout(p=0.0))
        model.add(layers.Dense(output_dim=2, init="uniform", activation="softmax", W_regularizer="l2"))
        model.compile(loss="categorical_crossentropy", optimizer=optimizers.SGD(lr=0.5, momentum=0.9))
        return model

    def new():
        model = models.Sequential()
        model.add(layers.Embedding(20, 6, "uniform", mask_zero=True))
        model.add(layers.LSTM(5, recurrent_initializer="glorot_uniform", recurrent_activation="hard_sigmoid"))
        model.add(layers.Dropout(0.0))
        model.add(layers.Dense(2, "softmax", kernel_initializer="uniform", kernel_regularizer="l2"))
        model.compile(loss="categorical_crossentropy", optimizer=optimizers.SGD(0.5, 0.9))
        return model

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, (12, 4)), np.eye(2)[rng.integers(0, 2, 12)]
    losses = []
    for make, epochs in ((old, {"nb_epoch": 3}), (new, {"epochs": 3})):
        keras.utils.set_random_seed(0)
        model = make()
        losses.append(model.fit(x, y, batch_size=5, verbose=0, **epochs).history["loss"])
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(model.predict_classes(x), model.predict(x, verbose=0).argmax(-1))
    np.testing.assert_array_equal(model.predict_proba(x), model.predict(x, verbose=0))


@OLD
def test_generators():
    model = models.Sequential([keras.Input((3, 2)), layers.LSTM(4), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3, 2), np.float32), np.ones((4, 1), np.float32)

    def batches():
        while True:
            yield x, y

    history = model.fit_generator(batches(), samples_per_epoch=3, nb_epoch=2, verbose=0, max_q_size=2, pickle_safe=True)
    assert len(history.history["loss"]) == 2
    assert model.optimizer.iterations == 6
    assert model.evaluate_generator(batches(), 2) == pytest.approx(model.evaluate(x, y, verbose=0))
    assert model.predict_generator(batches(), steps=2, workers=1).shape == (8, 1)
    assert model.predict_classes(x).shape == (4, 1)
    assert model.fit(x, y, verbose=0, workers=4, use_multiprocessing=True).epoch == [0]


@OLD
def test_rates_and_decay():
    optimizer = optimizers.SGD(lr=0.5, decay=0.25, momentum=0.1)
    assert (optimizer.momentum, optimizer.lr) == (0.1, 0.5)
    weight = layers.Dense(1).add_weight((2,))
    for _ in range(4):
        optimizer.apply([np.zeros(2, np.float32)], [weight])
    assert optimizer.learning_rate == 0.5 / (1 + 0.25 * 4)
    assert optimizers.Adam(0.1, decay=0.0).learning_rate == 0.1
    assert optimizers.Adam(decay=1.0).learning_rate == 0.001
    optimizer = optimizers.RMSprop(0.5)
    optimizer.lr = 0.25
    assert optimizer.learning_rate == 0.25
    with pytest.raises(TypeError, match="learning_rate must be given once, got lr= too"):
        optimizers.SGD(lr=0.1, learning_rate=0.2)


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda: layers.LSTM(output_dim=3), "layers.LSTM: output_dim= is an old spelling; write units="),
        (lambda: layers.LSTM(3, consume_less="mem"), "consume_less= is an old spelling; leave it out"),
        (lambda: optimizers.SGD(lr=0.1), "optimizers.SGD: lr= is an old spelling; write learning_rate="),
        (
            lambda: optimizers.SGD(decay=0.1),
            "decay= is an old spelling; write .*InverseTimeDecay",
        ),
        (lambda: optimizers.SGD().lr, "optimizer.lr is an old spelling; write optimizer.learning_rate"),
        (lambda: keras.Model(input=(x := keras.Input((3,))), output=layers.Dense(2)(x)), "write (inputs|outputs)="),
    ],
)
def test_what_is_told(use, told):
    with pytest.warns(DeprecationWarning, match=told) as found:
        use()
    assert all(entry.filename == __file__ for entry in found)


def test_seeds_as_tensorflow_sets_them():
    fastlstm.random.set_seed(3)
    first = layers.Dense(2).kernel_initializer((2, 2))
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(layers.Dense(2).kernel_initializer((2, 2)), first)


@OLD
@pytest.mark.parametrize(("old", "today", "gates"), [("CuDNNLSTM", "LSTM", 4), ("CuDNNGRU", "GRU", 3)])
def test_layers_of_cudnn(old, today, gates):
    """They are the layers of today, and take the two biases; so do configs and these layers themselves."""
    made = getattr(layers, old)
    assert made is getattr(layers, today)
    rng = np.random.default_rng(0)
    kernel, recurrent, bias = (rng.normal(size=shape) for shape in ((3, 4 * gates), (4, 4 * gates), 8 * gates))
    layer = made(4, return_sequences=True)
    layer.build((None, None, 3))
    layer.set_weights([kernel, recurrent, bias])
    one, other = bias[: 4 * gates], bias[4 * gates :]
    wanted = one + other if today == "LSTM" else np.stack([one, other])
    np.testing.assert_array_equal(layer.get_weights()[2], wanted.astype("float32"))
    config = {
        "class_name": old,
        "config": {"name": "old", "units": 4, "return_sequences": True, "unit_forget_bias": True},
    }
    if today == "GRU":
        del config["config"]["unit_forget_bias"]
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is made
    assert again.return_sequences
    with pytest.raises(ValueError, match="bias must have shape"):
        layer.set_weights([kernel, recurrent, bias[1:]])
    model = keras.Sequential([keras.Input((None, 3)), again])
    model.set_weights([kernel, recurrent, bias])
    x = rng.normal(size=(2, 5, 3))
    np.testing.assert_array_equal(model.predict(x, verbose=0), layer(x))
    twin = pickle.loads(pickle.dumps(model))
    twin.set_weights([kernel, recurrent, bias])


def test_a_gru_that_resets_before_has_no_second_bias():
    layer = layers.GRU(4, reset_after=False)
    layer.build((None, None, 3))
    with pytest.raises(ValueError, match=r"bias must have shape \(12,\), got \(24,\)"):
        layer.set_weights([np.zeros((3, 12)), np.zeros((4, 12)), np.zeros(24)])
