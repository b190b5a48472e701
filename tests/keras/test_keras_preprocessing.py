"""Layers that make numbers of texts, tokens and classes: by hand, in models, and what they refuse."""

import copy
import json
import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, models, ops, saving

TEXTS = np.array(["a good film", "bad film", "very good", "very very bad"])
LABELS = np.array([1.0, 0.0, 1.0, 0.0])
VOCABULARY = ["good", "bad", "very", "film"]


def test_a_vocabulary_is_sorted_by_count_and_then_by_the_tokens_from_the_last():
    lookup = layers.StringLookup()
    lookup.adapt(["b", "a", "c", "c", "é", "[UNK]"])
    assert lookup.get_vocabulary() == ["[UNK]", "c", "é", "b", "a"]
    assert lookup.get_vocabulary(include_special_tokens=False) == ["c", "é", "b", "a"]
    assert lookup.vocabulary_size() == 5


def test_counts_gather_until_the_state_is_reset():
    lookup = layers.StringLookup()
    lookup.update_state(["a", "b"])
    lookup.update_state(["b"])
    lookup.finalize_state()
    assert lookup.get_vocabulary() == ["[UNK]", "b", "a"]
    lookup.update_state(["q"])
    lookup.reset_state()
    lookup.finalize_state()
    assert lookup.get_vocabulary() == ["[UNK]", "b", "a"]
    lookup.adapt(["c"])
    assert lookup.get_vocabulary() == ["[UNK]", "c"]


def test_rare_tokens_count_more():
    lookup = layers.StringLookup(output_mode="tf_idf")
    lookup.adapt([["a", "a"], ["b", "a"], ["c", "d"]])
    rarities = np.log([1 + 3 / 3, 1 + 3 / 2, 1 + 3 / 2, 1 + 3 / 2])  # a is in two of three, the others in one
    np.testing.assert_allclose(lookup.idf_weights, [rarities.mean(), *rarities], rtol=1e-6)
    found = lookup([["a", "a", "q"]])
    np.testing.assert_allclose(found, [[rarities.mean(), 2 * rarities[0], 0, 0, 0]], rtol=1e-6)
    assert found.dtype == np.float32


def test_masks():
    lookup = layers.StringLookup(vocabulary=["a"], mask_token="")
    assert lookup([["a", "", "b"]]).tolist() == [[2, 0, 1]]
    counts = layers.StringLookup(vocabulary=["a"], mask_token="", output_mode="count")
    assert counts([["a", "", "b", "a"]]).tolist() == [[1, 2]]


def test_several_indices_of_unknown_tokens():
    assert layers.IntegerLookup(vocabulary=[12], num_oov_indices=3)([12, 4, -4]).tolist() == [3, 1, 2]
    texts = ["z", "y", "x", "ä", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"]  # numbers: what Keras gives
    assert layers.StringLookup(vocabulary=["a"], num_oov_indices=3)(texts).tolist() == [1, 2, 2, 2, 1]
    assert layers.StringLookup(vocabulary=["a"], num_oov_indices=3, salt=7)(texts).tolist() == [0, 2, 0, 2, 2]


def test_hashes_are_those_of_keras():
    letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert layers.Hashing(3)(letters).tolist() == [[1], [0], [1], [1], [2]]
    assert layers.Hashing(3, salt=[133, 137])(letters).tolist() == [[1], [2], [1], [0], [2]]
    masked = layers.Hashing(3, mask_value="")([["A"], ["B"], [""], ["C"], ["D"]])
    assert masked.tolist() == [[1], [1], [0], [2], [2]]
    assert layers.Hashing(30)(np.array([1, 2, -3, 10**12])).tolist() == [9, 19, 9, 2]


def test_inverted():
    back = layers.StringLookup(vocabulary=["a", "b"], invert=True, mask_token="")
    found = back([[0, 1, 2, 3, 4, -1]])
    assert found.tolist() == [["", "[UNK]", "a", "b", "[UNK]", "[UNK]"]]
    assert found.dtype == object
    assert layers.IntegerLookup(vocabulary=[12, 36], invert=True)([0, 1, 2, 7]).tolist() == [-1, 12, 36, -1]


def test_a_vocabulary_in_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("ä\nb\nc\n".encode("latin-1"))
    lookup = layers.StringLookup(vocabulary=path, encoding="latin-1")
    assert lookup.get_vocabulary() == ["[UNK]", "ä", "b", "c"]
    assert lookup.get_config()["vocabulary"] is None
    path.write_text("7\n5")
    assert layers.IntegerLookup(vocabulary=str(path)).get_vocabulary() == [-1, 7, 5]


def test_bytes_and_objects_are_texts():
    lookup = layers.StringLookup(vocabulary=[b"\xc3\xa4", "b"])
    for given in (["ä", "b"], np.array(["ä", "b"], object), np.array(["ä".encode(), b"b"]), [b"\xc3\xa4", "b"]):
        before = copy.copy(given)
        assert lookup(given).tolist() == [1, 2]
        assert list(given) == list(before)


def test_texts_are_taken_apart():
    vectorize = layers.TextVectorization(vocabulary=["a", "b", "a b"], ngrams=2)
    assert vectorize(["A, b!", "b"]).tolist() == [[2, 3, 4], [3, 0, 0]]
    assert vectorize([["A, b!"], ["b"]]).tolist() == [[2, 3, 4], [3, 0, 0]]
    characters = layers.TextVectorization(vocabulary=["a", " "], split="character", output_sequence_length=4)
    assert characters(["a b a", ""]).tolist() == [[2, 3, 1, 3], [0, 0, 0, 0]]
    counts = layers.TextVectorization(vocabulary=["a", "b"], output_mode="count", max_tokens=5, pad_to_max_tokens=True)
    assert counts(["a b b c", ""]).tolist() == [[1, 1, 2, 0, 0], [0, 0, 0, 0, 0]]


def test_capitals_beyond_ascii_stay_as_in_tensorflow():
    vectorize = layers.TextVectorization()
    vectorize.adapt(["ÄB c\u00a0d"])
    assert sorted(vectorize.get_vocabulary()) == ["", "[UNK]", "c\u00a0d", "Äb"]


def test_functions_of_ones_own_get_arrays_of_texts():
    kinds = []

    def standardize(texts):
        kinds.append(texts.dtype.kind)
        return np.char.replace(np.char.lower(texts), "-", "")

    vectorize = layers.TextVectorization(standardize=standardize, split=lambda texts: np.char.split(texts, ";"))
    vectorize.adapt(["A;b-c", "A"])
    assert vectorize.get_vocabulary() == ["", "[UNK]", "a", "bc"]
    assert vectorize(["BC;a;q"]).tolist() == [[3, 2, 1]]
    assert set(kinds) == {"U"}
    broken = layers.TextVectorization(vocabulary=["a"], split=lambda texts: [["a"]])
    with pytest.raises(ValueError, match=r"split\(\) gives must be 2 lists of tokens, .*, got 1 of them"):
        broken(["a", "b"])


@saving.register_keras_serializable("test_preprocessing")
def upper(texts):
    return np.char.upper(texts)


def test_functions_in_configs_by_their_names():
    vectorize = layers.TextVectorization(standardize=upper, vocabulary=["A"], ngrams=(1, 2))
    again = layers.TextVectorization.from_config(json.loads(json.dumps(vectorize.get_config())))
    assert again.standardize is upper
    assert again(["a b"]).tolist() == vectorize(["a b"]).tolist() == [[2, 1, 1]]


def vectorizer(**options):
    layer = layers.TextVectorization(vocabulary=VOCABULARY, **options)
    return layer


def of_words(shape):
    x = Input(shape, dtype="string")
    h = layers.LSTM(3)(layers.Embedding(7, 4, mask_zero=True)(vectorizer()(x)))
    return Model(x, layers.Dense(1, "sigmoid")(h))


class OfCounts(Model):
    def __init__(self):
        super().__init__()
        self.vectorize, self.dense = vectorizer(output_mode="count"), layers.Dense(1, "sigmoid")

    def call(self, x):
        return self.dense(self.vectorize(x))


MODELS = {
    "functional": lambda: of_words((1,)),
    "functional, one axis": lambda: of_words(()),
    "chain": lambda: Sequential(
        [Input((1,), dtype="string"), vectorizer(), layers.Embedding(7, 4), layers.GRU(3), layers.Dense(1)]
    ),
    "chain that data build": lambda: Sequential([vectorizer(output_mode="count"), layers.Dense(1, "sigmoid")]),
    "chain in a chain": lambda: Sequential([Sequential([vectorizer(output_mode="multi_hot")]), layers.Dense(1)]),
    "class": OfCounts,
}
FORMS = {
    "text": lambda x: x,
    "objects": lambda x: x.astype(object),
    "bytes": lambda x: np.char.encode(x),
    "list": lambda x: x.tolist(),
    "two axes": lambda x: x[:, None],
}


@pytest.mark.parametrize("name", MODELS)
def test_models_take_texts(name):
    model = MODELS[name]()
    model.compile("adam", "mse")
    wanted = model.predict(TEXTS, verbose=0)
    assert wanted.shape == (4, 1)
    for form in FORMS.values():
        np.testing.assert_array_equal(model.predict(form(TEXTS), verbose=0), wanted)
        np.testing.assert_array_equal(np.asarray(model(form(TEXTS))), wanted)
    history = model.fit(TEXTS, LABELS, batch_size=3, epochs=2, verbose=0, validation_split=0.25).history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    model.fit(((TEXTS[:2], LABELS[:2]) for _ in range(2)), verbose=0)
    assert np.isfinite(model.evaluate(TEXTS.astype(object), LABELS, verbose=0))
    assert np.isfinite(model.train_on_batch(TEXTS, LABELS))


def test_rows_of_texts_without_weight_do_not_count():
    model = MODELS["chain that data build"]()
    model.compile("sgd", "mse")
    labels, weights = LABELS.copy(), np.array([1.0, 1.0, 0.0, 1.0])
    model.predict(TEXTS, verbose=0)
    start = model.get_weights()
    found = []
    for labels[2] in (0.0, np.nan):
        model.set_weights(start)
        model.fit(TEXTS, labels, sample_weight=weights, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["functional", "chain", "chain that data build"])
def test_models_of_texts_come_back(name):
    model = MODELS[name]()
    wanted = model.predict(TEXTS, verbose=0)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), models.model_from_json(model.to_json())):
        assert other.get_config()["layers"][0]["config"]["dtype"] == "string"
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other.predict(TEXTS, verbose=0), wanted)


def test_a_model_gives_texts():
    model = Sequential([layers.StringLookup(vocabulary=["a", "b"], invert=True)])
    assert model.predict(np.array([[0, 1], [2, 1]]), verbose=0).tolist() == [["[UNK]", "a"], ["b", "a"]]


def test_whole_numbers_inside_a_model_become_floats_where_these_are_taken():
    x = Input((4, 3))
    for layer in (layers.Dense(2), layers.LSTM(2), layers.Conv1D(2, 2), layers.Softmax(), layers.Dropout(0.5)):
        model = Model(x, layer(ops.cast(x, "int64")))
        data = np.arange(24).reshape(2, 4, 3) % 5
        found = model.predict(data + 0.5, verbose=0)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.asarray(layer(data)))


def test_classes_by_weight_in_a_model():
    x, weights = Input((3,), dtype="int64"), Input((3,))
    model = Model([x, weights], layers.CategoryEncoding(4, "count")(x, count_weights=weights))
    classes, given = np.array([[1, 3, 3]]), np.array([[0.5, 0.25, 1.0]])
    wanted = [[0.0, 0.5, 0.0, 1.25]]
    assert model.predict([classes, given], verbose=0).tolist() == wanted
    assert layers.CategoryEncoding(4, "count")(classes, count_weights=given).tolist() == wanted


def test_samples_are_along_the_last_axis():
    classes = np.array([[[1, 3], [2, 2]]])
    assert layers.CategoryEncoding(4)(classes).tolist() == [[[0, 1, 0, 1], [0, 0, 1, 0]]]
    assert layers.CategoryEncoding(4, "count")(classes).tolist() == [[[0, 1, 0, 1], [0, 0, 2, 0]]]
    assert layers.CategoryEncoding(4)(np.zeros((2, 0))).tolist() == [[0] * 4] * 2


def test_bins():
    bins = layers.Discretization(num_bins=3)
    assert bins.compute_output_shape((None, 2)) == (None, 2)
    bins.adapt(np.arange(1.0, 10.0))
    assert bins.bin_boundaries == [3.0, 6.0]
    assert bins([[0.0, 3.0, 7.0]]).tolist() == [[0, 1, 2]]
    again = layers.Discretization.from_config(json.loads(json.dumps(bins.get_config())))
    assert again.bin_boundaries == bins.bin_boundaries
    assert layers.Discretization([0.0], output_mode="one_hot")([[-1.0], [0.0]]).tolist() == [[1, 0], [0, 1]]


LOOKUP = layers.StringLookup(vocabulary=["a"])
ERRORS = {
    "no vocabulary": (
        lambda: layers.StringLookup()(["a"]),
        ValueError,
        r"must have a vocabulary, got none; call adapt",
    ),
    "no bins": (lambda: layers.Discretization(num_bins=2)([1.0]), ValueError, "the bins must be known"),
    "numbers for texts": (lambda: LOOKUP([1, 2]), TypeError, "x must hold texts only, got 1"),
    "an array of numbers": (lambda: LOOKUP(np.ones(2)), TypeError, "x must be an array of texts, got dtype float64"),
    "a number among texts": (lambda: LOOKUP(["a", 3]), TypeError, "x must hold texts only, got 3"),
    "None among texts": (lambda: LOOKUP(np.array(["a", None])), TypeError, "x must hold texts only, got None"),
    "no encoding of text": (lambda: LOOKUP([b"\xff"]), ValueError, "x must hold texts in the encoding 'utf-8'"),
    "texts for numbers": (
        lambda: layers.IntegerLookup(vocabulary=[1])(["a"]),
        TypeError,
        "must be an array of numbers",
    ),
    "unknown without an index": (
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["z"]),
        ValueError,
        "must be in the vocabulary, as num_oov_indices is 0, got 'z'",
    ),
    "twice": (lambda: layers.StringLookup(vocabulary=["a", "a"]), ValueError, "have every token once, got 'a' twice"),
    "none": (lambda: layers.StringLookup(vocabulary=[]), ValueError, "vocabulary must have tokens, got none"),
    "mask inside": (
        lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""),
        ValueError,
        r"must have '' at the start only, where all of \['', '\[UNK\]'\] may be, got it at place 1",
    ),
    "too many": (lambda: layers.StringLookup(2, vocabulary=["a", "b"]), ValueError, "must have at most 2 tokens with"),
    "no file": (lambda: layers.StringLookup(vocabulary="no.txt"), ValueError, "or the path of a file that is there"),
    "no weights": (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
        ValueError,
        "idf_weights must be given for output_mode='tf_idf', and for no other, got none",
    ),
    "weights of too few": (
        lambda: layers.StringLookup(vocabulary=["a", "b"], output_mode="tf_idf", idf_weights=[1.0]),
        ValueError,
        r"idf_weights must have shape \(2,\), a number for each token",
    ),
    "adapt what is given": (lambda: LOOKUP.adapt(["b"]), ValueError, "vocabulary must not be given to the constructor"),
    "steps of an array": (lambda: layers.StringLookup().adapt(["b"], 1), ValueError, "steps must be None where data"),
    "a text as data": (lambda: layers.StringLookup().adapt("b"), TypeError, "data must be an array, or an iterable of"),
    "rows of another length": (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="count").set_vocabulary(["a", "b"]),
        ValueError,
        "vocabulary must have 2 tokens with .*, got 3; make a new layer",
    ),
    "ragged": (lambda: layers.TextVectorization(ragged=True), ValueError, r"ragged must be False, .*mask_zero=True"),
    "sparse": (lambda: layers.TextVectorization(sparse=True), ValueError, "sparse must be False"),
    "length of counts": (
        lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
        ValueError,
        "output_sequence_length must be None for other output modes",
    ),
    "several texts in a row": (
        lambda: vectorizer()([["a", "b"]]),
        ValueError,
        r"x must have a single text along the last axis, got shape \(1, 2\); set split=None",
    ),
    "classes out of range": (
        lambda: layers.CategoryEncoding(4)([[4]]),
        ValueError,
        "x must have whole numbers from 0 to 3, got 4",
    ),
    "weights of ones": (
        lambda: layers.CategoryEncoding(4)([[1]], count_weights=[[1.0]]),
        ValueError,
        "count_weights must come with output_mode='count' only",
    ),
    "an adapted bin": (
        lambda: layers.Discretization([1.0]).adapt([1.0]),
        ValueError,
        r"bin_boundaries must be None for adapt\(\)",
    ),
    "falling bins": (lambda: layers.Discretization([1.0, 0.0]), ValueError, "numbers in rising order"),
    "floats for a model of texts": (
        lambda: of_words((1,)).predict(np.zeros((2, 1)), verbose=0),
        TypeError,
        "x must be an array of texts, got dtype float64",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    call, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        call()
