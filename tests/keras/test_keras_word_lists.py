"""Data sets of words: files of pickled lists, read without unpickling anything else."""

import os
import pickle
import pickletools
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from fastlstm.files import pickled, pickled_lists
from fastlstm.keras import datasets, utils
from fastlstm.keras.datasets.words import as_objects

RNG = np.random.default_rng(2)
TEXTS = [RNG.integers(1, 90_000, length).tolist() for length in (3, 200, 1, 40, 7)] + [[1, 255, 256, 65535, 65536, 0]]
LABELS = np.array([0, 1, 1, 0, 1, 0])


def write(path, protocol=4, **members):
    """Write arrays as NumPy does, with pickles of a protocol."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w") as stream:
                if array.dtype.kind == "O":
                    npy.write_array_header_1_0(stream, npy.header_data_from_array_1_0(array))
                    pickle.dump(array, stream, protocol)
                else:
                    npy.write_array(stream, array)
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_lists_of_every_protocol(tmp_path, protocol):
    path = write(tmp_path / "lists.npz", protocol, x=as_objects(TEXTS), y=LABELS)
    (texts,), (labels,) = pickled_lists.read(path, ["x"], ["y"])
    assert texts == TEXTS
    np.testing.assert_array_equal(labels, LABELS)


def test_lists_as_python_2_wrote_them(tmp_path):
    """With texts of bytes, which have an opcode of their own."""
    data = pickle.dumps(as_objects(TEXTS), 2)
    for text in (b"b", b"O8", b"|"):
        modern = b"X" + len(text).to_bytes(4, "little") + text
        assert modern in data
        data = data.replace(modern, b"U" + bytes([len(text)]) + text)
    assert "SHORT_BINSTRING" in {code.name for code, _, _ in pickletools.genops(data)}
    found = pickled.Unpickled(data, pickled_lists._KNOWN, None, "file", 10_000).value()
    assert found.values == TEXTS


def test_reviews_and_news(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets"
    folder.mkdir()
    texts, test_texts = as_objects([[k, 50 + k] for k in range(1, 7)]), as_objects([[9], [10, 11, 12]])
    write(folder / "imdb.npz", x_train=texts, y_train=np.arange(1, 7), x_test=test_texts, y_test=np.arange(9, 11))
    (x, y), (x_test, y_test) = datasets.imdb.load_data(num_words=14)
    assert x.dtype == object
    # The order goes with the seed; 1 begins a text, 3 is added to words, and 2 stands for those from 14 on.
    assert [text[:2] for text in x] == [[1, 3 + label] for label in y]
    assert {text[2] for text in x} == {2}
    assert sorted(y.tolist()) == [1, 2, 3, 4, 5, 6]
    assert {label: text for text, label in zip(x_test, y_test, strict=True)} == {9: [1, 12], 10: [1, 13, 2, 2]}
    write(folder / "reuters.npz", x=texts, y=np.arange(1, 7))
    (x, y), (x_test, y_test) = datasets.reuters.load_data(
        test_split=0.5, start_char=None, oov_char=None, index_from=0, skip_top=3
    )
    assert len(x) == len(x_test) == 3
    found = dict(zip([*y, *y_test], [*x, *x_test], strict=True))
    assert found == {1: [51], 2: [52], 3: [3, 53], 4: [4, 54], 5: [5, 55], 6: [6]}  # 56 is the largest: it is no less
    assert utils.pad_sequences(x, 2).shape == (3, 2)


class Code:
    def __reduce__(self):
        return os.system, ("exit 3",)


BAD = {
    "code": (as_objects([[1], [Code()]]), r"must name nothing but .*system"),
    "texts": (as_objects([[1], ["a"]]), "must be lists of whole numbers"),
    "no lists": (np.array([1, 2], object), "must be an array of lists"),
    "numbers": (np.arange(3), "must have dtype that of objects, which are lists, got int64"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_file_of_lists(tmp_path, name):
    array, message = BAD[name]
    with pytest.raises(ValueError if name != "numbers" else TypeError, match=message):
        pickled_lists.read(write(tmp_path / "bad.npz", x=array), ["x"], [])


def test_damaged_files(tmp_path):
    path = write(tmp_path / "lists.npz", x=as_objects(TEXTS), y=LABELS)
    with pytest.raises(ValueError, match="must have an array 'z', got"):
        pickled_lists.read(path, ["z"], [])
    whole = pickle.dumps(as_objects(TEXTS), 2)
    for end in range(0, len(whole) - 1, 7):
        with pytest.raises(ValueError, match=r"must be a pickle of tensors and plain values|must be an array"):
            pickled.Unpickled(whole[:end], pickled_lists._KNOWN, None, "file").value()
    with pytest.raises(ValueError, match=r"of too many opcodes|more than 20 opcodes"):
        pickled.Unpickled(whole, pickled_lists._KNOWN, None, "file", 20).value()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"maxlen": 1}, ValueError, "maxlen must be 3 at least, so that a text is left, got 1"),
        ({"num_words": -1}, ValueError, "num_words must be"),
        ({"seed": None}, TypeError, "seed must be a whole number"),
        ({"start_char": "a"}, TypeError, "start_char must be a whole number"),
    ],
)
def test_wrong_settings(tmp_path, options, error, message):
    path = write(tmp_path / "r.npz", x=as_objects([[1, 2], [3, 4]]), y=LABELS[:2])
    with pytest.raises(error, match=message):
        datasets.reuters.load_data(path, **{"start_char": None} | options)
