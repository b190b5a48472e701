"""Graphs of ONNX: how they are loaded, described, run and refused."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_graphs import classifier, model_of, run_onnxruntime

import fastlstm as fl

onnx = pytest.importorskip("onnx")

X = ("float32", ["N", 4])
ANY = ("float32", None)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def load(nodes: Any, constants: Any = None, inputs: Any = None, outputs: Any = None, opset: int = 17) -> Any:
    return fl.onnx.load(model_of(nodes, inputs or {"x": X}, outputs or {"y": ANY}, constants, opset))


def test_a_model_is_described() -> None:
    network = fl.onnx.load(classifier(rng()))
    assert network.inputs == (("x", ("batch", "time", 4), np.dtype("float32")),)
    assert network.outputs == (("shares", ("batch", 3), np.dtype("float32")),)
    assert network.opset == 17


def test_a_model_comes_from_a_file_from_bytes_or_from_memory(tmp_path: Path) -> None:
    model, x = classifier(rng()), rng().normal(size=(2, 5, 4)).astype("float32")
    onnx.save(model, tmp_path / "a.onnx")
    data = model.SerializeToString()
    wanted = fl.onnx.load(model)({"x": x})["shares"]
    for source in (tmp_path / "a.onnx", str(tmp_path / "a.onnx"), data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(fl.onnx.load(source)({"x": x})["shares"], wanted)


@pytest.mark.parametrize("shape", [(1, 1, 4), (2, 5, 4), (7, 3, 4), (0, 2, 4)])
def test_batch_and_time_are_free(shape: tuple[int, ...]) -> None:
    pytest.importorskip("onnxruntime")
    model, x = classifier(rng()), rng().normal(size=shape).astype("float32")
    got = fl.onnx.load(model)({"x": x})["shares"]
    assert got.shape == (shape[0], 3)
    if shape[0]:
        np.testing.assert_allclose(got, run_onnxruntime(model, {"x": x})["shares"], rtol=1e-5, atol=1e-6)


def test_threads_share_a_network() -> None:
    network, found = fl.onnx.load(classifier(rng())), dict[int, Any]()
    inputs = [rng().normal(size=(3, 20 + k, 4)).astype("float32") for k in range(4)]

    def work(k: int) -> None:
        found[k] = [network({"x": inputs[k]})["shares"] for _ in range(20)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for k, x in enumerate(inputs):
        for got in found[k]:
            np.testing.assert_array_equal(got, network({"x": x})["shares"])


def test_outputs_are_nobody_elses() -> None:
    nodes = [("Identity", "x", "y"), ("Reshape", "x shape", "z"), ("Identity", "c", "k")]
    constants = {"shape": np.array([-1]), "c": np.ones(2, "float32")}
    network = load(nodes, constants, outputs=dict.fromkeys("yzk", ANY))
    x = np.zeros((2, 4), "float32")
    for value in network({"x": x}).values():
        value += 1
    assert not x.any()
    np.testing.assert_array_equal(network({"x": x})["k"], [1, 1])


def test_outputs_share_no_memory() -> None:
    nodes = [("Add", "x x", "a"), ("Identity", "a", "b"), ("Squeeze", "b", "c"), ("Identity", "x", "d")]
    model = model_of(nodes, {"x": ("float32", [1, 3])}, {name: ("float32", None) for name in "abcd"})
    x = np.ones((1, 3), "float32")
    outputs = fl.onnx.load(model)({"x": x})
    assert {name: array.shape for name, array in outputs.items()} == {"a": (1, 3), "b": (1, 3), "c": (3,), "d": (1, 3)}
    for array in outputs.values():
        array += 1
    assert [float(outputs[name].sum()) for name in "abcd"] == [9, 9, 9, 6]
    assert x.sum() == 3


def test_other_byte_orders_and_views_are_right() -> None:
    network, x = load([("Neg", "x", "y")]), rng().normal(size=(8, 3)).astype("float32")
    for given in (x.T[:, ::2], x.T.astype(">f4")[:, ::2], np.asfortranarray(x.T)[:, ::2]):
        got = network({"x": given})["y"]
        np.testing.assert_array_equal(got, -x.T[:, ::2])
        assert got.dtype == np.dtype("float32")


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({}, ValueError, r"inputs must have the names 'x', got \[\]"),
        ({"z": 1}, ValueError, r"inputs must have the names 'x', got \['z'\]"),
        ([1], TypeError, "inputs must be a dict from the names of inputs to arrays"),
        ({"x": [[1.0] * 4]}, TypeError, "x must be a NumPy array of float32, got list"),
        ({"x": np.zeros((2, 4))}, TypeError, r"x must have dtype float32, got float64: use x.astype\('float32'\)"),
        ({"x": np.zeros((2, 5), "float32")}, ValueError, r"x must have shape \(N, 4\), got \(2, 5\)"),
        ({"x": np.zeros(4, "float32")}, ValueError, r"x must have shape \(N, 4\), got \(4,\)"),
    ],
)
def test_wrong_inputs_are_named(inputs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load([("Neg", "x", "y")])(inputs)


def test_arrays_that_do_not_go_together_name_the_node() -> None:
    network = load([("Add", "x c", "y", {})], {"c": np.ones(3, "float32")})
    with pytest.raises(ValueError, match=r"node 0 \(Add\): the arguments must go together, got float32 \(2, 4\), "):
        network({"x": np.zeros((2, 4), "float32")})


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("NoSuchOp", "x", "y")], r"node 0 \(NoSuchOp\) must be of an operator that is known, got NoSuchOp"),
        ([("Neg", "z", "y")], r"node 0 \(Neg\) must take what is there before, got 'z', which is not"),
        ([("Add", "x b", "y"), ("Neg", "y", "b")], "must take what is there before, got 'b'"),
        ([("Neg", "x", "x"), ("Neg", "x", "y")], "names must each stand for one thing, got 'x' for two"),
        ([("Neg", "x", "z")], "output must take what is there before, got 'y'"),
        ([("Neg", "x x", "y")], r"node 0 \(Neg\) must have 1 inputs"),
        ([("Neg", "x", "y", {"axis": 1})], r"must have attributes that are known, got \['axis'\]"),
        ([("Softmax", "x", "y", {"axis": 1.5})], "axis must be an attribute of kind 'i', got f"),
        ([("Cast", "x", "y", {"to": 8})], "to must be of float32, .* got the element type 8"),
    ],
)
def test_what_cannot_run_is_refused_at_load(nodes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(nodes)


@pytest.mark.parametrize("opset", [1, 6, 99, 999])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(ValueError, match=f"be of opset 7 to .*, got opset {opset}"):
        load([("Neg", "x", "y")], opset=opset)


def test_other_domains_are_refused() -> None:
    model = model_of([("Neg", "x", "y")], {"x": X}, {"y": ANY})
    model.graph.node[0].domain = "my.own"
    with pytest.raises(ValueError, match=r"must be of an operator that is known, got my\.own\.Neg"):
        fl.onnx.load(model)


def test_functions_of_a_model_are_refused_with_a_cure() -> None:
    model = model_of([("Neg", "x", "y")], {"x": X}, {"y": ANY})
    model.functions.add(name="f", domain="d")
    with pytest.raises(ValueError, match=r"onnx.inliner.inline_local_functions\(model\)"):
        fl.onnx.load(model)


@pytest.mark.parametrize("source", [None, 3, ["a"], io.BytesIO(b"")])
def test_what_is_no_model_is_refused(source: Any) -> None:
    with pytest.raises(TypeError, match=r"model must be a path, bytes or an onnx\.ModelProto"):
        fl.onnx.load(source)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        fl.onnx.load("none.onnx")


def test_a_chain_of_20000_nodes_runs() -> None:
    nodes = [("Neg", f"v{k}" if k else "x", f"v{k + 1}") for k in range(20_000)]
    network = load(nodes, outputs={"v20000": ANY})
    x = np.ones((1, 4), "float32")
    np.testing.assert_array_equal(network({"x": x})["v20000"], x)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"needs onnx: pip install fastlstm\[onnx\]"):
        fl.onnx.load("a.onnx")


@pytest.mark.parametrize("outputs", ["y _ _", "y", "_ _ c", "_ h"])
def test_what_nobody_takes_is_not_what_is_left_out(outputs: str) -> None:
    weights = {"W": np.ones((1, 12, 2), "f"), "R": np.ones((1, 12, 3), "f"), "most": np.float32(0.5)}
    for more in ({"direction": "reverse"}, {}):
        cell = ("LSTM", "x W R", outputs, {"hidden_size": 3, **more})
        (name,) = set(outputs.split()) - {"_"}
        inputs = {"x": np.full((4, 1, 2), -2, "float32")}
        nodes = [cell, ("Clip", "x _ most", "cut"), ("Neg", name, "end")]
        model = model_of(nodes, {"x": ANY}, {"cut": ANY, "end": ANY}, weights)
        np.testing.assert_array_equal(fl.onnx.load(model)(inputs)["cut"], inputs["x"])
