"""The data sets are what was published."""

import doctest
from importlib.resources import files

import numpy as np
import pytest

from fastlstm.datasets import _japanese_vowels, japanese_vowels


def test_speakers_and_lengths():
    data = japanese_vowels()
    np.testing.assert_array_equal(np.bincount(data.y_train), [30] * 9)
    np.testing.assert_array_equal(np.bincount(data.y_test), [31, 35, 88, 44, 29, 24, 40, 50, 29])
    assert (data.lengths_train.min(), data.lengths_train.max()) == (7, 26)
    assert (data.lengths_test.min(), data.lengths_test.max()) == (7, 29)
    assert data.lengths_train.sum() + data.lengths_test.sum() == 9961


def test_shapes_and_types():
    data = japanese_vowels()
    for x, lengths, y, rows in [(*data[:3], 270), (*data[3:], 370)]:
        assert (x.shape, x.dtype) == ((rows, 29, 12), np.float32)
        assert (lengths.shape, lengths.dtype) == ((rows,), np.int64)
        assert (y.shape, y.dtype) == ((rows,), np.int64)


def test_values_are_the_published_ones():
    """First and last of both files, copied from the source."""
    data = japanese_vowels()
    np.testing.assert_array_equal(data.x_train[0, :4, 0], np.float32([1.860936, 1.891651, 1.939205, 1.717517]))
    np.testing.assert_array_equal(data.x_train[0, :2, 1], np.float32([-0.207383, -0.193249]))
    assert data.lengths_train[0] == 20
    assert data.x_train[0, 19, 0] == np.float32(1.261441)
    assert data.x_test[-1, data.lengths_test[-1] - 1, 11] == np.float32(0.224688)


@pytest.mark.parametrize("half", [slice(0, 3), slice(3, 6)])
def test_padding(half):
    post, lengths, _ = japanese_vowels("post")[half]
    pre, _, _ = japanese_vowels("pre")[half]
    for after, before, length in zip(post, pre, lengths, strict=True):
        np.testing.assert_array_equal(after[length:], 0.0)
        np.testing.assert_array_equal(before[:-length], 0.0)
        np.testing.assert_array_equal(before[len(before) - length :], after[:length])


def test_arrays_are_the_callers():
    japanese_vowels().x_train[:] = 0.0
    assert japanese_vowels().x_train.any()


def test_unknown_padding_is_named():
    with pytest.raises(ValueError, match="pad must be 'post' or 'pre', got 'both'"):
        japanese_vowels("both")


def test_file_is_small_and_without_pickles():
    path = files("fastlstm.datasets") / "japanese_vowels.npz"
    assert len(path.read_bytes()) < 450_000
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        assert not any(kept[name].dtype.hasobject for name in kept.files)


def test_examples_in_the_docstrings():
    assert doctest.testmod(_japanese_vowels).failed == 0
