"""What layers found out by adapt is in files of models, and comes back."""

import zipfile

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, models

h5py = pytest.importorskip("h5py")

ENDINGS = ("m.keras", "m.h5", "m")
TEXTS = np.array([["a b b"], ["c a"], ["d"]], object)
WORDS = np.array([["a"], ["c"], ["z"]], object)
NUMBERS = np.array([[3], [9], [4]])

LAYERS = {
    "TextVectorization": (lambda: layers.TextVectorization(output_sequence_length=3), "string", TEXTS),
    "ngrams": (lambda: layers.TextVectorization(ngrams=2, max_tokens=5), "string", TEXTS),
    "tf_idf of texts": (lambda: layers.TextVectorization(output_mode="tf_idf"), "string", TEXTS),
    "StringLookup": (lambda: layers.StringLookup(num_oov_indices=2, mask_token="-"), "string", WORDS),
    "multi_hot": (lambda: layers.StringLookup(output_mode="multi_hot"), "string", WORDS),
    "tf_idf": (
        lambda: layers.StringLookup(output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True),
        "string",
        WORDS,
    ),
    "IntegerLookup": (lambda: layers.IntegerLookup(mask_token=0, num_oov_indices=3), "int64", NUMBERS),
    "no unknown numbers": (lambda: layers.IntegerLookup(num_oov_indices=0), "int64", NUMBERS),
    "Normalization": (lambda: layers.Normalization(), "float32", NUMBERS.astype("float32")),
    "Discretization": (lambda: layers.Discretization(num_bins=2), "float32", NUMBERS.astype("float32")),
}


def adapted(name):
    make, dtype, data = LAYERS[name]
    layer = make()
    layer.adapt(data)
    return Sequential([Input((1,), dtype=dtype), layer]), data


def loaded(model, path):
    model.save(path)
    return models.load_model(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", LAYERS)
def test_what_was_found_comes_back(name, ending, tmp_path):
    model, data = adapted(name)
    found = loaded(model, tmp_path / ending)
    np.testing.assert_array_equal(found.predict(data, verbose=0), model.predict(data, verbose=0))
    if hasattr(model.layers[-1], "get_vocabulary"):
        assert found.layers[-1].get_vocabulary() == model.layers[-1].get_vocabulary()
    again = loaded(found, tmp_path / ending)
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))


@pytest.mark.parametrize("ending", ["m.keras", "m"])
def test_it_can_be_found_anew(ending, tmp_path):
    model, _ = adapted("TextVectorization")
    assert model.layers[-1].get_config()["vocabulary"] is None
    found = loaded(model, tmp_path / ending).layers[-1]
    found.adapt(["x y"])
    assert found.get_vocabulary() == ["", "[UNK]", "y", "x"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_models_inside_models_and_shared_layers(ending, tmp_path):
    inner, data = adapted("TextVectorization")
    x, y = Input((1,), dtype="string"), Input((1,), dtype="string")
    shared = layers.Embedding(8, 2)
    model = Model([x, y], layers.Add()([shared(inner(x)), shared(inner(y))]))
    found = loaded(model, tmp_path / ending)
    wanted = model.predict([data, data[::-1]], verbose=0)
    np.testing.assert_array_equal(found.predict([data, data[::-1]], verbose=0), wanted)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("token", ["\n", "a\rb", "\u2028", "\ud800", ""])
def test_tokens_that_are_no_lines(ending, token, tmp_path):
    """Keras writes a file for one of these that it does not read itself."""
    lookup = layers.StringLookup()
    lookup.adapt(np.array([["a", "a", token]], object))
    model = Sequential([Input((1,), dtype="string"), lookup])
    assert loaded(model, tmp_path / ending).layers[-1].get_vocabulary() == ["[UNK]", "a", token]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_set_later_is_what_is_saved(ending, tmp_path):
    (tmp_path / "words").write_text("p\nq")
    for given in (["a", "b"], str(tmp_path / "words")):
        lookup = layers.StringLookup(vocabulary=given)
        lookup.set_vocabulary(["c", "d"])
        found = loaded(Sequential([Input((1,), dtype="string"), lookup]), tmp_path / ending)
        assert found.layers[-1].get_vocabulary() == ["[UNK]", "c", "d"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_layer_that_has_found_nothing_yet(ending, tmp_path):
    model = Sequential([Input((1,), dtype="string"), layers.TextVectorization()])
    found = loaded(model, tmp_path / ending).layers[-1]
    assert found.get_vocabulary() == ["", "[UNK]"]
    found.adapt(["a"])


def with_file(path, data, place="layers/string_lookup/vocabulary.txt"):
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist() if not name.startswith("assets")}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in (parts | {f"assets/{place}": data}).items():
            new.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\xff", "vocabulary.txt must be text in UTF-8"),
        (b"a\nb", r"vocabulary.txt must begin with \['\[UNK\]'\], got \['a'\]"),
        (b"[UNK]\na\na", "vocabulary must have every token once"),
        (b"[UNK]\n" + b"a\n" * 500_000 + b"b", "vocabulary.txt must have at most 500000 lines"),
        (b"[UNK]\na\nb\nc\nd\ne", "vocabulary must have 4 tokens"),
    ],
)
def test_files_that_are_no_vocabulary(data, match, tmp_path):
    model, _ = adapted("multi_hot")
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=match) as raised:
        models.load_model(with_file(tmp_path / "m.keras", data))
    assert "m.keras" in str(raised.value)


def test_files_that_no_layer_has(tmp_path):
    model, _ = adapted("StringLookup")
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"layers/gru/vocabulary.txt must be the place of something in the model"):
        models.load_model(with_file(tmp_path / "m.keras", b"a", "layers/gru/vocabulary.txt"))


def test_weights_of_tokens_in_files_of_weights(tmp_path):
    model, data = adapted("tf_idf of texts")
    other = Sequential([Input((1,), dtype="string"), layers.TextVectorization(output_mode="tf_idf")])
    other.layers[-1].set_vocabulary(model.layers[-1].get_vocabulary(), np.ones(5))
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.predict(data, verbose=0), model.predict(data, verbose=0))
    other = Sequential([Input((1,), dtype="string"), layers.TextVectorization(output_mode="tf_idf")])
    other.layers[-1].set_vocabulary(["a"], [1.0])
    with pytest.raises(ValueError, match=r"as the vocabulary of .* has it"):
        other.load_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="what does not fit the model is skipped"):
        other.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
