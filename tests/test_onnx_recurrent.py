"""Recurrent nodes of ONNX: figures of the package onnx and of onnxruntime, and random nodes where that is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_nodes import ALPHA, BETA, FUNCTIONS_OF_A_DIRECTION, OUTPUTS, Node, model_of, random_node, run_reference
from seeds import FIXED, FRESH

import fastlstm as fl

onnx = pytest.importorskip("onnx")

GOLDEN = Path(__file__).parent / "golden"
NODE_TESTS = np.load(GOLDEN / "onnx_node_tests.npz")
FIGURES = np.load(GOLDEN / "onnx_recurrent.npz")
# onnxruntime computes in float32, 6e-8 a rounding, with approximate sigmoid and tanh: over five steps of values of
# order one the largest difference seen is 6e-7.
FLOAT32 = {"rtol": 3e-6, "atol": 3e-6}
FLOAT64 = {"rtol": 1e-12, "atol": 1e-12}
SIZE = (5, 3, 4, 7)  # T, N, I, H
NAMES = [
    *("Affine", "Elu", "HardSigmoid", "LeakyRelu", "Relu", "ScaledTanh"),
    *("Sigmoid", "Softplus", "Softsign", "Tanh", "ThresholdedRelu"),
]


def run(node: Node, **options: Any) -> dict[str, np.ndarray]:
    given = {name: array for name, array in node.inputs.items() if name not in options.get("initializers", ())}
    return fl.onnx.load(model_of(node, **options))(given)


def assert_agree(got: dict[str, Any], wanted: dict[str, Any], tolerance: dict[str, float]) -> None:
    for name, array in wanted.items():
        assert got[name].shape == array.shape, name
        np.testing.assert_allclose(got[name], array, **tolerance, err_msg=name)


@pytest.mark.parametrize("case", sorted({name.split("/")[0] for name in NODE_TESTS.files}))
def test_node_tests_of_onnx(case: str) -> None:
    network = fl.onnx.load(NODE_TESTS[f"{case}/model"].tobytes())
    got = network({info.name: NODE_TESTS[f"{case}/inputs/{k}"] for k, info in enumerate(network.inputs)})
    for k, info in enumerate(network.outputs):
        np.testing.assert_allclose(got[info.name], NODE_TESTS[f"{case}/outputs/{k}"], rtol=1e-5, atol=1e-6)


def test_there_are_all_node_tests() -> None:
    assert len({name.split("/")[0] for name in NODE_TESTS.files}) == 18


def figures(case: str) -> Node:
    inputs = {name.partition("/")[2]: FIGURES[name] for name in FIGURES.files if name.startswith(f"{case}/")}
    attributes = json.loads(str(inputs.pop("attributes")))
    return Node(case.split("_")[0].upper(), attributes, inputs)


@pytest.mark.parametrize("case", sorted({name.split("/")[0] for name in FIGURES.files} - {"versions"}))
def test_figures_of_onnxruntime(case: str) -> None:
    node = figures(case)
    wanted = {name: node.inputs.pop(name) for name in OUTPUTS[node.op]}
    assert_agree(run(node), wanted, FLOAT32)
    assert_agree(run(node, initializers=("W", "R", "B", "P")), wanted, FLOAT32)


def single(rng: np.random.Generator, low: float, high: float) -> float:
    """A number that an attribute, which is of float32, can hold."""
    return float(np.float32(rng.uniform(low, high)))


def drawn(rng: np.random.Generator, dtype: str) -> Node:
    """A node with attributes and inputs at random."""
    op = str(rng.choice(["LSTM", "GRU", "RNN"]))
    direction = str(rng.choice(["forward", "reverse", "bidirectional"]))
    names = rng.choice(NAMES, FUNCTIONS_OF_A_DIRECTION[op] * (1 + (direction == "bidirectional")))
    attributes: dict[str, Any] = {"direction": direction}
    if rng.random() < 0.7:
        attributes["activations"] = [str(name) for name in names]
        numbers = {key: [single(rng, 0.2, 0.9) for name in names if name in known] for key, known in _LISTS}
        attributes |= {key: found for key, found in numbers.items() if found}
    if rng.random() < 0.5:
        attributes["clip"] = single(rng, 0.3, 2)
    if op == "LSTM" and rng.random() < 0.3:
        attributes["input_forget"] = 1
    if op == "GRU" and rng.random() < 0.5:
        attributes["linear_before_reset"] = 1
    size = tuple(int(k) for k in rng.integers(1, 7, 4))
    peepholes = bool(op == "LSTM" and rng.random() < 0.4)
    node = random_node(op, size, int(rng.integers(2**31)), scale=0.25, peepholes=peepholes, **attributes)
    inputs = {name: array.astype(dtype) if array.dtype.kind == "f" else array for name, array in node.inputs.items()}
    return node._replace(inputs=inputs)


_LISTS = [("activation_alpha", ALPHA), ("activation_beta", BETA)]
OPTIONAL = ("B", "sequence_lens", "initial_h", "initial_c", "P")


def without_some(rng: np.random.Generator, node: Node) -> Node:
    inputs = {name: array for name, array in node.inputs.items() if name not in OPTIONAL or rng.random() < 0.6}
    return node._replace(inputs=inputs)


@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
def test_random_nodes_in_float64_are_those_of_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        node = drawn(rng, "float64")
        assert_agree(run(node), run_reference(node), FLOAT64)


@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
def test_random_nodes_in_float32_are_those_of_onnxruntime(seed: int) -> None:
    pytest.importorskip("onnxruntime")
    from onnx_nodes import run_onnxruntime

    rng = np.random.default_rng(seed)
    for _ in range(100):
        node = without_some(rng, drawn(rng, "float32"))
        assert_agree(run(node), run_onnxruntime(node), FLOAT32)


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_batch_first_is_the_same_with_other_axes(op: str, direction: str) -> None:
    node = random_node(op, SIZE, 0, direction=direction)
    turned = {
        name: array.swapaxes(0, 1) if name in ("X", "initial_h", "initial_c") else array
        for name, array in node.inputs.items()
    }
    plain = run(node)
    got = run(node._replace(attributes=node.attributes | {"layout": 1}, inputs=turned))
    np.testing.assert_array_equal(got["Y"], plain["Y"].transpose(2, 0, 1, 3))
    for name in OUTPUTS[op][1:]:
        np.testing.assert_array_equal(got[name], plain[name].swapaxes(0, 1))


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_rows_without_steps_end_with_zeros(op: str) -> None:
    node = random_node(op, SIZE, 0)
    node.inputs["sequence_lens"][:] = [0, 5, 2]
    got = run(node)
    assert not got["Y"][:, :, 0].any()
    for name in OUTPUTS[op][1:]:
        assert not got[name][:, 0].any()
        assert got[name][:, 1:].all()


def test_parameters_that_are_left_out_are_those_of_onnxruntime() -> None:
    pytest.importorskip("onnxruntime")
    from onnx_nodes import run_onnxruntime

    for name in NAMES:
        node = random_node("RNN", SIZE, 1, scale=0.4, activations=[name])
        assert_agree(run(node), run_onnxruntime(node), FLOAT32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "sideways"}, "direction must be 'forward', 'reverse' or 'bidirectional', got 'sideways'"),
        ({"activations": ["Tanh"]}, "activations must be 3 for each of 1 directions"),
        ({"activations": ["Sigmoid", "Tanh", "Swish"]}, "activations must be of affine, .* got 'Swish'"),
        ({"activation_alpha": [1.0]}, "activation_alpha must be a number for each activation that takes one"),
        ({"hidden_size": 8}, "hidden_size must be 7, as R has it, got 8"),
        ({"clip": -1.0}, "clip must be a number of at least 0"),
        ({"input_forget": 2}, "input_forget must be True or False"),
        ({"colour": 3}, r"have attributes that are known, got \['colour'\]"),
    ],
)
def test_attributes_that_make_no_sense_are_refused_at_load(changes: dict[str, Any], message: str) -> None:
    node = random_node("LSTM", SIZE, 0)
    node = node._replace(attributes=node.attributes | changes)
    with pytest.raises(ValueError, match=rf"the model: node 0 \(LSTM\).*{message}"):
        fl.onnx.load(model_of(node, initializers=("W", "R", "B")))


@pytest.mark.parametrize("name", ["R", "B", "P"])
def test_weights_of_other_shapes_are_refused_at_load(name: str) -> None:
    node = random_node("LSTM", SIZE, 0, peepholes=True)
    node.inputs[name] = node.inputs[name][..., :-1].copy()
    with pytest.raises(ValueError, match=r"node 0 \(LSTM\)"):
        fl.onnx.load(model_of(node, initializers=("W", "R", "B", "P")))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X", np.zeros((5, 3, 9), "float32"), r"X must have shape \(T, N, 4\), got \(5, 3, 9\)"),
        ("initial_h", np.zeros((1, 2, 7), "float32"), r"initial_h must have shape \(1, 3, 7\)"),
        ("sequence_lens", np.array([1, 2, 9], "int32"), "sequence_lens must be of whole numbers from 0 to 5"),
        ("sequence_lens", np.array([1, 2], "int32"), r"sequence_lens must have shape \(3,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_the_node(name: str, value: Any, message: str) -> None:
    node = random_node("LSTM", SIZE, 0)
    model = model_of(node, initializers=("W", "R", "B"))
    for proto in model.graph.input:
        proto.type.tensor_type.ClearField("shape")
    given = {info.name: node.inputs[info.name] for info in fl.onnx.load(model).inputs}
    with pytest.raises(ValueError, match=rf"node 0 \(LSTM\): {message}"):
        fl.onnx.load(model)(given | {name: value})
