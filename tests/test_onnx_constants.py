"""Nodes that are constants, of which some exporters write more than of all others, and what load leaves behind."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from onnx_graphs import classifier, graph_of, model_of

import fastlstm as fl

onnx = pytest.importorskip("onnx")

ANY = ("float32", None)
X = {"x": ("float32", ["N", 2])}


def tensor(*values: float) -> Any:
    return onnx.numpy_helper.from_array(np.array(values, "float32"))


FORMS: dict[str, Any] = {
    "value": (tensor(3, 4), [3, 4]),
    "value_float": (5.0, 5),
    "value_floats": ([6.0, 7.0], [6, 7]),
}
"""Attributes and the numbers they stand for."""


@pytest.mark.parametrize("domain", ["", "ai.onnx"])
@pytest.mark.parametrize("name", FORMS)
def test_constants_of_every_form_are_added(name: str, domain: str) -> None:
    attribute, numbers = FORMS[name]
    model = model_of([("Constant", "", "c", {name: attribute}), ("Add", "x c", "y")], X, {"y": ANY, "c": ANY})
    model.graph.node[0].domain = domain
    x = np.ones((1, 2), "float32")
    found = fl.onnx.load(model)({"x": x})
    np.testing.assert_array_equal(found["y"], x + np.array(numbers, "float32"))
    np.testing.assert_array_equal(found["c"], np.array(numbers, "float32"))
    found["c"][...] = 0  # which is the caller's own
    np.testing.assert_array_equal(fl.onnx.load(model)({"x": x})["c"], np.array(numbers, "float32"))


def test_constants_of_branches_are_their_own() -> None:
    branches = {
        f"{name}_branch": graph_of(
            [("Constant", "", "c", {"value": tensor(value)}), ("Add", "x c", name)], {}, {name: ANY}
        )
        for name, value in (("then", 1), ("else", 2))
    }
    for attribute in branches.values():
        attribute.output[0].type.Clear()
    nodes: list[Any] = [("ReduceSum", "x", "sum", {"keepdims": 0}), ("Greater", "sum zero", "more")]
    model = model_of([*nodes, ("If", "more", "y", branches)], X, {"y": ANY}, {"zero": np.float32(0)})
    for sign in (1, -1):
        x = np.full((1, 2), sign, "float32")
        np.testing.assert_array_equal(fl.onnx.load(model)({"x": x})["y"], x + (1 if sign > 0 else 2))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (("Constant", "x", "c", {"value": tensor(1)}), r"node 0 \(Constant\) must have 0 inputs, got \['x'\]"),
        (("Constant", "", "c d", {"value": tensor(1)}), r"node 0 \(Constant\) must have at most 1 outputs, got 2"),
        (("Constant", "", "c", {}), r"node 0 \(Constant\) must have one of value, value_float.*, got none"),
        (("Constant", "", "c", {"value": 1}), r"node 0 \(Constant\): value must be an attribute of kind 't', got i"),
        (("Constant", "", "c", {"value": tensor(1), "a": 1}), r"must have attributes that are known, got \['a'\]"),
        (("Constant", "", "x", {"value": tensor(1)}), "names must each stand for one thing, got 'x' for two"),
    ],
)
def test_constants_that_make_no_sense_are_refused(node: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fl.onnx.load(model_of([node, ("Add", "x c", "y")], X, {"y": ANY}))


def test_a_constant_of_too_few_bytes_is_named() -> None:
    model = model_of([("Constant", "", "c", {"value": tensor(1)}), ("Add", "x c", "y")], X, {"y": ANY})
    model.graph.node[0].attribute[0].t.raw_data = b"123"
    with pytest.raises(ValueError, match=r"'c' \(Constant\): tensor '' must have 4 bytes, as its shape says, got 3"):
        fl.onnx.load(model)


def test_a_model_that_was_loaded_is_not_left_to_the_garbage_collector() -> None:
    model = classifier(np.random.default_rng(0))
    fl.onnx.load(model)
    while gc.collect():  # what other tests left, of which one part may hold another
        pass
    gc.disable()
    try:
        fl.onnx.load(model)
        assert not gc.collect()  # what lies in a circle holds its memory until the collector comes
    finally:
        gc.enable()
