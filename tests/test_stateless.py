"""Layers without a state: shapes, gradients, names and what they refuse. PyTorch's numbers: test_like_pytorch.py."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastlstm as fl

LAYERS: dict[str, Callable[[Any], Any]] = {
    "Linear": lambda dtype: fl.Linear(5, 3, dtype=dtype, seed=0),
    "Linear without bias": lambda dtype: fl.Linear(5, 3, bias=False, dtype=dtype, seed=0),
    "LayerNorm": lambda dtype: fl.LayerNorm(5, dtype=dtype),
    "LayerNorm of two axes": lambda dtype: fl.LayerNorm((4, 5), eps=0.1, dtype=dtype),
    "LayerNorm without bias": lambda dtype: fl.LayerNorm(5, bias=False, dtype=dtype),
    "LayerNorm without weight": lambda dtype: fl.LayerNorm(5, elementwise_affine=False, dtype=dtype),
    "BatchNorm1d": lambda dtype: fl.BatchNorm1d(4, dtype=dtype),
    "BatchNorm1d without weight": lambda dtype: fl.BatchNorm1d(4, eps=0.1, affine=False, dtype=dtype),
    "ReLU": lambda dtype: fl.ReLU(),
    "LeakyReLU": lambda dtype: fl.LeakyReLU(0.3),
    "Sigmoid": lambda dtype: fl.Sigmoid(),
    "Tanh": lambda dtype: fl.Tanh(),
    "Softmax": lambda dtype: fl.Softmax(),
    "Softmax over rows": lambda dtype: fl.Softmax(dim=0),
    "LogSoftmax": lambda dtype: fl.LogSoftmax(),
    "LogSoftmax over axis 1": lambda dtype: fl.LogSoftmax(dim=1),
    "Dropout": lambda dtype: fl.Dropout(0.0),
}


def draw(*shape: int, dtype: Any = "float64") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def made(name: str, dtype: Any = "float64") -> Any:
    """Return a layer of which no array is all zeros or ones."""
    layer = LAYERS[name](dtype)
    rng = np.random.default_rng(3)
    drawn = {key: rng.uniform(0.5, 2, value.shape) for key, value in layer.state_dict().items()}
    counter = {"num_batches_tracked": np.array(3)} if "num_batches_tracked" in drawn else {}
    layer.load_state_dict(drawn | counter)
    return layer


@pytest.mark.parametrize("name", LAYERS)
def test_central_differences(name: str) -> None:
    layer, x, step = made(name), draw(3, 4, 5), 1e-6
    y, pullback = layer.vjp(x)
    np.testing.assert_array_equal(y, layer(x))
    dy = draw(*y.shape)
    gradients = pullback(dy)
    assert gradients.state is None

    def assert_slope(gradient: Any, way: Any, up: Any, down: Any) -> None:
        # truncation is of order step^2, rounding 1e-16 * |scalar| / step
        np.testing.assert_allclose(np.sum(gradient * way), np.sum((up - down) * dy) / (2 * step), rtol=1e-6, atol=1e-8)

    way = draw(*x.shape) + 0.1
    assert_slope(gradients.x, way, layer(x + step * way), layer(x - step * way))
    arrays = layer.state_dict()
    assert list(gradients.parameters) == [key for key, _ in layer.named_parameters()]
    for key, gradient in gradients.parameters.items():
        way, found = draw(*gradient.shape), []
        for sign in (step, -step):
            layer.load_state_dict({**arrays, key: arrays[key] + sign * way})
            found.append(layer(x))
        assert_slope(gradient, way, *found)
    np.testing.assert_array_equal(pullback(dy).x, gradients.x)


def test_central_differences_of_a_table() -> None:
    table, x = fl.Embedding(6, 3, padding_idx=-1, dtype="float64", seed=0), np.array([[0, 2, 2], [5, 4, 0]])
    assert table.padding_idx == 5
    assert not table.state_dict()["weight"][5].any()
    y, pullback = table.vjp(x)
    dy = draw(*y.shape)
    gradients = pullback(dy)
    wanted = np.zeros((6, 3))
    for index, row in zip(x.ravel(), dy.reshape(-1, 3), strict=True):
        wanted[index] += row
    wanted[5] = 0
    np.testing.assert_allclose(gradients.parameters["weight"], wanted, rtol=1e-15)
    assert gradients.x is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_bits_do_not_depend_on_memory_or_on_other_rows(name: str, dtype: str) -> None:
    layer, x = made(name, dtype), draw(3, 4, 5, dtype=dtype)
    y = layer(x)
    assert y.dtype == dtype
    for other in (
        np.asfortranarray(x),
        x.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        x.astype(x.dtype.newbyteorder()),
    ):
        np.testing.assert_array_equal(layer(other), y)
        np.testing.assert_array_equal(layer.vjp(other)[0], y)
    if "axis" not in name and "rows" not in name:
        np.testing.assert_array_equal(layer(x[1:2]), y[1:2])
        np.testing.assert_array_equal(layer(x[:0]), y[:0])
        assert layer.vjp(x[:0])[1](y[:0]).x.shape == (0, 4, 5)
    before = x.copy()
    layer.vjp(x)[1](y)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_come_back_from_files(tmp_path: Path, name: str) -> None:
    layer, x = made(name), draw(3, 4, 5)
    layer.save(tmp_path / "a")
    for found in (fl.load(tmp_path / "a"), pickle.loads(pickle.dumps(layer))):
        assert type(found) is type(layer)
        np.testing.assert_array_equal(found(x), layer(x))
        assert {key: value.tobytes() for key, value in found.state_dict().items()} == {
            key: value.tobytes() for key, value in layer.state_dict().items()
        }


SIZED = {
    "Linear": {"in_features": 5, "out_features": 3, "bias": True},
    "Linear without bias": {"in_features": 5, "out_features": 3, "bias": False},
    "LayerNorm of two axes": {"normalized_shape": (4, 5), "elementwise_affine": True, "bias": True},
    "LayerNorm without bias": {"normalized_shape": (5,), "elementwise_affine": True, "bias": False},
    "BatchNorm1d": {"num_features": 4, "affine": True},
    "BatchNorm1d without weight": {"num_features": 4, "affine": False},
    "Tanh": {},
}


@pytest.mark.parametrize("name", SIZED)
def test_sizes_follow_from_names_and_shapes(name: str) -> None:
    layer = made(name)
    net = {f"net.{key}": value for key, value in layer.state_dict().items()} | {"other": np.ones(2)}
    found = type(layer).from_state_dict(net, "net.")
    assert {argument: getattr(found, argument) for argument in SIZED[name]} == SIZED[name]
    assert getattr(found, "dtype", np.float64) == np.float64
    half = {key: value.astype("float16") for key, value in layer.state_dict().items() if value.dtype.kind == "f"}
    counter = {key: value for key, value in layer.state_dict().items() if value.dtype.kind != "f"}
    assert getattr(type(layer).from_state_dict(half | counter), "dtype", np.float32) == np.float32


def test_names_that_do_not_fit() -> None:
    weight = np.ones((3, 5))
    with pytest.raises(ValueError, match=re.escape("mapping must have 'fc.weight', got the names ['weight']; prefix=")):
        fl.Linear.from_state_dict({"weight": weight}, "fc.")
    with pytest.raises(ValueError, match=re.escape("Linear: mapping must have the names of this layer's state_dict")):
        fl.Linear.from_state_dict({"weight": weight, "scale": weight})
    with pytest.raises(ValueError, match=re.escape("Embedding: weight must have shape (rows, columns), at least one")):
        fl.Embedding.from_state_dict({"weight": np.ones((0, 3))})
    with pytest.raises(ValueError, match="mapping must have 'running_mean', got the names"):
        fl.BatchNorm1d.from_state_dict({"weight": np.ones(3)})
    with pytest.raises(ValueError, match=re.escape("unknown=['weight']")):
        fl.ReLU.from_state_dict({"weight": weight})
    with pytest.raises(ValueError, match="Linear: argument must be 'dtype' or 'seed', got 'in_features'"):
        fl.Linear.from_state_dict({"weight": weight}, in_features=5)
    state = fl.BatchNorm1d(3).state_dict()
    with pytest.raises(TypeError, match="num_batches_tracked must be an array of whole numbers, got dtype float64"):
        fl.BatchNorm1d.from_state_dict({**state, "num_batches_tracked": 1.5})
    with pytest.raises(ValueError, match=re.escape("running_var must have shape (3,), got (2,)")):
        fl.BatchNorm1d.from_state_dict({**state, "running_var": np.ones(2)})


X = np.zeros((3, 4, 5), "float32")
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "columns": (lambda: fl.Linear(4, 3)(X), ValueError, "x must have shape (..., 4), got (3, 4, 5)"),
    "scalar": (lambda: fl.Linear(4, 3)(X[0, 0, 0]), TypeError, "x must be a NumPy array of float32, got float32"),
    "dtype": (lambda: fl.Linear(5, 3)(X.astype(float)), TypeError, "x must have dtype float32, that of the layer, got"),
    "list": (lambda: fl.Tanh()([1.0]), TypeError, "x must be a NumPy array of float32 or float64, got list"),
    "half": (lambda: fl.ReLU()(X.astype("e")), TypeError, "x must have dtype float32 or float64, got float16"),
    "whole": (lambda: fl.ReLU()(X.astype(int)), TypeError, "x must have dtype float32 or float64, got int64"),
    "last axes": (lambda: fl.LayerNorm((3, 5))(X), ValueError, "x must have shape (..., 3, 5), got (3, 4, 5)"),
    "axis 1": (lambda: fl.BatchNorm1d(5)(X), ValueError, "x must have shape (N, 5) or (N, 5, L), got (3, 4, 5)"),
    "axes": (lambda: fl.BatchNorm1d(5)(X[0, 0]), ValueError, "x must have shape (N, 5) or (N, 5, L), got (5,)"),
    "dim": (lambda: fl.Softmax(3)(X), ValueError, "x must have an axis 3, the dim of the layer, got shape (3, 4, 5)"),
    "indices": (lambda: fl.Embedding(4, 3)([4]), ValueError, "x must hold whole numbers from 0 to 3, got 4"),
    "negative": (lambda: fl.Embedding(4, 3)([-1]), ValueError, "x must hold whole numbers from 0 to 3, got -1"),
    "floats": (lambda: fl.Embedding(4, 3)([1.0]), TypeError, "x must be an array of whole numbers, got dtype float64"),
    "padding": (lambda: fl.Embedding(4, 3, 4), ValueError, "padding_idx must be a whole number from -4 to 3, got 4"),
    "no axes": (
        lambda: fl.LayerNorm(()),
        ValueError,
        "normalized_shape must be a whole number or a list of them",
    ),
    "dy": (lambda: fl.Tanh().vjp(X)[1](X[0]), ValueError, "dy must have shape (3, 4, 5), got (4, 5)"),
    "dtype of dy": (lambda: fl.Tanh().vjp(X)[1](X.astype(float)), TypeError, "dy must have dtype float32"),
    "memory": (
        lambda: fl.Embedding(2**31 - 1, 2**31 - 1),
        MemoryError,
        "num_embeddings and embedding_dim must be",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case: str) -> None:
    call, error, message = WRONG[case]
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_initial_arrays() -> None:
    weight, bias = fl.Linear(100, 40, seed=1).state_dict().values()
    assert 0.09 < np.abs(weight).max() <= 0.1
    assert 0.05 < np.abs(bias).max() <= 0.1
    table = fl.Embedding(200, 50, seed=1).state_dict()["weight"]
    assert abs(table.std() - 1) < 0.05
    np.testing.assert_array_equal(fl.Linear(100, 40, seed=1).state_dict()["weight"], weight)
    assert not np.array_equal(fl.Linear(100, 40, seed=2).state_dict()["weight"], weight)
    assert fl.LayerNorm(3).state_dict()["weight"].tolist() == [1, 1, 1]
    assert fl.BatchNorm1d(3).state_dict()["running_var"].tolist() == [1, 1, 1]


def test_numbers_without_bounds() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -0.0])
    np.testing.assert_array_equal(fl.ReLU()(x), [np.nan, np.inf, 0, 0])
    np.testing.assert_array_equal(fl.LeakyReLU(0.5)(x), [np.nan, np.inf, -np.inf, 0])
    np.testing.assert_array_equal(fl.Softmax()(x[2:]), [0, 1])
    assert np.isnan(fl.Softmax()(x[2:3])).all()
    np.testing.assert_allclose(fl.LogSoftmax()(np.array([1000.0, 0, -1000])), [0, -1000, -2000])
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(fl.Softmax()(np.array([1e308, -1e308])), [1, 0])
        assert np.isnan(fl.LayerNorm(2, dtype="float64")(np.array([np.inf, 0]))).all()


def test_dropout() -> None:
    x = np.ones((100, 100), "float32")
    layer = fl.Dropout(0.25, seed=3)
    assert layer(x) is not None
    np.testing.assert_array_equal(layer(x), x)
    y, pullback = layer.vjp(x)
    assert abs((y == 0).mean() - 0.25) < 0.02
    np.testing.assert_array_equal(y[y != 0], np.float32(1 / 0.75))
    np.testing.assert_array_equal(pullback(x).x, y)
    assert not np.array_equal(layer.vjp(x)[0], y)
    np.testing.assert_array_equal(fl.Dropout(0.25, seed=3).vjp(x)[0], y)
    assert not fl.Dropout(1.0).vjp(x)[0].any()


@given(st.integers(0, 5), st.integers(1, 40), st.integers(1, 20), st.sampled_from(["float32", "float64"]))
def test_a_linear_layer_is_a_product(rows: int, inputs: int, outputs: int, dtype: str) -> None:
    layer, x = fl.Linear(inputs, outputs, dtype=dtype, seed=0), draw(rows, inputs, dtype=dtype)
    weight, bias = layer.state_dict().values()
    close = 1e-5 if dtype == "float32" else 1e-13  # sums of up to 40 products of numbers around 1
    np.testing.assert_allclose(layer(x), x @ weight.T + bias, rtol=0, atol=close)
    for k in range(rows):
        np.testing.assert_array_equal(layer(x[k]), layer(x)[k])
