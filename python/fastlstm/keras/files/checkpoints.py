"""Checkpoints: files from which a training goes on, with or without what the model is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import kinds, native
from fastlstm.files.bundle import Bundle
from fastlstm.files.values import put_together, taken_apart

from ..foundation.arrays import Array
from ..foundation.carried import State, check_keys
from ..foundation.serialization import serialize_keras_object
from ..foundation.variable import CHANGE
from .native import MODEL, STATE, TRAINING, bundled, parted
from .optimizer_state import has_rate
from .places import places
from .state import Restoring, state_of_model

_KIND = "checkpoint"
_FIT = ("epoch", "step", "stopped", "logs", "meters", "callbacks", "data", "random")
"""What `fit` says of itself."""


def write_checkpoint(model: Any, path: Path, training: State, whole: bool) -> None:
    """Write all that a training depends on; `whole`: with what the model is made of, so that it can be loaded."""
    with CHANGE:  # as in a file of a model
        arrays = bundled(*state_of_model(model))
        state = {"fit": training, "layers": _states_of_layers(model), "optimizer": _described(model.optimizer)}
        described = {MODEL: serialize_keras_object(model)} if whole else {}
    own = dict[str, Array]()
    description = {"kind": "model" if whole else _KIND, TRAINING: taken_apart(state, STATE, own)}
    native.write(path, Bundle(arrays | own, description | described))


def _states_of_layers(model: Any) -> State:
    states = {path: layer.get_state() for path, layer in places(model).items()}
    return {path: state for path, state in states.items() if state}


def _described(optimizer: Any) -> State:
    """Return what an optimizer is, and its rate in full."""
    rate = float(optimizer.learning_rate) if has_rate(optimizer) else None
    return {"class": type(optimizer).__name__, "rate": rate}


def read_checkpoint(model: Any, path: Path) -> ReadCheckpoint:
    """Return what a file has of a training, when it fits a model, which is as it was."""
    kinds.wanted_kind(path, kinds.NATIVE)
    return checkpoint_of(model, native.read(path), str(path))


def checkpoint_of(model: Any, bundle: Bundle, owner: str) -> ReadCheckpoint:
    """Return what was read from a file, the `owner`, of a training, when it fits a model."""
    if TRAINING not in bundle.description:
        got = "a file without it; BackupAndRestore and, in files of fastlstm, ModelCheckpoint write it"
        checks.complain(ValueError, owner, "have the state of a training", got)
    state = put_together(bundle.description[TRAINING], bundle.arrays, f"{owner}: {TRAINING}")
    check_keys(f"{owner}: {TRAINING}", state, ("fit", "layers", "optimizer"))
    check_keys(f"{owner}: fit", state["fit"], _FIT)
    tree, files = parted(bundle.arrays)
    found = ReadCheckpoint(model, state, Restoring(model, tree, owner, files), owner)
    found.parts = bundle, owner
    found.check()
    return found


class ReadCheckpoint:
    """What a file has of a training.

    Parameters
    ----------
    model : Model
        The model that it goes into.
    state : State
        Of the training.
    restoring : Restoring
        What it has of the model.
    owner : str
        Name of the file, for errors.
    """

    def __init__(self, model: Any, state: State, restoring: Restoring, owner: str) -> None:
        self.model, self.owner, self.training = model, owner, state["fit"]
        self._layers, self._optimizer, self._restoring = state["layers"], state["optimizer"], restoring
        self.parts: tuple[Bundle, str]
        """What it was made of, for others that have no file."""

    def check(self) -> None:
        """Raise if it does not fit the model."""
        check_keys(f"{self.owner}: optimizer", self._optimizer, ("class", "rate"))
        kind, own = self._optimizer["class"], type(self.model.optimizer).__name__
        if kind != own:
            must = f"be {own}, as the model is compiled with"
            checks.complain(ValueError, f"{self.owner}: optimizer", must, kind)
        self._restoring.collect()
        check_keys(f"{self.owner}: layers", self._layers, _states_of_layers(self.model))

    def restore(self) -> None:
        """Put weights, and the states of optimizer and layers, into the model."""
        self._restoring.put()
        if self._optimizer["rate"] is not None and has_rate(self.model.optimizer):
            self.model.optimizer.learning_rate = self._optimizer["rate"]
        for path, layer in places(self.model).items():
            if path in self._layers:
                layer.set_state(self._layers[path])
