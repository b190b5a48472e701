"""Models of ONNX from a few lines: nodes as ``(operator, inputs, outputs, attributes)``, names apart by blanks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NodeLike = tuple[str, str, str] | tuple[str, str, str, dict[str, Any]]
Shapes = Mapping[str, tuple[str, Sequence[Any] | None]]
"""Dtype and shape by name."""


def nodes_of(nodes: Sequence[NodeLike]) -> list[Any]:
    """A blank name is written ``_``."""
    from onnx import helper

    made = []
    for op, inputs, outputs, *attributes in nodes:
        names = [["" if name == "_" else name for name in text.split()] for text in (inputs, outputs)]
        made.append(helper.make_node(op, *names, **(attributes[0] if attributes else {})))
    return made


def graph_of(
    nodes: Sequence[NodeLike], inputs: Shapes, outputs: Shapes, constants: Mapping[str, Any] | None = None
) -> Any:
    from onnx import helper, numpy_helper

    return helper.make_graph(
        nodes_of(nodes),
        "graph",
        [_info(name, *described) for name, described in inputs.items()],
        [_info(name, *described) for name, described in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )


def model_of(
    nodes: Sequence[NodeLike],
    inputs: Shapes,
    outputs: Shapes,
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
) -> Any:
    from onnx import helper

    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph_of(nodes, inputs, outputs, constants), opset_imports=opsets, ir_version=8)


def _info(name: str, dtype: str, shape: Sequence[Any] | None) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def run_onnxruntime(model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, dict(inputs)), strict=True))


def classifier(rng: np.random.Generator, I: int = 4, H: int = 6, classes: int = 3) -> Any:
    """Two LSTM layers, the first in both directions, and what PyTorch's exporter puts around them."""
    shapes = {"W": (2, 4 * H, I), "R": (2, 4 * H, H), "B": (2, 8 * H)}
    shapes |= {"W2": (1, 4 * H, 2 * H), "R2": (1, 4 * H, H), "B2": (1, 8 * H), "G": (classes, H), "b": (classes,)}
    weights = {name: rng.normal(scale=0.4, size=shape).astype("float32") for name, shape in shapes.items()}
    nodes: list[NodeLike] = [
        ("Transpose", "x", "t", {"perm": [1, 0, 2]}),
        ("LSTM", "t W R B", "Y", {"hidden_size": H, "direction": "bidirectional"}),
        ("Transpose", "Y", "turned", {"perm": [0, 2, 1, 3]}),
        ("Reshape", "turned joined_shape", "joined"),
        ("LSTM", "joined W2 R2 B2", "Y2", {"hidden_size": H}),
        ("Squeeze", "Y2 one", "all"),
        ("Transpose", "all", "rows", {"perm": [1, 0, 2]}),
        ("Gather", "rows last", "end", {"axis": 1}),
        ("Gemm", "end G b", "logits", {"transB": 1}),
        ("Softmax", "logits", "shares", {"axis": 1}),
    ]
    constants = {**weights, "joined_shape": np.array([0, 0, -1]), "one": np.array([1]), "last": np.array(-1)}
    return model_of(
        nodes, {"x": ("float32", ["batch", "time", I])}, {"shares": ("float32", ["batch", classes])}, constants
    )
