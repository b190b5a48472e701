"""The dtype ``mixed_bfloat16``: policies, layers that compute in it, training, configs and files."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastlstm import keras, reference
from fastlstm.keras import Input, Model, Sequential, dtype_policies, layers, mixed_precision, models

MIXED = "mixed_bfloat16"
# A rounding to bfloat16 moves a number by 2^-9 of it at most; errors of many products are independent.
NEAR = 8 * 2.0**-9


@pytest.fixture(autouse=True)
def policy_of_before() -> Iterator[None]:
    yield
    keras.backend.clear_session()


def series(rows: int = 6) -> Any:
    return np.random.default_rng(0).standard_normal((rows, 7, 3)).astype(np.float32)


MADE: dict[str, Callable[..., Any]] = {
    "LSTM": lambda **how: layers.LSTM(8, return_sequences=True, **how),
    "GRU": lambda **how: layers.GRU(8, **how),
    "GRU before": lambda **how: layers.GRU(8, reset_after=False, **how),
    "SimpleRNN": lambda **how: layers.SimpleRNN(8, **how),
    "Dense": lambda **how: layers.Dense(8, activation="tanh", **how),
    "RNN": lambda **how: layers.RNN(layers.LSTMCell(8, **how)),
    "stack": lambda **how: layers.RNN([layers.LSTMCell(8, **how), layers.GRUCell(5, **how)]),
    "Bidirectional": lambda **how: layers.Bidirectional(layers.LSTM(8, **how)),
    "EinsumDense": lambda **how: layers.EinsumDense("abc,cde->abed", (7, 4, 2), "tanh", "d", **how),
    "TimeDistributed": lambda **how: layers.TimeDistributed(layers.Dense(4, **how)),
}


def pair(kind: str) -> tuple[Any, Any]:
    """Return a layer in float32, and one in bfloat16 with its weights."""
    full, mixed = MADE[kind](), MADE[kind](dtype=MIXED)
    full(series()), mixed(series())
    mixed.set_weights(full.get_weights())
    return full, mixed


@pytest.mark.parametrize("kind", MADE)
def test_outputs_and_gradients_are_float32_and_near_those_of_float32(kind: str) -> None:
    full, mixed = pair(kind)
    x = series()
    y, wanted = mixed(x), full(x)
    assert y.dtype == np.float32
    assert {weight.dtype for weight in mixed.get_weights()} == {np.dtype(np.float32)}
    assert 0 < np.abs(y - wanted).max() < NEAR * np.abs(wanted).max()
    (trained, back), (_, back_of_full) = mixed.vjp(x), full.vjp(x)
    np.testing.assert_array_equal(trained, y)
    (dx, gradients), (dx_of_full, gradients_of_full) = back(np.ones_like(y)), back_of_full(np.ones_like(y))
    for ours, theirs in zip([dx, *gradients], [dx_of_full, *gradients_of_full], strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=4 * NEAR * np.abs(theirs).max())


def test_weights_and_rows_are_rounded() -> None:
    full, mixed = (layers.Dense(8, dtype=dtype) for dtype in ("float32", MIXED))
    x = series()[:, 0]
    full(x), mixed(x)
    mixed.set_weights(full.get_weights())
    kernel, rows = (reference.to_bfloat16(array).astype(np.float64) for array in (full.get_weights()[0], x))
    np.testing.assert_allclose(mixed(x), rows @ kernel, rtol=0, atol=1e-6)


PRODUCTS: dict[str, Callable[[], Any]] = {
    "Dense": lambda: layers.Dense(8, dtype=MIXED),
    "EinsumDense": lambda: layers.EinsumDense("abc,cd->abd", (7, 8), bias_axes="d", dtype=MIXED),
}


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("rows", [0, 1, 6])
def test_gradients_of_products_are_products_of_rounded_numbers(kind: str, rows: int) -> None:
    layer, x = PRODUCTS[kind](), series(rows)
    layer.build(x.shape)
    _, back = layer.vjp(x)
    dy = np.random.default_rng(1).standard_normal((rows, 7, 8)).astype(np.float32)
    dx, (dkernel, dbias) = back(dy)
    x, dy, kernel = (reference.to_bfloat16(array).astype(np.float64) for array in (x, dy, layer.get_weights()[0]))
    np.testing.assert_allclose(dx, dy @ kernel.T, rtol=0, atol=1e-5)
    np.testing.assert_allclose(dkernel, np.einsum("abc,abd->cd", x, dy), rtol=0, atol=1e-5)
    assert dbias.shape == (8,)


def test_attention_projects_in_it_and_compares_in_float32() -> None:
    full, mixed = (layers.MultiHeadAttention(2, 4, dtype=dtype) for dtype in ("float32", MIXED))
    x = series()
    wanted, _ = full(x, x), mixed(x, x)
    mixed.set_weights(full.get_weights())
    parts = [mixed.query_dense, mixed.key_dense, mixed.value_dense, mixed.output_dense]
    assert {part.precision for part in parts} == {"bfloat16"}
    assert 0 < np.abs(mixed(x, x) - wanted).max() < NEAR * np.abs(wanted).max()
    switched = layers.MultiHeadAttention.from_config(full.get_config())
    switched(x, x)
    switched.set_weights(full.get_weights())
    switched.quantize("bfloat16")
    np.testing.assert_array_equal(switched(x, x), mixed(x, x))


def test_an_equation_that_is_no_product_of_matrices_stays_in_float32() -> None:
    full, mixed = (layers.EinsumDense("abc,bc->abc", (7, 3), dtype=dtype) for dtype in ("float32", MIXED))
    full(series()), mixed(series())
    mixed.set_weights(full.get_weights())
    np.testing.assert_array_equal(mixed(series()), full(series()))
    assert mixed.precision == "float32"


def test_rows_of_a_table_are_rounded() -> None:
    layer, x = layers.Embedding(11, 4, dtype=MIXED), np.arange(11)[None]
    layer(x)
    table = layer.get_weights()[0]
    wanted = reference.to_bfloat16(table)[x]
    np.testing.assert_array_equal(layer(x), wanted)
    np.testing.assert_array_equal(layer.vjp(x)[0], wanted)
    model = Sequential([Input((1,)), layer, layers.LSTM(3, dtype=MIXED)])
    stream = model.stream()
    np.testing.assert_allclose(stream.step(np.array([3]))[0], model.predict(np.array([[3]]), verbose=0)[0], atol=1e-6)


def whole_model() -> Model:
    return Sequential(
        [
            Input((7, 3)),
            layers.LSTM(8, return_sequences=True),
            layers.Dropout(0.1),
            layers.Bidirectional(layers.GRU(5)),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )


def test_the_global_policy_is_that_of_layers_made_later() -> None:
    assert mixed_precision.global_policy().name == "float32"
    before = layers.Dense(2)
    mixed_precision.set_global_policy(MIXED)
    model = whole_model()
    assert [layer.precision_now() for layer in model.layers] == ["bfloat16", *["float32"] * 3, "bfloat16"]
    assert {layer.dtype_policy.name for layer in model.layers} == {MIXED}
    assert {layer.variable_dtype for layer in model.layers} == {"float32"}
    assert model.layers[2].forward_layer.precision == "bfloat16"
    assert layers.Dense(2, dtype="float32").precision == before.precision == "float32"
    assert model.inputs[0].dtype == np.float32
    keras.backend.clear_session()
    assert layers.Dense(2).precision == "float32"


def test_policies_are_like_those_of_keras() -> None:
    policy = mixed_precision.Policy(MIXED)
    assert repr(policy) == '<DTypePolicy "mixed_bfloat16">'
    assert (policy.compute_dtype, policy.variable_dtype, policy.quantization_mode) == ("bfloat16", "float32", None)
    assert policy == keras.DTypePolicy.from_config(policy.get_config())
    assert len({policy, keras.DTypePolicy(MIXED), keras.DTypePolicy("float64")}) == 2
    keras.config.set_dtype_policy(policy)
    assert keras.config.dtype_policy() == policy == keras.DTypePolicy()
    assert layers.LSTM(3, dtype=keras.DTypePolicy("float64")).dtype == np.float64
    mixed_precision.set_global_policy("float64")
    assert layers.LSTM(3).dtype == np.float64


def test_dtype_policies_are_found_and_described() -> None:
    policy = dtype_policies.DTypePolicy(MIXED)
    described = dtype_policies.serialize(policy)
    assert described == layers.Dense(2, dtype=MIXED).get_config()["dtype"]
    assert dtype_policies.deserialize(described) == dtype_policies.get(MIXED) == dtype_policies.get(policy) == policy
    assert dtype_policies.get(None).name == "float32"
    assert dtype_policies.FloatDTypePolicy("float64") == dtype_policies.get("float64")


def test_configs_and_files_keep_the_policy(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    mixed_precision.set_global_policy(MIXED)
    model, x = whole_model(), series()
    model.compile("adam", "mse")
    model.fit(x, np.ones((6, 2)), verbose=0)
    mixed_precision.set_global_policy("float32")
    wanted = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    twin = whole_model().__class__.from_config(model.get_config())
    twin.load_weights(tmp_path / "m.weights.h5")
    for one in (models.load_model(tmp_path / "m.keras"), twin, copy.deepcopy(model)):
        np.testing.assert_array_equal(one.predict(x, verbose=0), wanted)
        assert [layer.precision_now() for layer in one.layers] == [layer.precision_now() for layer in model.layers]
        assert one.get_config() == model.get_config()
    loaded = models.load_model(tmp_path / "m.keras")
    loaded.fit(x, np.ones((6, 2)), verbose=0)


def test_quantize_switches_a_model_which_goes_on_to_train() -> None:
    model, x, y = whole_model(), series(), np.ones((6, 2))
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    before = model.predict(x, verbose=0)
    with pytest.warns(UserWarning, match="a BatchNormalization cannot be quantized"):
        model.quantize("bfloat16")
    after = model.predict(x, verbose=0)
    assert 0 < np.abs(after - before).max() < NEAR * np.abs(before).max()
    assert model.layers[0].get_config()["dtype"]["config"] == {"name": MIXED}
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(np.array(losses).astype(np.float32).dtype, np.float32)
    with pytest.raises(ValueError, match=r"be float32 for quantize\(\), got bfloat16: it is quantized already"):
        model.quantize("bfloat16")


def test_int8_may_follow_and_is_that_of_the_float32_weights() -> None:
    full, mixed = pair("LSTM")
    for layer in (full, mixed):
        layer.quantize("int8")
    np.testing.assert_array_equal(full(series()), mixed(series()))


def test_what_keras_quantized_from_it_is_read() -> None:
    assert layers.Dense(2, dtype="int8_from_mixed_bfloat16").precision == "int8"
    config = {"module": "keras", "class_name": "QuantizedDTypePolicy", "registered_name": None}
    dtype = {**config, "config": {"mode": "int8", "source_name": MIXED}}
    assert layers.Dense.from_config({"units": 2, "dtype": dtype}).precision == "int8"


def test_a_stream_has_the_outputs_of_the_whole_sequence() -> None:
    mixed_precision.set_global_policy(MIXED)
    model = Sequential([Input((7, 3)), layers.LSTM(8, return_sequences=True), layers.GRU(5, return_sequences=True)])
    stream, x = model.stream(6), series()
    steps = np.stack([stream.step(x[:, t]) for t in range(7)], axis=1)
    np.testing.assert_array_equal(steps, model.predict(x, verbose=0))


def test_arrays_of_ml_dtypes_are_taken() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    model = Sequential([Input((7, 3)), layers.LSTM(8, return_sequences=True, dtype=MIXED)])
    model.compile("adam", "mse")
    x = series().astype(bfloat16)
    wanted = model.predict(x.astype(np.float32), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    np.testing.assert_array_equal(model.layers[0](x), wanted)
    stream = model.stream(6)
    np.testing.assert_array_equal(np.stack([stream.step(x[:, t]) for t in range(7)], axis=1), wanted)
    model.fit(x, np.ones((6, 7, 8), bfloat16), verbose=0)


def test_what_runs_in_numpy_stays_in_float32() -> None:
    full, mixed = (layers.GRU(4, activation="gelu", dtype=dtype) for dtype in ("float32", MIXED))
    full(series()), mixed(series())
    mixed.set_weights(full.get_weights())
    np.testing.assert_array_equal(mixed(series()), full(series()))
    assert mixed.precision == "float32"
    assert mixed.dtype_policy.name == MIXED


def test_repr_and_summary_say_so(capsys: Any) -> None:
    model = Sequential([Input((7, 3)), layers.LSTM(8, dtype=MIXED)])
    assert "precision=bfloat16" in repr(model.layers[0])
    model.summary()
    assert "(LSTM, bfloat16)" in capsys.readouterr().out


REFUSED: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "mixed_float16": (
        TypeError,
        "dtype must be 'float32', 'float64' or 'mixed_bfloat16', got 'mixed_float16'",
        lambda: layers.Dense(2, dtype="mixed_float16"),
    ),
    "bfloat16": (TypeError, "dtype must be 'float32' or 'float64', got 'bfl", lambda: layers.LSTM(2, dtype="bfloat16")),
    "policy": (TypeError, "policy must be 'float32', .*mixed_f", lambda: mixed_precision.set_global_policy("mixed_f")),
    "policy of a dtype": (
        TypeError,
        "policy must be 'float32', 'float64' or 'mixed_bfloat16', got 'int8'",
        lambda: mixed_precision.set_global_policy("int8"),
    ),
    "quantized policy": (
        NotImplementedError,
        "policy must be one of layers that are not quantized, got 'int8_from_float32'",
        lambda: dtype_policies.get("int8_from_float32"),
    ),
    "a name as config": (TypeError, "config must be the description", lambda: dtype_policies.deserialize(MIXED)),
    "no policy to describe": (TypeError, "policy must be a DTypePolicy, got", lambda: dtype_policies.serialize(MIXED)),
    "no policy": (TypeError, "policy must be a DTypePolicy or", lambda: mixed_precision.set_global_policy(None)),
    "name": (TypeError, "name must be a str", lambda: keras.DTypePolicy(3)),
    "activations": (
        ValueError,
        "activations must be 'bfloat16', got 'int16'",
        lambda: pair("LSTM")[0].quantize("bfloat16", activations="int16"),
    ),
    "not built": (ValueError, "be built to be quantized", lambda: layers.Dense(2).quantize("bfloat16")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    error, message, call = REFUSED[case]
    with pytest.raises(error, match=message):
        call()
    assert mixed_precision.global_policy().name == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_training_reaches_the_accuracy_of_float32(seed: int) -> None:
    """Whether the sum of a noisy sequence is above zero."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((1200, 12, 2)).astype(np.float32)
    y = (x[..., 0].sum(1) > 0).astype(np.float32)
    found = []
    for dtype in ("float32", MIXED):
        keras.utils.set_random_seed(seed)
        model = Sequential(
            [Input((12, 2)), layers.LSTM(16, dtype=dtype), layers.Dense(1, activation="sigmoid", dtype=dtype)]
        )
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
        model.fit(x[:800], y[:800], epochs=20, verbose=0)
        found.append(model.evaluate(x[800:], y[800:], verbose=0)[1])
    assert found[0] > 0.9
    assert found[1] > found[0] - 0.015
