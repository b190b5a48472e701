"""Data sets against those of TensorFlow: the same elements in the same order, the same lengths, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from seeds import FIXED

from fastlstm import data
from fastlstm.keras import utils as ours_utils
from fastlstm.keras.foundation.texts import dtype_name
from fastlstm.keras.pipelines import TensorSpec
from fastlstm.keras.pipelines.structures import nested

tf = pytest.importorskip("tensorflow")

Make = Callable[[Any], Any]
"""Takes a class of data sets and returns one."""


def plain(element: Any) -> Any:
    """An element with NumPy's arrays and the data sets in it as lists."""
    if isinstance(element, dict):
        return {key: plain(part) for key, part in element.items()}
    if isinstance(element, tuple):
        return tuple(map(plain, element))
    return [plain(part) for part in element] if hasattr(element, "element_spec") else element.numpy()


def assert_same(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key, part in ours.items():
            assert_same(part, theirs[key])
    elif isinstance(ours, tuple | list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        assert getattr(ours, "dtype", None) == getattr(theirs, "dtype", None)
        np.testing.assert_array_equal(ours, theirs)


def compare(make: Make) -> None:
    ours, theirs = make(data.Dataset), make(tf.data.Dataset)
    for _ in range(2):
        assert_same([plain(element) for element in ours.take(60)], [plain(element) for element in theirs.take(60)])
    known = int(ours.cardinality().numpy())
    assert known in (int(theirs.cardinality().numpy()), data.UNKNOWN_CARDINALITY)


def sources(rng: np.random.Generator) -> Make:
    """A data set of pairs: an array of three numbers, and a dict of a number and a text."""
    count = int(rng.integers(1, 14))
    x, number = rng.normal(size=(count, 3)).astype("float32"), np.arange(count)
    texts = [f"t{k}" for k in range(count)]
    return lambda cls: cls.from_tensor_slices((x, {"number": number, "text": texts}))


def drawn_step(rng: np.random.Generator, flat: bool) -> Make:
    """A step that keeps the structure of the elements; `flat`: it may look into them."""
    n, m, k = (int(rng.integers(1, 6)) for _ in range(3))
    drop = bool(rng.integers(2))
    steps: dict[str, Make] = {
        "take": lambda d: d.take(n),
        "skip": lambda d: d.skip(n),
        "repeat": lambda d: d.repeat(n),
        "shard": lambda d: d.shard(n, n // 2),
        "cache": lambda d: d.cache(),
        "prefetch": lambda d: d.prefetch(n),
        "concatenate": lambda d: d.concatenate(d.take(m)),
        "batched": lambda d: d.batch(n, drop_remainder=drop).unbatch(),
        "zipped": lambda d: type_of(d).zip((d.skip(m), d)).map(lambda a, b: a),
        "enumerated": lambda d: d.enumerate(start=n).map(lambda number, element: element),
        "windows": lambda d: d.window(n, m, k, drop).flat_map(lambda a, b: zipped_again(type_of(d), a, b)),
        "apply": lambda d: d.apply(lambda given: given.take(m)),
    }
    looking: dict[str, Make] = {
        "map": lambda d: d.map(lambda a, b: (a * 2 + 1, {"number": b["number"] - n, "text": b["text"]})),
        "filter": lambda d: d.filter(lambda a, b: b["number"] % (n + 1) != 0),
        "take_while": lambda d: d.take_while(lambda a, b: b["number"] < 3 * n),
        "interleave": lambda d: d.interleave(
            lambda a, b: type_of(d).from_tensors((a, b)).repeat(m), cycle_length=n, block_length=k
        ),
    }
    known = steps | looking if flat else steps
    return known[str(rng.choice(list(known)))]


def type_of(dataset: Any) -> Any:
    return data.Dataset if isinstance(dataset, data.Dataset) else tf.data.Dataset


def zipped_again(cls: Any, numbers: Any, rest: Any) -> Any:
    return cls.zip((numbers, {"number": rest["number"], "text": rest["text"]}))


@pytest.mark.parametrize("seed", range(40))
def test_drawn_pipelines(seed: int) -> None:
    rng = np.random.default_rng([seed, FIXED])
    source, steps = sources(rng), [drawn_step(rng, flat=True) for _ in range(int(rng.integers(1, 5)))]
    size = int(rng.integers(1, 5))

    def make(cls: Any) -> Any:
        dataset = source(cls)
        for step in steps:
            dataset = step(dataset)
        return dataset.batch(size)

    compare(make)


def ragged(cls: Any) -> Any:
    kind = TensorSpec if cls is data.Dataset else tf.TensorSpec
    signature = kind([None], "int64"), {"x": kind([None, 2], "float32")}
    lengths = [1, 4, 2, 5, 1, 9, 3, 3]

    def elements() -> Any:
        for length in lengths:
            yield np.arange(length), {"x": np.ones((length, 2), "float32")}

    return cls.from_generator(elements, output_signature=signature)


CASES: dict[str, Make] = {
    "padded": lambda cls: ragged(cls).padded_batch(3),
    "padded whole batches": lambda cls: ragged(cls).padded_batch(3, drop_remainder=True),
    "padded to shapes": lambda cls: ragged(cls).padded_batch(
        2, padded_shapes=([12], {"x": [None, 3]}), padding_values=(np.int64(-1), {"x": np.float32(0.5)})
    ),
    "buckets": lambda cls: ragged(cls).bucket_by_sequence_length(lambda a, b: tf_length(cls, a), [2, 4], [2, 2, 3]),
    "buckets to bounds": lambda cls: ragged(cls).bucket_by_sequence_length(
        lambda a, b: tf_length(cls, a), [4, 10], [2, 3, 1], pad_to_bucket_boundary=True
    ),
    "whole buckets": lambda cls: ragged(cls).bucket_by_sequence_length(
        lambda a, b: tf_length(cls, a), [4, 10], [2, 3, 1], drop_remainder=True
    ),
    "beside each other": lambda cls: cls.range(1, 6).interleave(
        lambda x: cls.from_tensors(x).repeat(x), cycle_length=3, block_length=2, num_parallel_calls=2
    ),
    "flat_map of slices": lambda cls: cls.from_tensor_slices([[1, 2], [3, 4]]).flat_map(cls.from_tensor_slices),
    "dicts": lambda cls: cls.zip({"a": cls.range(3), "b": (cls.range(5), cls.range(2, 9, 2))}),
    "lists": lambda cls: cls.range(3).map(lambda x: [x, x + 1]),
    "texts": lambda cls: cls.from_tensor_slices((["a", "bc"], [b"x", b"y"])).repeat().take(3).batch(2),
    "old signature": lambda cls: cls.from_generator(lambda: range(3), output_types="int32", output_shapes=[]),
    "windows of windows": lambda cls: cls.range(9).window(4, 2).map(lambda w: w.batch(2)).flat_map(lambda w: w),
    "nothing": lambda cls: cls.range(0).repeat().batch(2),
    "never": lambda cls: cls.range(4).repeat(0),
    "all but two": lambda cls: cls.range(4).skip(2).repeat(2).concatenate(cls.range(1)),
    "constants": lambda cls: cls.from_tensors(([1.5, 2.5], {"y": 3})).repeat(2),
}


def tf_length(cls: Any, array: Any) -> Any:
    return len(array) if cls is data.Dataset else tf.size(array)


@pytest.mark.parametrize("name", CASES)
def test_same(name: str) -> None:
    compare(CASES[name])


@pytest.mark.parametrize("name", [*(name for name in CASES if name not in ("nothing", "windows of windows"))])
def test_the_same_is_known_of_elements(name: str) -> None:
    """Of sizes that are filled up less is known than in TensorFlow, and of those that it does not follow more."""

    def check(ours: Any, theirs: Any) -> None:
        assert len(ours.shape) == len(theirs.shape)
        assert all(None in pair or pair[0] == pair[1] for pair in zip(ours.shape, theirs.shape, strict=True))
        assert dtype_name(ours.dtype) == theirs.dtype.name

    nested(check, CASES[name](data.Dataset).element_spec, CASES[name](tf.data.Dataset).element_spec)


def test_reduce() -> None:
    found, wanted = (
        cls.range(5).reduce((np.int64(0), {"n": 1}), lambda state, x: (state[0] + x, {"n": state[1]["n"] * 2}))
        for cls in (data.Dataset, tf.data.Dataset)
    )
    assert_same(plain(found), plain(wanted))


def test_windows_over_a_series_and_texts_of_a_folder(tmp_path: Any) -> None:
    keras = pytest.importorskip("keras")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.txt").write_text(f"\u00fc {name}", "utf-8")
    found, wanted = (
        utils.text_dataset_from_directory(str(tmp_path), shuffle=False, verbose=False)
        for utils in (ours_utils, keras.utils)
    )
    assert_same([plain(element) for element in found], [plain(element) for element in wanted])
    series = np.arange(20.0)
    found, wanted = (
        utils.timeseries_dataset_from_array(series, series[3:], 3, sampling_rate=2, batch_size=4)
        for utils in (ours_utils, keras.utils)
    )
    assert_same([plain(element) for element in found], [plain(element) for element in wanted])
