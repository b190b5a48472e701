"""Reviews of films, and whether they praise them."""

from __future__ import annotations

import os

from fastlstm.files import pickled_lists

from ..foundation.arrays import Array
from .files import found, read_word_index
from .words import Choice, as_objects, chosen, short, shuffled

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb"


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return reviews, lists of numbers of words, and labels 0 and 1, for training and for tests.

    They are read from a file that is there, without unpickling anything but lists of numbers; in Keras' order.

    Parameters
    ----------
    path : path
        Of ``imdb.npz``, here or in Keras' folder of data sets.
    num_words : int, optional
        Words with this number or a larger one become `oov_char`: words are numbered by how frequent they are. None: the
        one with the largest number does.
    skip_top : int
        So do the most frequent words, those with a smaller number.
    maxlen : int, optional
        Reviews of so many words or more are left out.
    seed : int
        Of the order of the reviews.
    start_char : int, optional
        What every review begins with; None: nothing more.
    oov_char : int, optional
        What stands for a word that is left out; None: nothing.
    index_from : int
        Added to all numbers.
    """
    choice = Choice(num_words, skip_top, maxlen, seed, start_char, oov_char, index_from).checked()
    names = [("x_train", "x_test"), ("y_train", "y_test")]
    texts, labels = pickled_lists.read(found(path, f"{_ORIGIN}.npz"), *names)
    source = choice.source()
    parts = [short(*shuffled(*part, choice, source), choice) for part in zip(texts, labels, strict=True)]
    (train, y_train), (test, y_test) = parts
    rows, end = chosen([*train, *test], choice), len(train)
    return (as_objects(rows[:end]), y_train), (as_objects(rows[end:]), y_test)


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """Return the numbers of words, of a file that is there.

    Parameters
    ----------
    path : path
        Of ``imdb_word_index.json``, here or in Keras' folder of data sets.
    """
    return read_word_index(path, _ORIGIN)
