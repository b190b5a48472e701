"""What is in a file of any format: arrays by name and, if it is of a model, its config."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.files import described, hdf5, keras_zip, kinds, native, npz, safetensors, torch_zip
from fastlstm.files.kinds import Kind


class Contents(NamedTuple):
    """What is in a file."""

    kind: Kind
    facts: dict[str, Any]
    config: Any
    """Of a model; None: there is none."""
    arrays: dict[str, NDArray[Any]]


def of_file(path: str | os.PathLike[str]) -> Contents:
    """Return what is in a file; ValueError if it is not whole, or of no format that is known."""
    given = Path(checks.path("path", path))
    kind = kinds.kind_of(given) or kinds.kind_by_ending(given)
    if kind is None or kind not in _READERS:
        got = "another, or one that is not whole" if kind is None else f"{kind.name}; {kind.reader} reads it"
        known = ", ".join(one.name for one in _READERS)
        checks.complain(ValueError, str(given), f"be a file of one of these kinds: {known}", got)
    facts, config, arrays = _READERS[kind](given)
    return Contents(kind, facts, config, arrays)


_Found = tuple[dict[str, Any], Any, dict[str, NDArray[Any]]]


def _native(path: Path) -> _Found:
    arrays, description = native.read(path)
    config = description.pop("model", None)
    return {name: value for name, value in description.items() if config is None or name != "kind"}, config, arrays


def _keras(path: Path) -> _Found:
    archive = keras_zip.read(path)
    tree = hdf5.read(io.BytesIO(archive.weights), f"{path}: {keras_zip.WEIGHTS}", attributes=False)
    facts = dict(archive.metadata)
    if archive.assets:
        facts["other files"] = ", ".join(archive.assets)
    return facts, archive.config, tree.arrays


def _hdf5(path: Path) -> _Found:
    tree = hdf5.read(path, str(path))
    kept = tree.attributes[""]
    facts: dict[str, Any] = {name: kept[name] for name in ("keras_version", "backend") if name in kept}
    if "model_config" not in kept:
        return {**facts, "model": "none: weights alone"}, None, tree.arrays
    return facts, described.parsed(kept["model_config"], f"{path}: model_config"), tree.arrays


def _onnx(path: Path) -> _Found:
    from fastlstm.onnx.listing import listed  # which other files do without

    facts, arrays = listed(path)
    return facts, None, arrays


def _plain(read: Callable[[Path], Any]) -> Callable[[Path], _Found]:
    def found(path: Path) -> _Found:
        arrays, facts = {}, {}
        for name, value in flat(read(path).arrays):
            if isinstance(value, np.ndarray):
                arrays[name] = value
            else:
                facts[name] = checks.shown(value)
        return facts, None, arrays

    return found


def flat(nested: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the values of dicts in dicts and lists, with their names joined by dots."""
    found: list[tuple[str, Any]] = []
    waiting: list[tuple[str, Any]] = [("", nested)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict | list | tuple):
            entries = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(f"{name}.{key}" if name else str(key), entry) for key, entry in reversed([*entries])]
        else:
            found.append((name, value))
    return found


_READERS: dict[Kind, Callable[[Path], _Found]] = {
    kinds.NATIVE: _native,
    kinds.KERAS: _keras,
    kinds.HDF5: _hdf5,
    kinds.TORCH: _plain(torch_zip.read),
    kinds.ONNX: _onnx,
    kinds.NPZ: _plain(npz.read),
    kinds.SAFETENSORS: _plain(safetensors.read),
}


def refusal_of(described: dict[str, Any]) -> str:
    """Return why an object that a config describes is not known here; nothing: it is."""
    from fastlstm.keras.foundation.published import find_maker, is_function  # which arrays do without

    try:
        if not is_function(described):
            find_maker(described, "the config")
    except (ValueError, TypeError) as error:
        return str(error)
    return ""
