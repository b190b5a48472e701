"""The core's softmax: every instruction set against the reference; rows that are no numbers; what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import Array, num_threads

from fastlstm import _core, reference
from fastlstm.keras import activations

RNG = np.random.default_rng(5)


def both(z: Array) -> tuple[Array, Array]:
    """The softmax and its logarithm, of which the softmax alone and the one in place have the bits."""
    before = z.copy()
    p, log_p = _core.softmax_and_log(z)
    np.testing.assert_array_equal(_core.softmax(z), p)
    own = z.copy()
    assert _core.softmax(own, own) is own
    np.testing.assert_array_equal(own, p)
    np.testing.assert_array_equal(z, before)
    return p, log_p


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 30, 3000])
def test_every_length(dtype: str, size: float, isa: str) -> None:
    """Five roundings and those of the sum; half a unit of what a number is below the largest, before the power."""
    info = np.finfo(dtype)
    for classes in [*range(1, 40), 1000]:
        z = (size * RNG.standard_normal((30, classes))).astype(dtype)
        p, log_p = both(z)
        exact, exact_log = reference.softmax(z)
        below, own = z.max(-1, keepdims=True).astype("float64") - z, 5 + classes / 200
        there = exact > 4 * info.tiny  # smaller ones count as 0
        assert (np.abs(p - exact)[there] <= ((own + below / 2) * info.eps * exact)[there]).all()
        assert (p[~there] <= 5 * info.tiny).all()
        assert (np.abs(log_p - exact_log) <= (own + np.abs(exact_log)) * info.eps).all()
        np.testing.assert_allclose(p.sum(-1, dtype="float64"), 1, rtol=own * info.eps)


def test_what_is_not_finite(isa: str) -> None:
    inf, nan = np.inf, np.nan
    for classes in range(1, 20):
        for dtype in ("float32", "float64"):
            for place in range(classes):
                z = RNG.standard_normal((4, classes)).astype(dtype)
                z[0, place], z[1, place], z[2, place], z[3] = nan, inf, -inf, -inf
                p, log_p = both(z)
                assert np.isnan(p[[0, 1, 3]]).all()
                assert np.isnan(log_p[[0, 1, 3]]).all()
                if classes > 1:
                    assert p[2, place] == 0
                    assert log_p[2, place] == -inf
                    np.testing.assert_allclose(p[2].sum(), 1, rtol=1e-6)


def test_a_row_has_the_bits_it_has_alone(isa: str) -> None:
    for rows, classes in ((7, 13), (200, 997)):
        z = RNG.standard_normal((rows, classes)).astype("float32")
        whole = both(z)
        for threads in (2, 3):
            with num_threads(threads):
                np.testing.assert_array_equal(both(z), whole)
        np.testing.assert_array_equal(np.concatenate([both(z[k : k + 1]) for k in range(rows)], axis=1), whole)


def test_any_array() -> None:
    z = RNG.standard_normal((4, 6, 5)).astype("float32")
    wanted = _core.softmax(z)
    np.testing.assert_array_equal(_core.softmax(np.ascontiguousarray(z.transpose(2, 1, 0)).transpose(2, 1, 0)), wanted)
    np.testing.assert_array_equal(_core.softmax(z[::-1, ::2]), wanted[::-1, ::2])
    np.testing.assert_array_equal(_core.softmax(z.astype(">f4")), wanted)
    np.testing.assert_array_equal(_core.softmax(z[0, 0]), wanted[0, 0])
    for shape in ((0, 5), (5, 0), (0,), (2, 0, 3)):
        assert _core.softmax(np.zeros(shape)).shape == shape
        assert [part.shape for part in _core.softmax_and_log(np.zeros(shape))] == [shape, shape]


def test_an_output_beside_its_input() -> None:
    """In the same memory, but not in the same place."""
    memory = RNG.standard_normal(30).astype("float32")
    wanted = _core.softmax(memory[:20].reshape(4, 5))
    found = _core.softmax(memory[:20].reshape(4, 5), memory[3:23].reshape(4, 5))
    np.testing.assert_array_equal(found, wanted)


def test_what_is_refused() -> None:
    z = np.zeros((2, 3), "float32")
    with pytest.raises(TypeError, match="x must have dtype float32 or float64, got int64"):
        _core.softmax(np.zeros(3, "int64"))
    with pytest.raises(ValueError, match="x must have an axis at least, got a number"):
        _core.softmax_and_log(np.zeros(()))
    with pytest.raises(TypeError, match="out must have dtype float32, got float64"):
        _core.softmax(z, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"out must have shape \(2, 3\), got \(3, 2\)"):
        _core.softmax(z, np.zeros((3, 2), "float32"))
    with pytest.raises(ValueError, match=r"out must .* have no gaps"):
        _core.softmax(z, np.zeros((2, 3), "float32", "F"))
    with pytest.raises(ValueError, match="out must have no gaps"):
        _core.softmax(z, np.zeros((2, 6), "float32")[:, :3])
    frozen = z.copy()
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writeable"):
        _core.softmax(z, frozen)


@pytest.mark.parametrize("dtype", ["float16", "longdouble"])
def test_other_floats_keep_their_dtype(dtype: str) -> None:
    z = RNG.standard_normal((3, 7)).astype(dtype)
    for function, wanted in zip((activations.softmax, activations.log_softmax), reference.softmax(z), strict=True):
        found = function(z)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_allclose(found.astype("float64"), wanted, rtol=2e-3 if dtype == "float16" else 1e-14)
