"""Reviews of films, and whether they praise them."""

from __future__ import annotations

import json
import os
from typing import Any

from .files import found, refuse_pickle

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb"


def load_data(path: str | os.PathLike[str] = "imdb.npz", **kwargs: Any) -> Any:
    """ValueError: the file is one of pickled lists."""
    refuse_pickle(found(path, f"{_ORIGIN}.npz"))


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """Return the numbers of words, of a file that is there.

    Parameters
    ----------
    path
        Of ``imdb_word_index.json``, here or in Keras' folder of data sets.
    """
    numbers: dict[str, int] = json.loads(found(path, f"{_ORIGIN}_word_index.json").read_text(encoding="utf-8"))
    return numbers
