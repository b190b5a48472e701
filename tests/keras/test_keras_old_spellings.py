"""Programs of Keras 1 and 2: old modules, arguments and methods."""

import copy
import importlib
import inspect
import itertools
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fastlstm
from fastlstm import keras
from fastlstm.keras import callbacks, layers, models, optimizers, saving
from fastlstm.keras.old_spellings import arguments, modules

OLD = pytest.mark.filterwarnings(
    "ignore:.*is an old spelling:DeprecationWarning",
    "ignore:an input shape given:UserWarning",
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
    """In a process of its own: every use is told once, and imports of what packages have look at it twice."""
    program = (
        "from fastlstm.keras.layers.core import *\n"
        "from fastlstm.keras.layers.recurrent import LSTM as R\n"
        "from fastlstm.keras.layers import LSTM, recurrent\n"
        "from fastlstm.keras.utils import np_utils\n"
        "import fastlstm.keras.utils.np_utils as same\n"
        "from fastlstm.keras.models import Input\n"
        "from fastlstm.keras.constraints import maxnorm\n"
        "from fastlstm.keras.objectives import mse\n"
        "assert R is LSTM is recurrent.LSTM and same is np_utils and np_utils.to_categorical([1]).shape == (1, 2)\n"
        "assert issubclass(Dense, Layer) and Input((3,)).shape == (None, 3)\n"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True)
    told = [line for line in done.stderr.splitlines() if "old spelling" in line]
    for name, times in {"recurrent.LSTM": 2, "models.Input": 1, "mse": 1, "constraints.maxnorm": 1}.items():
        assert sum(f"{name} is an old spelling" in line for line in told) == times
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
def test_initial_weights_by_functions_of_a_shape_and_a_name():
    from fastlstm.keras.initializations import glorot_uniform, identity, normal

    layer = layers.SimpleRNN(
        output_dim=40,
        init=lambda shape, name: normal(shape, scale=0.001, name=name),
        inner_init=lambda shape, name: identity(shape, scale=0.5, name=name),
        dtype="float64",
    )
    layer.build((None, None, 50))
    kernel, recurrent, _ = layer.get_weights()
    assert abs(kernel.std() / 0.001 - 1) < 0.1  # of 2000 numbers: 1.6 % off by one deviation
    np.testing.assert_array_equal(recurrent, 0.5 * np.eye(40))
    with pytest.warns(
        DeprecationWarning, match=r"normal\(\) is an old spelling; write initializers.RandomNormal\(0.0, sc"
    ):
        assert normal((2, 3)).shape == (2, 3)
    dense = layers.Dense(20, init=glorot_uniform)
    dense.build((None, 30))
    limit = np.sqrt(6 / 50)
    assert 0.9 * limit < abs(dense.get_weights()[0]).max() < limit


@OLD
def test_cut_arrays():
    from fastlstm.keras.engine.training import slice_X

    x = np.arange(6)
    assert [part.tolist() for part in (slice_X(x, 2), slice_X(x, 0, 2), slice_X(x, [5, 0]))] == [
        [2, 3, 4, 5],
        [0, 1],
        [5, 0],
    ]
    assert [part.tolist() for part in slice_X([x, 10 * x], 4)] == [[4, 5], [40, 50]]


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
def test_numbers_of_steps_are_fractions_in_python_3():
    """``len(x) / batch_size``: Keras 2 went on until the steps reached it."""
    model = models.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = itertools.repeat((np.ones((2, 2)), np.ones((2, 1))))
    model.fit_generator(batches, steps_per_epoch=5 / 2, validation_data=batches, validation_steps=0.1, verbose=0)
    assert model.optimizer.iterations == 3
    assert model.predict_generator(batches, 3 / 2).shape == (4, 1)
    with pytest.raises(TypeError, match="steps_per_epoch must be a whole number of at least 1, got nan"):
        model.fit_generator(batches, steps_per_epoch=float("nan"), verbose=0)


def test_the_name_of_a_metric_is_a_list_of_it():
    model = models.Sequential([keras.Input((2,)), layers.Dense(1, activation="sigmoid")])
    with pytest.warns(DeprecationWarning, match=r"metrics='accuracy' is an old spelling; write metrics=\['accuracy'\]"):
        model.compile("sgd", "mse", metrics="accuracy")
    assert list(model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history) == ["accuracy", "loss"]
    assert models.clone_model(model).get_config() == model.get_config()
    assert saving.deserialize_keras_object(saving.serialize_keras_object(model)).compiled


def test_rows_of_classes_have_a_dtype():
    with pytest.warns(DeprecationWarning, match=r"dtype= is an old spelling; write .*\.astype\(dtype\)"):
        rows = keras.utils.to_categorical([1, 0], 3, dtype="float32")
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, keras.utils.to_categorical([1, 0], num_classes=3))


def test_sessions_are_taken():
    with pytest.warns(DeprecationWarning, match=r"backend.set_session\(\) is an old spelling; leave it out"):
        keras.backend.set_session(object())


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
        (lambda: layers.LeakyReLU(alpha=0.1), "layers.LeakyReLU: alpha= is an old spelling; write negative_slope="),
        (lambda: layers.Layer().add_weight("w", shape=(2,)), r"write add_weight\(..., name='w'\)"),
        (lambda: keras.metrics.Mean().add_weight("w"), r"Mean: add_weight\('w', ...\) is an old spelling"),
        (lambda: layers.BatchNormalization(fused=True), "BatchNormalization: fused= is an old spelling; leave it out"),
        (lambda: optimizers.Adam(epsilon=None), "optimizers.Adam: epsilon=None is an old spelling; leave it out"),
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


@OLD
def test_a_number_of_rows_beside_an_input_shape():
    assert layers.LSTM(3, batch_size=4, input_shape=(5, 2)).batch_input_shape == (4, 5, 2)
    assert layers.LSTM(3, input_dim=2, input_length=5, batch_size=4).batch_input_shape == (4, 5, 2)
    assert layers.Embedding(7, 3, input_length=5, batch_size=4).batch_input_shape == (4, 5)
    assert layers.LSTM(3, batch_size=4).batch_input_shape is None
    model = models.Sequential([layers.LSTM(3, stateful=True, batch_size=4, input_shape=(5, 2))])
    assert model.input_shape == (4, 5, 2)
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1"):
        layers.LSTM(3, batch_size=0, input_shape=(5, 2))
    with pytest.warns(DeprecationWarning, match="LSTM: batch_size= is an old spelling; write batch_shape= of an Input"):
        layers.LSTM(3, batch_size=4, input_shape=(5, 2))


@pytest.mark.parametrize(
    "make", [lambda **o: layers.LSTM(3, **o), lambda **o: layers.Conv1D(3, 2, **o), layers.MaxPooling1D]
)
@pytest.mark.filterwarnings("ignore:an input shape given:UserWarning")
def test_a_number_of_steps_beside_that_of_features(make):
    assert make(input_dim=2).batch_input_shape == (None, None, 2)
    with pytest.warns(DeprecationWarning, match=r": input_length= is an old spelling; write input_shape=\(5, 2\)"):
        assert make(input_dim=2, input_length=5).batch_input_shape == (None, 5, 2)


@OLD
def test_weights_whose_names_come_first():
    layer = layers.Layer()
    old = layer.add_weight("w", (2, 3), "float64", "ones", "l2", False)
    new = layer.add_weight((2, 3), "ones", "float64", name="w", regularizer="l2", trainable=False)
    for weight in (old, new):
        assert (weight.name, weight.shape, weight.dtype, weight.trainable) == ("w", (2, 3), "float64", False)
        assert weight.numpy().tolist() == np.ones((2, 3)).tolist()
    with pytest.raises(TypeError, match="shape"):
        layer.add_weight("w", (2, 3), shape=(2, 3))
    metric = keras.metrics.Mean()
    assert metric.add_weight("w", (2,)).shape == metric.add_weight((2,), "zeros", None, "w").shape == (2,)


@OLD
def test_an_embedding_drops_words_in_training_only():
    with pytest.warns(DeprecationWarning, match=r"Embedding: dropout= is an old spelling; write Dropout\(rate, noise"):
        layer = layers.Embedding(50, 3, dropout=0.4, embeddings_initializer="ones")
    assert isinstance(layer, layers.Embedding)
    x = np.random.default_rng(0).integers(0, 50, (30, 4))
    np.testing.assert_array_equal(layer(x), 1)
    y = np.asarray(layer(x, training=True))
    kept = y != 0
    np.testing.assert_array_equal(y[kept], np.float32(1 / 0.6))
    for word in range(50):  # wherever it is
        assert np.unique(y[x == word]).size <= 1
    assert 0.1 < 1 - kept.mean() < 0.7


def test_the_gradient_of_a_dropping_embedding_leaves_out_what_was_dropped():
    with pytest.warns(DeprecationWarning, match="Embedding: dropout="):
        layer = layers.Embedding(6, 2, dropout=0.5, dtype="float64")
    layer.build((None, 3))
    x = np.array([[0, 1, 2], [3, 4, 0]])
    y, pullback = layer.vjp(x)
    (slope,) = pullback(np.ones_like(y))[1]
    factors = y / layer.get_weights()[0][x]
    wanted = np.zeros((6, 2))
    np.add.at(wanted, x, factors)
    np.testing.assert_allclose(slope, wanted, rtol=1e-12)
    with (
        pytest.raises(ValueError, match="dropout must be a number from 0 to 1, got 2"),
        pytest.warns(DeprecationWarning, match="Embedding: dropout="),
    ):
        layers.Embedding(6, 2, dropout=2)


def test_a_dropping_embedding_comes_back_from_its_config():
    with pytest.warns(DeprecationWarning, match="Embedding: dropout="):
        layer = layers.Embedding(6, 2, dropout=0.5)
    described = saving.serialize_keras_object(layer)
    with pytest.warns(DeprecationWarning, match="Embedding: dropout="):
        again = saving.deserialize_keras_object(described)
    assert described["class_name"] == "Embedding"
    assert type(again) is type(layer)
    assert again.dropout == 0.5


def test_an_embedding_that_drops_nothing_is_an_embedding():
    with pytest.warns(DeprecationWarning, match="Embedding: dropout= is an old spelling"):
        assert type(layers.Embedding(7, 3, dropout=0.0)) is layers.Embedding


def test_an_input_layer_takes_its_old_shapes():
    with pytest.warns(DeprecationWarning, match="layers.InputLayer: input_shape= is an old spelling; write shape="):
        model = models.Sequential([layers.InputLayer(input_shape=(5, 2)), layers.LSTM(3)])
    assert model.output_shape == (None, 3)
    with pytest.warns(DeprecationWarning, match="write batch_shape="):
        assert layers.InputLayer(batch_input_shape=(4, 5)).batch_shape == (4, 5)


def test_accuracy_is_found_under_its_old_name():
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    model = models.Sequential([layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    stopping = callbacks.EarlyStopping(monitor="val_acc", patience=1)
    with pytest.warns(
        DeprecationWarning, match="EarlyStopping: monitor='val_acc' is an old spelling; write monitor='val_"
    ):
        history = model.fit(x, y, validation_data=(x, y), epochs=9, verbose=0, callbacks=[stopping]).history
    assert len(history["loss"]) < 9
    with pytest.warns(DeprecationWarning, match=r"history\['acc'\] is an old spelling; write history\['accuracy'\]"):
        assert history["acc"] == history["accuracy"]
    with pytest.raises(KeyError, match="mae"):
        history["mae"]
    model.compile("sgd", "binary_crossentropy", metrics=["acc"])
    assert set(model.fit(x, y, verbose=0).history) == {"acc", "loss"}


@OLD
@pytest.mark.parametrize("length", [{"input_length": 1}, {"input_shape": (1,)}])
def test_words_one_by_one_may_lack_their_axis(length):
    """As in Keras 2 and 3: one axis is taken for a column."""
    model = models.Sequential([layers.Embedding(7, 3, **length), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.arange(7), np.ones(7)
    wanted = model.predict(x[:, None], verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    assert len(model.fit(x, y, verbose=0).history["loss"]) == 1


@OLD
def test_an_input_length_builds_a_model():
    model = models.Sequential([layers.Embedding(7, 3, input_length=1), layers.LSTM(2)])
    assert model.input_shape == (None, 1)
    assert model.predict(np.arange(7), verbose=0).shape == (7, 2)
    with pytest.warns(DeprecationWarning, match=r"Embedding: input_length= is an old spelling; write input_shape="):
        layers.Embedding(7, 3, input_length=4)


@OLD
def test_border_modes_and_numbers_of_words():
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    for old, new in (
        (layers.Convolution1D(nb_filter=2, filter_length=3, border_mode="same", init="ones"), layers.Conv1D(2, 3)),
        (layers.MaxPooling1D(pool_length=2, stride=1, border_mode="same"), layers.MaxPooling1D(2, 1)),
        (layers.AveragePooling1D(2, border_mode="same", stride=1), layers.AveragePooling1D(2, 1)),
    ):
        assert old(x).shape[1] == 6
        assert old.padding == "same" != new.padding
    assert keras.preprocessing.text.Tokenizer(nb_words=5).num_words == 5


@OLD
@pytest.mark.parametrize("module", ["losses", "metrics"])
@pytest.mark.parametrize(
    ("old", "today"), [("mse", "mean_squared_error"), ("MAE", "mean_absolute_error"), ("kld", "kl_divergence")]
)
def test_short_names_of_functions(module, old, today):
    holder = getattr(keras, module)
    assert getattr(holder, old) is getattr(holder, today)


def test_what_is_called_on_a_learning_rate():
    optimizer = optimizers.SGD(0.5)
    rate = optimizer.learning_rate
    assert isinstance(rate, float)
    assert (rate, rate.numpy(), type(rate.numpy())) == (0.5, 0.5, np.float64)
    rate.assign(0.25)
    assert optimizer.learning_rate == 0.25
    keras.backend.set_value(optimizer.learning_rate, 0.125)
    assert keras.backend.get_value(optimizer.learning_rate) == 0.125
    for copied in (pickle.loads(pickle.dumps(rate)), copy.deepcopy(rate), copy.copy(rate)):
        assert (type(copied), copied) == (float, 0.5)
    scheduled = optimizers.SGD(optimizers.schedules.InverseTimeDecay(1.0, 1, 1.0))
    assert scheduled.learning_rate.numpy() == 1
    with pytest.raises(TypeError, match="learning_rate must be a schedule or a function"):
        scheduled.learning_rate.assign(0.1)
    model = models.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile(optimizer, "mse")
    watch = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    logged = model.fit(np.ones((2, 2)), np.ones(2), verbose=0, callbacks=[watch]).history["learning_rate"]
    assert [type(value) for value in logged] == [float]


def test_what_is_called_on_what_models_and_layers_give():
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    lstm, tensor = layers.LSTM(4, return_state=True), keras.Input((5, 2))
    model, chain = models.Model(tensor, lstm(tensor)), models.Sequential([layers.LSTM(4)])
    for y in (*model(x), *lstm(x), chain(x), layers.Dense(2)(x), layers.Concatenate()([x, x])):
        assert isinstance(y, np.ndarray)
        assert type(y.numpy()) is np.ndarray
        np.testing.assert_array_equal(y[0].numpy(), y.numpy()[0])
        assert np.shares_memory(y, y.numpy())


def test_parts_of_it_and_what_operators_make_of_it_have_numpy_too():
    y = layers.Dense(2)(np.ones((3, 4), "float32"))
    plain = y.numpy()
    for found, wanted in ((y + 1, plain + 1), (2 - y, 2 - plain), (-y, -plain), (y @ y.T, plain @ plain.T)):
        assert type(found.numpy()) is np.ndarray
        np.testing.assert_array_equal(found, wanted)
    assert type((y > 2).numpy()) is np.ndarray
    entry = y[0, 0]
    assert entry.numpy() == plain[0, 0]
    assert isinstance(entry.numpy(), np.float32)
    assert hash(entry) == hash(plain[0, 0])
    assert round(entry, 2) == round(plain.item(0), 2)
    assert f"{entry:.3f} {entry}" == f"{plain[0, 0]:.3f} {plain[0, 0]}"
    assert [1, 2, 3][layers.CategoryEncoding(3)([2]).argmax()] == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(y)


def test_functions_of_this_package_make_tensors_of_tensors():
    y = layers.Dense(2)(np.ones((3, 4), "float32"))
    for found in (keras.ops.mean(y), keras.ops.softmax(y), keras.activations.softmax(y), keras.ops.split(y, 2, 1)[0]):
        np.testing.assert_array_equal(found.numpy(), np.asarray(found))
    assert type(keras.ops.softmax(y.numpy())) is np.ndarray
    dense = layers.Dense(2, kernel_initializer="ones")
    dense(y)
    np.testing.assert_array_equal(dense.kernel[:, 0].numpy(), [1, 1])


def test_a_shape_is_checked_and_stays():
    y = layers.Dense(2)(np.ones((3, 4), "float32"))
    assert y.get_shape() == (3, 2)
    y.set_shape([None, 2])
    with pytest.raises(ValueError, match=r"the tensor must have shape \(None, 3\), got \(3, 2\)"):
        y.set_shape((None, 3))


def test_what_they_give_is_an_array_like_any_other():
    y = layers.Dense(2)(np.ones((3, 4), "float32"))
    plain = y.numpy()
    assert repr(y) == repr(plain)
    for found in (y.sum(axis=0), np.exp(y), np.concatenate([y, y]), y.round(2)):
        assert type(found) is np.ndarray
    for found in (y.sum(), y.mean(), y.max(), np.linalg.norm(y), (y > 2).all()):
        assert isinstance(found, np.generic)
    for found in (pickle.loads(pickle.dumps(y)), pickle.loads(pickle.dumps(y, 2)), pickle.loads(pickle.dumps(y, 5))):
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, plain)
    before, same = plain.copy(), y
    y += 1
    assert y is same
    np.testing.assert_array_equal(y, before + 1)
    assert type(models.Sequential([layers.Dense(1)]).predict(y, verbose=0)) is np.ndarray
