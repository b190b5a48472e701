"""Array layers with products of bfloat16: calls, streams, gradients, files, and what is refused."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_quantized_layers import LAYERS, H, I, chain, given, output

import fastlstm as fl
from fastlstm import _core, keras, precisions, reference

# A rounding to bfloat16 moves a number by 2^-9 of it at most; errors of many products are independent.
NEAR = 8 * 2.0**-9

OF_DTYPE: dict[str, Callable[[Any], Any]] = {
    "lstm": lambda dtype: fl.LSTM(I, H, num_layers=2, dtype=dtype, seed=1),
    "gru": lambda dtype: fl.GRU(I, H, bidirectional=True, dtype=dtype, seed=1),
    "rnn": lambda dtype: fl.RNN(I, H, dtype=dtype, seed=1),
    "linear": lambda dtype: fl.Linear(I, H, dtype=dtype, seed=1),
    "embedding": lambda dtype: fl.Embedding(11, I, dtype=dtype, seed=1),
    "cells": lambda dtype: fl.GRUCell(I, H, dtype=dtype, seed=1),
    "lstm cells": lambda dtype: fl.LSTMCell(I, H, dtype=dtype, seed=1),
    "rnn cells": lambda dtype: fl.RNNCell(I, H, dtype=dtype, seed=1),
}


def rounding(kind: str) -> Any:
    layer = LAYERS[kind]()
    layer.quantize("bfloat16")
    return layer


def inputs(kind: str) -> Any:
    return given("cells" if "cells" in kind else kind)


@pytest.mark.parametrize("kind", OF_DTYPE)
def test_the_dtype_and_quantize_make_the_same_layer(kind: str) -> None:
    made, switched, x = OF_DTYPE[kind]("bfloat16"), OF_DTYPE[kind]("float32"), inputs(kind)
    before = output(switched, x)
    switched.quantize("bfloat16")
    for layer in (made, switched):
        assert layer.precision == "bfloat16"
        assert layer.dtype == np.float32
        assert {array.dtype.name for array in layer.state_dict().values()} == {"float32"}
        np.testing.assert_array_equal(output(layer, x), output(made, x))
    assert repr(made) == repr(switched)
    assert "precision='bfloat16'" in repr(made)
    assert output(made, x).dtype == np.float32
    assert 0 < np.abs(output(made, x) - before).max() < NEAR * np.abs(before).max()


@pytest.mark.parametrize("kind", OF_DTYPE)
def test_parameters_are_those_of_float32_to_start_with_and_as_loaded(kind: str) -> None:
    made, full = OF_DTYPE[kind]("bfloat16"), OF_DTYPE[kind]("float32")
    for name, value in full.state_dict().items():
        np.testing.assert_array_equal(made.state_dict()[name], value)
    twin = type(made).from_state_dict(full.state_dict(), dtype="bfloat16")
    made.load_state_dict(full.state_dict())
    assert twin.precision == "bfloat16"
    np.testing.assert_array_equal(output(twin, inputs(kind)), output(made, inputs(kind)))


def test_weights_and_rows_are_rounded() -> None:
    layer, x = fl.Linear(I, H, dtype="bfloat16", seed=1), given("linear")
    arrays = layer.state_dict()
    weight, rows = (reference.to_bfloat16(array).astype(np.float64) for array in (arrays["weight"], x))
    np.testing.assert_allclose(layer(x), rows @ weight.T + arrays["bias"], rtol=0, atol=1e-6)


def test_gradients_of_a_product_are_products_of_rounded_numbers() -> None:
    layer, x = fl.Linear(I, H, dtype="bfloat16", seed=1), given("linear")
    y, pullback = layer.vjp(x)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    found = pullback(dy)
    rows, drows, weight = (reference.to_bfloat16(a).astype(np.float64) for a in (x, dy, layer.state_dict()["weight"]))
    np.testing.assert_allclose(found.x, drows @ weight, rtol=0, atol=1e-5)
    wanted = drows.reshape(-1, H).T @ rows.reshape(-1, I)
    np.testing.assert_allclose(found.parameters["weight"], wanted, rtol=0, atol=1e-5)


def test_rows_of_a_table_are_rounded() -> None:
    layer, x = fl.Embedding(11, I, dtype="bfloat16", seed=1), given("embedding")
    wanted = reference.to_bfloat16(layer.state_dict()["weight"])[x]
    np.testing.assert_array_equal(layer(x), wanted)
    np.testing.assert_array_equal(layer.vjp(x)[0], wanted)


def test_numbers_round_as_in_the_reference() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, np.uint32)
    numbers = np.concatenate([bits, np.arange(2**17, dtype=np.uint32) + np.uint32(0x7F7F0000)]).view(np.float32)
    np.testing.assert_array_equal(precisions.rounded_to_bfloat16(numbers), reference.to_bfloat16(numbers))


def test_a_layer_has_the_bits_of_the_core() -> None:
    layer, x = fl.LSTM(I, H, dtype="bfloat16", seed=1), given("lstm")
    names = {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias": "bias_ih", "recurrent_bias": "bias_hh"}
    arrays = {core: layer.state_dict()[f"{name}_l0"] for core, name in names.items()}
    y = np.empty((*x.shape[:2], H), np.float32)
    _core.forward(_core.Weights("lstm", **arrays, precision="bfloat16"), x, y=y)
    np.testing.assert_array_equal(layer(x)[0], y)


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru", "rnn", "linear", "embedding", "chain"])
def test_gradients_are_float32_and_near_those_of_float32(kind: str) -> None:
    if kind == "rnn":
        full, layer = (fl.RNN(I, H, dtype=dtype, seed=1) for dtype in ("float32", "bfloat16"))  # relu has a kink
    else:
        full, layer = LAYERS[kind](), rounding(kind)
    x, found = given(kind), []
    for one in (full, layer):
        outputs, pullback = one.vjp(x)
        y = outputs[0] if isinstance(outputs, tuple) else outputs
        found.append((y, pullback(np.ones_like(y))))
    (y, wanted), (rounded, got) = found
    np.testing.assert_array_equal(rounded, output(layer, x))
    assert list(got.parameters) == list(wanted.parameters)
    pairs = [(got.parameters[name], wanted.parameters[name]) for name in wanted.parameters]
    for ours, theirs in [*pairs, *([] if got.x is None else [(got.x, wanted.x)])]:
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=20 * 2.0**-9 * np.abs(theirs).max())


def test_gradients_of_a_cell() -> None:
    layer, x = rounding("cells"), given("cells")
    h, pullback = layer.vjp(x)
    np.testing.assert_array_equal(h, layer(x))
    assert pullback(np.ones_like(h)).parameters["weight_hh"].dtype == np.float32


def test_training_goes_on_in_float32_weights() -> None:
    """Steps too small for bfloat16 add up."""
    layer = fl.Linear(1, 1, bias=False, dtype="bfloat16")
    layer.load_state_dict({"weight": np.ones((1, 1), "float32")})
    for _ in range(64):
        _, pullback = layer.vjp(np.ones((1, 1), "float32"))
        step = pullback(np.ones((1, 1), "float32")).parameters["weight"] * np.float32(2.0**-12)
        layer.load_state_dict({"weight": layer.state_dict()["weight"] - step})
    assert layer(np.ones((1, 1), "float32"))[0, 0] == 1 - 2.0**-6


@pytest.mark.parametrize("kind", LAYERS)
def test_copies_pickles_and_files_have_the_same_bits(kind: str, tmp_path: Path) -> None:
    layer, x = rounding(kind), given(kind)
    wanted = output(layer, x)
    layer.save(tmp_path / "layer.safetensors")
    layer.load_state_dict(layer.state_dict())
    copies = [copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    for twin in [*copies, fl.load(tmp_path / "layer.safetensors"), layer]:
        np.testing.assert_array_equal(output(twin, x), wanted)
        assert repr(twin) == repr(layer)
        twin.vjp(x)


@pytest.mark.parametrize("kind", ["lstm", "projected", "rnn", "chain"])
def test_streams_have_the_bits_of_the_whole_sequence(kind: str) -> None:
    layer, x = rounding(kind), given(kind)
    stream = layer.stream(4)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), output(layer, x))


def test_a_chain_of_three_precisions_runs_streams_and_is_saved(tmp_path: Path) -> None:
    net, x = chain(), given("chain")
    net.below.quantize("bfloat16")
    net.fc.quantize("int8")
    assert repr(net) == "Chain(table=Embedding, below=LSTM bfloat16, above=LSTM, norm=LayerNorm, fc=Linear int8)"
    stream = net.stream(4)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), net(x)[0])
    net.save(tmp_path / "net")
    np.testing.assert_array_equal(fl.load(tmp_path / "net")(x)[0], net(x)[0])


@pytest.mark.parametrize("kind", LAYERS)
def test_int8_may_follow_and_is_that_of_the_float32_weights(kind: str) -> None:
    layer, other, x = rounding(kind), LAYERS[kind](), given(kind)
    for one in (layer, other):
        one.quantize("int8")
    np.testing.assert_array_equal(output(layer, x), output(other, x))
    with pytest.raises(ValueError, match=r"be float32 for quantize\(\), got int8: it is quantized already"):
        layer.quantize("bfloat16")


@pytest.mark.parametrize("kind", LAYERS)
def test_arrays_of_ml_dtypes_are_taken(kind: str) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    layer, x = rounding(kind), given(kind)
    rounded = x if x.dtype.kind == "i" else x.astype(bfloat16)
    np.testing.assert_array_equal(output(layer, rounded), output(layer, x))  # which rounds x anyhow
    layer.vjp(rounded)
    layer.load_state_dict({name: value.astype(bfloat16) for name, value in layer.state_dict().items()})
    assert {value.dtype.name for value in layer.state_dict().values()} == {"float32"}
    assert fl.Linear(3, 4, dtype=bfloat16).precision == "bfloat16"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_streams_take_arrays_of_ml_dtypes(dtype: str) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    layer, x = fl.LSTM(I, H, dtype=dtype, seed=1), given("lstm").astype(bfloat16)
    wanted = layer(x)[0]
    stream, out = layer.stream(4), np.empty((4, H), np.float32)
    np.testing.assert_array_equal([stream.step(x_t, out).copy() for x_t in x], wanted)
    single, net = layer.stream(), fl.Chain(layer=layer).stream()
    np.testing.assert_array_equal([single.step(x_t) for x_t in x[:, 0]], wanted[:, 0])
    np.testing.assert_array_equal([net.step(x_t) for x_t in x[:, 0]], wanted[:, 0])
    many = [layer.stream() for _ in range(4)]
    np.testing.assert_array_equal([fl.step_many(many, x_t) for x_t in x], wanted)


def test_arrays_of_ml_dtypes_are_refused_in_float64() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    with pytest.raises(TypeError, match="x must have dtype float64"):
        fl.Linear(3, 4, dtype="float64")(np.ones((2, 3), bfloat16))
    with pytest.raises(TypeError, match="x must have dtype float64"):
        fl.GRU(3, 4, dtype="float64").stream().step(np.ones(3, bfloat16))


def test_an_array_of_half_precision_is_no_bfloat16() -> None:
    with pytest.raises(TypeError, match="x must have dtype float32, got float16"):
        fl.GRU(3, 4).stream().step(np.ones(3, "float16"))


REFUSED: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "dtype": (
        TypeError,
        "dtype must be 'float32', 'float64' or 'bfloat16', got 'float16'",
        lambda: fl.Embedding(3, 4, dtype="float16"),
    ),
    "no dtype": (TypeError, "dtype must be 'float32', 'float64' or 'bf", lambda: fl.LSTM(3, 4, dtype=16)),
    "what has no products": (
        TypeError,
        "dtype must be 'float32' or 'float64', got 'bfloat16'",
        lambda: fl.LayerNorm(3, dtype="bfloat16"),
    ),
    "again": (
        ValueError,
        r"LSTM: precision must be float32 for quantize\(\), got bfloat16: it is quantized already",
        lambda: fl.LSTM(3, 4, dtype="bfloat16").quantize("bfloat16"),
    ),
    "activations": (
        ValueError,
        "activations must be 'bfloat16', got 'int8'",
        lambda: fl.LSTM(3, 4).quantize("bfloat16", "int8"),
    ),
    "doubles": (
        TypeError,
        "GRU: dtype must have dtype float32 to be quantized, got float64",
        lambda: fl.GRU(3, 4, dtype="float64").quantize("bfloat16"),
    ),
    "another dtype of x": (
        TypeError,
        "x must have dtype float32, that of the layer, got float64",
        lambda: fl.LSTM(3, 4, dtype="bfloat16")(np.ones((2, 1, 3))),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    error, message, call = REFUSED[case]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("arguments", [{"dtype": "float64"}, {"dtype": "bfloat16"}])
def test_a_file_of_a_dtype_and_another_precision_is_refused(
    arguments: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    layer = LAYERS["embedding"]()
    layer.quantize("int8")
    said = fl.Embedding._description(layer)
    monkeypatch.setattr(layer, "_description", lambda: said | {"arguments": said["arguments"] | arguments})
    layer.save(tmp_path / "layer")
    with pytest.raises((ValueError, TypeError), match=r"dtype must (have dtype float32|be 'float32' for the pre)"):
        fl.load(tmp_path / "layer")


def test_config_says_how_each_precision_runs(isa: str) -> None:
    for name in precisions.NAMES:
        said = fl.config()[f"products {name}"]
        assert said.startswith(_core.kernel_description(name))
        assert said.endswith("(emulated)") == precisions.is_emulated(name)
    assert not precisions.is_emulated("int8")
    assert precisions.is_emulated("bfloat16") or isa not in ("avx2", "baseline")


def test_config_says_what_a_build_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precisions, "NAMES", ("int4",))  # which the core refuses as it does what a build has not
    assert fl.config()["products int4"] == "none in this build"


ASKING: dict[str, Callable[[], Any]] = {
    "dtype": lambda: fl.LSTM(3, 4, dtype="bfloat16"),
    "cell": lambda: fl.GRUCell(3, 4, dtype="bfloat16"),
    "linear": lambda: fl.Linear(3, 4, dtype="bfloat16"),
    "quantize": lambda: fl.LSTM(3, 4).quantize("bfloat16"),
    "Keras dense": lambda: keras.layers.Dense(3, dtype="mixed_bfloat16")(np.ones((1, 2), "f")),
    "Keras LSTM": lambda: keras.layers.LSTM(3, dtype="mixed_bfloat16")(np.ones((1, 2, 2), "f")),
}


@pytest.mark.parametrize("case", ASKING)
def test_what_is_emulated_is_said_once(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precisions, "_told", set())
    monkeypatch.setattr(precisions, "is_emulated", lambda precision: precision == "bfloat16")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fl.LSTM(3, 4).quantize("int8")
        assert not caught
        for ask in (ASKING[case], *ASKING.values()):
            ask()
    assert [warning.category for warning in caught] == [fl.EmulatedPrecisionWarning]
    assert re.search("bfloat16 is emulated: .*: use float32, or int8 for inference", str(caught[0].message))
    assert caught[0].filename == __file__


def test_what_is_not_emulated_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precisions, "_told", set())
    monkeypatch.setattr(precisions, "is_emulated", lambda precision: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ASKING["dtype"]()


# The largest errors that the page states, over 100 steps with H=32, and a half more for other numbers.
@pytest.mark.parametrize(("cls", "largest"), [(fl.LSTM, 3.2e-3), (fl.GRU, 5.1e-3), (fl.RNN, 7.8e-3)])
def test_errors_are_those_that_the_page_states(cls: Any, largest: float) -> None:
    layer = cls(32, 32, dtype="bfloat16", seed=5)
    full = cls.from_state_dict(layer.state_dict(), dtype="float64")
    x = np.random.default_rng(5).standard_normal((100, 16, 32)).astype(np.float32)
    errors = np.abs(layer(x)[0] - full(x.astype(np.float64))[0])
    assert largest / 3 < errors.max() < 1.5 * largest
