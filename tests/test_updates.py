"""The core's updates of weights: the bits of the same operations in NumPy, however they are run; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import Array, num_threads

import fastlstm as fl
from fastlstm import _core, reference
from fastlstm.reference.updates import RULES

# Arrays that a rule keeps, and its numbers.
SIZES = {
    "sgd": (0, [0.1]),
    "sgd_momentum": (1, [0.1, 0.9]),
    "sgd_nesterov": (1, [0.1, 0.9]),
    "adam": (2, [3e-3, 0.1, 1e-3, 1e-7]),
    "amsgrad": (3, [3e-3, 0.1, 1e-3, 1e-7]),
    "adamax": (2, [3e-3, 0.1, 0.999, 1e-7]),
    "nadam": (2, [3e-3, 0.1, 1e-3, 1e-7, 0.7, 0.4, 1.5]),
    "rmsprop": (1, [3e-3, 0.1, 1e-7]),
    "rmsprop_momentum": (2, [3e-3, 0.1, 1e-7, 0.9]),
    "rmsprop_centered": (2, [3e-3, 0.1, 1e-7]),
    "rmsprop_centered_momentum": (3, [3e-3, 0.1, 1e-7, 0.9]),
    "adagrad": (1, [3e-3, 1e-7]),
    "adadelta": (2, [0.5, 0.05, 1e-7]),
    "lion": (1, [3e-3, 0.9, 0.1, 0.99, 0.01]),
    "mean": (0, [0.1]),
}
Arrays = list[Array]


def drawn(rule: str, size: int, dtype: str, seed: int = 0) -> tuple[Array, Array, Arrays]:
    """Return weights, gradients and what is kept: above 0, as the means of squares are, and these above other means."""
    draw = np.random.default_rng(seed)
    w, g = draw.standard_normal((2, size)).astype(dtype)
    g[::5] = 0
    kept = draw.random((SIZES[rule][0], size)).astype(dtype)
    kept[:1] += 1
    return w, g, [*kept]


def in_core(rule: str, w: Array, gradients: Arrays, kept: Arrays, **factors: list[float]) -> tuple[Array, Arrays]:
    new, after = np.full_like(w, np.nan), [array.copy() for array in kept]
    before = [w.copy(), *(g.copy() for g in gradients)]
    _core.update(rule, SIZES[rule][1], w, gradients, new, after, **factors)
    for array, copy in zip([w, *gradients], before, strict=True):
        np.testing.assert_array_equal(array, copy)
    return new, after


def assert_same(found: tuple[Array, Any], wanted: tuple[Array, Any]) -> None:
    for array, other in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
        np.testing.assert_array_equal(array, other)
        assert array.dtype == other.dtype


def test_every_rule_is_written_down() -> None:
    assert list(SIZES) == list(RULES)
    names = "', '".join(RULES)
    with pytest.raises(ValueError, match=f"rule must be one of '{names}', got 'nope'"):
        _core.update("nope", [], np.zeros(1), [np.zeros(1)], np.zeros(1), [])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", SIZES)
def test_the_bits_of_numpy(rule: str, dtype: str, isa: str) -> None:
    for size in (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 1001):
        w, g, kept = drawn(rule, size, dtype)
        for _ in range(3):
            wanted = reference.update(rule, SIZES[rule][1], w, g, kept)
            assert_same(in_core(rule, w, [g], kept), wanted)
            w, kept = wanted[0], list(wanted[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", SIZES)
def test_all_sizes_of_numbers(rule: str, dtype: str, isa: str) -> None:
    """The largest and smallest numbers, infinities and NaN among gradients and what is kept.

    What becomes subnormal is left out: the core takes that for 0.
    """
    limits = np.finfo(dtype)
    values = [0.0, 1e-15, 1.0, 1e15, limits.max, np.inf, np.nan]
    signed = np.array([*values, *(-value for value in values)], dtype)
    g, *kept = np.array(np.meshgrid(signed, *[signed] * SIZES[rule][0])).reshape(1 + SIZES[rule][0], -1)
    w = np.ones_like(g)
    found, wanted = in_core(rule, w, [g], kept), reference.update(rule, SIZES[rule][1], w, g, kept)
    for array, other in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
        differ = ~((array == other) | np.isnan(array) & np.isnan(other))
        assert (abs(other[differ]) < 4 * limits.tiny).all(), (array[differ], other[differ])


def test_subnormal_numbers_are_zero_and_the_callers_are_not() -> None:
    """What is kept of weights that have no gradient any more comes to an end."""
    small, zero = np.full(9, 1e-40, "float32"), np.zeros(9, "float32")
    new, (m, v) = in_core("adam", np.ones(9, "float32"), [zero], [small, small])
    np.testing.assert_array_equal([new, m, v], [zero + 1, zero, zero])
    assert (small * np.float32(0.5) > 0).all()


@pytest.mark.parametrize("rule", SIZES)
def test_several_gradients_are_one(rule: str) -> None:
    w, g, kept = drawn(rule, 60, "float32")
    parts = [g[:7], g[7:27].reshape(4, 5), g[27:27], g[27:28].reshape(()), np.asfortranarray(g[28:].reshape(8, 4))]
    assert_same(in_core(rule, w, parts, kept), in_core(rule, w, [g], kept))


def test_weights_decay_and_gradients_are_scaled_one_by_one() -> None:
    w, g, kept = drawn("adam", 60, "float32")
    parts, decayed, scaled = [g[:20], g[20:]], w.copy(), g.copy()
    decayed[:20] *= 0.9
    scaled[20:] *= 0.3
    assert_same(in_core("adam", w, parts, kept, decays=[0.9, 1.0]), in_core("adam", decayed, [g], kept))
    assert_same(in_core("adam", w, parts, kept, scales=[1.0, 0.3]), in_core("adam", w, [scaled], kept))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_share_the_weights(dtype: str) -> None:
    size = 300_001
    w, g, kept = drawn("adam", size, dtype)
    parts = np.split(g, [5, 9000, 123_457])
    wanted = reference.update("adam", SIZES["adam"][1], w, g, kept)
    for threads in (1, 2, 3, 7):
        with num_threads(threads):
            assert_same(in_core("adam", w, parts, kept), wanted)


def test_an_input_may_be_the_output_and_need_not_be_dense() -> None:
    w, g, kept = drawn("adam", 33, "float32")
    wanted = in_core("adam", w, [g], kept)[0]
    own_w, own_g = w.copy(), g.copy()
    for given_w, given_g, new in [(own_w, g.repeat(2)[::2], own_w), (w, own_g, own_g)]:
        _core.update("adam", SIZES["adam"][1], given_w, [given_g], new, [array.copy() for array in kept])
        np.testing.assert_array_equal(new, wanted)
    both = np.zeros(34, "float32")
    both[1:] = w  # next begins a weight before w
    _core.update("adam", SIZES["adam"][1], both[1:], [g], both[:-1], kept)
    np.testing.assert_array_equal(both[:-1], wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_squares(dtype: str) -> None:
    """The same bits in all instruction sets; sums of doubles, of up to 63 squares in a chain."""
    arrays = [np.random.default_rng(size).standard_normal(size).astype(dtype) for size in (*range(40), 1001)]
    before, found = fl.active_isa(), []
    for name in fl.available_isas():
        fl.set_isa(name)
        found.append(_core.squares(arrays))
    fl.set_isa(before)
    assert all(sums == found[0] for sums in found)
    np.testing.assert_allclose(found[0], [np.square(array, dtype=np.float64).sum() for array in arrays], rtol=1e-14)
    strided = [arrays[-1][::-3], arrays[36].reshape(6, 6).T]
    assert _core.squares(strided) == _core.squares([array.copy("C") for array in strided])
    with pytest.raises(TypeError, match="arrays: each must have dtype float32 or float64, got int64"):
        _core.squares([np.arange(3)])


def given(**change: Any) -> dict[str, Any]:
    w, g, kept = drawn("adam", 5, "float32")
    wanted = {"rule": "adam", "numbers": SIZES["adam"][1], "w": w, "gradients": [g], "next": w.copy(), "kept": kept}
    return wanted | change


F4 = np.zeros(5, "float32")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"gradients": [F4, F4]}, ValueError, "gradients must have 5 numbers, as w has, got 10"),
        ({"gradients": []}, ValueError, "gradients must have 5 numbers, as w has, got 0"),
        ({"gradients": [np.zeros(5)]}, TypeError, "gradients: each must have dtype float32, got float64"),
        ({"numbers": [1.0]}, ValueError, "numbers must be 4 for adam, got 1"),
        ({"kept": [F4]}, ValueError, "kept must be 2 for adam, got 1"),
        ({"decays": [1.0, 1.0]}, ValueError, "decays must be 1 for as many gradients, got 2"),
        ({"scales": [1.0, 1.0]}, ValueError, "scales must be 1 for as many gradients, got 2"),
        ({"kept": [F4, np.zeros(5)]}, TypeError, "kept: each must have dtype float32, got float64"),
        ({"w": np.zeros((5, 1), "float32")}, ValueError, "w must have"),
        ({"w": np.zeros(5, "int32")}, TypeError, "w must have dtype float32 or float64, got int32"),
        (
            {"kept": [F4, np.zeros(10, "float32")[::2]]},
            ValueError,
            "kept: each must be aligned, in native byte order and have no gaps",
        ),
        ({"next": np.frombuffer(bytes(20), "float32")}, ValueError, "next must be writeable"),
        ({"kept": [F4, F4]}, ValueError, "next and kept must not share memory"),
        ({"next": F4, "kept": [F4, F4.copy()]}, ValueError, "next and kept must not share memory"),
    ],
)
def test_wrong_arrays(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _core.update(**given(**change))
