"""Lists of weights of layers, in the forms that Keras 1, 2 and 3 had, into the weights that layers have today."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.arrays import Array
from ..foundation.variable import CHANGE, Variable, replace_values


class Filling:
    """Finds what of a file goes into which weight, and puts it there when everything is found.

    Parameters
    ----------
    owner : str
        The name of the file, for errors.
    skip_mismatch : bool
        Whether what does not fit is left out: weights of another shape, or layers with another number of them.
    """

    def __init__(self, owner: str, skip_mismatch: bool) -> None:
        self.owner, self.skip = owner, skip_mismatch
        self.taken = dict[Variable, Array]()
        self.skipped = list[str]()

    def in_order(self, layers: list[tuple[str, list[Variable]]], saved: list[tuple[str, list[Array]]]) -> None:
        """Take the layers with weights one after the other, whatever they are called."""
        if len(layers) != len(saved):
            must = f"have {len(layers)} layers with weights, as the model has"
            cure = f", {checks.shown([name for name, _ in saved])}; by_name=True takes those of the same names"
            checks.complain(ValueError, self.owner, must, f"{len(saved)}{cure}")
        for (_, variables), (name, arrays) in zip(layers, saved, strict=True):
            self.layer(name, variables, arrays)

    def by_name(self, layers: Mapping[str, list[Variable]], saved: Mapping[str, list[Array]]) -> None:
        """Take the layers whose names are in the file too."""
        for name, arrays in saved.items():
            if name in layers:
                self.layer(name, layers[name], arrays)

    def layer(self, name: str, variables: list[Variable], arrays: list[Array]) -> None:
        """Take the weights of one layer."""
        arrays = todays(arrays, variables)
        shapes, wanted = [array.shape for array in arrays], [variable.shape for variable in variables]
        if len(shapes) == len(wanted):
            pairs = zip(variables, arrays, strict=True)
            self.taken.update({v: v.checked(array) for v, array in pairs if v.shape == array.shape})
        if shapes != wanted and self.skip:
            self.skipped.append(name)
        elif shapes != wanted:
            must = f"have arrays of shapes {checks.shown(wanted)}, those of {_layer_of(variables)}"
            checks.complain(ValueError, f"{self.owner}/{name}", must, checks.shown(shapes))

    def finish(self) -> None:
        """Change the weights."""
        if self.skipped:
            message = f"{self.owner}: what does not fit the model is skipped: {checks.shown(self.skipped)}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
        with CHANGE:
            replace_values(self.taken, self.taken.values())


def _layer_of(variables: list[Variable]) -> str:
    return variables[0].path.rpartition("/")[0] if variables else "a layer without weights"


def todays(arrays: list[Array], variables: list[Variable]) -> list[Array]:
    """Return the weights of a layer in the form of today: of cells by gate, and of cuDNN's, too."""
    arrays = _joined(arrays, variables)
    if len(arrays) != len(variables):
        return arrays
    found = list(arrays)
    for k, variable in enumerate(variables):
        if variable.name == "bias" and k >= 2 and _is_of_cudnn(found[k], variable):
            found[k - 2 : k + 1] = _from_cudnn(found[k - 2], found[k - 1], found[k], variable)
    return found


def _is_of_cudnn(bias: Array, variable: Variable) -> bool:
    """Whether a bias is two of one gate after the other, for inputs and for states."""
    size = variable.shape[-1]
    return bias.shape == (2 * size,) and variable.shape in ((size,), (2, size))


def _from_cudnn(kernel: Array, recurrent: Array, bias: Array, variable: Variable) -> list[Array]:
    """Return weights as they are where they compute the same: cuDNN's matrices of each gate are transposed ones."""
    gates = max(1, kernel.shape[-1] // max(1, recurrent.shape[0]))
    kernels = [part.T.reshape(part.shape, order="F") for part in np.array_split(kernel, gates, axis=-1)]
    recurrents = [part.T for part in np.array_split(recurrent, gates, axis=-1)]
    rows = bias.reshape(2, -1)
    one = rows if variable.ndim == 2 else rows.sum(axis=0, dtype=bias.dtype)
    return [np.concatenate(kernels, axis=-1), np.concatenate(recurrents, axis=-1), one]


_ORDERS = {12: (0, 2, 1, 3), 9: (0, 1, 2)}
"""Of the gates of an LSTM, which Keras 1 has as i, c, f, o, and of a GRU; by the number of arrays."""


def _joined(arrays: list[Array], variables: list[Variable]) -> list[Array]:
    """Return kernel, recurrent kernel and bias of a cell whose gates have a matrix, a matrix and a bias each."""
    order = _ORDERS.get(len(arrays))
    is_cell = [variable.name for variable in variables] == ["kernel", "recurrent_kernel", "bias"]
    if order is None or not is_cell or any(array.ndim != (k % 3 < 2) + 1 for k, array in enumerate(arrays)):
        return arrays
    return [np.concatenate([arrays[3 * gate + kind] for gate in order], axis=-1) for kind in range(3)]
