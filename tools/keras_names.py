"""Make ``python/fastlstm/absent/names.json``: what Keras' modules and classes are called to have.

    KERAS_BACKEND=tensorflow python tools/keras_names.py

The file here was made with Keras 3.15.1 on TensorFlow 2.21.0, whose ``tensorflow.keras`` has the names of Keras 2 that
Keras 3 still knows, too. It has a text of names for every module, by its place, and for every class that programs call
methods of or make subclasses of, by its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
from keras._tf_keras import keras as of_tensorflow

FILE = Path(__file__).parents[1] / "python" / "fastlstm" / "absent" / "names.json"

LEFT_OUT = ("applications.", "src", "legacy", "ops.numpy", "utils.legacy")
"""Modules with nothing of their own."""

CLASSES = (
    *(keras.Model, keras.Sequential, keras.Layer, keras.Optimizer, keras.Variable),
    *(keras.Metric, keras.Loss, keras.callbacks.Callback),
)


def modules(module: Any, place: str) -> Iterator[tuple[str, list[str]]]:
    """Give the places of public modules, and the names of what is in them."""
    names = [name for name in vars(module) if not name.startswith("_")]
    below = {name: f"{place}.{name}".strip(".") for name in names if isinstance(getattr(module, name), ModuleType)}
    below = {name: inner for name, inner in below.items() if not inner.startswith(LEFT_OUT)}
    own = [name for name in names if name in below or not isinstance(getattr(module, name), ModuleType)]
    yield place, own
    for name, inner in below.items():
        yield from modules(getattr(module, name), inner)


def members(cls: type) -> list[str]:
    """Return the public methods and attributes that Keras gives a class, whatever computes, and not one above it."""
    owners = [owner for owner in cls.__mro__ if owner.__module__.startswith("keras.src.")]
    above = {name for owner in owners[1:] if owner in CLASSES for name in dir(owner)}
    own = [owner for owner in owners if ".backend.tensorflow" not in owner.__module__]
    return [name for owner in own for name in vars(owner) if not name.startswith("_") and name not in above]


def main() -> None:
    """Write the file."""
    found = {cls.__name__: members(cls) for cls in CLASSES}
    for place, names in (*modules(keras, ""), *modules(of_tensorflow, "")):
        found[place] = [*found.get(place, []), *names]
    lines = (f"{json.dumps(place)}: {json.dumps(' '.join(sorted(set(found[place]))))}" for place in sorted(found))
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
