"""Where the files of data sets are."""

import os
from pathlib import Path
from typing import NoReturn

from fastlstm import checks

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


def refuse_pickle(path: Path) -> NoReturn:
    """ValueError about a file of lists, which NumPy pickles."""
    got, cure = (
        f"{path}, which holds pickled lists",
        "; if you trust it, take them by numpy.load(path, allow_pickle=True)",
    )
    checks.complain(ValueError, "path", "hold arrays, as unpickling may run code", got, cure)
