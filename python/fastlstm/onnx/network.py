"""A graph as a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from .plan import Plan
from .states import Wire, given_pairs, paired
from .streaming import NetworkStream
from .values import Array, Input, ValueInfo


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
        self,
        plan: Plan,
        inputs: Sequence[ValueInfo],
        outputs: Sequence[ValueInfo],
        opset: int,
        wires: Sequence[Wire],
        owner: str,
    ) -> None:
        self.inputs, self.outputs, self.opset = tuple(inputs), tuple(outputs), opset
        self._taking = {info.name: Input(info).taken for info in inputs}
        self._given = [info.name for info in outputs]
        self._plan, self._wires, self._owner = plan, wires, owner

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
        if self._plan.warns:
            with np.errstate(all="ignore"):  # the graph says what becomes of infinities
                found = self._plan.run(arrays)
        else:
            found = self._plan.run(arrays)
        return dict(zip(self._given, found if self._plan.owns else _owned(found, arrays), strict=True))

    def stream(self, states: Mapping[str, str] | None = None, batch_size: int = 1) -> NetworkStream:
        """Make a stream: the states it ends a call with are those that the next one starts from.

        Parameters
        ----------
        states : mapping of str to str, optional
            Of each input that is a state the output that takes its place in the next call. If left out, they are found:
            an input is the state that a recurrent node starts from, and an output the one that it ends with.
        batch_size : int
            Sequences side by side: the length of the axis of a state that may vary.

        Returns
        -------
        NetworkStream
            Its states are zeros; they may be assigned.

        Raises
        ------
        ValueError
            If no states are found or given, or names or shapes do not go together.

        Examples
        --------
        >>> import fastlstm as fl
        >>> stream = fl.onnx.load("voice.onnx").stream({"state": "stateN"})  # doctest: +SKIP
        >>> for chunk in chunks:  # doctest: +SKIP
        ...     probability = stream.step({"input": chunk, "sr": rate})["output"]
        """
        if states is None:
            found = paired(self._wires, self.inputs, self.outputs, self._owner)
        else:
            found = given_pairs(states, self.inputs, self.outputs)
        return NetworkStream(self, found, batch_size)

    def _taken(self, inputs: Mapping[str, Array]) -> list[Array]:
        if type(inputs) is not dict and not isinstance(inputs, Mapping):  # the first is quick
            checks.refuse(TypeError, "inputs", "a dict from the names of inputs to arrays", inputs)
        if inputs.keys() != self._taking.keys():
            wanted = ", ".join(repr(info.name) for info in self.inputs)
            checks.complain(ValueError, "inputs", f"have the names {wanted or 'of no input'}", checks.shown([*inputs]))
        return [taken(inputs[name]) for name, taken in self._taking.items()]


def _owned(values: Sequence[Any], arrays: Sequence[Array]) -> list[Array]:
    """Return outputs as arrays that may be written to, of memory that no input and no other output has."""
    taken = {id(_memory(array)) for array in arrays}
    found = []
    for value in values:
        array = value if isinstance(value, np.ndarray) else np.asarray(value)
        memory = id(_memory(array))
        found.append(array.copy() if memory in taken or not array.flags.writeable else array)
        taken.add(memory)
    return found


def _memory(array: Array) -> Array:
    """Return the array that another is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
