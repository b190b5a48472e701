"""The state of a training in a file: what changes in it, and nothing of what the model is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import native
from fastlstm.files.bundle import Bundle

from .native import bundled, parted
from .state import Restoring, state_of_model

_KIND, _KEYS = "backup", ("kind", "epoch")


def write_backup(model: Any, path: Path, epoch: int) -> None:
    """Write the weights of a model, the state of its optimizer, and the epoch that comes next."""
    native.write(path, Bundle(bundled(*state_of_model(model)), {"kind": _KIND, "epoch": epoch}))


def read_backup(model: Any, path: Path) -> int:
    """Put what a file has into a model, and return the epoch that comes next."""
    bundle, owner = native.read(path), str(path)
    if bundle.description.keys() != {*_KEYS} or bundle.description["kind"] != _KIND:
        wanted = f"an object of {', '.join(_KEYS)}"
        checks.refuse(ValueError, f"{owner}: the description", wanted, bundle.description)
    epoch = checks.whole_number(f"{owner}: epoch", bundle.description["epoch"], at_least=0)
    tree, files = parted(bundle.arrays)
    Restoring(model, tree, owner, files).run()
    return epoch
