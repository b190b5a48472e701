"""Vocabularies, hashes and bins beside those of real Keras, where it is installed: values, shapes, dtypes, configs."""

import itertools

import numpy as np
import pytest

from fastlstm import keras as ours

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

MEAN = 3e-7  # a float32 mean of a few dozen weights, added in another order

TEXTS = [
    "Foo bar, bar! it's a_b [x] {y}",
    "foo  baz\tqux\nÜnder ÄB c\u00a0d \x1cq",
    "",
    "“q” — +1.5 \x0b a\x0cc\rd\x85e\u2003g",
    "b b b foo bar QUX",
]
OTHERS = ["foo nope bar BAR", "baz", "", "ünder Äb 15 z", "b b bar foo foo foo"]
TOKENS = np.array([["a", "b", "q"], ["b", "", "c"], ["d", "d", "[UNK]"]])
NUMBERS = np.array([[3, 3, 5], [-1, 7, 0], [2**40, -9, 5]])
LONG = [
    "",
    "a",
    "abcd",
    "abcdefgh",
    *(("abcdefghij" * 30)[:n] for n in (15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300)),
    "äöü" * 9,
]


def same(found, wanted):
    """Compare arrays of numbers, or of texts, which Keras gives as bytes."""
    wanted = np.asarray(wanted)
    if wanted.dtype.kind == "O":
        wanted = np.array([text.decode() for text in wanted.ravel()], object).reshape(wanted.shape)
    if wanted.dtype == np.float32:
        np.testing.assert_allclose(found, wanted, rtol=MEAN, strict=True)
    else:
        np.testing.assert_array_equal(found, wanted, strict=True)


def both(make, *calls):
    """Compare what two layers give, of each module, for each of the calls."""
    pair = make(ours.layers), make(keras.layers)
    for call in calls:
        found, wanted = map(call, pair)
        same(found, wanted)
    return pair


def check_vocabularies(mine, theirs):
    for special in (True, False):
        assert mine.get_vocabulary(special) == [
            one.item() if hasattr(one, "item") else one for one in theirs.get_vocabulary(special)
        ]
    assert mine.vocabulary_size() == theirs.vocabulary_size()


def check_configs(mine, theirs):
    found, wanted = mine.get_config(), theirs.get_config()
    assert found.pop("name").rstrip("_0123456789") == wanted.pop("name").rstrip("_0123456789")
    if wanted.get("vocabulary", ()) is None:  # ours keep tokens there that a file of lines would lose
        found |= {"vocabulary": None} | ({"idf_weights": None} if "idf_weights" in found else {})
    assert found == wanted
    again = type(mine).from_config(mine.get_config())
    assert again.get_config() == mine.get_config()


MODES = ["int", "one_hot", "multi_hot", "count", "tf_idf"]
SETTINGS = {
    "plain": {},
    "mask": {"mask_token": ""},
    "most": {"max_tokens": 4},
    "padded": {"max_tokens": 9, "pad_to_max_tokens": True},
    "several": {"num_oov_indices": 3},
    "several and a mask": {"num_oov_indices": 2, "mask_token": "", "salt": 5},
    "salt": {"num_oov_indices": 4, "salt": [133, 137]},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SETTINGS)
def test_texts_that_a_vocabulary_is_found_of(name, mode):
    options = SETTINGS[name] | {"output_mode": mode}
    if options.get("pad_to_max_tokens") and mode in ("int", "one_hot"):
        options.pop("pad_to_max_tokens")

    def adapted(k):
        layer = k.StringLookup(**options)
        layer.adapt(TOKENS)
        return layer

    calls = [
        lambda layer, x=x: layer(x) for x in (TOKENS, np.array([["z", "a"], ["", "yy"]]), TOKENS[:, :1], TOKENS[0])
    ]
    mine, theirs = both(adapted, *calls)
    check_vocabularies(mine, theirs)
    check_configs(mine, theirs)
    assert mine.compute_output_shape((None, 3)) == theirs.compute_output_shape((None, 3))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mask_token": 0},
        {"num_oov_indices": 3},
        {"max_tokens": 4},
        {"num_oov_indices": 2, "oov_method": "farmhash"},
        {"num_oov_indices": 5, "oov_method": "farmhash", "salt": 2},
    ],
    ids=str,
)
def test_whole_numbers(options, mode):
    def adapted(k):
        layer = k.IntegerLookup(**options, output_mode=mode)
        layer.adapt(NUMBERS)
        return layer

    mine, theirs = both(
        adapted, *(lambda layer, x=x: layer(x) for x in (NUMBERS, np.array([[1, -2, 0], [77, 5, 3]]), NUMBERS[0]))
    )
    check_vocabularies(mine, theirs)
    check_configs(mine, theirs)


@pytest.mark.parametrize("data", [["a", "b", "b"], [["a", "b"], ["b", "c"]], np.array(["q", "r", "q"])], ids=str)
@pytest.mark.parametrize("batches", [False, True])
def test_documents(data, batches):
    def adapted(k):
        layer = k.StringLookup(output_mode="tf_idf")
        layer.adapt(iter([data, data]) if batches else data)
        return layer

    mine, theirs = both(adapted)
    check_vocabularies(mine, theirs)
    same(mine.idf_weights, theirs.idf_weights)


@pytest.mark.parametrize(
    "options", [{"mask_token": ""}, {}, {"num_oov_indices": 0, "mask_token": ""}, {"num_oov_indices": 2}], ids=str
)
def test_tokens_of_indices(options):
    x = np.array([[0, 1, 2], [3, 4, 9]])
    both(lambda k: k.StringLookup(vocabulary=["a", "b"], invert=True, **options), lambda layer: layer(x))
    numbers = {**options, "mask_token": 0} if "mask_token" in options else options
    mine, theirs = both(lambda k: k.IntegerLookup(vocabulary=[12, 36], invert=True, **numbers), lambda layer: layer(x))
    check_vocabularies(mine, theirs)
    check_configs(mine, theirs)


@pytest.mark.parametrize("given", [["a", "b"], ["", "[UNK]", "a", "b"], np.array(["a", "b"]), ["a", "[UNK]"]], ids=str)
def test_given_vocabularies(given, tmp_path):
    mine, theirs = both(lambda k: k.StringLookup(vocabulary=given, mask_token=""), lambda layer: layer(TOKENS))
    check_vocabularies(mine, theirs)
    check_configs(mine, theirs)
    path = tmp_path / "tokens.txt"
    path.write_text("x\n[UNK]\nb\n")
    mine, theirs = both(lambda k: k.StringLookup(vocabulary=str(path)), lambda layer: layer(TOKENS))
    check_vocabularies(mine, theirs)
    check_configs(mine, theirs)


def test_given_weights():
    options = {"vocabulary": ["a", "b"], "idf_weights": [1.5, 2.0], "output_mode": "tf_idf"}
    for more in ({}, {"max_tokens": 6, "pad_to_max_tokens": True}):
        mine, theirs = both(lambda k, more=more: k.StringLookup(**options, **more), lambda layer: layer(TOKENS))
        check_configs(mine, theirs)
    whole = {"vocabulary": ["[UNK]", "a", "b"], "idf_weights": [0.5, 1.5, 2.0], "output_mode": "tf_idf"}
    both(lambda k: k.StringLookup(**whole), lambda layer: layer(TOKENS))


STANDARDS = ["lower_and_strip_punctuation", "lower", "strip_punctuation", None]
VECTORIZATIONS = [
    {},
    {"ngrams": 2},
    {"ngrams": (1, 3)},
    {"ngrams": 3, "split": "character"},
    {"max_tokens": 5},
    {"output_sequence_length": 2},
    {"output_sequence_length": 30},
    {"output_mode": "multi_hot"},
    {"output_mode": "count", "ngrams": 2},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf_idf", "max_tokens": 40, "pad_to_max_tokens": True},
    {"output_mode": "binary", "split": "character"},
]


@pytest.mark.parametrize("options", VECTORIZATIONS, ids=str)
@pytest.mark.parametrize("standardize", STANDARDS)
def test_texts(options, standardize):
    def adapted(k):
        layer = k.TextVectorization(standardize=standardize, **options)
        layer.adapt(TEXTS)
        return layer

    inputs = (OTHERS, np.array(OTHERS)[:, None], TEXTS, "foo bar", np.array(OTHERS[:4]).reshape(2, 2, 1))
    if "output_mode" in options:
        inputs = inputs[:-1]
    mine, theirs = both(adapted, *(lambda layer, x=x: layer(x) for x in inputs))
    check_vocabularies(mine, theirs)
    check_configs(mine, theirs)


@pytest.mark.parametrize(
    "options",
    [{}, {"ngrams": 2}, {"output_sequence_length": 2}, {"output_sequence_length": 5}, {"output_mode": "count"}],
    ids=str,
)
def test_tokens_that_are_there(options):
    tokens = np.array([["a", "b", "c"], ["c", "a", "q"]])

    def adapted(k):
        layer = k.TextVectorization(split=None, standardize=None, **options)
        layer.adapt(tokens)
        return layer

    mine, theirs = both(adapted, lambda layer: layer(tokens), lambda layer: layer(np.array([["a", "z", "b"]])))
    check_vocabularies(mine, theirs)


def test_batches_and_given_vocabularies_of_texts():
    def adapted(k, **steps):
        layer = k.TextVectorization()
        layer.adapt(iter([TEXTS[:2], TEXTS[2:]]), **steps)
        return layer

    check_vocabularies(*both(adapted))
    check_vocabularies(*both(lambda k: adapted(k, steps=1)))
    for given in (["a", "foo"], ["", "[UNK]", "bar"]):
        mine, theirs = both(lambda k, given=given: k.TextVectorization(vocabulary=given), lambda layer: layer(OTHERS))
        check_vocabularies(mine, theirs)
        check_configs(mine, theirs)


@pytest.mark.parametrize("salt", [None, 7, [133, 137]], ids=str)
@pytest.mark.parametrize("mask", [None, "a"])
@pytest.mark.parametrize(("bins", "mode"), [*itertools.product([1, 3, 1000], ["int", "one_hot", "multi_hot", "count"])])
def test_hashes(bins, mode, mask, salt):
    def make(k):
        return k.Hashing(bins, mask, salt, mode)

    x = np.array(LONG)
    check_configs(
        *both(make, lambda layer: layer(x), lambda layer: layer(x[:, None]), lambda layer: layer(x.reshape(3, -1)))
    )


def test_hashes_of_numbers():
    numbers = np.array([[1, 2, -3], [10**12, 0, 5]])
    both(lambda k: k.Hashing(30), lambda layer: layer(numbers), lambda layer: layer(numbers + 0.75))
    both(lambda k: k.Hashing(30, mask_value=2, dtype="int32"), lambda layer: layer(numbers))


CLASSES = np.array([[1, 3, 3], [0, 2, 2]])


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_classes(mode):
    inputs = (CLASSES, CLASSES[0], CLASSES[:, :1], CLASSES.astype(np.float32), np.array(2))
    mine, theirs = both(lambda k: k.CategoryEncoding(4, mode), *(lambda layer, x=x: layer(x) for x in inputs))
    check_configs(mine, theirs)
    for shape in ((None, 3), (None, 1), (None,), (2, 5, 3)):
        assert mine.compute_output_shape(shape) == theirs.compute_output_shape(shape)


def test_weighted_classes():
    weights = np.array([[0.5, 0.25, 1.0], [2.0, 3.0, 4.0]], np.float32)
    both(lambda k: k.CategoryEncoding(4, "count"), lambda layer: layer(CLASSES, count_weights=weights))


VALUES = np.random.default_rng(3).normal(size=(40, 3)).astype(np.float32)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_bins(mode):
    inputs = (VALUES, VALUES[:, 0], VALUES[:, :1])

    def adapted(k):
        layer = k.Discretization(num_bins=4, output_mode=mode, epsilon=0.05)
        layer.adapt(VALUES)
        return layer

    calls = [lambda layer, x=x: layer(x) for x in inputs]
    mine, theirs = both(adapted, *calls)
    check_configs(mine, theirs)
    check_configs(*both(lambda k: k.Discretization([-1.0, 0.0, 0.5], output_mode=mode), *calls))


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("bins", [1, 2, 7])
def test_bins_of_batches(bins, epsilon):
    def adapted(k):
        layer = k.Discretization(num_bins=bins, epsilon=epsilon)
        layer.adapt(iter([VALUES, VALUES[:9] + 1, VALUES[::3] * 2]))
        return layer

    mine, theirs = both(adapted)
    assert mine.bin_boundaries == list(theirs.bin_boundaries)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("axis", [-1, 1, (1, 2), None], ids=str)
def test_normalization(axis, invert):
    x = np.random.default_rng(6).normal(2, 3, (6, 5, 3)).astype("float32")
    for data in (x, [x[:1], x[1:4], x[4:]]):
        found, wanted = (k.layers.Normalization(axis, invert=invert) for k in (ours, keras))
        for layer in (found, wanted):
            layer.adapt(data)
        np.testing.assert_allclose(found(x), wanted(x), rtol=1e-5, atol=1e-5)  # means of ninety numbers in float32
        assert [w.shape for w in found.weights] == [w.shape for w in wanted.weights]
