"""What was saved, made again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import kinds, native
from fastlstm.layers import saving


def load(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make the layer or model of a file that `save` wrote.

    Parameters
    ----------
    path : path
        Of the file.
    custom_objects : mapping of str to object, optional
        Classes and functions of your own in a model, by the names that the file has for them.

    Returns
    -------
    layer or model
        With the weights bit for bit.

    Raises
    ------
    ValueError, TypeError
        If the file is not whole, is none that this package wrote, or is of a newer version of the format. Nothing in it
        is run or imported.
    OSError
        If there is no such file.
    """
    given = Path(checks.path("path", path))
    kinds.wanted_kind(given, kinds.NATIVE)
    bundle = native.read(given)
    kind = checks.one_of(f"{given}: kind", bundle.description.get("kind"), ("layer", "model"))
    if kind == "layer":
        return saving.layer_of(bundle, str(given))
    from fastlstm.keras.files.native import model_of_bundle  # which layers do without

    return model_of_bundle(bundle, str(given), custom_objects)
