"""The weights of a model and the state of its optimizer, by the paths that Keras' files have for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks
from fastlstm.files.hdf5 import Tree

from ..foundation.arrays import Array, user_stacklevel
from ..foundation.variable import CHANGE, Variable, replace_values
from .optimizer_state import set_state, state_of
from .places import own_variables, places

VARS, OPTIMIZER = "vars", "optimizer"
_OLD_LAYERS = "_layer_checkpoint_dependencies"
"""What ``layers`` is called in files of Keras 2.12 and 2.13."""
_NOT_KEPT = ("seed_generator", "_seed_generator", "metrics", "_metrics", "_loss_tracker", "_compile_metrics")
"""Groups of what has no weights here."""


def tree_of(model: Any) -> Tree:
    """Return the weights of a model, and the state of its optimizer if it is compiled."""
    arrays, attributes = dict[str, Array](), dict[str, dict[str, Any]]()

    def put(path: str, name: str, values: list[Array]) -> None:
        group = _vars(path)
        attributes[group] = {"name": name}
        arrays.update({f"{group}/{number}": value for number, value in enumerate(values)})

    with CHANGE:
        for path, layer in places(model).items():
            put(path, layer.name, [np.asarray(variable.value) for variable in own_variables(layer)])
        if model.optimizer is not None:
            put(OPTIMIZER, model.optimizer.name, state_of(model.optimizer))
    return Tree(arrays, attributes)


def _vars(path: str) -> str:
    return f"{path}/{VARS}" if path else VARS


class Mismatch(NamedTuple):
    """What of a file does not fit a model."""

    path: str
    must: str
    got: Any


class Restoring:
    """What of a file goes where in a model.

    Parameters
    ----------
    model
        The model.
    tree
        What the file holds.
    owner
        The name of the file, for errors.
    """

    def __init__(self, model: Any, tree: Tree, owner: str) -> None:
        self.model, self.owner = model, owner
        self.arrays = {path.replace(_OLD_LAYERS, "layers"): array for path, array in tree.arrays.items()}
        self.taken = dict[Variable, Array]()
        self.optimizer: list[Array] = []
        self.mismatches = list[Mismatch]()

    def run(self, skip_mismatch: bool = False) -> None:
        """Put what fits into the model: all of it or, unless mismatches are to be skipped, nothing."""
        self.optimizer = self._group(OPTIMIZER)
        for path, layer in places(self.model).items():
            self._take(path, layer)
        must, got = "be the place of a weight of the model", "one that no layer has"
        self.mismatches += [Mismatch(path, must, got) for path in self._rest()]
        self._tell(skip_mismatch)
        with CHANGE:
            replace_values(self.taken, self.taken.values())
        if self.optimizer and self.model.optimizer is not None:
            where = f"{self.owner}: {OPTIMIZER}/{VARS}"
            set_state(self.model.optimizer, self.optimizer, self.model.trainable_variables, where)

    def _group(self, path: str) -> list[Array]:
        """Take the numbered arrays of a group out of those that are left."""
        group, found = _vars(path), list[Array]()
        while f"{group}/{len(found)}" in self.arrays:
            found.append(self.arrays.pop(f"{group}/{len(found)}"))
        return found

    def _take(self, path: str, layer: Any) -> None:
        group, variables, found = _vars(path), own_variables(layer), self._group(path)
        if len(found) != len(variables):
            must = f"have {len(variables)} arrays, the weights of {layer.name}"
            cure = "" if layer.built else "; the layer is not built: build the model or call it on data first"
            self.mismatches.append(Mismatch(group, must, f"{len(found)}{cure}"))
            return
        for number, (variable, array) in enumerate(zip(variables, found, strict=True)):
            if array.shape != variable.shape:
                must = f"have shape {variable.shape}, that of {variable.path}"
                self.mismatches.append(Mismatch(f"{group}/{number}", must, array.shape))
            else:
                self.taken[variable] = variable.checked(array)

    def _rest(self) -> Iterator[str]:
        for path in self.arrays:
            if not any(part in _NOT_KEPT for part in path.split("/")):
                yield path

    def _tell(self, skip_mismatch: bool) -> None:
        """Raise for the first mismatch, or warn of all."""
        if self.mismatches and not skip_mismatch:
            first = self.mismatches[0]
            checks.complain(ValueError, f"{self.owner}: {first.path}", first.must, first.got)
        if self.mismatches:
            paths = checks.shown([mismatch.path for mismatch in self.mismatches])
            message = f"{self.owner}: what does not fit the model is skipped: {paths}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
