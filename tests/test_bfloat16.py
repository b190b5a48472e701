"""Products of bfloat16: which operands are rounded, that sums are not, and gradients through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from running import running
from seeds import for_all
from test_int8 import GATES, forward, parameters, rows_of_lengths, step_of, uniform

import fastlstm as fl
from fastlstm import _core, reference

# Sums of products that are exact in float32: what is left are the roundings of a chain of up to 150 additions.
CHAIN = 4e-6
# A rounding to bfloat16 moves a number by 2^-9 of it at most. Over a sequence they add up like independent errors;
# twenty is four times what was observed.
NOISE = 20 * 2.0**-9


def packed(cell: str, p: dict[str, Any]) -> _core.Weights:
    return _core.Weights(cell, **p, precision="bfloat16")


@for_all(
    60,
    sizes=st.tuples(st.sampled_from([1, 2, 3, 7, 65]), *[st.integers(1, 70)] * 2),
    seed=st.integers(0, 2**32 - 1),
    exponent=st.sampled_from([-60, -8, 0, 3, 60]),
)
def test_a_product_is_that_of_rounded_numbers(sizes: tuple[int, int, int], seed: int, exponent: int) -> None:
    N, I, O = sizes
    random = np.random.default_rng(seed)
    x, kernel = uniform(random, N, I, bound=2.0**exponent), uniform(random, I, O)
    bias = uniform(random, O, bound=2.0**exponent)
    wanted = bias + reference.to_bfloat16(x).astype(np.float64) @ reference.to_bfloat16(kernel)
    outputs = {}
    for isa in fl.available_isas():
        with running(isa, 1):
            outputs[isa] = _core.Dense(kernel, bias, precision="bfloat16")(x)
        size = np.abs(wanted).max() + 2.0**exponent
        np.testing.assert_allclose(outputs[isa], wanted, rtol=0, atol=CHAIN * size, err_msg=isa)
    outputs.pop("amx", None)  # its matrices round in another order
    first, *others = outputs.values()
    for y in others:
        np.testing.assert_array_equal(y, first)


def test_numbers_go_to_the_nearest_and_ties_to_the_even(isa: str) -> None:
    """As stored in a weight of a product with 1, and as a left number: halves, NaN, infinities, the largest number."""
    bits = np.array(
        [0x3F800000, 0x3F807FFF, 0x3F808000, 0x3F808001, 0x3F818000, 0xBF818000, 0x7F7FFFFF, 0x7F800000, 0x7F800001],
        np.uint32,
    )
    wanted = np.array(
        [0x3F800000, 0x3F800000, 0x3F800000, 0x3F810000, 0x3F820000, 0xBF820000, 0x7F800000, 0x7F800000], np.uint32
    )
    numbers, one = bits.view(np.float32), np.ones((1, 1), np.float32)
    as_weights = _core.Dense(numbers[None], precision="bfloat16")(one)[0]
    as_left = _core.Dense(one, precision="bfloat16")(numbers[:, None])[:, 0]
    for found in (as_weights, as_left, reference.to_bfloat16(numbers)):
        np.testing.assert_array_equal(found[:-1], wanted.view(np.float32))
        assert np.isnan(found[-1])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize(("N", "I", "H"), [(1, 1, 1), (2, 5, 9), (3, 17, 33), (13, 40, 20)])
def test_every_step_is_that_of_the_reference(isa: str, cell: str, N: int, I: int, H: int) -> None:
    p = parameters(cell, I, H)
    x = uniform(np.random.default_rng(1), 4, N, I, bound=3)
    stream = _core.Stream([packed(cell, p)], N)
    W_ih, W_hh = (reference.to_bfloat16(p[name]).astype(np.float64) for name in ("weight_ih", "weight_hh"))
    for x_t in x:
        [(h, c)] = stream.state()
        y = stream.step(x_t)
        z = p["bias"] + reference.to_bfloat16(x_t) @ W_ih.T
        recurrent = p["recurrent_bias"] + reference.to_bfloat16(h) @ W_hh.T
        for row in range(N):
            rest = h[row : row + 1], None if c is None else c[row : row + 1]
            h_t, _ = step_of(cell, z[row], recurrent[row], *rest)
            np.testing.assert_allclose(y[row], h_t[0], rtol=0, atol=CHAIN * max(1, np.abs(h_t).max()))


@pytest.mark.parametrize("cell", [*GATES, "projected", "general"])
def test_same_bits_in_any_batch_and_on_any_threads(isa: str, threads: int, cell: str) -> None:
    kind, p, x, lengths = rows_of_lengths(cell)
    N = len(lengths)
    weights = packed(kind, p)
    whole = forward(weights, x, lengths=lengths)
    with running(isa, 1):
        np.testing.assert_array_equal(forward(packed(kind, p), x, lengths=lengths), whole)
    for row in (0, 17, 32):
        alone = forward(weights, x[:, row : row + 1], lengths=lengths[row : row + 1])
        np.testing.assert_array_equal(alone[:, 0], whole[:, row])
    stream = _core.Stream([weights], N)
    np.testing.assert_array_equal(np.stack([stream.step(x_t) for x_t in x]), forward(weights, x))


def gradients(weights: _core.Weights, x: Any, dy: Any, **options: Any) -> dict[str, Any]:
    _, _, tape = _core.forward_training(weights, x, **options)
    rows = GATES[weights.cell] * weights.hidden_size
    rooms = {
        "dx": np.empty_like(x),
        "dweight_ih": np.empty((rows, weights.input_size), np.float32),
        "dweight_hh": np.empty((rows, weights.state_size), np.float32),
        "dbias": np.empty(rows, np.float32),
    }
    dh_0, _ = _core.backward(tape, dy, **rooms)
    return rooms | {"dh_0": dh_0}


@pytest.mark.parametrize("cell", ["lstm", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize(("N", "I", "H"), [(1, 3, 5), (5, 17, 33), (200, 9, 20)])
def test_gradients_of_a_step_are_products_of_rounded_numbers(isa: str, cell: str, N: int, I: int, H: int) -> None:
    """The gradients of the gates are known: a row's bias gradient."""
    p, random = parameters(cell, I, H), np.random.default_rng(3)
    x, dy, h_0 = uniform(random, 1, N, I), uniform(random, 1, N, H), uniform(random, N, H)
    weights = packed(cell, p)
    by_row = [gradients(weights, x[:, n : n + 1], dy[:, n : n + 1], h_0=h_0[n : n + 1])["dbias"] for n in range(N)]
    dz = reference.to_bfloat16(np.stack(by_row)).astype(np.float64)
    got = gradients(weights, x, dy, h_0=h_0)
    wanted = {
        "dweight_ih": dz.T @ reference.to_bfloat16(x[0]),
        "dweight_hh": dz.T @ reference.to_bfloat16(h_0),
        "dx": (dz @ reference.to_bfloat16(p["weight_ih"]))[None],
        "dh_0": dz @ reference.to_bfloat16(p["weight_hh"]),
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=0, atol=CHAIN * max(1, np.abs(value).max()), err_msg=name)


# Without relu, whose slope a rounding near its kink turns over.
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before", "rnn_tanh", "projected", "general", "masked"])
def test_gradients_are_near_those_of_float32(isa: str, threads: int, cell: str) -> None:
    kind, I, H, N, T = cell if cell in GATES else "lstm", 21, 37, 7, 12
    p, random = parameters(kind, I, H), np.random.default_rng(3)
    S = 20 if cell == "projected" else H
    if cell == "projected":
        p |= {"weight_hr": uniform(random, S, H, bound=0.2), "weight_hh": p["weight_hh"][:, :S]}
    if cell == "general":
        p |= {"peepholes": uniform(random, 3 * H, bound=0.3)}
    options: dict[str, Any] = {"lengths": random.integers(0, T + 1, N)}
    if cell == "masked":
        options = {"recurrent_masks": (random.random((4, N, H)) < 0.8).astype(np.float32)}
    x, dy = uniform(random, T, N, I), uniform(random, T, N, S)
    got, wanted = (gradients(w, x, dy, **options) for w in (packed(kind, p), _core.Weights(kind, **p)))
    for name, value in wanted.items():
        error = np.abs(got[name] - value).max() / np.abs(value).max()
        assert 0 < error < NOISE, name
    again = gradients(packed(kind, p), x, dy, **options)
    with running(isa, 1):
        alone = gradients(packed(kind, p), x, dy, **options)
    for name in wanted:
        np.testing.assert_array_equal(again[name], got[name])
        np.testing.assert_array_equal(alone[name], got[name])


def test_weights_take_half_of_the_memory() -> None:
    p = parameters("lstm", 256, 256)
    assert packed("lstm", p).nbytes < 0.51 * _core.Weights("lstm", **p).nbytes
