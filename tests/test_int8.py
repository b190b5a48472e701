"""Products in whole numbers: exact, and so the same bits on every instruction set, in any batch, on any threads."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from running import running
from seeds import for_all
from test_options import ACTIVATIONS

import fastlstm as fl
from fastlstm import _core, reference

PRECISIONS = ["int8", "int8_int16"]
GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "rnn_tanh": 1, "rnn_relu": 1}
# One step from given states: the sums are those of the reference to the bit, and what follows are float32 gates of a
# few roundings each.
STEP_TOLERANCE = 2e-6


def uniform(random: np.random.Generator, *shape: int, bound: float = 1) -> Any:
    return random.uniform(-bound, bound, shape).astype(np.float32)


def parameters(cell: str, I: int, H: int, seed: int = 0) -> dict[str, Any]:
    random, rows, bound = np.random.default_rng(seed), GATES[cell] * H, H**-0.5
    shapes = {"weight_ih": (rows, I), "weight_hh": (rows, H), "bias": (rows,), "recurrent_bias": (rows,)}
    return {name: uniform(random, *shape, bound=bound) for name, shape in shapes.items()}


def rows_of_lengths(cell: str) -> tuple[str, dict[str, Any], Any, Any]:
    """Return a kind of cell, its parameters, inputs and lengths; `cell` may be "projected" or "general"."""
    kind, I, H, N, T = cell if cell in GATES else "lstm", 37, 150, 33, 9
    p = parameters(kind, I, H)
    if cell == "projected":
        p |= {"weight_hr": uniform(np.random.default_rng(2), 40, H, bound=0.1), "weight_hh": p["weight_hh"][:, :40]}
    if cell == "general":
        p |= {"clip": 2.0}
    random = np.random.default_rng(1)
    x, lengths = uniform(random, T, N, I, bound=2), random.integers(0, T + 1, N)
    return kind, p, x, lengths


def forward(weights: _core.Weights, x: Any, **options: Any) -> Any:
    y = np.full((*x.shape[:2], weights.state_size), np.nan, np.float32)
    _core.forward(weights, x, y=y, **options)
    return y


def product_in_order(x: Any, kernel: Any, bias: Any, precision: str) -> Any:
    return bias + reference.quantized_product(x, kernel.T, precision)


@for_all(
    60,
    sizes=st.tuples(st.sampled_from([1, 2, 3, 7, 65]), *[st.integers(1, 70)] * 2),
    precision=st.sampled_from(PRECISIONS),
    seed=st.integers(0, 2**32 - 1),
    exponent=st.sampled_from([-100, -30, 0, 3, 60]),
)
def test_a_product_has_the_bits_of_the_reference(
    sizes: tuple[int, int, int], precision: str, seed: int, exponent: int
) -> None:
    N, I, O = sizes
    random = np.random.default_rng(seed)
    x, kernel, bias = uniform(random, N, I, bound=2.0**exponent), uniform(random, I, O), uniform(random, O)
    x[random.random(N) < 0.1] = 0
    kernel[:, random.random(O) < 0.1] = 0
    for isa in fl.available_isas():
        with running(isa, 1):
            y = _core.Dense(kernel, bias, precision=precision)(x)
        np.testing.assert_array_equal(y, product_in_order(x, kernel, bias, precision), isa)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("K", [1040, 4099, 140_001])
def test_long_sums_are_exact(isa: str, precision: str, K: int) -> None:
    """Sums past the 24 bits of a float, and so long that left rows have fewer than 8 bits."""
    random = np.random.default_rng(K)
    x, kernel, bias = np.abs(uniform(random, 2, K)), np.abs(uniform(random, K, 5)), uniform(random, 5)
    y = _core.Dense(kernel, bias, precision=precision)(x)
    np.testing.assert_array_equal(y, product_in_order(x, kernel, bias, precision))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spoils_its_row_or_column_alone(isa: str, precision: str, odd: float) -> None:
    random = np.random.default_rng(0)
    x, kernel, bias = uniform(random, 5, 19), uniform(random, 19, 21), uniform(random, 21)
    wanted = _core.Dense(kernel, bias, precision=precision)(x)
    x[3, 18], kernel[7, 20] = odd, odd
    y = _core.Dense(kernel, bias, precision=precision)(x)
    assert np.isnan(y[3]).all()
    assert np.isnan(y[:, 20]).all()
    rows = [0, 1, 2, 4]
    np.testing.assert_array_equal(y[rows, :20], wanted[rows, :20])


def step_of(cell: str, projected: Any, recurrent: Any, h: Any, c: Any) -> tuple[Any, Any]:
    """One row of the reference from the sums of both products; they stand where its biases do."""
    H, G = h.shape[1], GATES[cell]
    nothing = np.zeros((G * H, 1)), np.zeros((G * H, H))
    x = np.zeros((1, 1))
    if cell == "lstm":
        return reference.lstm_step(x, h, c, *nothing, projected + recurrent)
    if cell == "gru":
        return reference.gru_step(x, h, *nothing, projected, recurrent), None
    return reference.rnn_step(x, h, *nothing, projected + recurrent, nonlinearity=cell.removeprefix("rnn_")), None


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize(("N", "I", "H"), [(1, 1, 1), (2, 5, 9), (3, 17, 33), (13, 40, 20)])
def test_every_step_is_that_of_the_reference(isa: str, cell: str, precision: str, N: int, I: int, H: int) -> None:
    p = parameters(cell, I, H)
    x = uniform(np.random.default_rng(1), 4, N, I, bound=3)
    stream = _core.Stream([_core.Weights(cell, **p, precision=precision)], N)
    for x_t in x:
        [(h, c)] = stream.state()
        y = stream.step(x_t)
        z = p["bias"] + reference.quantized_product(x_t, p["weight_ih"], precision).astype(np.float64)
        recurrent = p["recurrent_bias"] + reference.quantized_product(h, p["weight_hh"], precision).astype(np.float64)
        for row in range(N):
            rest = h[row : row + 1], None if c is None else c[row : row + 1]
            h_t, c_t = step_of(cell, z[row], recurrent[row], *rest)
            np.testing.assert_allclose(y[row], h_t[0], rtol=0, atol=STEP_TOLERANCE * max(1, np.abs(h_t).max()))
            if c is not None:
                np.testing.assert_allclose(stream.state()[0][1][row], c_t[0], rtol=0, atol=4 * STEP_TOLERANCE)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_reset_state_is_rounded_before_its_product(isa: str, precision: str) -> None:
    """``R_n (r h)``, where another rounding of r may move a whole number by one: a 127th of a state, times a weight."""
    cell, I, H, N = "gru_reset_before", 7, 19, 3
    p = parameters(cell, I, H)
    x = uniform(np.random.default_rng(1), 6, N, I, bound=3)
    y = forward(_core.Weights(cell, **p, precision=precision), x)
    h = y[-2].astype(np.float64)
    z = p["bias"] + p["recurrent_bias"] + reference.quantized_product(x[-1], p["weight_ih"], precision)
    z_r, z_u, z_n = np.split(z.astype(np.float64), 3, axis=1)
    R_r, R_u, R_n = np.split(p["weight_hh"], 3)
    r = reference.sigmoid(z_r + reference.quantized_product(h, R_r, precision))
    u = reference.sigmoid(z_u + reference.quantized_product(h, R_u, precision))
    n = np.tanh(z_n + reference.quantized_product(r * h, R_n, precision))
    one_more = np.abs(p["weight_hh"]).max() * np.abs(r * h).max() / (127 if precision == "int8" else 32767)
    np.testing.assert_allclose(y[-1], n + u * (h - n), rtol=0, atol=STEP_TOLERANCE + one_more)
    full = forward(_core.Weights(cell, **p), x)
    assert np.abs(y - full).max() > STEP_TOLERANCE  # or the products were not rounded at all


@pytest.mark.parametrize("cell", [*GATES, "projected", "general"])
def test_same_bits_in_any_batch_on_any_threads_and_instruction_set(cell: str) -> None:
    kind, p, x, lengths = rows_of_lengths(cell)
    N = len(lengths)
    outputs = []
    for isa, threads in itertools.product(fl.available_isas(), [1, 2, 3, 5]):
        with running(isa, threads):
            weights = _core.Weights(kind, **p, precision="int8")
            outputs.append(forward(weights, x, lengths=lengths))
            for row in (0, 17, 32):
                alone = forward(weights, x[:, row : row + 1], lengths=lengths[row : row + 1])
                np.testing.assert_array_equal(alone[:, 0], outputs[-1][:, row])
            stream = _core.Stream([weights], N)
            stepped = np.stack([stream.step(x_t) for x_t in x])
            np.testing.assert_array_equal(stepped, forward(weights, x))
    for output in outputs[1:]:
        np.testing.assert_array_equal(output, outputs[0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_same_bits_of_every_activation_on_any_instruction_set(name: str) -> None:
    x = uniform(np.random.default_rng(3), 2, 33, 37, bound=20)
    outputs = []
    for isa in fl.available_isas():
        with running(isa, 1):
            activations = [(name, *ACTIVATIONS[name])]
            weights = _core.Weights("rnn", **parameters("rnn_tanh", 37, 150), activations=activations, precision="int8")
            outputs.append(forward(weights, x))
    for output in outputs[1:]:
        np.testing.assert_array_equal(output, outputs[0])


@pytest.mark.parametrize("order", [["full", "int8"], ["int8", "int8_int16", "bfloat16"], ["bfloat16", "full"]])
def test_a_stream_has_layers_of_different_precisions(isa: str, threads: int, order: list[str]) -> None:
    """The widest row is not in the first of them."""
    sizes = [3, 20, 150, 40]
    layers = [
        _core.Weights("gru", **parameters("gru", I, H), precision=precision)
        for precision, I, H in zip(order, sizes, sizes[1:], strict=False)
    ]
    x = uniform(np.random.default_rng(1), 5, 17, 3)
    wanted = x
    for layer in layers:
        wanted = forward(layer, wanted)
    stream = _core.Stream(layers, 17)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), wanted)


def test_weights_take_a_quarter_of_the_memory() -> None:
    p = parameters("lstm", 256, 256)
    full, whole = _core.Weights("lstm", **p).nbytes, _core.Weights("lstm", **p, precision="int8").nbytes
    assert whole < 0.27 * full  # a byte a weight; scales and biases of 4 bytes a column


def test_what_cannot_be_in_whole_numbers_is_refused() -> None:
    p = parameters("lstm", 3, 4)
    with pytest.raises(ValueError, match=r"precision must be one of 'full', 'int8', .* got 'int4'"):
        _core.Weights("lstm", **p, precision="int4")
    doubles = {name: array.astype(np.float64) for name, array in p.items()}
    with pytest.raises(ValueError, match="precision must be 'full' for float64 weights, got 'int8'"):
        _core.Weights("lstm", **doubles, precision="int8")
    weights = _core.Weights("lstm", **p, precision="int8")
    assert weights.precision == "int8"
    with pytest.raises(ValueError, match="precision 'full' or 'bfloat16' for training, got 'int8'"):
        _core.forward_training(weights, np.zeros((2, 1, 3), np.float32))
