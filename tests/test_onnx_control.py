"""Graphs inside graphs, and whole numbers of 8 bits in place of floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_graphs import classifier, graph_of, model_of, run_onnxruntime

import fastlstm as fl

pytest.importorskip("onnx")

FREE = ("float32", None)
H = 3


def floats(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(scale=0.5, size=shape).astype("float32")


def assert_same(model: Any, inputs: dict[str, Any], tolerance: float = 1e-6) -> None:
    pytest.importorskip("onnxruntime")
    got = fl.onnx.load(model)(inputs)
    for name, array in run_onnxruntime(model, inputs).items():
        assert got[name].dtype == array.dtype
        np.testing.assert_allclose(got[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


STEP = [("MatMul", "x_t W", "a"), ("MatMul", "h R", "b"), ("Add", "a b", "z"), ("Tanh", "z", "h2")]
WEIGHTS = {"W": floats(4, H), "R": floats(H, H, seed=1)}


@pytest.mark.parametrize("backwards", [0, 1])
@pytest.mark.parametrize("axis", [0, 1])
def test_scan_over_a_plain_body(axis: int, backwards: int) -> None:
    body = graph_of(
        [*STEP, ("Identity", "h2", "y_t")],
        {"h": ("float32", [2, H]), "x_t": ("float32", [2, 4])},
        {"h2": ("float32", [2, H]), "y_t": ("float32", [2, H])},
    )
    options = {"num_scan_inputs": 1, "scan_input_axes": [axis], "scan_output_axes": [axis]}
    options |= {"scan_input_directions": [backwards], "scan_output_directions": [backwards]}
    x = floats(5, 2, 4, seed=2)
    x = x if axis == 0 else np.ascontiguousarray(x.swapaxes(0, 1))
    model = model_of(
        [("Scan", "start x", "last y", {"body": body, **options})],
        {"start": ("float32", [2, H]), "x": ("float32", list(x.shape))},
        {"last": FREE, "y": FREE},
        WEIGHTS,
    )
    assert_same(model, {"start": floats(2, H), "x": x})


def looped() -> Any:
    body = graph_of(
        [
            ("Gather", "x k", "x_t", {"axis": 0}),
            *STEP,
            ("ReduceSum", "h2", "total", {"keepdims": 0}),
            ("Less", "total limit", "more"),
            ("Identity", "h2", "y_t"),
        ],
        {"k": ("int64", []), "go": ("bool", []), "h": ("float32", [2, H])},
        {"more": ("bool", []), "h2": ("float32", [2, H]), "y_t": ("float32", [2, H])},
    )
    return model_of(
        [("Shape", "x", "sizes"), ("Gather", "sizes zero", "T"), ("Loop", "T go start", "last y", {"body": body})],
        {"start": ("float32", [2, H]), "x": ("float32", ["T", 2, 4])},
        {"last": ("float32", [2, H]), "y": ("float32", [None, 2, H])},
        {**WEIGHTS, "limit": np.float32(1.5), "zero": np.array(0), "go": np.array(True)},
    )


@pytest.mark.parametrize("T", [0, 1, 6])
def test_loop_with_a_count_and_a_condition(T: int) -> None:
    assert_same(looped(), {"start": floats(2, H), "x": floats(T, 2, 4, seed=3)})


@pytest.mark.parametrize("flag", [True, False])
def test_if_sees_what_is_outside(flag: bool) -> None:
    then = graph_of([("Mul", "x W", "a")], {}, {"a": FREE})
    other = graph_of([("Add", "x c", "b")], {}, {"b": FREE}, {"c": np.float32(3)})
    nested = graph_of([("If", "flag", "d", {"then_branch": then, "else_branch": other})], {}, {"d": FREE})
    plain = graph_of([("Neg", "x", "e")], {}, {"e": FREE})
    model = model_of(
        [("If", "flag", "y", {"then_branch": nested, "else_branch": plain})],
        {"flag": ("bool", []), "x": ("float32", [4, H])},
        {"y": ("float32", [4, H])},
        WEIGHTS,
    )
    assert_same(model, {"flag": np.array(flag), "x": floats(4, H, seed=4)})


def test_what_is_refused_inside_is_named() -> None:
    then, other = (graph_of([(op, "x", "a")], {}, {"a": FREE}) for op in ("Neg", "NoSuchOp"))
    node = ("If", "flag", "y", {"then_branch": then, "else_branch": other})
    model = model_of([node], {"flag": ("bool", []), "x": FREE}, {"y": FREE})
    with pytest.raises(ValueError, match=r"graph 'graph': node 0 \(NoSuchOp\) must be of an operator that is known"):
        fl.onnx.load(model)


def test_bodies_of_other_counts_are_refused() -> None:
    body = graph_of([("Neg", "k", "a")], {"k": ("int64", [])}, {"a": FREE})
    model = model_of([("Loop", "n go x", "y", {"body": body})], {"x": FREE}, {"y": FREE}, {"n": [1], "go": [True]})
    with pytest.raises(ValueError, match=r"node 0 \(Loop\): body must be a graph of 3 inputs"):
        fl.onnx.load(model)


def test_quantized_and_back() -> None:
    nodes = [
        ("DynamicQuantizeLinear", "x", "q s z"),
        ("DequantizeLinear", "q s z", "back"),
        ("QuantizeLinear", "x s1 z1", "q1", {"axis": 0}),
        ("DequantizeLinear", "q1 s1 z1", "back1", {"axis": 0}),
        ("MatMulInteger", "q w z wz", "product"),
    ]
    constants = {"s1": floats(3, seed=5) ** 2 + 0.01, "z1": np.array([1, -2, 3], "int8")}
    constants |= {"w": np.arange(-6, 6, dtype="int8").reshape(4, 3), "wz": np.array(2, "int8")}
    outputs = {"q": ("uint8", None), "s": FREE, "z": ("uint8", None), "back": FREE, "back1": FREE}
    outputs |= {"product": ("int32", None)}
    assert_same(model_of(nodes, {"x": ("float32", [3, 4])}, outputs, constants), {"x": 3 * floats(3, 4)})


@pytest.mark.parametrize("per_channel", [False, True])
def test_an_lstm_that_onnxruntime_quantized(tmp_path: Path, per_channel: bool) -> None:
    pytest.importorskip("onnxruntime")
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    onnx.save(classifier(np.random.default_rng(0), 8, 16, 4), tmp_path / "a.onnx")
    quantize_dynamic(tmp_path / "a.onnx", tmp_path / "q.onnx", per_channel=per_channel)
    model = onnx.load(tmp_path / "q.onnx")
    assert "DynamicQuantizeLSTM" in {node.op_type for node in model.graph.node}
    x = floats(3, 7, 8, seed=6)
    whole = fl.onnx.load(tmp_path / "a.onnx")({"x": x})["shares"]
    got, theirs = fl.onnx.load(tmp_path / "q.onnx")({"x": x})["shares"], run_onnxruntime(model, {"x": x})["shares"]
    # weights of 8 bits are off by 1/250 of the largest one; onnxruntime rounds inputs and states as well
    np.testing.assert_allclose(got, whole, atol=0.01)
    np.testing.assert_allclose(got, theirs, atol=0.02)
