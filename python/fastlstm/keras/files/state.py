"""The weights of a model and the state of its optimizer, by the paths that Keras' files have for them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastlstm import checks
from fastlstm.files.hdf5 import Tree
from fastlstm.frames import user_stacklevel

from ..foundation.arrays import Array
from ..foundation.variable import CHANGE, Variable, replace_values
from .optimizer_state import set_state, state_of, with_rate
from .places import own_variables, places

VARS, OPTIMIZER = "vars", "optimizer"
_OLD_LAYERS = "_layer_checkpoint_dependencies"
"""What ``layers`` is called in files of Keras 2.12 and 2.13."""
_OLD_PROJECTIONS = re.compile("/_((?:query|key|value|output)_dense/)")
"""Of attention, in files of Keras 2."""
_NOT_KEPT = ("seed_generator", "_seed_generator", "metrics", "_metrics", "_loss_tracker", "_compile_metrics")
"""Groups of what has no weights here."""


Files: TypeAlias = dict[str, bytes]
"""By path: what layers found out and keep as text."""


def state_of_model(model: Any) -> tuple[Tree, Files]:
    """Return the weights of a model, the state of its optimizer if it is compiled, and what its layers found out."""
    arrays, attributes, files = dict[str, Array](), dict[str, dict[str, Any]](), Files()

    def put(path: str, name: str, values: list[Array]) -> None:
        group = _vars(path)
        attributes[group] = {"name": name}
        arrays.update({f"{group}/{number}": value for number, value in enumerate(values)})

    with CHANGE:
        for path, layer in places(model).items():
            put(path, layer.name, [np.asarray(variable.value) for variable in own_variables(layer)])
            for place, value in layer.found_by_adapt().items():
                kept: dict[str, Any] = files if isinstance(value, bytes) else arrays
                kept[_below(path, place)] = value
        if model.optimizer is not None and not is_quantized(model):
            put(OPTIMIZER, model.optimizer.name, state_of(model.optimizer))
    return Tree(arrays, attributes), files


def is_quantized(model: Any) -> bool:
    """Whether a layer is quantized, so that there is no training to go on with."""
    return any(layer.quantization_mode for layer in places(model).values())


def _below(path: str, place: str) -> str:
    return f"{path}/{place}" if path else place


def _vars(path: str) -> str:
    return _below(path, VARS)


def _todays_path(path: str) -> str:
    return _OLD_PROJECTIONS.sub(r"/\1", path.replace(_OLD_LAYERS, "layers"))


class Mismatch(NamedTuple):
    """What of a file does not fit a model."""

    path: str
    must: str
    got: Any


class Restoring:
    """What of a file goes where in a model.

    Parameters
    ----------
    model : Model
        The model.
    tree : nested structure
        What the file holds.
    owner : str
        The name of the file, for errors.
    files : Files, optional
        What the file holds as text; None: it is one of weights alone.
    """

    def __init__(self, model: Any, tree: Tree, owner: str, files: Files | None = None) -> None:
        self.model, self.owner, self.has_files = model, owner, files is not None
        self.arrays = {_todays_path(path): array for path, array in tree.arrays.items()}
        self.files = {_todays_path(path): data for path, data in (files or {}).items()}
        self.taken = dict[Variable, Array]()
        self.found = list[tuple[Any, dict[str, Any]]]()
        self.optimizer: list[Array] = []
        self.mismatches = list[Mismatch]()

    def run(self, skip_mismatch: bool = False) -> None:
        """Put the layers that fit into the model: all or, unless mismatches are to be skipped, none."""
        self.collect(skip_mismatch)
        self.put()

    def collect(self, skip_mismatch: bool = False) -> None:
        """Find out what goes where, or raise."""
        self.optimizer = self._group(OPTIMIZER)
        for path, layer in places(self.model).items():
            self._take(path, layer)
            self._find(path, layer)
        must, got = "be the place of something in the model", "one that no layer has"
        self.mismatches += [Mismatch(path, must, got) for path in self._rest()]
        self._tell(skip_mismatch)

    def put(self) -> None:
        """Put what was collected into the model."""
        with CHANGE:
            replace_values(self.taken, self.taken.values())
        for layer, found in self.found:
            self._hand_over(layer, found)
        if self.optimizer and self.model.optimizer is not None:
            where = f"{self.owner}: {OPTIMIZER}/{VARS}"
            set_state(self.model.optimizer, self._state_of_optimizer(), self.model.trainable_variables, where)

    def _state_of_optimizer(self) -> list[Array]:
        """Return the state of the optimizer; in files of Keras 2 slots follow the number of steps, and no rate."""
        state, optimizer = self.optimizer, self.model.optimizer
        if len(state) < 2 or state[1].shape == ():
            return state
        optimizer.build(self.model.trainable_variables)
        return with_rate(optimizer, state)

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
            if any(array.dtype == np.int8 for array in found) != (layer.quantization_mode is not None):
                cure = "; only one of the file and the model is quantized: load weights before quantize()"
            self.mismatches.append(Mismatch(group, must, f"{len(found)}{cure}"))
            return
        pairs = [*zip(variables, found, strict=True)]
        wrong = [(k, v, array) for k, (v, array) in enumerate(pairs) if v.shape != array.shape]
        for k, v, array in wrong:
            must = f"have shape {v.shape}, that of {v.path}"
            self.mismatches.append(Mismatch(f"{group}/{k}", must, array.shape))
        if not wrong:
            self.taken.update({v: v.checked(array) for v, array in pairs})

    def _find(self, path: str, layer: Any) -> None:
        """Take what a layer had found out."""
        found = dict[str, Any]()
        for place in layer.found_places:
            for kept in (self.arrays, self.files):
                if (whole := _below(path, place)) in kept:
                    found[place] = kept.pop(whole)
        if found and (self.has_files or self._fits(path, layer, found)):
            self.found.append((layer, found))

    def _fits(self, path: str, layer: Any, found: dict[str, Any]) -> bool:
        """Whether arrays are as large as what the layer has found out by itself."""
        own = {
            place: np.shape(value) for place, value in layer.found_by_adapt().items() if not isinstance(value, bytes)
        }
        got = {place: np.shape(value) for place, value in found.items()}
        if own != got:
            must = f"have shapes {checks.shown(own)}, as the vocabulary of {layer.name} has it"
            self.mismatches.append(Mismatch(path or "the root", must, checks.shown(got)))
        return own == got

    def _hand_over(self, layer: Any, found: dict[str, Any]) -> None:
        try:
            layer.take_found(found)
        except (ValueError, TypeError) as error:
            raise checks.named(error, self.owner) from error

    def _rest(self) -> Iterator[str]:
        for path in (*self.arrays, *self.files):
            if not any(part in _NOT_KEPT for part in path.split("/")):
                yield path

    def _tell(self, skip_mismatch: bool) -> None:
        """Raise for the first mismatch, or warn of all."""
        if self.mismatches and not skip_mismatch:
            first = self.mismatches[0]
            checks.complain(ValueError, f"{self.owner}: {first.path}", first.must, first.got)
        if self.mismatches:
            paths = checks.shown([*dict.fromkeys(path.partition(f"/{VARS}/")[0] for path, *_ in self.mismatches)])
            message = f"{self.owner}: what does not fit the model is skipped: {paths}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
