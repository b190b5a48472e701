"""Saving and loading by the ending of the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import kinds
from fastlstm.files.hdf5 import ENDINGS

from . import keras_3, legacy
from .native import load_native, save_native

WEIGHTS, *LEGACY = ENDINGS


def save_model(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
    """Write a model to a file: what it is made of, its weights, and how it is being trained.

    Parameters
    ----------
    model : Model
        The model.
    filepath : path
        Path of the file. The ending says what is written: ``.keras``, or ``.h5`` and ``.hdf5`` in the form of Keras 2,
        which Keras reads too; with any other one a file of our own, which needs no other package.
    overwrite : bool
        Whether a file that is there is replaced. It is whole until the new one is.
    **kwargs : keyword arguments
        ``include_optimizer=False`` leaves the optimizer out of an ``.h5``; ``zipped=True`` is how a ``.keras`` is.
    """
    path = _target(filepath, overwrite)
    for name in kwargs:
        checks.one_of("save()'s argument", name, ("include_optimizer", "zipped", "save_format"))
    whole = checks.truth("include_optimizer", kwargs.get("include_optimizer", True))
    if path.suffix == ".keras":
        keras_3.save_model(model, path)
    elif path.suffix in LEGACY:
        legacy.save_model(model, path, whole)
    else:
        save_native(model, path)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Return the model of a file that this package or Keras wrote.

    Parameters
    ----------
    filepath : path
        Path of the file, of Keras or of our own; what is in it says which, not its name.
    custom_objects : dict, optional
        Classes and functions of your own by the names that the file has for them.
    compile : bool
        Whether the model is compiled as it was, with the state of the optimizer, so that training goes on.
    safe_mode : bool
        Accepted: code in a file is never run.

    Raises
    ------
    ValueError, TypeError, OSError
        The file is not whole, or not what it must be. Nothing in it is run or imported.
    """
    path, compiled = existing("filepath", filepath), checks.truth("compile", compile)
    checks.truth("safe_mode", safe_mode)
    return _LOADERS[kinds.wanted_kind(path, *_LOADERS)](path, custom_objects, compiled)


_LOADERS = {kinds.NATIVE: load_native, kinds.KERAS: keras_3.load_model, kinds.HDF5: legacy.load_model}


def save_weights(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write the weights of a model to a file that Keras reads too, with the state of its optimizer if it has a place.

    Parameters
    ----------
    model : Model
        The model.
    filepath : path
        Path of the file, which ends in ``.weights.h5``, or in ``.h5`` or ``.hdf5`` for the form of Keras 2.
    overwrite : bool
        Whether a file that is there is replaced.
    """
    path = _target(filepath, overwrite)
    if path.name.endswith(WEIGHTS):
        keras_3.save_weights(model, path)
    elif path.suffix in LEGACY:
        legacy.save_weights(model, path)
    else:
        _refuse_ending(path, f"end in {', '.join(ENDINGS)}")


def load_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Put the weights of a file into a model: all of them or, if they do not fit, none.

    Parameters
    ----------
    model : Model
        The model, built.
    filepath : path
        Path of the file: ``.weights.h5`` or ``.keras``, or ``.h5`` or ``.hdf5`` as Keras 2 wrote them.
    skip_mismatch : bool
        Whether what does not fit is left out, and warned of, rather than refused.
    by_name : bool
        Whether layers of an ``.h5`` or ``.hdf5`` are found by their names, not by their order.
    """
    path, skip = existing("filepath", filepath), checks.truth("skip_mismatch", skip_mismatch)
    named = checks.truth("by_name", by_name)
    if path.suffix in LEGACY and not path.name.endswith(WEIGHTS):
        legacy.load_weights(model, path, skip, named)
        return
    if named:
        checks.complain(ValueError, "by_name", "come with a file .h5 or .hdf5 of Keras 2", str(path))
    if path.suffix != ".keras" and not path.name.endswith(WEIGHTS):
        _refuse_ending(path, f"end in {WEIGHTS}, .keras, .h5 or .hdf5")
    keras_3.load_weights(model, path, skip)


def _target(filepath: Any, overwrite: Any) -> Path:
    path = Path(checks.path("filepath", filepath))
    if not checks.truth("overwrite", overwrite) and path.exists():
        raise FileExistsError(f"filepath must be that of no file, got {path}; overwrite=True replaces it")
    return path


def existing(name: str, filepath: Any) -> Path:
    """`filepath` as that of a file that is there."""
    path = Path(checks.path(name, filepath))
    if path.is_dir():
        raise IsADirectoryError(f"{name} must be that of a file, got the folder {path}")
    if not path.exists():
        raise FileNotFoundError(f"{name} must be that of a file, got {path}, which is not there")
    return path


def _refuse_ending(path: Path, must: str) -> Any:
    checks.complain(ValueError, "filepath", must, str(path))
