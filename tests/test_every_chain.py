"""Chains drawn at random are their layers called one after the other: values, gradients, streams and files."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seeds import FIXED, FRESH

import fastlstm as fl

COUNT = 40


def drawn_recurrent(rng: np.random.Generator, size: int, common: dict[str, Any]) -> Any:
    """A recurrent layer that takes `size` numbers."""
    kind, H = (fl.LSTM, fl.GRU, fl.RNN)[rng.integers(3)], int(rng.integers(2, 9))
    options: dict[str, Any] = {"num_layers": int(rng.integers(1, 3)), "bias": bool(rng.integers(2)), **common}
    if kind is fl.LSTM and rng.integers(3) == 0:
        options["proj_size"] = int(rng.integers(1, H))
    if kind is fl.RNN and rng.integers(2):
        options["nonlinearity"] = "relu"
    return kind(size, H, bidirectional=bool(rng.integers(3) == 0), seed=int(rng.integers(99)), **options)


def drawn_function(rng: np.random.Generator, size: int, dtype: str) -> Any:
    """A layer without a state that takes `size` numbers."""
    return [
        lambda: fl.Linear(size, int(rng.integers(1, 9)), bias=bool(rng.integers(2)), dtype=dtype, seed=1),
        lambda: fl.LayerNorm(size, dtype=dtype),
        lambda: fl.LeakyReLU(0.3),
        lambda: fl.Tanh(),
        lambda: fl.Softmax(),
        lambda: fl.Dropout(0.0),
    ][rng.integers(6)]()


def size_behind(layer: Any, size: int) -> int:
    if isinstance(layer, fl.Linear):
        return layer.out_features
    return (layer.proj_size or layer.hidden_size) * layer.num_directions if hasattr(layer, "proj_size") else size


def drawn(rng: np.random.Generator) -> tuple[list[Any], int, str, bool]:
    """Layers in order, the size of the input, dtype and `batch_first`."""
    dtype, first = ("float32", "float64")[rng.integers(2)], bool(rng.integers(2))
    size = inputs = int(rng.integers(1, 6))
    layers: list[Any] = []
    for _ in range(rng.integers(1, 6)):
        is_recurrent = rng.integers(2)
        common = {"dtype": dtype, "batch_first": first}
        layers.append(drawn_recurrent(rng, size, common) if is_recurrent else drawn_function(rng, size, dtype))
        size = size_behind(layers[-1], size)
    layers.append(drawn_recurrent(rng, size, {"dtype": dtype, "batch_first": first}))
    pools = [fl.FinalHidden, fl.LastValidStep, fl.MeanOverTime, fl.MaxOverTime, None]
    pool = pools[rng.integers(5)]
    if pool is not None:
        layers.append(pool())
    layers.append(fl.Linear(size_behind(layers[-2 if pool else -1], size), 3, dtype=dtype, seed=2))
    return layers, inputs, dtype, first


def one_after_the_other(layers: list[Any], x: Any, lengths: Any, first: bool) -> Any:
    """What a chain gives, by hand."""
    h: Any = None
    for layer in layers:
        steps = x if first or x.ndim == 2 else x.swapaxes(0, 1)
        ends = np.full(len(steps), steps.shape[1]) if lengths is None else np.asarray(lengths)
        if hasattr(layer, "num_layers"):
            x, state = layer(x, None, lengths)
            h = state[0] if isinstance(state, tuple) else state
            D = layer.num_directions
        elif isinstance(layer, fl.FinalHidden):
            x = np.concatenate(list(h[-D:]), -1)
        elif isinstance(layer, fl.LastValidStep | fl.MeanOverTime | fl.MaxOverTime):
            x = np.stack([taken(layer, row[:end]) for row, end in zip(steps, ends, strict=True)])
        else:
            x = layer(x)
    return x


def taken(layer: Any, row: Any) -> Any:
    if len(row) == 0:
        return np.zeros(row.shape[1], row.dtype)
    if isinstance(layer, fl.LastValidStep):
        return row[-1]
    return row.mean(0) if isinstance(layer, fl.MeanOverTime) else row.max(0)


@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
def test_drawn_chains(seed: int, tmp_path: Path) -> None:
    print(f"FASTLSTM_TEST_SEED={seed}")
    rng = np.random.default_rng(seed)
    for _ in range(COUNT):
        layers, inputs, dtype, first = drawn(rng)
        net = fl.Chain(*layers)
        # shifts of 0 would leave rows without a step where a rectifier has its kink
        values = net.state_dict().items()
        net.load_state_dict({name: value + 0.1 * rng.standard_normal(value.shape) for name, value in values})
        T, N = int(rng.integers(1, 6)), int(rng.integers(1, 4))
        x = rng.standard_normal((N, T, inputs) if first else (T, N, inputs)).astype(dtype)
        lengths = rng.integers(0, T + 1, N) if rng.integers(2) else None
        y, final = net(x, None, lengths)
        wanted = one_after_the_other(layers, x, lengths, first)
        close = 1e-5 if dtype == "float32" else 1e-13  # a mean in another order, and a product of it
        np.testing.assert_allclose(y, wanted, rtol=0, atol=close, err_msg=repr(net))
        check_training(net, x, lengths, y, rng)
        check_stream(net, x, lengths, y, final, first)
        net.save(tmp_path / "net")
        np.testing.assert_array_equal(fl.load(tmp_path / "net")(x, None, lengths)[0], y)
        np.testing.assert_array_equal(copy.deepcopy(net)(x, None, lengths)[0], y)


def check_training(net: Any, x: Any, lengths: Any, y: Any, rng: np.random.Generator) -> None:
    """The outputs of training, and the slope along one direction of all parameters."""
    (y_trained, _), pullback = net.vjp(x, None, lengths)
    np.testing.assert_array_equal(y_trained, y)
    if y.dtype == np.float32:
        return
    dy, arrays = rng.standard_normal(y.shape), net.state_dict()
    gradients = pullback(dy).parameters
    way = {name: rng.standard_normal(value.shape) for name, value in arrays.items()}
    values = []
    for step in (1e-7, -1e-7):
        net.load_state_dict({name: value + step * way[name] for name, value in arrays.items()})
        values.append(float(np.sum(net(x, None, lengths)[0] * dy)))
    net.load_state_dict(arrays)
    slope = sum(float(np.sum(gradients[name] * way[name])) for name in arrays)
    # rounding is 1e-16 * |scalar| / step
    np.testing.assert_allclose(slope, (values[0] - values[1]) / 2e-7, rtol=1e-4, atol=1e-5)


def check_stream(net: Any, x: Any, lengths: Any, y: Any, final: Any, first: bool) -> None:
    """Steps have the bits of the whole, where there are steps."""
    try:
        stream = net.stream(x.shape[0 if first else 1])
    except ValueError:
        return
    if lengths is not None:
        return
    steps = [stream.step(x_t) for x_t in (x.swapaxes(0, 1) if first else x)]
    np.testing.assert_array_equal(np.stack(steps, 1 if first else 0), y)
    assert str(stream.state) == str(final)
