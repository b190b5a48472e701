"""Graphs whose states are inputs and outputs, called chunk by chunk."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from onnx_graphs import graph_of, model_of

import fastlstm as fl

onnx = pytest.importorskip("onnx")

H = 5


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def floats(*shape: int) -> Any:
    return rng().normal(scale=0.5, size=shape).astype("float32")


def voice_model(joined: bool = False, named: str = "") -> Any:
    """An LSTM and a Dense layer over chunks, its states in two arrays or in one."""
    weights = {"W": floats(1, 4 * H, 3), "R": floats(1, 4 * H, H), "G": floats(H, 1)}
    lstm: list[Any] = [
        ("LSTM", "x W R _ _ h c", "Y hn cn", {"hidden_size": H}),
        ("Squeeze", "Y one", "all"),
        ("MatMul", "all G", "z"),
        ("Sigmoid", "z", "p"),
    ]
    x, p = {"x": ("float32", ["T", "N", 3])}, {"p": ("float32", ["T", "N", 1])}
    if not joined:
        states = dict.fromkeys("hc", ("float32", [1, "N", H])), dict.fromkeys(("hn", "cn"), ("float32", [1, "N", H]))
    else:
        states = {"state": ("float32", [2, "N", H])}, {"stateN": ("float32", [2, "N", H])}
        split, join = ("Split", "state", "h c", {"axis": 0}), ("Concat", "hn cn", "stateN", {"axis": 0})
        lstm = [split, *lstm, join]
    return model_of(lstm, x | states[0], p | states[1], {**weights, "one": np.array([1])})


@pytest.mark.parametrize("joined", [False, True])
def test_chunks_are_the_whole(joined: bool) -> None:
    network, x = fl.onnx.load(voice_model(joined)), floats(12, 2, 3)
    stream = network.stream(batch_size=2)
    assert stream.states == ({"state": "stateN"} if joined else {"h": "hn", "c": "cn"})
    starts = {name: np.zeros_like(array) for name, array in stream.state.items()}
    whole = network({"x": x, **starts})
    parts = [stream.step({"x": chunk}) for chunk in np.split(x, [1, 5, 9])]
    assert [*parts[0]] == ["p"]
    np.testing.assert_array_equal(np.concatenate([part["p"] for part in parts]), whole["p"])
    for name, end in stream.states.items():
        np.testing.assert_array_equal(stream.state[name], whole[end])


def branching_model() -> Any:
    """An LSTM that runs in one branch from the state and in the other from zeros, as in scripts of PyTorch."""
    told = {"hidden_size": H}
    given = [
        ("Split", "state", "h c", {"axis": 0}),
        ("LSTM", "x W R _ _ h c", "Y hn cn", told),
        ("Concat", "hn cn", "end", {"axis": 0}),
    ]
    fresh = [("LSTM", "x W R", "Y hn cn", told), ("Concat", "hn cn", "end", {"axis": 0})]
    outputs = {name: ("float32", None) for name in ("Y", "end")}
    then, other = (graph_of(nodes, {}, outputs) for nodes in (fresh, given))
    for graph in (then, other):
        for output in graph.output:
            output.type.Clear()  # which leaves a type that says nothing
            output.type.SetInParent()
    choice = {"then_branch": then, "else_branch": other}
    nodes: list[Any] = [("Size", "state", "size"), ("Equal", "size none", "empty"), ("If", "empty", "y stateN", choice)]
    x, state = ("float32", ["T", "N", 3]), ("float32", [2, "N", H])
    constants = {"W": floats(1, 4 * H, 3), "R": floats(1, 4 * H, H), "none": np.array(0)}
    return model_of(nodes, {"x": x, "state": state}, {"y": ("float32", None), "stateN": state}, constants)


def test_states_are_found_behind_branches() -> None:
    network, x = fl.onnx.load(branching_model()), floats(12, 1, 3)
    stream = network.stream()
    assert stream.states == {"state": "stateN"}
    whole = network({"x": x, "state": np.zeros((2, 0, H), "float32")})["y"]  # no state: it starts from zeros
    parts = [stream.step({"x": chunk})["y"] for chunk in np.split(x, [1, 5, 9])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_state_that_a_branch_leaves_alone_is_not_taken_for_one() -> None:
    model = branching_model()
    then = next(attribute.g for attribute in model.graph.node[2].attribute if attribute.name == "then_branch")
    then.node[1].CopyFrom(type(then.node[1])(op_type="Identity", input=["state"], output=["end"]))
    with pytest.raises(ValueError, match="none are known to be"):
        fl.onnx.load(model).stream()


def test_a_constant_of_a_branch_is_not_the_state_of_that_name() -> None:
    model = branching_model()
    value = onnx.numpy_helper.from_array(floats(2, 1, H))
    for attribute in model.graph.node[2].attribute:
        if attribute.name == "else_branch":
            attribute.g.node.insert(0, onnx.helper.make_node("Constant", [], ["state"], value=value))
    with pytest.raises(ValueError, match="none are known to be"):
        fl.onnx.load(model).stream()


def test_states_are_kept_copied_set_and_reset() -> None:
    stream, x = fl.onnx.load(voice_model()).stream(), floats(3, 1, 3)
    first = stream.step({"x": x})["p"]
    twin, again = stream.copy(), copy.deepcopy(stream)
    second = stream.step({"x": x})["p"]
    for other in (twin, again):
        np.testing.assert_array_equal(other.step({"x": x})["p"], second)
    kept = stream.state
    stream.reset()
    np.testing.assert_array_equal(stream.step({"x": x})["p"], first)
    stream.state = kept
    twin.state = kept
    np.testing.assert_array_equal(stream.step({"x": x})["p"], twin.step({"x": x})["p"])


def test_a_step_that_is_refused_changes_nothing() -> None:
    stream = fl.onnx.load(voice_model()).stream()
    stream.step({"x": floats(3, 1, 3)})
    before = stream.state
    with pytest.raises(ValueError, match="x must have shape"):
        stream.step({"x": floats(3, 1, 4)})
    for name, array in stream.state.items():
        np.testing.assert_array_equal(array, before[name])


def test_states_may_be_given() -> None:
    nodes: list[Any] = [("Add", "x total", "sum"), ("Mul", "sum two", "y")]
    shapes = {"x": ("float32", [3]), "total": ("float32", [3])}
    model = model_of(nodes, shapes, {"sum": ("float32", [3]), "y": ("float32", [3])}, {"two": np.float32(2)})
    network = fl.onnx.load(model)
    stream = network.stream({"total": "sum"})
    one = np.ones(3, "float32")
    assert [float(stream.step({"x": one})["y"][0]) for _ in range(3)] == [2, 4, 6]
    with pytest.raises(ValueError, match=r"have states among its inputs and outputs, .*states=\{input: output\}"):
        network.stream()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"states": {"k": "hn"}}, ValueError, "states: input must be 'x', 'h' or 'c', got 'k'"),
        ({"states": {"h": "k"}}, ValueError, "states: output must be 'p', 'hn' or 'cn', got 'k'"),
        ({"states": {"h": "p"}}, ValueError, "states: h must be like the output p"),
        ({"states": {}}, ValueError, "states must be a dict from inputs to the outputs that replace them"),
        ({"states": ["h"]}, TypeError, "states must be a dict"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1"),
    ],
)
def test_states_that_make_no_sense(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fl.onnx.load(voice_model()).stream(**options)


def test_wrong_states_and_inputs_of_a_stream() -> None:
    stream = fl.onnx.load(voice_model()).stream()
    with pytest.raises(ValueError, match=r"inputs must be without the states, got 'h' among them; set stream\.state"):
        stream.step({"x": floats(1, 1, 3), "h": floats(1, 1, H)})
    with pytest.raises(ValueError, match=r"state must have the names \['h', 'c'\], got \['h'\]"):
        stream.state = {"h": floats(1, 1, H)}
    with pytest.raises(TypeError, match="streams must be of layers or of models"):
        fl.step_many([stream], floats(1, 3))
