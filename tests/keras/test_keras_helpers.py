"""Helpers around training: sequences of one length, windows, words as numbers, batches by number, data sets."""

import itertools
import json

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.keras import Sequential, datasets, layers, utils
from fastlstm.keras.preprocessing import sequence, text

SERIES = np.arange(20.0)


def test_pad_sequences():
    found = utils.pad_sequences([[1], [2, 3, 4], []], maxlen=2)
    np.testing.assert_array_equal(found, [[0, 1], [3, 4], [0, 0]])
    assert found.dtype == np.int32
    found = utils.pad_sequences([np.ones((1, 2))], 3, "float32", padding="post", value=7)
    np.testing.assert_array_equal(found, [[[1, 1], [7, 7], [7, 7]]])
    assert utils.pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5,), "sequences must be a list of sequences, got 5"),
        (([1, 2],), r"sequences\[0\] must be a list or an array, got 1"),
        (([],), "sequences must be at least one sequence, where maxlen is None"),
        (([[[1, 2]], [[1]]],), r"sequences\[1\] must have steps of shape \(2,\)"),
        (([[1]], -1), "maxlen must be a whole number of at least 0, got -1"),
        (([[1]], 2, "int32", "left"), "padding must be 'pre' or 'post', got 'left'"),
        (([[1]], 2, "int32", "pre", "end"), "truncating must be"),
        (([[1]], 2, "int32", "pre", "pre", "x"), "value must be a number, for dtype int32, got 'x'; set dtype=object"),
    ],
)
def test_what_cannot_be_padded(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(*arguments)


def test_windows_train_a_model():
    data = utils.timeseries_dataset_from_array(SERIES[:-3, None], SERIES[3:], 3, batch_size=4)
    assert len(data) == 4
    x, y = next(iter(data))
    np.testing.assert_array_equal(x.numpy()[:, :, 0], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]])
    np.testing.assert_array_equal(y, [3, 4, 5, 6])
    model = Sequential([layers.LSTM(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(data, epochs=2, validation_data=data, verbose=0)
    assert history.history["val_loss"][-1] < history.history["loss"][0]
    assert model.predict(data, verbose=0).shape == (15, 1)


def test_some_of_the_batches():
    data = keras.preprocessing.timeseries_dataset_from_array(SERIES, None, 2, batch_size=5)
    assert [len(batch) for batch in data] == [5, 5, 5, 4]
    for count, number in ((2, 2), (0, 0), (9, 4), (-1, 4)):
        assert len(data.take(count)) == len(list(data.take(count))) == number
    assert len(data.take(3).take(2)) == 2


def test_windows_in_an_order_of_their_own():
    def orders(seed):
        data = utils.timeseries_dataset_from_array(SERIES, None, 1, batch_size=None, shuffle=True, seed=seed)
        return [[float(window[0]) for window in data] for _ in range(2)]

    first, second = orders(3)
    assert first != second
    assert sorted(first) == sorted(second) == SERIES.tolist()
    assert orders(3) == [first, second]
    utils.set_random_seed(5)
    drawn = orders(None)
    utils.set_random_seed(5)
    assert orders(None) == drawn


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence_length": 0}, "sequence_length must be a whole number of at least 1"),
        ({"sampling_rate": 20}, "sampling_rate must be a whole number from 1 to 19, got 20"),
        ({"sequence_stride": 0}, "sequence_stride must be a whole number from 1 to 19, got 0"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"start_index": 20}, "start_index must be a whole number from 0 to 19, got 20"),
        ({"start_index": 5, "end_index": 5}, "end_index must be a whole number from 6 to 19, got 5"),
        ({"end_index": 20}, "end_index must be a whole number from 1 to 19, got 20"),
        ({"targets": SERIES[:8], "start_index": 4}, "targets must have more than 11 entries, got 8"),
    ],
)
def test_what_windows_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        utils.timeseries_dataset_from_array(**{"data": SERIES, "targets": None, "sequence_length": 3} | options)


def test_timeseries_generator():
    made = sequence.TimeseriesGenerator(SERIES, SERIES * 10, 3, batch_size=8, stride=2)
    assert len(made) == 2
    x, y = made[1]
    np.testing.assert_array_equal(x, [[16, 17, 18]])
    np.testing.assert_array_equal(y, [190])
    config = json.loads(made.to_json())["config"]
    assert (config["start_index"], config["end_index"], json.loads(config["data"])) == (3, 19, SERIES.tolist())
    with pytest.raises(ValueError, match="targets must have an entry for each of the 20 steps, got 3"):
        sequence.TimeseriesGenerator(SERIES, [1, 2, 3], 3)
    with pytest.raises(ValueError, match=r"start_index \+ length must be at most 19, got 25: no step has 25 before it"):
        sequence.TimeseriesGenerator(SERIES, SERIES, 25)


def test_tokenizer():
    words = text.Tokenizer(num_words=3, oov_token="?")
    words.fit_on_texts(["the cat", "The dog, the end"])
    assert words.word_index == {"?": 1, "the": 2, "cat": 3, "dog": 4, "end": 5}
    assert words.texts_to_sequences(["the cat", "no"]) == [[2, 1], [1]]
    assert words.sequences_to_texts([[2, 1]]) == ["the ?"]
    np.testing.assert_array_equal(words.texts_to_matrix(["the the cat"], "count"), [[0, 1, 2]])
    assert text.tokenizer_from_json(words.to_json()).texts_to_sequences(["the end"]) == [[2, 1]]
    with pytest.raises(ValueError, match="num_words must be given, or fit_on_texts"):
        text.Tokenizer().texts_to_matrix(["a"])
    with pytest.raises(ValueError, match=r"mode must be 'binary', .* got 'sum'"):
        words.texts_to_matrix(["a"], "sum")
    with pytest.raises(ValueError, match="mode must not be 'tfidf' before"):
        text.Tokenizer(5).texts_to_matrix(["a"], "tfidf")
    with pytest.raises(ValueError, match="n must be a whole number of at least 2, got 1"):
        text.one_hot("a b", 1)
    with pytest.raises(ValueError, match="hash_function must be 'md5' or a function, got 'sha'"):
        text.hashing_trick("a b", 5, "sha")


class Endless(utils.PyDataset):
    """Batches without an end."""

    def __getitem__(self, index):
        return np.full((2, 3), index, "float32"), np.zeros((2, 1), "float32")


def test_batches_by_number():
    made = Endless(workers=3, use_multiprocessing=True, max_queue_size=2)
    assert made.num_batches is None
    assert [batch[0][0, 0] for batch in itertools.islice(made, 3)] == [0, 1, 2]
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.fit(made, steps_per_epoch=2, verbose=0).epoch == [0]
    with pytest.raises(NotImplementedError, match="PyDataset must define __getitem__"):
        utils.PyDataset()[0]
    with pytest.raises(TypeError, match="workers must be a whole number"):
        utils.PyDataset(workers="many")


def test_data_sets_are_files_that_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"mnist\.npz is not there, nor in .*nothing is downloaded: get it from"
    ):
        datasets.mnist.load_data()
    folder = tmp_path / "datasets"
    folder.mkdir()
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(folder / "mnist.npz", **{name: np.full(3, k) for k, name in enumerate(names)})
    (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data()
    assert [part[0] for part in (x_train, y_train, x_test, y_test)] == [0, 1, 2, 3]
    (folder / "imdb_word_index.json").write_text('{"the": 1}')
    assert datasets.imdb.get_word_index() == {"the": 1}
    with pytest.raises(FileNotFoundError, match="get it from"):
        datasets.reuters.get_word_index(tmp_path / "words.json")
