"""The format of this package: a safetensors file whose metadata says what the arrays are, with the version of that."""

from __future__ import annotations

import json
from pathlib import Path

from fastlstm import checks
from fastlstm.runtime import config

from . import safetensors
from .bundle import Bundle
from .described import parsed

VERSION = 1
"""Of the description. A reader of it reads those of smaller versions."""

METADATA, _VERSION, _WRITER = "fastlstm", "format_version", "written_by"

_OTHERS = {
    **{".npz": "fastlstm.write_weights()", ".onnx": "fastlstm.onnx.export()"},
    **dict.fromkeys((".pt", ".pth"), "torch.save()"),
}
"""What writes files that end so."""


def write(path: Path, bundle: Bundle) -> None:
    """Write arrays and their description, in place of any other file; its name must not be that of another format."""
    if path.suffix in _OTHERS:
        got = f"{path.name}; {_OTHERS[path.suffix]} writes these"
        checks.complain(ValueError, "path", f"not end in {path.suffix} for a file of fastlstm", got)
    description = {_VERSION: VERSION, _WRITER: f"fastlstm {config()['fastlstm']}", **bundle.description}
    text = json.dumps(description)
    parsed(text, "the description")  # what cannot be read is not written
    safetensors.write(path, Bundle(bundle.arrays, {METADATA: text}))


def read(path: Path) -> Bundle:
    """Return the arrays of a file, which are its memory, and their description."""
    arrays, metadata = safetensors.read(path)
    if METADATA not in metadata:
        got = "a safetensors file without a description; fastlstm.read_weights() gives its arrays"
        checks.complain(ValueError, str(path), "be a file that fastlstm wrote", got)
    description = parsed(metadata[METADATA], f"{path}: the description")
    version = description.pop(_VERSION, None)
    writer = checks.shown(description.pop(_WRITER, "an unknown version"))
    if type(version) is not int or version < 1:
        checks.refuse(ValueError, f"{path}: {_VERSION}", f"a whole number from 1 to {VERSION}", version)
    if version > VERSION:
        must = f"be at most {VERSION}, what fastlstm {config()['fastlstm']} reads"
        got = f"{version}, written by {writer}; install a newer fastlstm"
        checks.complain(ValueError, f"{path}: {_VERSION}", must, got)
    return Bundle(arrays, description)
