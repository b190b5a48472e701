"""Cells: steps with the bits of layers, gradients, names and what they refuse."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastlstm as fl

CELLS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "LSTMCell": (fl.LSTMCell, fl.LSTM, {}),
    "GRUCell": (fl.GRUCell, fl.GRU, {}),
    "RNNCell": (fl.RNNCell, fl.RNN, {}),
    "RNNCell, relu, no bias": (fl.RNNCell, fl.RNN, {"nonlinearity": "relu", "bias": False}),
}


def draw(*shape: int, dtype: Any = "float64") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def pair(name: str, dtype: str = "float64") -> tuple[Any, Any]:
    """Return a cell, and a layer with its parameters."""
    kind, layer, options = CELLS[name]
    cell = kind(3, 5, dtype=dtype, seed=0, **options)
    extra = {"nonlinearity": options["nonlinearity"]} if "nonlinearity" in options else {}
    arrays = {f"{key}_l0": value for key, value in cell.state_dict().items()}
    return cell, layer.from_state_dict(arrays, **extra)


def tuple_of(state: Any) -> tuple[Any, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELLS)
def test_steps_have_the_bits_of_a_layer(name: str, dtype: str) -> None:
    cell, layer = pair(name, dtype)
    x = draw(6, 4, 3, dtype=dtype)
    y, final = layer(x)
    state = None
    for x_t, wanted in zip(x, y, strict=True):
        state = cell(x_t, state)
        np.testing.assert_array_equal(tuple_of(state)[0], wanted)
    for part, wanted in zip(tuple_of(state), tuple_of(final), strict=True):
        np.testing.assert_array_equal(part, wanted[0])
    np.testing.assert_array_equal(tuple_of(cell(x[1], hx=cell(x[0])))[0], y[1])
    one = cell(x[1, 0], hx=cell(x[0, 0]))
    np.testing.assert_array_equal(tuple_of(one)[0], y[1, 0])
    assert tuple_of(cell(x[0, :0]))[0].shape == (0, 5)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_central_differences(name: str, one: bool) -> None:
    cell, _ = pair(name)
    rows = () if one else (4,)
    x, step = draw(*rows, 3), 1e-6
    start = tuple(draw(*rows, 5) / (k + 1) for k in range(cell._states))

    def form(parts: Any) -> Any:
        return tuple(parts) if cell._states == 2 else parts[0]

    state, pullback = cell.vjp(x, form(start))
    dstate = tuple(draw(*part.shape) + 1 for part in tuple_of(state))
    gradients = pullback(form(dstate))

    def scalar(x: Any, start: Any) -> float:
        return sum(float(np.sum(a * b)) for a, b in zip(tuple_of(cell(x, form(start))), dstate, strict=True))

    def assert_slope(gradient: Any, way: Any, up: float, down: float) -> None:
        # truncation is of order step^2, rounding 1e-16 * |scalar| / step
        np.testing.assert_allclose(np.sum(gradient * way), (up - down) / (2 * step), rtol=1e-6, atol=1e-8)

    way = draw(*x.shape)
    assert_slope(gradients.x, way, scalar(x + step * way, start), scalar(x - step * way, start))
    for k in range(cell._states):
        way = draw(*rows, 5)
        up, down = ([part + sign * way * (j == k) for j, part in enumerate(start)] for sign in (step, -step))
        assert_slope(tuple_of(gradients.state)[k], way, scalar(x, up), scalar(x, down))
    arrays = cell.state_dict()
    assert list(gradients.parameters) == list(arrays)
    for key, value in arrays.items():
        way, found = draw(*value.shape), []
        for sign in (step, -step):
            cell.load_state_dict({**arrays, key: value + sign * way})
            found.append(scalar(x, start))
        assert_slope(gradients.parameters[key], way, found[0], found[1])


def test_a_loop_of_cells_learns_as_a_layer_does() -> None:
    """Gradients through a loop by hand are those of the layer."""
    cell, layer = pair("LSTMCell")
    x, dy = draw(5, 2, 3), draw(5, 2, 5)
    state, pullbacks = None, []
    for x_t in x:
        state, pullback = cell.vjp(x_t, state)
        pullbacks.append(pullback)
    total = {key: np.zeros_like(value) for key, value in cell.state_dict().items()}
    dh, dc = np.zeros((2, 5)), np.zeros((2, 5))
    for pullback, dy_t in zip(pullbacks[::-1], dy[::-1], strict=True):
        gradients = pullback((dh + dy_t, dc))
        dh, dc = gradients.state
        total = {key: value + gradients.parameters[key] for key, value in total.items()}
    wanted = layer.vjp(x)[1](dy).parameters
    for key, value in total.items():
        np.testing.assert_allclose(value, wanted[f"{key}_l0"], rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", CELLS)
def test_names_sizes_and_files(tmp_path: Path, name: str) -> None:
    cell, _ = pair(name)
    kind, _, options = CELLS[name]
    told = {key: value for key, value in options.items() if key != "bias"}
    found = kind.from_state_dict({f"cell.{key}": value for key, value in cell.state_dict().items()}, "cell.", **told)
    assert (found.input_size, found.hidden_size, found.bias) == (3, 5, options.get("bias", True))
    cell.save(tmp_path / "cell")
    x = draw(4, 3)
    for other in (found, fl.load(tmp_path / "cell"), pickle.loads(pickle.dumps(cell))):
        np.testing.assert_array_equal(tuple_of(other(x))[0], tuple_of(cell(x))[0])
    assert sum(value.size for value in cell.parameters()) == sum(value.size for value in cell.state_dict().values())


def test_wrong_arguments() -> None:
    cell, x, h = fl.LSTMCell(3, 5), np.zeros((4, 3), "float32"), np.zeros((4, 5), "float32")
    wrong: list[tuple[Any, type[Exception], str]] = [
        (lambda: cell(x[..., :2]), ValueError, "x must have shape (N, 3) or (3,), got (4, 2)"),
        (lambda: cell(x[None]), ValueError, "x must have shape (N, 3) or (3,), got (1, 4, 3)"),
        (lambda: cell(x.astype(float)), TypeError, "x must have dtype float32, that of the layer, got float64"),
        (lambda: cell(x, h), TypeError, "state must be a pair of arrays (h, c), got ndarray"),
        (lambda: cell(x, (h, h[:1])), ValueError, "state[1] must have shape (4, 5), got (1, 5)"),
        (lambda: cell(x, (h[0], h[0])), ValueError, "state[0] must have shape (4, 5), got (5,)"),
        (lambda: cell(x, (h, h), hx=(h, h)), ValueError, "state must be left out where hx is given"),
        (lambda: cell.vjp(x)[1](None), TypeError, "dstate must be the gradient of the state, got None"),
        (lambda: cell.vjp(x)[1](h), TypeError, "dstate must be a pair of arrays (h, c), got ndarray"),
        (lambda: fl.GRUCell(3, 5)(x, h[:, :4]), ValueError, "state must have shape (4, 5), got (4, 4)"),
        (lambda: fl.GRUCell(3, 0), ValueError, "hidden_size must be a whole number from 1 to 2147483647, got 0"),
        (lambda: fl.GRUCell(2**31 - 1, 2**31 - 1), MemoryError, "input_size and hidden_size must be smaller"),
        (lambda: fl.RNNCell(3, 5, nonlinearity="x"), ValueError, "nonlinearity must be 'tanh' or 'relu', got 'x'"),
        (lambda: fl.LSTMCell.from_state_dict(fl.GRUCell(3, 4).state_dict()), ValueError, "(12, 4); it is of a GRU"),
        (lambda: fl.GRUCell.from_state_dict({}), ValueError, "mapping must have 'weight_ih', got the names []"),
    ]
    for call, error, message in wrong:
        with pytest.raises(error, match=re.escape(message)):
            call()
