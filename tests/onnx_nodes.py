"""Recurrent nodes of ONNX, random ones too, as onnxruntime and as the reference work them out.

Arrays are in ONNX' names and layouts: ``W (D, G*H, I)`` with the gates of an LSTM in the order i, o, f, c and of a GRU
in the order z, r, h; ``B (D, 2*G*H)``, both biases; ``P (D, 3*H)`` in the order i, o, f; ``Y (T, D, N, H)``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastlstm import reference

Arrays = dict[str, NDArray[Any]]
Activations = list[tuple[str, float, float]]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OUR_ORDER = {"LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2], "RNN": [0]}  # where ONNX has our i, f, g, o and our r, u, n
OUR_PEEPHOLES = [0, 2, 1]
COMMON = ["X", "W", "R", "B", "sequence_lens", "initial_h"]
INPUTS = {"LSTM": [*COMMON, "initial_c", "P"], "GRU": COMMON, "RNN": COMMON}
OUTPUTS = {"LSTM": ["Y", "Y_h", "Y_c"], "GRU": ["Y", "Y_h"], "RNN": ["Y", "Y_h"]}
FUNCTIONS_OF_A_DIRECTION = {"LSTM": 3, "GRU": 2, "RNN": 1}

# The parameters a function has, by its name in ONNX. Lists of alpha and beta hold those of such functions only.
ALPHA = {"Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"}
BETA = {"Affine", "ScaledTanh", "HardSigmoid"}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


class Node(NamedTuple):
    """An operator, its attributes, and its inputs."""

    op: str
    attributes: dict[str, Any]
    inputs: Arrays


def random_node(
    op: str,
    size: tuple[int, int, int, int],
    seed: int,
    *,
    scale: float = 0.7,
    peepholes: bool = False,
    **attributes: Any,
) -> Node:
    """Draw every input in float32; ``size`` is T, N, I, H."""
    T, N, I, H = size
    rng = np.random.default_rng(seed)
    D = 2 if attributes.get("direction") == "bidirectional" else 1
    rows = GATES[op] * H
    shapes = {"X": (T, N, I), "W": (D, rows, I), "R": (D, rows, H), "B": (D, 2 * rows), "initial_h": (D, N, H)}
    if op == "LSTM":
        shapes["initial_c"] = (D, N, H)
    if peepholes:
        shapes["P"] = (D, 3 * H)
    inputs: Arrays = {name: rng.normal(scale=scale, size=shape).astype(np.float32) for name, shape in shapes.items()}
    inputs["sequence_lens"] = rng.permutation(np.linspace(1, T, N).round()).astype(np.int32)
    return Node(op, {"hidden_size": H, **attributes}, inputs)


def activation_attributes(activations: Activations) -> dict[str, Any]:
    """Write ``(ONNX' name, alpha, beta)`` as attributes."""
    alphas = [alpha for name, alpha, _ in activations if name in ALPHA]
    betas = [beta for name, _, beta in activations if name in BETA]
    attributes = {"activations": [name for name, _, _ in activations]}
    return attributes | ({"activation_alpha": alphas} if alphas else {}) | ({"activation_beta": betas} if betas else {})


def read_activations(node: Node) -> Activations:
    """Read the attributes back, under our names: one list for all directions."""
    D = len(node.inputs["W"])
    alphas = iter(node.attributes.get("activation_alpha", []))
    betas = iter(node.attributes.get("activation_beta", []))
    return [
        (
            re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(),
            next(alphas) if name in ALPHA else 0.0,
            next(betas) if name in BETA else 0.0,
        )
        for name in node.attributes.get("activations", DEFAULTS[node.op] * D)
    ]


def model_of(node: Node, initializers: Collection[str] = (), opset: int = 14) -> Any:
    """A model of the node alone, whose inputs of these names are in the model."""
    import onnx

    names = [name if name in node.inputs else "" for name in INPUTS[node.op]]
    outputs = OUTPUTS[node.op]
    dtype = onnx.helper.np_dtype_to_tensor_dtype(node.inputs["X"].dtype)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(node.op, names, outputs, **node.attributes)],
        "recurrent",
        [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in node.inputs.items()
            if name not in initializers
        ],
        [onnx.helper.make_tensor_value_info(name, dtype, None) for name in outputs],
        [onnx.numpy_helper.from_array(node.inputs[name], name) for name in initializers if name in node.inputs],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def run_onnxruntime(node: Node) -> Arrays:
    """What onnxruntime gives, on the CPU."""
    import onnxruntime

    model = model_of(node)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip(OUTPUTS[node.op], session.run(None, node.inputs), strict=True))


def run_reference(node: Node) -> Arrays:
    """The same by the reference, direction after direction."""
    directions = [_run_direction(node, d) for d in range(len(node.inputs["W"]))]
    y, *states = zip(*directions, strict=True)
    results = [np.stack(y, axis=1), *(np.stack(state) for state in states)]
    return dict(zip(OUTPUTS[node.op], results, strict=True))


def _run_direction(node: Node, d: int) -> tuple[NDArray[np.float64], ...]:
    op, attributes, inputs = node
    order, count = OUR_ORDER[op], FUNCTIONS_OF_A_DIRECTION[op]
    bias, recurrent_bias = (reordered(b, order) for b in np.split(inputs["B"][d].astype(np.float64), 2))
    arguments = {
        "x": inputs["X"],
        "weight_ih": reordered(inputs["W"][d], order),
        "weight_hh": reordered(inputs["R"][d], order),
        "h_0": inputs["initial_h"][d],
        "lengths": inputs["sequence_lens"],
        "reverse": attributes.get("direction", "forward") == "reverse" or d == 1,
        "activations": read_activations(node)[d * count : (d + 1) * count],
        "clip": attributes.get("clip"),
    }
    if op == "RNN":
        return reference.rnn(**arguments, bias=bias + recurrent_bias)
    if op == "GRU":
        reset_after = bool(attributes.get("linear_before_reset", 0))
        return reference.gru(**arguments, bias=bias, recurrent_bias=recurrent_bias, reset_after=reset_after)
    return reference.lstm(
        **arguments,
        bias=bias + recurrent_bias,
        c_0=inputs["initial_c"][d],
        peepholes=reordered(inputs["P"][d], OUR_PEEPHOLES) if "P" in inputs else None,
        input_forget=bool(attributes.get("input_forget", 0)),
    )


def reordered(stacked: NDArray[Any], order: list[int]) -> NDArray[Any]:
    """Put the blocks of the first axis in another order."""
    blocks = np.split(stacked, len(order))
    return np.concatenate([blocks[k] for k in order])
