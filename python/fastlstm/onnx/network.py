"""A graph as a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from .plan import Plan
from .values import Array, ValueInfo


class Network:
    """A graph of ONNX as a function of named arrays. Made by `fastlstm.onnx.load`.

    Many threads may call it at once.

    Attributes
    ----------
    inputs, outputs : tuple of ValueInfo
        Name, shape and dtype of each.
    opset : int
        Version of the operators in the graph.
    """

    def __init__(
        self, plan: Plan, inputs: Sequence[ValueInfo], outputs: Sequence[ValueInfo], opset: int, owner: str
    ) -> None:
        self.inputs, self.outputs, self.opset = tuple(inputs), tuple(outputs), opset
        self._plan, self._owner = plan, owner

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph.

        Parameters
        ----------
        inputs : mapping of str to ndarray
            An array for every input, of its dtype and of a shape that the graph takes.

        Returns
        -------
        dict of str to ndarray
            The outputs by their names.

        Raises
        ------
        ValueError
            If a name is missing or unknown, a shape is wrong, or arrays do not go together in a node, which the message
            names.
        TypeError
            If a dtype is wrong, or something is not an array.
        """
        arrays = self._taken(inputs)
        with np.errstate(all="ignore"):  # the graph says what becomes of infinities
            found = self._plan.run(arrays)
        return {info.name: _own(value, arrays) for info, value in zip(self.outputs, found, strict=True)}

    def _taken(self, inputs: Mapping[str, Array]) -> list[Array]:
        if not isinstance(inputs, Mapping):
            checks.refuse(TypeError, "inputs", "a dict from the names of inputs to arrays", inputs)
        if len(inputs) != len(self.inputs) or not all(info.name in inputs for info in self.inputs):
            wanted = ", ".join(repr(info.name) for info in self.inputs)
            checks.complain(ValueError, "inputs", f"have the names {wanted or 'of no input'}", checks.shown([*inputs]))
        return [info.taken(inputs[info.name]) for info in self.inputs]


def _own(value: Any, arrays: Sequence[Array]) -> Array:
    """Return an output as an array that is nobody else's."""
    array = np.asarray(value)
    shared = not array.flags.writeable or any(np.may_share_memory(array, given) for given in arrays)
    return array.copy() if shared else array
