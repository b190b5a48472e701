"""The reference against onnxruntime: figures it left in ``golden/onnx_recurrent.npz``, and itself where installed."""

import json
from pathlib import Path

import numpy as np
import pytest
from onnx_nodes import GATES, OUTPUTS, Node, activation_attributes, random_node, run_onnxruntime, run_reference

GOLDEN = Path(__file__).parent / "golden" / "onnx_recurrent.npz"
# onnxruntime computes in float32, 6e-8 a rounding, with approximate sigmoid and tanh: over five steps of values of
# order one the largest difference seen is 6e-7.
FLOAT32 = {"rtol": 3e-6, "atol": 3e-6}
SIZE = (5, 3, 4, 7)  # T, N, I, H

# Every function with its parameters, if it has any.
FUNCTIONS = [
    ("Affine", 0.7, 0.2),
    ("Relu", 0.0, 0.0),
    ("LeakyRelu", 0.3, 0.0),
    ("ThresholdedRelu", 0.1, 0.0),
    ("Tanh", 0.0, 0.0),
    ("ScaledTanh", 1.3, 0.6),
    ("Sigmoid", 0.0, 0.0),
    ("HardSigmoid", 0.3, 0.4),
    ("Elu", 0.8, 0.0),
    ("Softsign", 0.0, 0.0),
    ("Softplus", 0.0, 0.0),
]
OWN = {
    "LSTM": [("Sigmoid", 0.0, 0.0), ("Tanh", 0.0, 0.0), ("Tanh", 0.0, 0.0)],
    "GRU": [("Sigmoid", 0.0, 0.0), ("Tanh", 0.0, 0.0)],
    "RNN": [("Tanh", 0.0, 0.0)],
}


def assert_agree(got, wanted):
    for name, array in wanted.items():
        np.testing.assert_allclose(got[name], array, **FLOAT32, err_msg=name)


# --- Golden -----------------------------------------------------------------------------------------------------------


def golden_nodes():
    with np.load(GOLDEN, allow_pickle=False) as kept:
        arrays = dict(kept)
    for case in sorted({key.split("/")[0] for key in arrays if "/" in key}):
        of_case = {key.split("/")[1]: array for key, array in arrays.items() if key.startswith(f"{case}/")}
        op = case.split("_")[0].upper()
        attributes = json.loads(of_case.pop("attributes").item())
        wanted = {name: of_case.pop(name) for name in OUTPUTS[op]}
        yield pytest.param(Node(op, attributes, of_case), wanted, id=case)


@pytest.mark.parametrize(("node", "wanted"), list(golden_nodes()))
def test_reference_is_what_onnxruntime_computed(node, wanted):
    assert_agree(run_reference(node), wanted)


# --- Live -------------------------------------------------------------------------------------------------------------


def assert_onnxruntime_agrees(node):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    assert_agree(run_reference(node), run_onnxruntime(node))


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op", GATES)
def test_directions_lengths_and_clip(op, direction, clip):
    attributes = {"direction": direction} | ({} if clip is None else {"clip": clip})
    for linear_before_reset in [0, 1] if op == "GRU" else [None]:
        extra = {} if linear_before_reset is None else {"linear_before_reset": linear_before_reset}
        assert_onnxruntime_agrees(random_node(op, SIZE, 1, **attributes, **extra))


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("input_forget", [0, 1])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_peepholes_and_coupled_gates(direction, input_forget, clip):
    attributes = {"direction": direction, "input_forget": input_forget} | ({} if clip is None else {"clip": clip})
    assert_onnxruntime_agrees(random_node("LSTM", SIZE, 2, peepholes=True, **attributes))


@pytest.mark.parametrize("activation", [("Tanh", 0.0, 0.0), ("Affine", 1.0, 0.0), ("Softsign", 0.0, 0.0)])
def test_the_cell_state_is_not_clipped(activation):
    node = random_node("LSTM", SIZE, 3, scale=2.0, clip=0.2, **activation_attributes([*OWN["LSTM"][:2], activation]))
    assert np.abs(run_reference(node)["Y_c"]).max() > 1  # far beyond the clip
    assert_onnxruntime_agrees(node)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function[0])
def test_each_function_in_each_place(function, place):
    """Weights small enough that functions without a bound do not blow up."""
    op, k = [("LSTM", 0), ("LSTM", 1), ("LSTM", 2), ("GRU", 0), ("GRU", 1), ("RNN", 0)][place]
    functions = list(OWN[op])
    functions[k] = function
    for linear_before_reset in [0, 1] if op == "GRU" else [None]:
        extra = {} if linear_before_reset is None else {"linear_before_reset": linear_before_reset}
        node = random_node(op, SIZE, 4, scale=0.25, **activation_attributes(functions), **extra)
        assert_onnxruntime_agrees(node)


def test_parameters_are_taken_in_the_order_of_the_functions_that_have_them():
    functions = [FUNCTIONS[k] for k in (6, 2, 4, 7, 8, 5)]  # Sigmoid LeakyRelu Tanh, HardSigmoid Elu ScaledTanh
    node = random_node("LSTM", SIZE, 5, direction="bidirectional", **activation_attributes(functions))
    assert_onnxruntime_agrees(node)


@pytest.mark.parametrize("name", ["LeakyRelu", "HardSigmoid", "Elu"])
def test_default_parameters(name):
    """Of the functions that have parameters, onnxruntime takes ONNX' defaults for these."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    defaults = {"LeakyRelu": (0.01, 0.0), "HardSigmoid": (0.2, 0.5), "Elu": (1.0, 0.0)}
    bare = random_node("RNN", SIZE, 6, scale=0.5, activations=[name])
    full = bare._replace(attributes=bare.attributes | activation_attributes([(name, *defaults[name])]))
    assert_agree(run_reference(full), run_onnxruntime(bare))
