"""`_core.empty`, arrays whose memory is found again by the next one, and `_core.same_bytes`."""

import gc
from typing import Any

import numpy as np
import pytest

import fastlstm
from fastlstm import _core

FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 2), (64, 32, 65), (1500, 1000)])
def test_shape_dtype_and_order(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    array = _core.empty(shape, dtype)
    assert (array.shape, array.dtype) == (shape, dtype)
    assert array.flags.c_contiguous
    assert array.flags.aligned
    assert array.flags.writeable
    array[...] = 7
    assert (array == 7).all()


def test_live_arrays_share_nothing() -> None:
    arrays = [_core.empty((20_000 + i,), FLOAT32) for i in range(40)]
    for i, array in enumerate(arrays):
        array[...] = i
    assert all((array == i).all() for i, array in enumerate(arrays))


def test_memory_comes_back_when_the_last_view_is_dropped() -> None:
    size = 123_456
    array = _core.empty((size,), FLOAT32)
    address = array.ctypes.data
    view = array[1:].reshape(5, -1)
    del array
    other = _core.empty((size,), FLOAT32)
    assert other.ctypes.data != address
    view[...] = 1
    other[...] = 2
    assert (view == 1).all()
    del view
    gc.collect()
    arrays = [_core.empty((size,), FLOAT32) for _ in range(65)]  # more than there can be kept blocks of this size
    assert address in {array.ctypes.data for array in arrays}


def test_a_block_much_larger_than_asked_for_is_not_given_away() -> None:
    large = _core.empty((1_000_000,), FLOAT32)
    address = large.ctypes.data
    del large
    small = _core.empty((700_000,), FLOAT32)
    assert small.ctypes.data != address


def test_outputs_of_earlier_calls_stay_as_they_are() -> None:
    layer = fastlstm.LSTM(8, 64, seed=0)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal((50, 16, 8)).astype("float32") for _ in range(4)]
    outputs = [layer(x)[0] for x in inputs]
    copies = [y.copy() for y in outputs]
    for x in inputs:
        layer(x)
    assert all(np.array_equal(y, copy) for y, copy in zip(outputs, copies, strict=True))


def test_sizes_that_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"shape must not be negative, got a size of -1"):
        _core.empty((3, -1), FLOAT32)
    with pytest.raises((ValueError, MemoryError), match="overflow"):
        _core.empty((2**40, 2**40), FLOAT32)
    with pytest.raises(MemoryError, match="could not allocate"):
        _core.empty((2**45,), FLOAT32)


def test_same_bytes() -> None:
    """Every array, whole; a NaN is itself, and -0 is not 0."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((5, 3)), np.array([np.nan, 0.0], "float32"), rng.standard_normal(90_000)]
    copies = [array.copy() for array in arrays]
    assert _core.same_bytes(arrays, copies)
    assert _core.same_bytes([], [])
    for array in copies:
        before = array.flat[-1]
        array.flat[-1] = -before if before else -0.0
        assert not _core.same_bytes(arrays, copies)
        array.flat[-1] = before
    assert _core.same_bytes(arrays, copies)


def test_arrays_of_another_form_differ() -> None:
    square = np.ones((4, 4))
    assert not _core.same_bytes([square], [square, square])
    assert not _core.same_bytes([square], [np.ones((16,))])
    assert not _core.same_bytes([square], [np.ones((4, 4), "float32")])
    assert not _core.same_bytes([square], [square[:, :2]])
    assert not _core.same_bytes([square], [square.T])  # not in C order: not looked at
