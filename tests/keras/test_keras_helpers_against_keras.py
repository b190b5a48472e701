"""The helpers around training give what those of Keras give."""

import itertools

import numpy as np
import pytest

from fastlstm import keras as ours

keras = pytest.importorskip("keras")
legacy_sequence = pytest.importorskip("keras.src.legacy.preprocessing.sequence")
legacy_text = pytest.importorskip("keras.src.legacy.preprocessing.text")

RAGGED = {
    "numbers": [[1], [2, 3, 4, 5], [], [6, 7]],
    "floats": [[1.7, -2.7], [0.5]],
    "features": [np.ones((2, 3)), np.zeros((4, 3)), np.ones((0, 3))],
    "arrays": [np.arange(5), np.arange(2)],
    "nothing in them": [[], []],
    "words": [["a", "bcd"], ["e"]],
}


@pytest.mark.parametrize("name", RAGGED)
@pytest.mark.parametrize("maxlen", [None, 1, 3, 6])
@pytest.mark.parametrize(("padding", "truncating"), [*itertools.product(["pre", "post"], repeat=2)])
def test_pad_sequences(name, maxlen, padding, truncating):
    options = {"maxlen": maxlen, "padding": padding, "truncating": truncating}
    options |= {"dtype": object, "value": ""} if name == "words" else {"value": -1.5, "dtype": "float32"}
    found, wanted = (k.utils.pad_sequences(RAGGED[name], **options) for k in (ours, keras))
    np.testing.assert_array_equal(found, wanted, strict=True)


def test_pad_sequences_casts_to_whole_numbers():
    found, wanted = (k.utils.pad_sequences(RAGGED["floats"]) for k in (ours, keras))
    np.testing.assert_array_equal(found, wanted, strict=True)


SERIES = np.random.default_rng(0).normal(size=(37, 2))
WINDOWS = {
    "plain": {"sequence_length": 5},
    "strides": {"sequence_length": 3, "sequence_stride": 4, "sampling_rate": 2, "batch_size": 3},
    "part": {"sequence_length": 4, "start_index": 5, "end_index": 30, "batch_size": 7},
    "from a step": {"sequence_length": 2, "start_index": 30},
    "one by one": {"sequence_length": 30, "batch_size": None},
    "longer than the series": {"sequence_length": 50},
    "of one": {"sequence_length": 1, "sequence_stride": 9},
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize(
    "targets", [None, SERIES[:, 0], SERIES[:34], list(range(20))], ids=["none", "number", "rows", "list"]
)
def test_windows(name, targets):
    if targets is not None and "start_index" in WINDOWS[name]:
        targets = SERIES[:, 0]  # others end before
    found, wanted = (k.utils.timeseries_dataset_from_array(SERIES, targets, **WINDOWS[name]) for k in (ours, keras))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for part, of_keras in zip(*((b if isinstance(b, tuple) else (b,)) for b in (one, other)), strict=True):
            np.testing.assert_array_equal(part, of_keras.numpy(), strict=False)
            assert part.shape == of_keras.shape
            assert part.numpy().dtype == of_keras.numpy().dtype or isinstance(targets, list)


def test_windows_in_an_order_of_their_own():
    options = {"sequence_length": 3, "shuffle": True, "seed": 1, "batch_size": 10}
    found, wanted = (k.utils.timeseries_dataset_from_array(SERIES, SERIES[:, 0], **options) for k in (ours, keras))
    (x, y), (of_keras, _) = ([np.concatenate(parts) for parts in zip(*data, strict=True)] for data in (found, wanted))
    order = np.argsort(x[:, 0, 0])
    np.testing.assert_array_equal(x[order], of_keras[np.argsort(of_keras[:, 0, 0])])
    np.testing.assert_array_equal(x[:, 0, 0], y)


GENERATED = {
    "plain": {"length": 5},
    "all": {
        "length": 6,
        "sampling_rate": 2,
        "stride": 3,
        "start_index": 2,
        "end_index": 30,
        "batch_size": 3,
        "reverse": True,
    },
    "last": {"length": 36, "batch_size": 1},
}


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("data", [SERIES, SERIES.tolist()], ids=["array", "list"])
def test_timeseries_generator(name, data):
    kinds = ours.preprocessing.sequence.TimeseriesGenerator, legacy_sequence.TimeseriesGenerator
    found, wanted = (kind(data, SERIES[:, 0], **GENERATED[name]) for kind in kinds)
    assert len(found) == len(wanted)
    for k in range(len(wanted)):
        for part, of_keras in zip(found[k], wanted[k], strict=True):
            np.testing.assert_array_equal(part, of_keras, strict=True)


def test_a_timeseries_generator_that_draws():
    """From other numbers than Keras, and any of the windows that it has."""
    options = {"length": 4, "shuffle": True, "batch_size": 6}
    kinds = ours.preprocessing.sequence.TimeseriesGenerator, legacy_sequence.TimeseriesGenerator
    found, wanted = (kind(SERIES, SERIES[:, 0], **options) for kind in kinds)
    all_windows = legacy_sequence.TimeseriesGenerator(SERIES, SERIES[:, 0], 4, batch_size=100)[0][0].tolist()
    assert len(found) == len(wanted)
    for k in range(len(wanted)):
        x, y = found[k]
        assert (x.shape, y.shape) == (wanted[k][0].shape, wanted[k][1].shape)
        assert all(window in all_windows for window in x.tolist())


TEXTS = ["The cat, the dog; THE end!", "a dog\tand a-cat", "", ["The", "list", "of", "the"], "unknown words: cat"]
TOKENIZERS = {
    "plain": {},
    "few": {"num_words": 4},
    "others": {"num_words": 5, "oov_token": "<other>"},
    "letters": {"char_level": True, "lower": False},
    "of one's own": {"analyzer": lambda text: text.split("a")},
    "as they are": {"filters": ",;", "lower": False, "split": ";"},
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizer(name):
    made = [kind(**TOKENIZERS[name]) for kind in (ours.preprocessing.text.Tokenizer, legacy_text.Tokenizer)]
    for one in made:
        one.fit_on_texts(TEXTS[:2])
        one.fit_on_texts(TEXTS[2:4])
        one.fit_on_sequences([[1, 2], [2, 2]])
    found, wanted = made
    for attribute in ("word_counts", "word_docs", "word_index", "index_word", "index_docs", "document_count"):
        assert getattr(found, attribute) == getattr(wanted, attribute)
    sequences = found.texts_to_sequences(TEXTS)
    assert sequences == wanted.texts_to_sequences(TEXTS)
    for numbers in (sequences, [[1, 99, 2, 4, 6]]):
        assert found.sequences_to_texts(numbers) == wanted.sequences_to_texts(numbers)
    for mode in ("binary", "count", "freq", "tfidf"):
        np.testing.assert_array_equal(
            found.texts_to_matrix(TEXTS, mode), wanted.texts_to_matrix(TEXTS, mode), strict=True
        )
    if "analyzer" not in TOKENIZERS[name]:
        described = wanted.to_json()
        assert found.get_config().keys() == wanted.get_config().keys()
        again = ours.preprocessing.text.tokenizer_from_json(described)
        assert again.texts_to_sequences(TEXTS) == sequences
        theirs = legacy_text.tokenizer_from_json(found.to_json())
        assert theirs.texts_to_sequences(TEXTS) == sequences


def test_words_and_their_numbers():
    text = "A Day, a (long) day's night"
    assert ours.preprocessing.text.text_to_word_sequence(text) == legacy_text.text_to_word_sequence(text)
    for options in ({}, {"hash_function": "md5"}, {"hash_function": len, "lower": False}):
        found, wanted = (t.hashing_trick(text, 9, **options) for t in (ours.preprocessing.text, legacy_text))
        assert found == wanted
    assert ours.preprocessing.text.one_hot(text, 50) == legacy_text.one_hot(text, 50)


class Batches(ours.utils.PyDataset):
    """Two batches, by number."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.full((2, 3), index, "float32"), np.zeros((2, 1), "float32")


def test_py_dataset():
    theirs = type("Batches", (keras.utils.PyDataset,), {n: vars(Batches)[n] for n in ("__len__", "__getitem__")})
    for found, wanted in zip(Batches(workers=2), theirs(workers=2), strict=True):
        np.testing.assert_array_equal(found[0], wanted[0])
    assert (Batches().num_batches, Batches().workers) == (theirs().num_batches, theirs().workers)


@pytest.mark.parametrize("seed", [1, 42])
@pytest.mark.parametrize("mode", ["int", "binary", "categorical", None])
def test_texts_of_a_folder(mode, seed, tmp_path):
    for name, count in (("a", 9), ("b", 6)):
        (tmp_path / name).mkdir()
        for k in range(count):
            (tmp_path / name / f"{k}.txt").write_text(f"{name} {k}")
    options = {"label_mode": mode, "validation_split": 0.4, "subset": "both", "seed": seed, "batch_size": 4}
    options |= {"verbose": False, "max_length": 3}
    for place, (mine, theirs) in enumerate(
        zip(*(k.utils.text_dataset_from_directory(tmp_path, **options) for k in (ours, keras)), strict=True)
    ):
        assert mine.class_names == theirs.class_names
        found, wanted = ([parts if mode else (parts,) for parts in data] for data in (mine, theirs))
        found = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        wanted = [np.concatenate([part.numpy() for part in parts]) for parts in zip(*wanted, strict=True)]
        order = (
            np.argsort(wanted[0]) if place == 0 else slice(None)
        )  # what is trained on comes in another order every time
        mixed = np.argsort(found[0]) if place == 0 else slice(None)
        assert found[0][mixed].tolist() == wanted[0][order].tolist()
        for one, other in zip(found[1:], wanted[1:], strict=True):
            np.testing.assert_array_equal(one[mixed], other[order], strict=True)


def test_losses_go_by_the_smallest_probability():
    before = ours.config.epsilon()
    y, p = np.array([[1.0, 0.0, 0.5]], np.float32), np.array([[0.0, 0.3, 1.0]], np.float32)
    names = ["BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", "Poisson", "Dice", "Tversky"]
    names += ["MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"]
    try:
        for k in (ours, keras):
            k.config.set_epsilon(1e-2)
        for name in names:
            found, wanted = (np.asarray(getattr(k.losses, name)()(y, p)) for k in (ours, keras))
            np.testing.assert_allclose(found, wanted, rtol=2e-6, err_msg=name)
    finally:
        for k in (ours, keras):
            k.config.set_epsilon(before)


WORDS = np.random.default_rng(6)
REVIEWS = [WORDS.integers(1, 300, WORDS.integers(1, 30)).tolist() for _ in range(40)]
CHOICES = [
    {},
    {"num_words": 100, "skip_top": 5},
    {"maxlen": 20, "seed": 3, "oov_char": None},
    {"start_char": None, "index_from": 0, "num_words": 50},
]


@pytest.mark.parametrize("options", CHOICES)
@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_data_sets_of_words(name, options, tmp_path, monkeypatch):
    path, lists = tmp_path / f"{name}.npz", np.empty(40, object)
    lists[:] = REVIEWS
    members = {"x": lists, "y": np.arange(40)}
    if name == "imdb":
        members = {"x_train": lists[:25], "y_train": np.arange(25), "x_test": lists[25:], "y_test": np.arange(25, 40)}
    np.savez(path, **members)
    monkeypatch.setattr(f"keras.src.datasets.{name}.get_file", lambda *args, **kwargs: path)
    found, wanted = (getattr(k.datasets, name).load_data(path, **options) for k in (ours, keras))
    for (x, y), (x_wanted, y_wanted) in zip(found, wanted, strict=True):
        assert list(x) == list(x_wanted)
        np.testing.assert_array_equal(y, y_wanted)
