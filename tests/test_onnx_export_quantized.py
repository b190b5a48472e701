"""Quantized layers and models in files of ONNX: near the numbers they have here, read again and by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_onnx_export import floats, runners

import fastlstm as fl
from fastlstm import keras
from fastlstm.keras import layers

onnx = pytest.importorskip("onnx")

# Weights are the same. What is different is how inputs and states are rounded: here each row at each step to 8 bits, in
# onnxruntime's LSTM all rows of a step by one scale, in other nodes not at all. That is up to a 127th of the largest of
# them times a weight, as the error of quantizing itself, and comes back through the states.
TOLERANCE = {"int8": 0.01, "int16": 1e-3}

LAYERS: dict[str, Callable[[], Any]] = {
    "lstm": lambda: fl.LSTM(4, 6, seed=0),
    "both": lambda: fl.LSTM(4, 6, num_layers=2, bidirectional=True, batch_first=True, seed=0),
    "no bias": lambda: fl.LSTM(4, 6, bias=False, seed=0),
    "gru": lambda: fl.GRU(4, 6, num_layers=2, bidirectional=True, seed=0),
    "rnn": lambda: fl.RNN(4, 6, nonlinearity="relu", seed=0),
}


def operators(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


@pytest.mark.parametrize("activations", TOLERANCE)
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_layers(kind: str, lengths: bool, activations: str, tmp_path: Path) -> None:
    layer, path = LAYERS[kind](), tmp_path / "a.onnx"
    layer.quantize("int8", activations=activations)
    fl.onnx.export(layer, path, states=True, lengths=lengths)
    x = floats(*((3, 5) if layer.batch_first else (5, 3)), 4)
    shape = (layer.num_layers * layer.num_directions, 3, 6)
    starts = [floats(*shape) / 3, floats(*shape)][: layer._states]
    state = tuple(starts) if len(starts) == 2 else starts[0]
    given = {"x": x, **dict(zip(("h_0", "c_0"), starts, strict=False))}
    valid = np.array([5, 1, 3], np.int32) if lengths else None
    y, last = layer(x, state, valid)
    h_n = last[0] if isinstance(last, tuple) else last
    for run in runners(path):
        got = run(given if valid is None else given | {"lengths": valid})
        np.testing.assert_allclose(got["y"], y, rtol=0, atol=TOLERANCE[activations] * max(1, np.abs(y).max()))
        np.testing.assert_allclose(got["h_n"], h_n, rtol=0, atol=TOLERANCE[activations] * max(1, np.abs(y).max()))


def test_an_lstm_is_the_operator_of_onnxruntime(tmp_path: Path) -> None:
    layer = fl.LSTM(64, 64, seed=0)
    fl.onnx.export(layer, tmp_path / "full.onnx")
    layer.quantize()
    fl.onnx.export(layer, tmp_path / "a.onnx")
    assert operators(tmp_path / "a.onnx") == {"DynamicQuantizeLSTM", "Squeeze", "Identity"}
    assert (tmp_path / "a.onnx").stat().st_size < 0.3 * (tmp_path / "full.onnx").stat().st_size


def test_other_layers_and_16_bits_are_floats_behind_a_node(tmp_path: Path) -> None:
    for layer, op in ((fl.GRU(4, 6), "GRU"), (fl.LSTM(4, 6), "LSTM")):
        layer.quantize("int8", activations="int16")
        fl.onnx.export(layer, tmp_path / "a.onnx")
        assert operators(tmp_path / "a.onnx") >= {"DequantizeLinear", op}


@pytest.mark.parametrize("activations", TOLERANCE)
def test_chains(activations: str, tmp_path: Path) -> None:
    net = fl.Chain(
        table=fl.Embedding(20, 6, seed=0),
        lstm=fl.LSTM(6, 8, batch_first=True, seed=0),
        last=fl.LastStep(),
        fc=fl.Linear(8, 3, seed=0),
    )
    net.quantize("int8", activations=activations)
    fl.onnx.export(net, tmp_path / "a.onnx")
    x = np.random.default_rng(0).integers(0, 20, (4, 7))
    for run in runners(tmp_path / "a.onnx"):
        np.testing.assert_allclose(run({"x": x})["y"], net(x)[0], rtol=0, atol=TOLERANCE[activations])


@pytest.mark.parametrize("activations", TOLERANCE)
def test_models(activations: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((None,)),
            layers.Embedding(20, 6, mask_zero=True),
            layers.LSTM(8, return_sequences=True),
            layers.Bidirectional(layers.GRU(5, return_sequences=True)),
            layers.SimpleRNN(5),
            layers.Dense(3),
        ]
    )
    model.quantize("int8", activations=activations)
    model.export(tmp_path / "a.onnx")
    x = np.random.default_rng(0).integers(1, 20, (4, 7))
    x[1, 5:] = 0
    name, kind = (model_input(tmp_path / "a.onnx").name, model_input(tmp_path / "a.onnx").type.tensor_type.elem_type)
    for run in runners(tmp_path / "a.onnx"):
        (y,) = run({name: x.astype(onnx.helper.tensor_dtype_to_np_dtype(kind))}).values()
        np.testing.assert_allclose(y, model.predict(x, verbose=0), rtol=0, atol=TOLERANCE[activations])


def model_input(path: Path) -> Any:
    return onnx.load(path).graph.input[0]
