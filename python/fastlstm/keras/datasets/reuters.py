"""News, and their topics."""

from __future__ import annotations

import os

from fastlstm import checks
from fastlstm.files import pickled_lists

from ..foundation.arrays import Array
from .files import found, read_word_index
from .words import Choice, as_objects, chosen, short, shuffled

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters"


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return news, lists of numbers of words, and the numbers of their topics, for training and for tests.

    They are read from a file that is there, without unpickling anything but lists of numbers; in Keras' order.

    Parameters
    ----------
    path : path
        Of ``reuters.npz``, here or in Keras' folder of data sets.
    test_split : float
        The share of news that are for tests, the last ones.
    num_words, skip_top, maxlen, seed, start_char, oov_char, index_from : int
        See `imdb.load_data`.
    """
    choice = Choice(num_words, skip_top, maxlen, seed, start_char, oov_char, index_from).checked()
    share = checks.fraction("test_split", test_split)
    (texts,), (labels,) = pickled_lists.read(found(path, f"{_ORIGIN}.npz"), ["x"], ["y"])
    kept, topics = short(*shuffled(texts, labels, choice, choice.source()), choice)
    rows, end = chosen(kept, choice), int(len(kept) * (1 - share))
    return (as_objects(rows[:end]), topics[:end]), (as_objects(rows[end:]), topics[end:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """Return the numbers of words, of a file that is there.

    Parameters
    ----------
    path : path
        Of ``reuters_word_index.json``, here or in Keras' folder of data sets.
    """
    return read_word_index(path, _ORIGIN)
