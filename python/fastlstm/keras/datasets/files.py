"""Where the files of data sets are."""

import json
import os
from pathlib import Path

from ..utils.files import keras_home


def found(path: str | os.PathLike[str], origin: str) -> Path:
    """Return the path of a file, which may be in Keras' folder of data sets.

    Raises
    ------
    FileNotFoundError
        It is not there; says where to get it.
    """
    folder = keras_home() / "datasets"
    for place in (Path(path).expanduser(), folder / path):
        if place.is_file():
            return place
    raise FileNotFoundError(f"path: {path} is not there, nor in {folder}; nothing is downloaded: get it from {origin}")


def read_word_index(path: str | os.PathLike[str], origin: str) -> dict[str, int]:
    """Return the numbers of words of a data set."""
    numbers: dict[str, int] = json.loads(found(path, f"{origin}_word_index.json").read_text(encoding="utf-8"))
    return numbers
