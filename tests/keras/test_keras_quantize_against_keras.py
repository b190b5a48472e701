"""Quantized ``Dense`` and ``Embedding`` against Keras: numbers, weights, files in both directions."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")
# What Keras itself does with NumPy 2 where it quantizes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# Keras adds 1e-7 to the largest magnitude of a row before it divides by it. Where that moves a number over a half, it
# rounds to the next whole number: a 127th of the largest input of that row, times a weight.
ONE_MORE = 1 / 127


def model_of(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((None,)), layers.Embedding(20, 6), layers.Dense(7, activation="tanh"), layers.Dense(3)]
    )


@pytest.fixture
def models() -> Any:
    wanted, found = model_of(theirs), model_of(ours)
    found.set_weights(wanted.get_weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted.quantize("int8")
    found.quantize("int8")
    return wanted, found


def indices() -> Any:
    return np.random.default_rng(0).integers(0, 20, (4, 7))


def test_weights_have_the_same_bits_names_and_order(models: Any) -> None:
    wanted, found = models
    assert [v.name for v in found.weights] == [v.name for v in wanted.weights]
    for one, other in zip(found.get_weights(), wanted.get_weights(), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_rows_of_a_table_have_the_same_bits(models: Any) -> None:
    wanted, found = models
    np.testing.assert_array_equal(found.layers[0](indices()), np.asarray(wanted.layers[0](indices())))


@pytest.mark.parametrize("size", [1e-3, 1, 100])
def test_outputs_are_those_of_keras(size: float) -> None:
    wanted, found = theirs.layers.Dense(5), ours.layers.Dense(5)
    for layer in (wanted, found):
        layer.build((None, 8))
        layer.quantize("int8")
    found.set_weights(wanted.get_weights())
    x = (np.random.default_rng(1).standard_normal((200, 8)) * size).astype(np.float32)
    y, y_wanted = found(x), np.asarray(wanted(x))
    largest = np.abs(x).max() * np.abs(found.kernel.value / found.kernel_scale.value).max()
    assert np.abs(y - y_wanted).max() <= ONE_MORE * largest
    if size >= 1:  # what is added is nothing beside larger inputs
        assert np.mean(np.abs(y - y_wanted) > 1e-5 * largest) < 0.05


def test_files_of_keras_are_read_here(models: Any, tmp_path: Path) -> None:
    wanted, found = models
    wanted.save(tmp_path / "m.keras")
    loaded = ours.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(indices(), verbose=0), found.predict(indices(), verbose=0))
    assert [layer.precision for layer in loaded.layers] == ["int8"] * 3


def test_files_of_ours_are_read_by_keras(models: Any, tmp_path: Path) -> None:
    wanted, found = models
    found.save(tmp_path / "m.keras")
    loaded = theirs.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(indices(), verbose=0), wanted.predict(indices(), verbose=0))
    assert loaded.layers[-1].dtype_policy.name == "int8_from_float32"


def test_activations_of_16_bits_are_floats_in_keras(tmp_path: Path) -> None:
    found = model_of(ours)
    found.quantize("int8", activations="int16")
    found.save(tmp_path / "m.keras")
    wanted = theirs.models.load_model(tmp_path / "m.keras")
    assert wanted.layers[-1].inputs_quantizer is None
    y, y_wanted = found.predict(indices(), verbose=0), wanted.predict(indices(), verbose=0)
    np.testing.assert_allclose(y, y_wanted, rtol=0, atol=1e-4 * np.abs(y_wanted).max())
    wanted.save(tmp_path / "back.keras")
    loaded = ours.models.load_model(tmp_path / "back.keras")
    assert loaded.layers[-1].precision == "int8_int16"
    np.testing.assert_array_equal(loaded.predict(indices(), verbose=0), y)


@pytest.mark.parametrize(
    ("equation", "output", "bias", "shape"),
    [
        ("abc,cd->abd", (None, 6), "d", (5, 4)),
        ("abc,cde->abde", (None, 2, 3), "de", (5, 4)),
        ("abcd,cde->abe", (None, 6), "e", (5, 2, 4)),
        ("abc,dc->abd", (None, 6), None, (5, 4)),
        ("ab,bcd->adc", (3, 2), "d", (4,)),
        ("abc,ced->abde", (None, 3, 2), "de", (5, 4)),
    ],
)
def test_equations_are_those_of_keras(equation: str, output: Any, bias: Any, shape: Any, tmp_path: Path) -> None:
    made = [
        keras.Sequential([keras.Input(shape), keras.layers.EinsumDense(equation, output, bias_axes=bias)])
        for keras in (theirs, ours)
    ]
    made[1].set_weights(made[0].get_weights())
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in made:
            model.quantize("int8")
    for one, other in zip(made[1].get_weights(), made[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    y_wanted, y = (model.predict(x, verbose=0) for model in made)
    np.testing.assert_allclose(y, y_wanted, rtol=0, atol=1e-6)
    made[0].save(tmp_path / "theirs.keras")
    made[1].save(tmp_path / "ours.keras")
    np.testing.assert_array_equal(ours.models.load_model(tmp_path / "theirs.keras").predict(x, verbose=0), y)
    np.testing.assert_array_equal(theirs.models.load_model(tmp_path / "ours.keras").predict(x, verbose=0), y_wanted)
