"""A graph of ONNX while it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.files.atomic import replaced
from fastlstm.runtime import config

from ..package import required
from ..values import NUMBERS, Array, ValueInfo

OPSET, IR_VERSION = 17, 8
"""Versions that ONNX Runtime reads since 1.13."""

MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""


class Writer:
    """Nodes and constants, each with a name of its own.

    Parameters
    ----------
    inputs, outputs : sequence of ValueInfo
        What the graph takes and gives.
    """

    def __init__(self, inputs: Sequence[ValueInfo], outputs: Sequence[ValueInfo]) -> None:
        self.library = required("writing a model of ONNX")
        self._inputs, self._outputs = inputs, outputs
        self._names = {info.name for info in (*inputs, *outputs)}
        if len(self._names) < len(inputs) + len(outputs):
            got = checks.shown([info.name for info in (*inputs, *outputs)])
            checks.complain(ValueError, "inputs and outputs", "have names of their own", got)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._known: dict[tuple[Any, ...], str] = {}

    def _name(self, hint: str) -> str:
        name, number = hint, 1
        while name in self._names:
            name, number = f"{hint}_{number}", number + 1
        self._names.add(name)
        return name

    def constant(self, value: Any, hint: str = "constant") -> str:
        """Return the name of a constant: those of the same value are one."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = array.dtype.str, array.shape, hashlib.sha256(array.data).digest()
        if key not in self._known:
            self._known[key] = self._name(hint)
            self._constants.append(self.library.numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def numbers(self, *values: int) -> str:
        """Return the name of a constant list of whole numbers."""
        return self.constant(np.array(values, np.int64))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; return the name of that."""
        return self.nodes(op, 1, *inputs, **attributes)[0]

    def nodes(self, op: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node; return the names of its outputs."""
        names = [self._name(op.lower()) for _ in range(outputs)]
        self._nodes.append(self.library.helper.make_node(op, inputs, names, **attributes))
        return names

    def give(self, name: str, info: ValueInfo) -> None:
        """Let what has a name be an output."""
        self._nodes.append(self.library.helper.make_node("Identity", [name], [info.name]))

    def write(self, path: Path, name: str) -> None:
        """Check the model, and write it in place of any other file."""
        helper = self.library.helper
        graph = helper.make_graph(
            self._nodes, name, self._described(self._inputs), self._described(self._outputs), self._constants
        )
        domains = {node.domain for node in self._nodes} - {""}
        opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in sorted(domains))]
        version = config()["fastlstm"]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="fastlstm", producer_version=version
        )
        self.library.checker.check_model(model, full_check=True)
        with replaced(path) as new:
            new.write(model.SerializeToString())

    def _described(self, infos: Sequence[ValueInfo]) -> list[Any]:
        make = self.library.helper.make_tensor_value_info
        return [make(info.name, NUMBERS[info.dtype], info.shape) for info in infos]


def blocks(gates: Array, order: Sequence[int]) -> Array:
    """Put the blocks of the first axis in another order."""
    return np.concatenate([np.split(gates, len(order))[k] for k in order])
