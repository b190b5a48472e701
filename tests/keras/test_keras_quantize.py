"""``quantize("int8")`` of layers and models: what they compute, hold and save then, and what is refused."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import running

import fastlstm as fl
from fastlstm import keras
from fastlstm.keras import layers, ops
from fastlstm.keras.layers import quantizers

MODES = ["int8", "int16"]
TOLERANCE = {"int8": 0.02, "int16": 0.01}


def sequences(rows: int = 4, steps: int = 6, features: int = 3) -> Any:
    return np.random.default_rng(0).standard_normal((rows, steps, features)).astype(np.float32)


KINDS: dict[str, Callable[[], Any]] = {
    "lstm": lambda: layers.LSTM(8, return_sequences=True),
    "lstm backwards": lambda: layers.LSTM(8, go_backwards=True, use_bias=False),
    "gru": lambda: layers.GRU(8),
    "gru reset before": lambda: layers.GRU(8, reset_after=False, return_sequences=True),
    "rnn": lambda: layers.SimpleRNN(8, activation="relu"),
    "general": lambda: layers.LSTM(8, recurrent_activation="hard_sigmoid"),
    "both": lambda: layers.Bidirectional(layers.GRU(8, return_sequences=True)),
    "cells": lambda: layers.RNN([layers.LSTMCell(8), layers.GRUCell(6)], return_sequences=True),
    "dense": lambda: layers.Dense(8, activation="tanh"),
    "over time": lambda: layers.TimeDistributed(layers.Dense(8)),
    "equation": lambda: layers.EinsumDense("btf,fhd->btdh", (None, 3, 4), bias_axes="h"),
    "equation of two axes": lambda: layers.EinsumDense("btf,tfd->bd", (5,)),
    "equation of free axes": lambda: layers.EinsumDense("...f,df->...d", (5,), bias_axes="d", activation="tanh"),
}


def model_of(kind: str) -> Any:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((6 if kind == "equation of two axes" else None, 3)), KINDS[kind]()])


def whole_model() -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((None,)),
            layers.Embedding(20, 6, name="table"),
            layers.LSTM(8, return_sequences=True, name="encoder"),
            layers.TimeDistributed(layers.Dense(4, activation="relu", name="inner")),
            layers.Bidirectional(layers.GRU(5, return_sequences=True)),
            layers.Dropout(0.1),
            layers.RNN([layers.LSTMCell(6), layers.GRUCell(4)]),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )


def indices() -> Any:
    return np.random.default_rng(0).integers(0, 20, (4, 7))


def quantized(activations: str | None = None) -> Any:
    model = whole_model()
    model.quantize("int8", activations=activations)
    return model


@pytest.mark.parametrize("activations", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_near_those_before(kind: str, activations: str) -> None:
    model, x = model_of(kind), sequences()
    before = model.predict(x, verbose=0)
    assert model.quantize("int8", activations=activations) is None
    after = model.predict(x, verbose=0)
    assert after.dtype == np.float32
    assert 0 < np.abs(after - before).max() < TOLERANCE[activations] * max(1, np.abs(before).max())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_held_in_a_quarter(kind: str) -> None:
    model = model_of(kind)
    before = {variable.path: variable.numpy() for variable in model.weights}
    numbers = sum(array.size for path, array in before.items() if "bias" not in path)
    model.quantize("int8")
    whole = [variable for variable in model.weights if variable.dtype == np.int8]
    assert sum(variable.value.size for variable in whole) == numbers
    for variable in model.weights:
        assert variable.trainable == (variable.name == "bias")
        if variable.name.endswith("_scale"):
            path = variable.path.removesuffix("_scale")
            if kind.startswith("equation"):
                continue  # whose scales have the axes of the output
            value = next(other.value for other in whole if other.path == path) / variable.value
            np.testing.assert_allclose(value, before[path], rtol=0, atol=np.abs(before[path]).max() / 250)


def test_weights_are_in_keras_order() -> None:
    model = quantized()
    assert [v.name for v in model.get_layer("head").weights] == ["bias", "kernel", "kernel_scale"]
    assert [v.name for v in model.get_layer("table").weights] == ["embeddings", "embeddings_scale"]
    encoder = model.get_layer("encoder")
    assert encoder.kernel.dtype == np.int8
    assert encoder.kernel_scale.shape == (32,)
    assert encoder.recurrent_kernel_scale.shape == (32,)
    assert len(model.weights) == len(model.get_weights()) == sum(len(layer.weights) for layer in model.layers)


def test_layers_say_what_they_are(capsys: Any) -> None:
    model = quantized("int16")
    encoder = model.get_layer("encoder")
    assert (encoder.precision, encoder.quantization_mode, encoder.dtype) == ("int8_int16", "int8", np.float32)
    assert (whole_model().layers[0].precision, whole_model().layers[0].quantization_mode) == ("float32", None)
    assert repr(encoder) == "<LSTM name=encoder, built=True, precision=int8_int16>"
    model.summary()
    assert "encoder (LSTM, int8_int16)" in capsys.readouterr().out


@pytest.mark.parametrize("activations", MODES)
@pytest.mark.parametrize("ending", [".fastlstm", ".keras", ".h5"])
def test_files_keep_the_bits(activations: str, ending: str, tmp_path: Path) -> None:
    if ending != ".fastlstm":
        pytest.importorskip("h5py")
    model, x, path = quantized(activations), indices(), tmp_path / f"model{ending}"
    model.save(path)
    loaded = keras.models.load_model(path)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [layer.precision_now() for layer in loaded.layers] == [layer.precision_now() for layer in model.layers]
    for one, other in zip(loaded.weights, model.weights, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one.value, other.value)


def test_weights_files_fill_a_quantized_model(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    model, x, path = quantized(), indices(), tmp_path / "m.weights.h5"
    model.save_weights(path)
    twin = keras.models.clone_model(model)
    assert np.abs(twin.predict(x, verbose=0) - model.predict(x, verbose=0)).max() > 0
    twin.load_weights(path)
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    message = "only one of the file and the model is quantized: load weights before quantize"
    with pytest.raises(ValueError, match=message):
        whole_model().load_weights(path)
    whole_model().save_weights(path)
    with pytest.raises(ValueError, match=message):
        twin.load_weights(path)
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


def test_copies_have_the_same_bits() -> None:
    model, x = quantized("int16"), indices()
    wanted = model.predict(x, verbose=0)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    model.set_weights(model.get_weights())
    for twin in (clone, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model):
        np.testing.assert_array_equal(twin.predict(x, verbose=0), wanted)


STREAMED = ["lstm", "gru reset before", "general", "cells", "over time", "dense", "equation", "equation of free axes"]


@pytest.mark.parametrize("kind", STREAMED)
def test_streams_have_the_bits_of_the_whole_sequence(kind: str) -> None:
    model, x = model_of(kind), sequences(1)
    model.quantize("int8")
    y = model.predict(x, verbose=0)[0]
    stream = model.stream()
    outputs = np.stack([stream.step(x_t) for x_t in x[0]])
    np.testing.assert_array_equal(outputs if len(y) == len(x[0]) else outputs[-1], y)
    streams = [model.stream(), model.stream()]
    np.testing.assert_array_equal(fl.step_many(streams, np.stack([x[0, 0]] * 2))[1], outputs[0])


def test_streams_of_tables_and_of_layers_of_several_precisions() -> None:
    keras.utils.set_random_seed(0)
    inner = [layers.Embedding(9, 4), layers.LSTM(5, return_sequences=True), layers.GRU(5, return_sequences=True)]
    model = keras.Sequential([keras.Input((None,)), *inner, layers.Dense(2)])
    model.layers[0].quantize("int8")
    model.layers[2].quantize("int8", activations="int16")
    model.layers[3].quantize("int8")
    x = indices()[:1] % 9
    stream = model.stream()
    outputs = np.stack([stream.step(index) for index in x[0]])
    np.testing.assert_array_equal(outputs, model.predict(x, verbose=0)[0])


def test_a_row_has_the_same_bits_in_any_batch_and_on_any_threads() -> None:
    model, x = model_of("lstm"), sequences(9)
    model.quantize("int8")
    wanted = model.predict(x, verbose=0)
    for isa in fl.available_isas():
        for threads in (1, 2):
            with running(isa, threads):
                twin = copy.deepcopy(model)
                np.testing.assert_array_equal(twin.predict(x, verbose=0, batch_size=9), wanted)
                np.testing.assert_array_equal(twin.predict(x, verbose=0, batch_size=1), wanted)


def test_masks_states_and_empty_batches() -> None:
    keras.utils.set_random_seed(0)
    table = layers.Embedding(9, 4, mask_zero=True)
    model = keras.Sequential([keras.Input((None,)), table, layers.LSTM(5, stateful=True)])
    model.quantize("int8")
    x = np.array([[3, 4, 0], [1, 0, 0]])
    model.reset_states()
    short = model.predict(x[1:, :1], verbose=0)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x, verbose=0)[1:], short)
    again = model.predict(x, verbose=0)
    assert (again != short).any()
    model.reset_states()
    assert model.predict(np.zeros((0, 3)), verbose=0).shape == (0, 5)


def test_evaluation_works_and_training_is_refused() -> None:
    model, x, y = whole_model(), indices(), np.array([0, 1, 2, 0])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    before = model.evaluate(x, y, verbose=0)
    model.quantize("int8")
    assert model.compiled
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), before, rtol=0.02)
    message = "precision must be float32 or float64 for gradients and training, got int8, which is for inference: keep"
    for call in (lambda: model.fit(x, y, verbose=0), lambda: model.train_on_batch(x, y), lambda: model.vjp(x)):
        with pytest.raises(ValueError, match=message):
            call()
    for layer in model.layers:
        if layer.quantization_mode:
            with pytest.raises(ValueError, match=message):
                layer.vjp(indices() if layer.name == "table" else np.ones(layer.input_shape[:1] and (2, 3, 8)))


def test_what_is_behind_layers_that_stay_is_trained() -> None:
    encoder = keras.Sequential([keras.Input((None, 3)), layers.LSTM(5)])
    encoder.quantize("int8")
    encoder.trainable = False
    model = keras.Sequential([keras.Input((None, 3)), encoder, layers.Dense(2)])
    model.compile("adam", "mse")
    losses = model.fit(sequences(), np.ones((4, 2)), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_models_in_other_threads_run_on() -> None:
    x = sequences()
    for _ in range(5):
        model, found = model_of("lstm"), list[Any]()
        before = model.predict(x, verbose=0)
        threads = [
            threading.Thread(target=lambda model=model, found=found: found.extend(model(x) for _ in range(10)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        model.quantize("int8")
        for thread in threads:
            thread.join()
        after = model.predict(x, verbose=0)
        assert len(found) == 30
        assert all(np.array_equal(y, before) or np.array_equal(y, after) for y in found)


@pytest.mark.parametrize("modes", [["int8"], ["bfloat16"], ["bfloat16", "int8"]])
def test_a_pass_under_way_goes_on_as_it_began(modes: list[str]) -> None:
    """Also where another thread quantizes the model between two of its layers."""
    waiting = list[str]()

    def quantize_meanwhile(x: Any) -> Any:
        for mode in waiting:
            other = threading.Thread(target=model.quantize, args=(mode,))
            other.start()
            other.join()
        waiting.clear()
        return x

    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Embedding(6, 8),
            layers.LSTM(8, return_sequences=True),
            layers.Lambda(quantize_meanwhile),
            layers.Bidirectional(layers.GRU(8, return_sequences=True)),
            layers.EinsumDense("abc,cd->abd", (None, 5)),
            layers.Dense(3),
        ]
    )
    x = np.arange(12).reshape(3, 4) % 6
    before = model(x)
    waiting += modes
    np.testing.assert_array_equal(model(x), before)
    after = model(x)
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(model(x), after)


@pytest.mark.parametrize("ending", [".fastlstm", ".keras", ".h5"])
def test_a_file_is_of_one_moment(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another thread quantizes the model while it is described."""
    if ending != ".fastlstm":
        pytest.importorskip("h5py")
    model, x, threads = whole_model(), indices(), list[threading.Thread]()
    before, of_dense = model(x), layers.Dense.get_config

    def quantize_meanwhile(layer: Any) -> Any:
        if not threads:
            threads.append(threading.Thread(target=model.quantize, args=("int8",)))
            threads[0].start()
            threads[0].join(0.2)
        return of_dense(layer)

    monkeypatch.setattr(layers.Dense, "get_config", quantize_meanwhile)
    model.save(tmp_path / f"m{ending}")
    threads[0].join()
    assert model.layers[-1].quantization_mode == "int8"
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / f"m{ending}")(x), before)


@pytest.mark.parametrize("ending", [".fastlstm", ".keras", ".h5"])
def test_a_compiled_model_is_saved_without_a_state_of_its_optimizer(ending: str, tmp_path: Path) -> None:
    if ending != ".fastlstm":
        pytest.importorskip("h5py")
    model, x, y = whole_model(), indices(), np.array([0, 1, 2, 0])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    model.quantize("int8")
    model.save(tmp_path / f"m{ending}")
    loaded = keras.models.load_model(tmp_path / f"m{ending}")
    assert loaded.compiled
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_gradients_of_a_function_of_ones_own_are_refused() -> None:
    class Around(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)

        def call(self, x: Any) -> Any:
            return ops.tanh(self.dense(x))

    pytest.importorskip("autograd")
    layer, x = Around(), np.ones((2, 4), np.float32)
    before = layer(x)
    model = keras.Sequential([keras.Input((4,)), layer])
    model.quantize("int8")
    assert 0 < np.abs(model.predict(x, verbose=0) - before).max() < 0.02
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="which is for inference"):
        model.fit(x, np.ones((2, 3)), verbose=0)


def test_dense_and_embedding_may_begin_quantized() -> None:
    for made in (layers.Dense(3, dtype="int8_from_float32"), layers.LSTM(3, dtype="int8_from_float32")):
        y = made(np.ones((2, 4) if isinstance(made, layers.Dense) else (2, 5, 4)))
        assert made.precision == "int8"
        assert not y.any()
    described = layers.Dense(3, dtype="int8_from_float32").get_config()["dtype"]
    assert described == {
        "module": "keras.dtype_policies",
        "class_name": "QuantizedDTypePolicy",
        "config": {"mode": "int8", "source_name": "float32"},
        "registered_name": None,
    }
    assert layers.Dense.from_config({"units": 2, "dtype": described}).quantization_mode == "int8"


def test_filters_choose_layers() -> None:
    for filters, wanted in (
        ("encoder", ["encoder"]),
        (["^head$", "table"], ["table", "head"]),
        (lambda layer: isinstance(layer, layers.LSTM), ["encoder"]),
    ):
        model = whole_model()
        model.quantize("int8", filters=filters)
        assert [layer.name for layer in model.layers if layer.quantization_mode] == wanted
        model.predict(indices(), verbose=0)


def test_filters_that_choose_nothing_are_told() -> None:
    model = whole_model()
    with pytest.warns(UserWarning, match="there is no layer that can be quantized, or none that filters choose"):
        model.quantize("int8", filters="decoder")
    assert {layer.quantization_mode for layer in model.layers} == {None}


def test_layers_that_stay_are_told() -> None:
    model = keras.Sequential(
        [keras.Input((5, 3)), layers.Conv1D(4, 2), layers.LayerNormalization(), layers.LSTM(4, "gelu"), layers.Dense(2)]
    )
    with pytest.warns(UserWarning, match="cannot be quantized") as told:
        model.quantize("int8")
    texts = [str(one.message) for one in told]
    assert len(texts) == 3
    assert any("a Conv1D cannot be quantized" in text for text in texts)
    assert any("a cell that runs in NumPy cannot be quantized; it stays float32" in text for text in texts)
    assert model.layers[-1].precision == "int8"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole_model().quantize("int8")  # nothing is told of layers without weights


def test_all_or_nothing() -> None:
    model = whole_model()
    model.get_layer("head").quantize("int8")
    with pytest.raises(ValueError, match="head: precision must be float32 for quantize\\(\\), got int8"):
        model.quantize("int8")
    assert model.get_layer("table").precision == "float32"


def test_attention_is_quantized_inside() -> None:
    x = keras.Input((5, 4))
    model = keras.Model(x, layers.MultiHeadAttention(2, 3)(x, x))
    before = model.predict(sequences(2, 5, 4), verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.quantize("int8")
    assert sum(variable.dtype == np.int8 for variable in model.weights) == 4
    assert 0 < np.abs(model.predict(sequences(2, 5, 4), verbose=0) - before).max() < 0.03


def test_shared_and_nested_layers_are_quantized_once() -> None:
    shared, x = layers.Dense(4), keras.Input((4,))
    inside = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="inside")])
    model = keras.Model(x, inside(shared(shared(x))))
    before = model.predict(np.eye(4), verbose=0)
    model.quantize("int8")
    assert (shared.precision, inside.layers[0].precision) == ("int8", "int8")
    assert len(model.weights) == 6
    assert 0 < np.abs(model.predict(np.eye(4), verbose=0) - before).max() < 0.03


class OwnDense(layers.Dense):
    pass


CONFIGS: dict[str, tuple[Any, str]] = {
    "default": (keras.quantizers.Int8QuantizationConfig(), "int8"),
    "as said": (keras.quantizers.Int8QuantizationConfig(None, keras.quantizers.AbsMaxQuantizer(axis=-1)), "int8"),
    "weights alone": (keras.quantizers.Int8QuantizationConfig(activation_quantizer=None), "int8_int16"),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_configs_of_quantizers_are_taken(kind: str) -> None:
    config, precision = CONFIGS[kind]
    layer, twin = built(), built()
    layer.quantize("int8", config=config)
    twin.quantize(config=config, activations=config.activations)
    assert layer.precision == twin.precision == precision
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.quantize(config=config)
    assert model.layers[-1].precision == precision


REFUSED: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "no mode": (ValueError, "mode must be 'int8' or 'bfloat16', got None", lambda: whole_model().quantize()),
    "mode": (ValueError, "mode must be 'int8' or 'bfloat16', got 'int4'", lambda: whole_model().quantize("int4")),
    "mode of a layer": (
        ValueError,
        "mode must be 'int8' or 'bfloat16', got 'float8'",
        lambda: built().quantize("float8"),
    ),
    "activations": (
        ValueError,
        "activations must be 'int8' or 'int16', got 'int4'",
        lambda: built().quantize("int8", activations="int4"),
    ),
    "config of another mode": (
        ValueError,
        "config must be None, or say what mode and activations say, got one of int8",
        lambda: built().quantize("bfloat16", config=keras.quantizers.Int8QuantizationConfig()),
    ),
    "config of other activations": (
        ValueError,
        "got one of int8 with activations int8",
        lambda: built().quantize(config=keras.quantizers.Int8QuantizationConfig(), activations="int16"),
    ),
    "quantizer of weights": (
        NotImplementedError,
        "weight_quantizer must be None",
        lambda: keras.quantizers.Int8QuantizationConfig(keras.quantizers.AbsMaxQuantizer()),
    ),
    "quantizer of activations": (
        NotImplementedError,
        "activation_quantizer must be None, 'default' or an AbsMaxQuantizer, got 'int4'",
        lambda: keras.quantizers.Int8QuantizationConfig(None, "int4"),
    ),
    "axis": (NotImplementedError, "axis must be -1 or None", lambda: keras.quantizers.AbsMaxQuantizer(0)),
    "config": (
        NotImplementedError,
        "config must be None or an Int8QuantizationConfig, got",
        lambda: built().quantize("int8", config={"a": 1}),
    ),
    "filters": (
        ValueError,
        "filters must be a regular expression, a list of these, or a function of a layer, got 3",
        lambda: whole_model().quantize("int8", filters=3),
    ),
    "pattern": (
        ValueError,
        "filters must be a regular expression, a list of these, or a function of a layer, got '\\('",
        lambda: whole_model().quantize("int8", filters="("),
    ),
    "unbuilt": (ValueError, "must be built to be quantized", lambda: layers.Dense(3).quantize("int8")),
    "unbuilt model": (
        ValueError,
        "must have weights, got none yet",
        lambda: keras.Sequential([layers.Dense(3)]).quantize("int8"),
    ),
    "doubles": (
        TypeError,
        "dtype must have dtype float32 to be quantized, got float64",
        lambda: built(layers.Dense(3, dtype="float64")).quantize("int8"),
    ),
    "policy of doubles": (TypeError, "float32 to be quantized", lambda: layers.Dense(3, dtype="int8_from_float64")),
    "policy of what has no weights": (
        ValueError,
        "'float32' or 'float64' for a Dropout, which is not quantized, got 'int8_from_float32'",
        lambda: layers.Dropout(0.1, dtype="int8_from_float32"),
    ),
    "in NumPy": (
        NotImplementedError,
        "a cell that runs in NumPy cannot be quantized",
        lambda: layers.LSTM(3, "gelu", dtype="int8_from_float32")(np.ones((1, 2, 3))),
    ),
    "class of one's own": (
        NotImplementedError,
        "a OwnDense does not say how it is quantized: type_check=False quantizes what it inherits",
        lambda: built(OwnDense(3)).quantize("int8"),
    ),
    "equation": (
        NotImplementedError,
        "'abc,abd->abcd' cannot be quantized: it is not a product of matrices",
        lambda: layers.EinsumDense("abc,abd->abcd", (2, 4, 3), dtype="int8_from_float32")(np.ones((1, 2, 4))),
    ),
    "convolution": (
        NotImplementedError,
        "a Conv1D cannot be quantized: Dense, EinsumDense, Embedding and recurrent layers can",
        lambda: layers.Conv1D(2, 3).quantize("int8"),
    ),
    "whole numbers": (
        ValueError,
        "kernel must hold whole numbers from -127 to 127, got 0.5",
        lambda: quantized().get_layer("head").kernel.assign(np.full((4, 3), 0.5)),
    ),
    "quantizer of Keras": (
        NotImplementedError,
        "quantization_config must be one of the quantizers that Keras has by default",
        lambda: layers.Dense.from_config(
            quantized().get_layer("head").get_config()
            | {"quantization_config": {"class_name": "Int8QuantizationConfig", "config": {"weight_quantizer": {}}}}
        ),
    ),
}


def built(layer: Any = None) -> Any:
    layer = layers.Dense(3) if layer is None else layer
    layer.build((None, 4))
    return layer


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    error, message, call = REFUSED[what]
    with pytest.raises(error, match=message):
        call()


def test_a_layer_of_ones_own_may_have_a_precision_of_its_own() -> None:
    class Rounded(layers.Layer):
        def __init__(self, precision: int) -> None:
            super().__init__()
            self.precision = precision

        def call(self, x: Any) -> Any:
            return ops.round(x, self.precision)

    model = keras.Sequential([keras.Input((4,)), Rounded(1), layers.Dense(2)])
    model.quantize("int8")
    assert model.layers[0].get_config()["precision"] == 1
    assert model.layers[0].quantization_mode is None


def test_evaluation_of_a_softmax_at_every_step_works() -> None:
    model = keras.Sequential([keras.Input((6, 3)), layers.TimeDistributed(layers.Dense(4, "softmax"))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    y = np.zeros((4, 6), int)
    before = model.evaluate(sequences(), y, verbose=0)
    model.quantize("int8")
    np.testing.assert_allclose(model.evaluate(sequences(), y, verbose=0), before, rtol=0.02)


def test_a_class_of_ones_own_may_insist() -> None:
    layer = built(OwnDense(3))
    layer.quantize("int8", type_check=False)
    assert layer.precision == "int8"


def test_weights_that_are_not_finite_stay_so() -> None:
    layer = built()
    kernel, bias = layer.get_weights()
    kernel[1, 2] = np.inf
    layer.set_weights([kernel, bias])
    layer.quantize("int8")
    y = layer(np.ones((2, 4)))
    assert np.isnan(y[:, 2]).all()
    assert np.isfinite(y[:, :2]).all()


def test_whole_numbers_round_to_themselves() -> None:
    """What a file has packs to the whole numbers that it has: the largest of a column is 127."""
    values = np.random.default_rng(0).standard_normal((50, 200)).astype(np.float32)
    whole, scale = quantizers.rounded(values, 0)
    again, _ = quantizers.rounded(quantizers.restored(whole, scale, 0), 0)
    assert (np.abs(whole).max(axis=0) == 127).all()
    np.testing.assert_array_equal(again, whole)
