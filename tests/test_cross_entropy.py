"""The core's cross-entropy with a softmax: every instruction set against the reference; what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import Array, num_threads

from fastlstm import _core, reference
from fastlstm.keras.foundation import core

RNG = np.random.default_rng(6)


def drawn(rows: int, classes: int, dtype: str, size: float = 3) -> tuple[Array, Array]:
    """Logits, and labels that are probabilities, one-hot, anything, or nothing."""
    y = RNG.random((rows, classes))
    y /= y.sum(-1, keepdims=True)
    y[::4] = np.eye(classes)[RNG.integers(0, classes, len(y[::4]))]
    y[1::4] = RNG.standard_normal(y[1::4].shape)
    y[2::8] = 0
    return (size * RNG.standard_normal((rows, classes))).astype(dtype), y.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 300])
def test_every_length(dtype: str, size: float, isa: str) -> None:
    """Each term of a sum has the bound of the logarithm (see test_softmax.py), and as many roundings as the sum."""
    eps = np.finfo(dtype).eps
    for classes in [*range(1, 40), 1000]:
        z, y = drawn(24, classes, dtype, size)
        before = z.copy(), y.copy()
        losses, p, slopes = _core.softmax_cross_entropy(z, y)
        assert all(np.array_equal(now, then) for now, then in zip((z, y), before, strict=True))
        np.testing.assert_array_equal(p, _core.softmax(z))
        loss, slope = reference.softmax_cross_entropy(z, y)
        exact_p, log_p = reference.softmax(z)
        own, terms = 5 + classes / 200, 4 + classes / 4
        of_log = own + (1 + terms) * np.abs(log_p)
        assert (np.abs(losses - loss) <= (of_log * np.abs(y)).sum(-1) * eps).all()
        of_p = (own + terms + (z.max(-1, keepdims=True).astype("float64") - z) / 2) * exact_p
        bound = of_p * np.abs(y).sum(-1, dtype="float64", keepdims=True) + np.abs(slope)
        assert (np.abs(slopes - slope) <= bound * eps + 8 * np.finfo(dtype).tiny).all()


def test_what_is_not_finite(isa: str) -> None:
    z, y = drawn(4, 5, "float32")
    y[:] = np.eye(5, dtype="float32")[0]
    z[0, 2], z[1, 3], z[2, 4] = np.nan, np.inf, -np.inf
    losses, _, slopes = _core.softmax_cross_entropy(z, y)
    assert np.isnan(losses[:3]).all()  # 0 * log 0 too
    assert np.isfinite(losses[3])
    assert np.isnan(slopes[:2]).all()
    assert np.isfinite(slopes[2:]).all()


def test_a_row_has_the_bits_it_has_alone(isa: str) -> None:
    for rows, classes in ((7, 13), (200, 997)):
        z, y = drawn(rows, classes, "float32")
        whole = _core.softmax_cross_entropy(z, y)
        for threads in (2, 3):
            with num_threads(threads):
                for part, again in zip(whole, _core.softmax_cross_entropy(z, y), strict=True):
                    np.testing.assert_array_equal(again, part)
        rows_alone = [_core.softmax_cross_entropy(z[k], y[k]) for k in range(rows)]
        for part, alone in zip(whole, zip(*rows_alone, strict=True), strict=True):
            np.testing.assert_array_equal(np.stack(alone), part)


def test_any_array() -> None:
    z, y = (part.reshape(4, 6, 5) for part in drawn(24, 5, "float32"))
    wanted = _core.softmax_cross_entropy(z, y)
    assert [part.shape for part in wanted] == [(4, 6), (4, 6, 5), (4, 6, 5)]
    strange = np.ascontiguousarray(z.transpose(2, 1, 0)).transpose(2, 1, 0), y[::-1].copy()[::-1]
    for part, found in zip(wanted, _core.softmax_cross_entropy(*strange), strict=True):
        np.testing.assert_array_equal(found, part)
    assert [part.shape for part in _core.softmax_cross_entropy(z[:0], y[:0])] == [(0, 6), (0, 6, 5), (0, 6, 5)]


def test_what_is_refused() -> None:
    z = np.zeros((2, 3), "float32")
    with pytest.raises(TypeError, match="x must have dtype float32 or float64, got int64"):
        _core.softmax_cross_entropy(np.zeros(3, "int64"), np.zeros(3))
    with pytest.raises(ValueError, match="x must have an axis at least, got a number"):
        _core.softmax_cross_entropy(np.zeros(()), np.zeros(()))
    with pytest.raises(ValueError, match=r"x must have at least one class, got shape \(2, 0\)"):
        _core.softmax_cross_entropy(np.zeros((2, 0)), np.zeros((2, 0)))
    with pytest.raises(TypeError, match="labels must have dtype float32, got float64"):
        _core.softmax_cross_entropy(z, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"labels must have shape \(2, 3\), got \(1, 3\)"):
        _core.softmax_cross_entropy(z, z[:1])


@pytest.mark.parametrize("dtype", ["float16", "longdouble"])
def test_other_floats_keep_their_dtype(dtype: str) -> None:
    z, y = drawn(6, 7, dtype)
    losses, p, slopes = core.softmax_cross_entropy(z, y)
    assert losses.dtype == p.dtype == slopes.dtype == np.dtype(dtype)
    loss, slope = reference.softmax_cross_entropy(z, y)
    near = {"rtol": 2e-3, "atol": 2e-3} if dtype == "float16" else {"rtol": 1e-13, "atol": 1e-14}
    np.testing.assert_allclose(losses.astype("float64"), loss, **near)
    np.testing.assert_allclose(slopes.astype("float64"), slope, **near)
