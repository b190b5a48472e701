"""Data sets: what they give and in which order, how long they are, how models take them, and what they refuse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastlstm import data
from fastlstm.data import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from fastlstm.keras import Input, Model, Sequential, layers, metrics, utils
from fastlstm.keras.pipelines import DatasetSpec, TensorShape, TensorSpec


def listed(dataset: Dataset) -> list[Any]:
    return [part.tolist() if isinstance(part, np.ndarray) else part for part in dataset.as_numpy_iterator()]


# --- Elements ---------------------------------------------------------------------------------------------------------


def test_elements_are_tensors_in_tuples_and_dicts():
    dataset = Dataset.from_tensor_slices(([1, 2], {"a": [[0.5], [1.5]], "b": ["x", "ü"]}))
    number, rest = next(iter(dataset))
    assert number.numpy() == 1
    assert number.dtype == np.int32
    assert rest["a"].dtype == np.float32
    assert rest["b"].numpy() == b"x"
    assert list(dataset.as_numpy_iterator())[1][1]["b"].decode() == "ü"
    assert dataset.element_spec == (
        TensorSpec((), "int32"),
        {"a": TensorSpec((1,), "float32"), "b": TensorSpec((), "string")},
    )


def test_arrays_keep_their_dtypes_and_are_neither_copied_nor_written_to():
    x = np.arange(6.0).reshape(3, 2)
    (row, *_) = Dataset.from_tensor_slices(x)
    assert row.dtype == np.float64
    assert np.shares_memory(row, x)
    with pytest.raises(ValueError, match="read-only"):
        row += 1
    x[0] = 7  # which stays possible
    np.testing.assert_array_equal(next(iter(Dataset.from_tensor_slices(x))), 7)


def test_what_functions_get_computes_as_tensors_do():
    def work(x: Any, y: Any) -> Any:
        half = (x - y) / 2
        half.set_shape([None])
        return half[0].numpy(), [half, -half], half.shape[0]

    found = list(Dataset.from_tensor_slices(([[4.0, 2.0]], [[2.0, 2.0]])).map(work))
    assert [part.numpy().tolist() for part in found[0]] == [1.0, [[1.0, 0.0], [-1.0, 0.0]], 2]


def test_a_list_that_a_function_gives_stands_for_a_tuple():
    (element,) = Dataset.from_tensors(1).map(lambda x: [x, [x, x]])
    assert isinstance(element, tuple)
    assert element[1].shape == (2,)


def test_none_is_an_element_of_its_own():
    (element,) = Dataset.from_tensors((1, 2)).map(lambda x, y: (x, None)).batch(2)
    assert element[1] is None


# --- Lengths and passes -----------------------------------------------------------------------------------------------

TEN = Dataset.range(10)

LENGTHS: dict[str, tuple[Dataset, int]] = {
    "batch": (TEN.batch(4), 3),
    "whole batches": (TEN.batch(4, drop_remainder=True), 2),
    "padded": (TEN.padded_batch(3), 4),
    "repeat": (TEN.repeat(3), 30),
    "for ever": (TEN.repeat(), INFINITE_CARDINALITY),
    "never": (TEN.repeat(0), 0),
    "some of ever": (TEN.repeat().take(7), 7),
    "nothing for ever": (Dataset.range(0).repeat(), 0),
    "take": (TEN.take(4), 4),
    "take more": (TEN.take(40), 10),
    "take all": (TEN.take(-1), 10),
    "skip": (TEN.skip(4), 6),
    "skip all": (TEN.skip(-1), 0),
    "shard": (TEN.shard(4, 1), 3),
    "windows": (TEN.window(4, shift=3), 4),
    "whole windows": (TEN.window(4, shift=1, stride=2, drop_remainder=True), 4),
    "zip": (Dataset.zip(TEN, TEN.take(3)), 3),
    "concatenate": (TEN.concatenate(TEN), 20),
    "enumerate": (TEN.enumerate(), 10),
    "shuffle": (TEN.shuffle(3).cache().prefetch(2), 10),
    "filter": (TEN.filter(lambda x: x > 5), UNKNOWN_CARDINALITY),
    "flat_map": (TEN.flat_map(Dataset.from_tensors), UNKNOWN_CARDINALITY),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths(name: str) -> None:
    dataset, wanted = LENGTHS[name]
    assert dataset.cardinality().numpy() == wanted
    if wanted >= 0:
        assert len(dataset) == wanted == len(list(dataset)) == len(list(dataset))
    else:
        assert bool(dataset)
        with pytest.raises(TypeError, match=r"len\(\): the data set must have a number .* got one (of|that)"):
            len(dataset)


def test_elements_are_made_when_they_are_asked_for_and_anew_in_every_pass():
    made: list[int] = []
    dataset = TEN.map(lambda x: made.append(int(x)) or x).prefetch(4)
    assert made == []
    iterator = iter(dataset)
    next(iterator)
    assert made == [0]
    assert listed(dataset.take(2)) == [0, 1]
    assert made == [0, 0, 1]


def test_a_cache_is_filled_by_the_first_complete_pass():
    made: list[int] = []
    dataset = Dataset.range(3).map(lambda x: made.append(int(x)) or x).cache()
    next(iter(dataset))
    for _ in range(3):
        assert listed(dataset) == [0, 1, 2]
    assert made == [0, 0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        next(iter(dataset)).fill(7)


def test_a_cache_keeps_an_order_and_a_shuffle_behind_it_does_not():
    kept, anew = TEN.shuffle(10).cache(), TEN.cache().shuffle(10)
    assert len({tuple(listed(kept)) for _ in range(5)}) == 1
    assert len({tuple(listed(anew)) for _ in range(5)}) > 1


def test_several_passes_at_a_time_know_nothing_of_each_other():
    dataset = TEN.shuffle(4, seed=3).batch(3).cache()
    found: list[list[Any]] = []
    threads = [threading.Thread(target=lambda: found.append(listed(dataset.unbatch()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(sorted(one) == list(range(10)) for one in found)


# --- Order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_shuffled_element_is_out_of_a_buffer(size: int) -> None:
    found = listed(Dataset.range(50).shuffle(size))
    assert sorted(found) == list(range(50))
    assert all(element < place + size for place, element in enumerate(found))
    assert (found == list(range(50))) == (size == 1)


def test_a_buffer_of_all_elements_gives_every_order():
    orders = {tuple(listed(Dataset.range(3).shuffle(UNKNOWN_CARDINALITY))) for _ in range(100)}
    assert len(orders) == 6


def test_orders_follow_from_seeds():
    def orders(**settings: Any) -> list[list[int]]:
        dataset = TEN.shuffle(10, **settings)
        return [listed(dataset) for _ in range(2)]

    first, second = orders(seed=5)
    assert first != second
    assert orders(seed=5) == [first, second]
    assert len(set(map(tuple, orders(seed=5, reshuffle_each_iteration=False)))) == 1
    utils.set_random_seed(1)
    drawn = orders()
    utils.set_random_seed(1)
    assert orders() == drawn


def test_windows_of_structures_have_a_data_set_for_every_tensor():
    windows = Dataset.from_tensor_slices(([1, 2, 3], {"a": [4, 5, 6]})).window(2)
    spec = DatasetSpec(TensorSpec((), "int32"))
    assert windows.element_spec == (spec, {"a": spec})
    found = [(listed(x), listed(rest["a"])) for x, rest in windows]
    assert found == [([1, 2], [4, 5]), ([3], [6])]


def test_interleaved_data_sets_take_turns():
    inner = Dataset.range(1, 5).interleave(lambda x: Dataset.from_tensors(x).repeat(3), cycle_length=2, block_length=2)
    assert listed(inner) == [1, 1, 2, 2, 1, 2, 3, 3, 4, 4, 3, 4]
    assert inner.element_spec == TensorSpec((), "int64")


# --- Batches ----------------------------------------------------------------------------------------------------------


def ragged() -> Dataset:
    return Dataset.range(1, 6).map(lambda n: np.arange(int(n)))


def test_padding():
    assert listed(ragged().padded_batch(2)) == [[[0, 0], [0, 1]], [[0, 1, 2, 0], [0, 1, 2, 3]], [[0, 1, 2, 3, 4]]]
    (batch,) = ragged().take(2).padded_batch(2, padded_shapes=[3], padding_values=-1)
    assert batch.tolist() == [[0, -1, -1], [0, 1, -1]]
    texts = Dataset.from_generator(lambda: (["a"], ["b", "c"]), output_signature=TensorSpec([None], "string"))
    assert listed(texts.padded_batch(2)) == [[[b"a", b""], [b"b", b"c"]]]


def test_what_is_known_of_padded_elements():
    assert ragged().element_spec == TensorSpec([None], "int64")
    assert ragged().padded_batch(2).element_spec == TensorSpec([None, None], "int64")
    assert ragged().padded_batch(2, [7], drop_remainder=True).element_spec == TensorSpec([2, 7], "int64")


def test_buckets_give_a_batch_when_it_is_full():
    lengths = [1, 4, 2, 5, 1, 9]
    dataset = Dataset.from_generator(lambda: map(np.arange, lengths), output_signature=TensorSpec([None], "int64"))
    buckets = dataset.bucket_by_sequence_length(len, [3, 6], [2, 2, 2])
    assert [batch.shape for batch in buckets] == [(2, 2), (2, 5), (1, 1), (1, 9)]
    assert buckets.element_spec == TensorSpec([None, None], "int64")
    to_bounds = dataset.take(5).bucket_by_sequence_length(len, [3, 6], [2, 2, 2], pad_to_bucket_boundary=True)
    assert [batch.shape for batch in to_bounds] == [(2, 2), (2, 5), (1, 2)]


def test_what_is_known_of_what_functions_give_is_found_by_calling_them():
    batches = Dataset.from_tensor_slices(np.ones((5, 3), "float32")).batch(2)
    spec = batches.map(lambda x: {"sum": x.sum(axis=-1), "last": x[-1]}).element_spec
    assert spec == {"sum": TensorSpec([None], "float32"), "last": TensorSpec([3], "float32")}


def test_batches_are_taken_apart_again():
    assert listed(TEN.batch(4).unbatch().batch(5)) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_reduce():
    total, count = TEN.reduce((np.int64(0), 0), lambda state, x: (state[0] + x, state[1] + 1))
    assert (total.numpy(), count.numpy()) == (45, 10)


def test_shapes():
    shape = TensorShape([None, 3])
    assert shape == (None, 3)
    assert (shape.rank, shape.as_list(), shape.num_elements(), shape.is_fully_defined()) == (2, [None, 3], None, False)
    assert TensorShape([2, 3]).num_elements() == 6
    assert shape.is_compatible_with((5, 3))
    assert not shape.is_compatible_with((5, 4))
    assert TensorSpec([None], "float32").is_compatible_with(np.ones(3, "float32"))
    assert not TensorSpec([None], "float32").is_compatible_with(np.ones(3))
    assert repr(TensorSpec([None, 2], "string", "t")) == "TensorSpec(shape=(None, 2), dtype='string', name='t')"


# --- Models -----------------------------------------------------------------------------------------------------------


def make() -> Sequential:
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[metrics.MeanAbsoluteError(name="mae")])
    return model


X = np.random.default_rng(0).normal(size=(20, 5, 3)).astype("float32")
Y = X[:, :, :1].sum(axis=1)


def test_models_take_data_sets_as_they_take_arrays():
    model, other = make(), make()
    other.set_weights(model.get_weights())
    batches = Dataset.from_tensor_slices((X, Y)).batch(8)
    found = model.fit(batches, epochs=2, validation_data=batches, verbose=0).history
    wanted = other.fit(X, Y, batch_size=8, epochs=2, shuffle=False, validation_data=(X, Y), verbose=0).history
    assert found.keys() == wanted.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, wanted[name], rtol=1e-6)  # batches of validation are of another size
    np.testing.assert_array_equal(model.predict(batches, verbose=0), other.predict(X, batch_size=8, verbose=0))
    np.testing.assert_allclose(
        model.evaluate(batches, verbose=0), other.evaluate(X, Y, batch_size=8, verbose=0), rtol=1e-6
    )


def test_data_sets_without_end_or_length_are_trained_on():
    model = make()
    endless = Dataset.from_tensor_slices((X, Y)).repeat().batch(6)
    assert len(model.fit(endless, steps_per_epoch=3, epochs=2, verbose=0).history["loss"]) == 2
    some = Dataset.from_tensor_slices((X, Y)).filter(lambda x, y: y[0] > 0).batch(6)
    assert np.isfinite(model.fit(some, verbose=0).history["loss"][0])


def test_inputs_in_dicts_and_weights():
    a, b = Input((5, 3), name="a"), Input((2,), name="b")
    model = Model({"a": a, "b": b}, layers.Dense(1)(layers.Concatenate()([layers.LSTM(3)(a), b])))
    model.compile("sgd", "mse")
    rows = Dataset.from_tensor_slices(({"a": X, "b": X[:, 0, :2]}, Y, np.ones(20)))
    assert model.fit(rows.batch(7), verbose=0).history["loss"][0] > 0


def test_layers_adapt_to_data_sets_and_work_within_them():
    texts = Dataset.from_tensor_slices((["the cat", "the dog"], [0, 1]))
    vectorize = layers.TextVectorization(output_sequence_length=3)
    vectorize.adapt(texts.map(lambda text, label: text).batch(2))
    assert vectorize.get_vocabulary()[:3] == ["", "[UNK]", "the"]
    encoded = texts.map(lambda text, label: (vectorize(text), label))
    assert encoded.element_spec[0] == TensorSpec([3], "int64")
    assert [x.tolist()[0] for x, _ in encoded] == [2, 2]
    normalize = layers.Normalization()
    normalize.adapt(Dataset.from_tensor_slices(X).batch(5))
    np.testing.assert_allclose(np.asarray(normalize.mean).reshape(-1), X.mean(axis=(0, 1)), rtol=1e-5)


def test_windows_of_a_series_and_texts_of_files_are_data_sets(tmp_path):
    series = utils.timeseries_dataset_from_array(np.arange(10.0), np.arange(10), 3, batch_size=4)
    assert series.element_spec == (TensorSpec([None, 3], "float64"), TensorSpec([None], "int64"))
    assert listed(series.map(lambda x, y: x[:, -1])) == [[2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0]]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.txt").write_text(f"ü {name}", "utf-8")
    texts = utils.text_dataset_from_directory(tmp_path, shuffle=False, batch_size=None)
    assert texts.class_names == ["a", "b"]
    assert texts.element_spec == (TensorSpec([], "string"), TensorSpec([], "int32"))
    assert [(text.numpy().decode(), int(label)) for text, label in texts] == [("ü a", 0), ("ü b", 1)]
    assert isinstance(series, Dataset)
    assert isinstance(texts, Dataset)


# --- What is refused --------------------------------------------------------------------------------------------------


def signed(values: Any, *spec: Any) -> Iterator[Any]:
    return iter(Dataset.from_generator(lambda: iter(values), output_signature=TensorSpec(*spec)))


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "rows that differ": (
        lambda: Dataset.from_tensor_slices((np.ones(2), np.ones(3))),
        ValueError,
        r"tensors must have first axes of the same length, got shapes \[\(2,\), \(3,\)\]",
    ),
    "nothing to slice": (lambda: Dataset.from_tensor_slices(3), ValueError, "first axes of the same length, got"),
    "ragged list": (
        lambda: Dataset.from_tensor_slices([[1], [1, 2]]),
        TypeError,
        "tensors must be an array of numbers or texts, got a ragged list; pad it first",
    ),
    "objects": (lambda: Dataset.from_tensors(object()), TypeError, "tensors must hold numbers or texts, got <object"),
    "no signature": (lambda: Dataset.from_generator(list), ValueError, "either output_signature or output_types"),
    "another dtype": (
        lambda: next(signed([1.5], (), "int32")),
        TypeError,
        "what generator gives must have dtype int32, got float32",
    ),
    "a text for a number": (lambda: next(signed(["a"], (), "int32")), TypeError, "dtype int32, got string"),
    "another shape": (
        lambda: next(signed([[1, 2]], (3,), "int32")),
        ValueError,
        r"what generator gives must have shape \(3,\), got \(2,\)",
    ),
    "another structure": (
        lambda: list(Dataset.from_generator(lambda: iter([1]), output_signature=(TensorSpec(()), TensorSpec(())))),
        ValueError,
        "what generator gives must have the form of",
    ),
    "no data set": (lambda: Dataset.zip(TEN, [1]), TypeError, r"datasets must be a Dataset, got \[1\]"),
    "no inner data set": (lambda: list(TEN.flat_map(lambda x: x)), TypeError, "what map_func gives must be a Dataset"),
    "no function": (lambda: TEN.map(3), TypeError, "map_func must be a function, got 3"),
    "no truth": (lambda: list(TEN.filter(lambda x: x)), TypeError, "what predicate gives must be True or False, got"),
    "batches of none": (lambda: TEN.batch(0), ValueError, "batch_size must be a whole number of at least 1"),
    "half a batch": (lambda: TEN.batch(2.5), TypeError, "batch_size must be a whole number"),
    "no buffer": (lambda: TEN.shuffle(0), ValueError, "buffer_size must be a whole number of at least 1"),
    "shapes that differ": (
        lambda: list(ragged().batch(2)),
        ValueError,
        r"elements of a batch must have shape \(1,\), that of the first, got \(2,\); padded_batch\(\) fills them up",
    ),
    "no room": (
        lambda: list(ragged().padded_batch(5, [3])),
        ValueError,
        r"padded_shapes must have room for shape \(5,\), got \(3,\)",
    ),
    "a float to fill whole numbers": (
        lambda: list(ragged().padded_batch(2, padding_values=0.5)),
        TypeError,
        "padding_values must have dtype int64, got float32",
    ),
    "windows in a batch": (
        lambda: list(TEN.window(2).batch(2)),
        TypeError,
        r"elements of a batch must be tensors, got Dataset; flat_map\(",
    ),
    "not one number of rows": (
        lambda: list(Dataset.from_tensors((np.ones(2), np.ones(3))).unbatch()),
        ValueError,
        "tensors must have the same number of rows",
    ),
    "a part that is not there": (lambda: TEN.shard(3, 3), ValueError, "index must be a whole number from 0 to 2"),
    "a file": (lambda: TEN.cache("cache"), NotImplementedError, "filename must be '', for memory, got 'cache'"),
    "sizes of buckets": (
        lambda: TEN.bucket_by_sequence_length(len, [3], [1]),
        ValueError,
        "bucket_batch_sizes must be 2 sizes, one for each group, got 1 of them",
    ),
    "falling buckets": (
        lambda: TEN.bucket_by_sequence_length(len, [3, 3], [1, 1, 1]),
        ValueError,
        "bucket_boundaries must be a list of rising whole numbers",
    ),
    "too long for the last boundary": (
        lambda: list(ragged().bucket_by_sequence_length(len, [3], [1, 1], pad_to_bucket_boundary=True)),
        ValueError,
        "lengths of elements must be below 3, the last of bucket_boundaries",
    ),
    "nothing known": (lambda: Dataset.range(0).map(lambda x: x).element_spec, ValueError, "must have elements"),
    "another dtype behind": (
        lambda: TEN.concatenate(Dataset.from_tensors(0.5)).element_spec,
        TypeError,
        "the elements must be like TensorSpec",
    ),
    "what is not there": (lambda: TEN.rejection_resample, AttributeError, "'Dataset' object has no attribute 'rejec"),
    "a batch size in training": (
        lambda: make().evaluate(Dataset.from_tensor_slices((X, Y)).batch(2), Y, verbose=0),
        (ValueError, TypeError),
        "y must",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        call()


def test_old_names_of_constants():
    assert data.experimental.AUTOTUNE == data.AUTOTUNE == -1
    assert data.experimental.cardinality(TEN).numpy() == 10
