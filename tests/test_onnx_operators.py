"""Operators of ONNX in the forms that opsets gave them, against onnxruntime and the tests of the package onnx."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from onnx_graphs import model_of, run_onnxruntime

import fastlstm as fl
from fastlstm.onnx.operators import OPERATORS

onnx = pytest.importorskip("onnx")


def floats(*shape: int, dtype: str = "float32", seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def ints(*values: int) -> Any:
    return np.array(values, "int64")


X = floats(2, 3, 4)
LINE = floats(2, 4, 9)
YES = np.array([[True, False, True], [False, False, True]])
FAR_APART = {"group": 2, "strides": [2], "dilations": [2], "pads": [3, 1]}

# opset, operator, inputs, constants that follow, attributes, number of outputs
Case = tuple[int, str, list[Any], list[Any], dict[str, Any], int]
CASES: list[Case] = [
    *[(opset, op, [X, floats(3, 1, seed=1)], [], {}, 1) for op in ("Add", "Sub", "Mul", "Div") for opset in (7, 14)],
    *[(opset, op, [X], [], {}, 1) for op in ("Sigmoid", "Tanh", "Relu", "Exp", "Erf", "Neg") for opset in (9, 17)],
    *[(opset, op, [np.abs(X)], [], {}, 1) for op in ("Sqrt", "Log", "Reciprocal") for opset in (7, 17)],
    *[(17, op, [ints(7, -7, 7, -7), ints(2, 2, -2, -2)], [], {}, 1) for op in ("Div", "Mul", "Less", "Greater")],
    *[
        (opset, op, [X], [], {"axis": axis}, 1)
        for op in ("Softmax", "LogSoftmax")
        for axis in (1, 2)
        for opset in (9, 13)
    ],
    *[(opset, op, [X], [], {}, 1) for op in ("Softmax", "LogSoftmax", "Flatten") for opset in (9, 11, 13)],
    (17, "Flatten", [X], [], {"axis": -1}, 1),
    (17, "Pow", [np.abs(X), floats(3, 4, seed=1)], [], {}, 1),
    (17, "Pow", [X], [np.array(2, "int64")], {}, 1),
    (7, "LeakyRelu", [X], [], {"alpha": 0.3}, 1),
    (7, "Elu", [X], [], {"alpha": 0.3}, 1),
    (7, "Clip", [X], [], {"min": -0.5, "max": 0.5}, 1),
    (13, "Clip", [X], [np.float32(-0.5), np.float32(0.5)], {}, 1),
    (13, "Clip", [X], [None, np.float32(0.5)], {}, 1),
    (13, "Clip", [X], [], {}, 1),
    (9, "Where", [YES, floats(2, 3), floats(2, 1, seed=1)], [], {}, 1),
    (11, "Equal", [ints(1, 2, 3), ints(1, 5, 3)], [], {}, 1),
    (7, "Not", [YES], [], {}, 1),
    (7, "Transpose", [X], [], {}, 1),
    (7, "Transpose", [X], [], {"perm": [1, 2, 0]}, 1),
    (7, "Squeeze", [floats(1, 3, 1)], [], {}, 1),
    (7, "Squeeze", [floats(1, 3, 1)], [], {"axes": [0]}, 1),
    (13, "Squeeze", [floats(1, 3, 1)], [ints(-1)], {}, 1),
    (7, "Unsqueeze", [X], [], {"axes": [0, 4]}, 1),
    (13, "Unsqueeze", [X], [ints(0, -1)], {}, 1),
    (7, "Reshape", [X], [ints(0, -1)], {}, 1),
    (14, "Reshape", [floats(0, 3)], [ints(3, 0)], {"allowzero": 1}, 1),
    (7, "Slice", [X], [], {"starts": [1, -2], "ends": [2**31, -1], "axes": [1, 2]}, 1),
    (7, "Slice", [X], [], {"starts": [1], "ends": [2]}, 1),
    (10, "Slice", [X], [ints(1), ints(2**62), ints(2)], {}, 1),
    (13, "Slice", [X], [ints(-1), ints(-(2**62)), ints(1), ints(-2)], {}, 1),
    (7, "Gather", [X], [ints(2, 0)], {"axis": 1}, 1),
    (13, "Gather", [X], [np.array(-1, "int64")], {"axis": 1}, 1),
    (13, "GatherElements", [X], [np.array([[[0, -1]], [[2, 1]]], "int64")], {"axis": 2}, 1),
    (11, "ScatterElements", [X, np.array([[[0, -1]], [[2, 1]]], "int64"), floats(2, 1, 2)], [], {"axis": 2}, 1),
    (18, "ScatterElements", [ints(7, 7, 7), ints(2, 0), ints(5, 6)], [], {}, 1),
    (7, "Concat", [X, floats(2, 1, 4)], [], {"axis": 1}, 1),
    (7, "Split", [X], [], {"axis": 2}, 2),
    (7, "Split", [X], [], {"axis": 1, "split": [1, 2]}, 2),
    (13, "Split", [X], [ints(1, 2)], {"axis": 1}, 2),
    (18, "Split", [X], [], {"axis": 1, "num_outputs": 2}, 2),
    (7, "Shape", [X], [], {}, 1),
    (15, "Shape", [X], [], {"start": -2, "end": 5}, 1),
    (13, "Size", [X], [], {}, 1),
    (9, "ConstantOfShape", [ints(2, 3)], [], {}, 1),
    (11, "Range", [np.array(1.0), np.array(7.0), np.array(2.5)], [], {}, 1),
    (11, "Range", [np.array(7), np.array(1), np.array(-2)], [], {}, 1),
    (8, "Expand", [floats(3, 1)], [ints(2, 1, 4)], {}, 1),
    (7, "Tile", [X], [ints(1, 2, 3)], {}, 1),
    (9, "Cast", [X * 3], [], {"to": 7}, 1),
    (13, "Cast", [YES], [], {"to": 1}, 1),
    (7, "Dropout", [X], [], {}, 1),
    (13, "Dropout", [X], [np.float32(0.5)], {}, 2),
    *[(opset, "Reduce" + op, [X], [], {"axes": [1], "keepdims": 0}, 1) for op in ("Mean", "Max") for opset in (7, 13)],
    *[(18, "Reduce" + op, [X], [ints(-1, 0)], {}, 1) for op in ("Mean", "Max", "Sum", "Min", "L2", "Prod")],
    (11, "ReduceSum", [X], [], {"axes": [0, 2]}, 1),
    (13, "ReduceSum", [X], [], {"noop_with_empty_axes": 1}, 1),
    (13, "ReduceSum", [X], [], {"keepdims": 0}, 1),
    *[(opset, "ArgMax", [X], [], {"axis": 1, "keepdims": opset % 2}, 1) for opset in (7, 12)],
    (12, "ArgMax", [np.ones((2, 3), "float32")], [], {"select_last_index": 1}, 1),
    (17, "LayerNormalization", [X, floats(4), floats(4, seed=1)], [], {}, 1),
    (17, "LayerNormalization", [X, floats(3, 4)], [], {"axis": 1, "epsilon": 0.1}, 1),
    *[(k, "BatchNormalization", [LINE, *[np.abs(floats(4, seed=s)) for s in range(4)]], [], {}, 1) for k in (7, 9, 15)],
    (11, "Conv", [LINE], [floats(5, 4, 3)], {}, 1),
    (
        11,
        "Conv",
        [LINE],
        [floats(6, 2, 3), floats(6)],
        {"group": 2, "strides": [2], "dilations": [2], "pads": [3, 1]},
        1,
    ),
    *[
        (11, "Conv", [LINE], [floats(5, 4, 4)], {"auto_pad": f"SAME_{end}", "strides": [2]}, 1)
        for end in ("UPPER", "LOWER")
    ],
    (11, "Conv", [LINE, floats(5, 4, 3), floats(5)], [], {"kernel_shape": [3]}, 1),
    (11, "Conv", [floats(2, 4, 3, 6)], [floats(5, 4, 1, 3)], {"strides": [1, 2], "pads": [0, 2, 0, 1]}, 1),
    (11, "Conv", [floats(2, 4, 6, 3)], [floats(6, 2, 3, 1), floats(6)], {"group": 2, "auto_pad": "SAME_UPPER"}, 1),
    (11, "Conv", [floats(2, 4, 6, 3)], [floats(5, 4, 1, 1)], {}, 1),
    (11, "MaxPool", [LINE], [], {"kernel_shape": [3], "strides": [2], "pads": [1, 1], "ceil_mode": 1}, 1),
    (11, "MaxPool", [LINE], [], {"kernel_shape": [2], "dilations": [3]}, 1),
    (11, "AveragePool", [LINE], [], {"kernel_shape": [3], "strides": [2], "pads": [1, 2]}, 1),
    (11, "AveragePool", [LINE], [], {"kernel_shape": [3], "pads": [1, 2], "count_include_pad": 1}, 1),
    (7, "GlobalAveragePool", [LINE], [], {}, 1),
    (7, "Pad", [X], [], {"pads": [0, 1, 2, 0, 0, -1], "value": 3.0}, 1),
    (13, "Pad", [X], [ints(0, 1, 2, 0, 0, 1)], {"mode": "edge"}, 1),
    (13, "Pad", [X], [ints(0, 0, 2, 0, 0, 1), np.float32(2)], {}, 1),
    (18, "Pad", [X], [ints(1, 2), None, ints(-1)], {"mode": "reflect"}, 1),
    (10, "ReverseSequence", [X, ints(3, 1)], [], {"batch_axis": 0, "time_axis": 1}, 1),
    (10, "ReverseSequence", [X, ints(1, 2, 0)], [], {}, 1),
    (7, "Gemm", [floats(2, 3)], [floats(3, 4), floats(4)], {"alpha": 0.5, "beta": 2.0}, 1),
    (11, "Gemm", [floats(3, 2)], [floats(4, 3)], {"transA": 1, "transB": 1}, 1),
    (11, "Gemm", [floats(2, 3), floats(3, 4), floats(2, 1)], [], {"alpha": 0.5, "beta": 2.0}, 1),
    (11, "Gemm", [floats(2, 3)], [floats(3, 4), floats(2, 4)], {}, 1),
    (12, "Einsum", [X, floats(2, 5, 4)], [], {"equation": "nti, nji -> ntj"}, 1),
    (12, "Einsum", [X], [floats(4)], {"equation": "...i,i"}, 1),
    (9, "TopK", [X], [], {"k": 2, "axis": 1}, 2),
    (10, "TopK", [X], [ints(3)], {}, 2),
    (11, "TopK", [np.array([2, 6, 2, 4, 6], "int64")], [ints(5)], {}, 2),
    (11, "TopK", [X], [ints(2)], {"largest": 0, "axis": -2}, 2),
    (9, "MatMul", [X], [floats(4, 5)], {}, 1),
    (9, "MatMul", [X, floats(2, 4, 5)], [], {}, 1),
    (9, "MatMul", [floats(4)], [floats(4, 5)], {}, 1),
]


def name_of(case: Case) -> str:
    return f"{case[1]}-{case[0]}-{'-'.join(case[4])}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_operators_are_those_of_onnxruntime(case: Case) -> None:
    pytest.importorskip("onnxruntime")
    opset, op, arrays, constants, attributes, count = case
    inputs = {f"x{k}": array for k, array in enumerate(arrays)}
    known = {f"c{k}": array for k, array in enumerate(constants) if array is not None}
    names = [*inputs, *(f"c{k}" if f"c{k}" in known else "_" for k in range(len(constants)))]
    outputs = [f"y{k}" for k in range(count)]
    node = (op, " ".join(names), " ".join(outputs), attributes)
    described = {name: (str(array.dtype), [None] * array.ndim) for name, array in inputs.items()}
    probe = fl.onnx.load(model_of([node], described, dict.fromkeys(outputs, ("float32", None)), known, opset))
    dtypes = {name: (str(array.dtype), None) for name, array in probe(inputs).items()}
    model = model_of([node], described, dtypes, known, opset)
    wanted = run_onnxruntime(model, inputs)
    got = fl.onnx.load(model)(inputs)
    for name, array in wanted.items():
        assert got[name].shape == array.shape
        assert got[name].dtype == array.dtype
        np.testing.assert_allclose(got[name], array, rtol=2e-6, atol=2e-6)


# Tests of the package for what is refused at load: element types that NumPy has not, training, other ranks.
REFUSED = (
    "reduction must be 'none'|"
    "must be of float32, uint8,|training_mode must be|kernel_shape must be of one number|give maxima alone|"
    "must be a tensor, got a|be of opset 7 to|to must be of|of an operator that is known|block_size must be 0|"
    "since opset 9"
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_node_tests_of_onnx() -> None:
    """Of operators that are known, all are passed or refused."""
    from onnx.backend.test.case.node import collect_testcases

    passed, refused = 0, list[str]()
    for case in collect_testcases():
        if not all((node.domain, node.op_type) in OPERATORS for node in case.model.graph.node):
            continue
        try:
            network = fl.onnx.load(case.model)
        except ValueError as error:
            refused.append(f"{case.name}: {error}")
            continue
        for inputs, outputs in case.data_sets:
            assert_passed(network, inputs, outputs, case)
        passed += 1
    assert passed > 740
    assert [text for text in refused if not re.search(REFUSED, text)] == []


def assert_passed(network: Any, inputs: Any, outputs: Any, case: Any) -> None:
    arrays = [np.asarray(array) for array in inputs]
    if any(array.dtype == object for array in arrays):  # tensors, in the tests of Cast
        arrays = [onnx.numpy_helper.to_array(proto) for proto in inputs]
        outputs = [onnx.numpy_helper.to_array(proto) for proto in outputs]
    got = network({info.name: array for info, array in zip(network.inputs, arrays, strict=True)})
    for info, output in zip(network.outputs, outputs, strict=True):
        wanted = np.asarray(output)
        assert got[info.name].shape == wanted.shape, case.name
        assert got[info.name].dtype == wanted.dtype, case.name
        tolerance = {"rtol": max(case.rtol, 1e-5), "atol": max(case.atol or 0, 1e-6)}
        np.testing.assert_allclose(got[info.name], wanted, **tolerance, err_msg=case.name)


def test_convolution_over_two_axes_is_refused() -> None:
    model = model_of(
        [("Conv", "x w", "y")], {"x": ("float32", None)}, {"y": ("float32", None)}, {"w": floats(1, 1, 2, 2)}
    )
    with pytest.raises(ValueError, match="kernel_shape must be of one number"):
        fl.onnx.load(model)


def test_a_product_that_overflows_is_infinite() -> None:
    model = model_of([("Exp", "x", "y")], {"x": ("float32", None)}, {"y": ("float32", None)})
    assert fl.onnx.load(model)({"x": np.array([1000.0], "float32")})["y"][0] == math.inf
