"""Recurrent nodes in a row are one call of the core, with the bits of one node after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_graphs import NodeLike, model_of, run_onnxruntime

import fastlstm as fl

onnx = pytest.importorskip("onnx")

H = 3
FREE = ("float32", None)
T, N = 6, 2


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many weights each call of the core had."""
    found: list[int] = []
    own = fl._core.forward_stack

    def counted(weights: Any, *rest: Any) -> Any:
        found.append(len(weights))
        return own(weights, *rest)

    monkeypatch.setattr(fl._core, "forward_stack", counted)
    return found


def floats(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_an_exported_layer_is_one_call(
    tmp_path: Path, calls: list[int], kind: str, both: bool, batch_first: bool, states: bool, lengths: bool
) -> None:
    layer: Any = getattr(fl, kind)(4, H, num_layers=3, bidirectional=both, batch_first=batch_first, seed=0)
    fl.onnx.export(layer, tmp_path / "a.onnx", states=states, lengths=lengths)
    net = fl.onnx.load(tmp_path / "a.onnx")
    inputs = {"x": floats(*((N, T) if batch_first else (T, N)), 4)}
    letters = "hc" if kind == "LSTM" else "h"
    shape = (3 * (1 + both), N, H)
    start = {f"{letter}_0": floats(*shape, seed=seed) for seed, letter in enumerate(letters)} if states else {}
    valid = {"lengths": np.array([6, 0], "int32")} if lengths else {}
    calls.clear()
    got = net({**inputs, **start, **valid})
    assert calls == [3 * (1 + both)]
    given = tuple(start.values()) if kind == "LSTM" else start.get("h_0")
    y, last = layer(inputs["x"], given or None if kind == "LSTM" else given, valid.get("lengths"))
    np.testing.assert_array_equal(got["y"], y)
    assert got["y"].flags.writeable
    for letter, end in zip(letters, last if kind == "LSTM" else (last,), strict=True):
        rows = slice(0, 1) if lengths else slice(None)  # a row of no steps ends with zeros in ONNX
        np.testing.assert_array_equal(got[f"{letter}_n"][:, rows], end[:, rows])


# -- graphs as exporters write them ------------------------------------------------------------------------------------


def weights(count: int, D: int, I: int = 4) -> dict[str, Any]:
    """Those of LSTMs on top of each other."""
    rng, found = np.random.default_rng(5), {}
    for k in range(count):
        size = D * H if k else I
        shapes = {"W": (D, 4 * H, size), "R": (D, 4 * H, H), "B": (D, 8 * H)}
        found |= {f"{name}{k}": rng.normal(scale=0.5, size=shape).astype("float32") for name, shape in shapes.items()}
    return found


def joined(k: int, D: int) -> list[NodeLike]:
    """What comes behind a node: directions side by side."""
    if D == 1:
        return [("Squeeze", f"Y{k} one", f"y{k}")]
    return [("Transpose", f"Y{k}", f"t{k}", {"perm": [0, 2, 1, 3]}), ("Reshape", f"t{k} side", f"y{k}")]


def lstm(k: int, x: str, D: int = 1, more: str = "", ends: str = "", **attributes: Any) -> NodeLike:
    direction = {"direction": "bidirectional"} if D == 2 else {}
    return ("LSTM", f"{x} W{k} R{k} B{k} {more}", f"Y{k} {ends}", {"hidden_size": H, **direction, **attributes})


def zeros(D: int, of: str = "x") -> list[NodeLike]:
    """States of two nodes that PyTorch's exporter makes of the shape of what comes in."""
    return [
        ("Shape", of, "shape"),
        ("Gather", "shape rows", "count"),
        ("Unsqueeze", "count zero", "counts"),
        ("Concat", f"{'two' if D == 1 else 'four'} counts size", "wanted", {"axis": 0}),
        ("ConstantOfShape", "wanted", "zeros"),
        ("Slice", f"zeros zero {'one' if D == 1 else 'two'} zero", "z0"),
        ("Slice", "zeros one two zero" if D == 1 else "zeros two four zero", "z1"),
    ]


NUMBERS = {
    **{"one": np.array([1]), "two": np.array([2]), "zero": np.array([0]), "rows": np.array(1)},
    **{"four": np.array([4]), "size": np.array([H]), "side": np.array([0, 0, 2 * H])},
}


def ran(nodes: list[NodeLike], constants: Any, outputs: str, calls: list[int], **inputs: Any) -> dict[str, Any]:
    """Run a graph here, and hold it to the numbers of onnxruntime."""
    model = model_of(
        nodes,
        {name: (str(array.dtype), [None] * array.ndim) for name, array in inputs.items()},
        dict.fromkeys(outputs.split(), FREE),
        {**NUMBERS, **constants},
    )
    net = fl.onnx.load(model)
    calls.clear()
    got = net(inputs)
    pytest.importorskip("onnxruntime")
    for name, array in run_onnxruntime(model, inputs).items():
        np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-6)
    return got


@pytest.mark.parametrize("D", [1, 2])
def test_states_of_zeros_are_none(calls: list[int], D: int) -> None:
    nodes = [*zeros(D), lstm(0, "x", D, "_ z0 z0"), *joined(0, D), lstm(1, "y0", D, "_ z1 z1"), *joined(1, D)]
    ran(nodes, weights(2, D), "y1", calls, x=floats(T, N, 4))
    assert calls == [2 * D]


def test_zeros_of_other_rows_are_refused() -> None:
    nodes = [*zeros(1, "other"), lstm(0, "x", 1, "_ z0 z0"), *joined(0, 1)]
    model = model_of(nodes, {"x": FREE, "other": FREE}, {"y0": FREE}, {**NUMBERS, **weights(1, 1)})
    net = fl.onnx.load(model)
    net({"x": floats(T, N, 4), "other": floats(9, N, 4)})
    with pytest.raises(ValueError, match=r"initial_h must have shape \(1, 2, 3\), got \(1, 5, 3\)"):
        net({"x": floats(T, N, 4), "other": floats(T, 5, 4)})


def joined_by_shape(k: int) -> list[NodeLike]:
    """Directions side by side as the newer exporter of PyTorch writes it: by the shape of the array."""
    parts: list[NodeLike] = [
        ("Slice", f"s{k} {a} {b}", f"s{k}{a}") for a, b in (("zero", "one"), ("one", "two"), ("two", "three"))
    ]
    return [
        *(("Transpose", f"Y{k}", f"t{k}", {"perm": [0, 2, 1, 3]}), ("Shape", f"t{k}", f"s{k}"), *parts),
        ("Slice", f"s{k} three four", f"s{k}three"),
        ("Mul", f"s{k}two s{k}three", f"p{k}"),
        ("Reshape", f"p{k} rest", f"q{k}"),
        ("Concat", f"s{k}zero s{k}one q{k}", f"side{k}", {"axis": 0}),
        ("Reshape", f"t{k} side{k}", f"y{k}"),
    ]


@pytest.mark.parametrize("shape", [(T, N, 4), (1, 1, 4)])
@pytest.mark.parametrize("D", [1, 2])
def test_directions_that_are_joined_by_the_shape_of_the_array(calls: list[int], D: int, shape: Any) -> None:
    nodes = [lstm(0, "x", D), *joined_by_shape(0), lstm(1, "y0", D), *joined_by_shape(1)]
    constants = {**weights(2, D), "three": np.array([3]), "rest": np.array([-1])}
    ran(nodes, constants, "y1", calls, x=floats(*shape))
    assert calls == [2 * D]


TARGETS: dict[str, tuple[list[NodeLike], Any]] = {
    "axes in another order": ([("Gather", "s turn", "w")], (4, 6)),
    "an axis and what is left": ([("Slice", "s zero one", "a"), ("Concat", "a rest", "w", {"axis": 0})], (6, 4)),
    "an axis behind the others": ([("Concat", "s one", "w", {"axis": 0})], (6, 4, 1)),
    "an axis twice as long": (
        [("Mul", "s two", "d"), ("Slice", "d zero one", "a"), ("Concat", "a rest", "w", {"axis": 0})],
        (12, 2),
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets_that_are_made_of_the_shape(calls: list[int], name: str) -> None:
    nodes, shape = TARGETS[name]
    given = {"turn": np.array([1, 0]), "rest": np.array([-1])}
    got = ran([("Shape", "x", "s"), *nodes, ("Reshape", "x w", "y")], given, "y", calls, x=floats(6, 4))
    assert got["y"].shape == shape


KEPT_APART: dict[str, tuple[list[NodeLike], str]] = {
    "outputs that are taken in between": ([lstm(0, "x"), *joined(0, 1), lstm(1, "y0"), *joined(1, 1)], "y1 y0"),
    "outputs that are taken before they are joined": (
        [lstm(0, "x"), *joined(0, 1), lstm(1, "y0"), *joined(1, 1), ("Relu", "Y0", "r")],
        "y1 r",
    ),
    "a state of one that another starts from": (
        [lstm(0, "x", ends="h0 c0"), *joined(0, 1), lstm(1, "y0", 1, "_ h0 c0"), *joined(1, 1)],
        "y1",
    ),
    "a state that something takes before": (
        [
            *(lstm(0, "x", ends="h0 c0"), *joined(0, 1), ("Relu", "h0", "r")),
            *(lstm(1, "y0", 1, "_ r c0"), *joined(1, 1)),
        ],
        "y1",
    ),
    "lengths of one": ([lstm(0, "x", 1, "lengths"), *joined(0, 1), lstm(1, "y0"), *joined(1, 1)], "y1"),
}


@pytest.mark.parametrize("name", KEPT_APART)
def test_nodes_that_something_else_depends_on_are_kept_apart(calls: list[int], name: str) -> None:
    nodes, outputs = KEPT_APART[name]
    more = {"lengths": np.array([4, 6], "int32")} if "lengths" in name else {}
    ran(nodes, weights(2, 1), outputs, calls, x=floats(T, N, 4), **more)
    assert calls == [1, 1]


def test_a_node_that_reads_backwards_is_by_itself(calls: list[int]) -> None:
    nodes = [lstm(0, "x"), *joined(0, 1), lstm(1, "y0", direction="reverse"), *joined(1, 1)]
    ran(nodes, weights(2, 1), "y1", calls, x=floats(T, N, 4))
    assert calls == [1]


def test_last_states_that_come_later_and_rows_first(calls: list[int]) -> None:
    nodes: list[NodeLike] = [
        ("Transpose", "x", "t", {"perm": [1, 0, 2]}),
        *(lstm(0, "t", 2, "lengths", "h0"), *joined(0, 2), lstm(1, "y0", 2, "lengths", "_ c1"), *joined(1, 2)),
        ("Transpose", "y1", "y", {"perm": [1, 0, 2]}),
        ("Concat", "h0 c1", "ends", {"axis": 0}),
    ]
    lengths = np.array([3, 0], "int32")
    got = ran(nodes, weights(2, 2), "y ends", calls, x=floats(N, T, 4), lengths=lengths)
    assert calls == [4]
    assert got["y"].flags.c_contiguous


NONSENSE: dict[str, list[NodeLike]] = {
    "outputs of no name": [("Shape", "x", "_"), ("Slice", "one zero one", "_"), ("Relu", "x", "y")],
    "no outputs": [("Shape", "x", ""), ("Transpose", "x", ""), ("Reshape", "x side", ""), ("Relu", "x", "y")],
    "no outputs of a cell": [(*lstm(0, "x")[:2], "", {"hidden_size": H}), ("Relu", "x", "y")],  # type: ignore[list-item]
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nodes_that_nobody_needs_are_not_run(calls: list[int], name: str) -> None:
    model = model_of(NONSENSE[name], {"x": ("float32", [None, None, 4])}, {"y": FREE}, {**NUMBERS, **weights(1, 1)})
    x = floats(T, N, 4)
    np.testing.assert_array_equal(fl.onnx.load(model)({"x": x})["y"], np.maximum(x, 0))
    assert calls == []


@pytest.mark.parametrize("perm", [[1, 0, 7], [0, 1], [-1, 0, 1], [0, 0, 0]])
def test_axes_that_are_not_there_are_an_error_of_the_run(perm: list[int]) -> None:
    nodes: list[NodeLike] = [("Transpose", "x", "t", {"perm": perm}), lstm(0, "t"), *joined(0, 1)]
    net = fl.onnx.load(model_of(nodes, {"x": ("float32", [5, 2, 4])}, {"y0": FREE}, {**NUMBERS, **weights(1, 1)}))
    with pytest.raises(ValueError, match=r" must .*, got "):
        net({"x": floats(5, 2, 4)})


def test_errors_name_the_node(calls: list[int]) -> None:
    nodes = [lstm(0, "x"), *joined(0, 1), lstm(1, "y0", 1, "_ h"), *joined(1, 1)]
    model = model_of(nodes, {"x": FREE, "h": FREE}, {"y1": FREE}, {**NUMBERS, **weights(2, 1)})
    net = fl.onnx.load(model)
    with pytest.raises(ValueError, match=r"node 2 \(LSTM\) initial_h must have shape \(1, 2, 3\), got \(1, 4, 3\)"):
        net({"x": floats(T, N, 4), "h": floats(1, 4, H)})
    with pytest.raises(ValueError, match=r"node 0 \(LSTM\): X must have shape \(T, N, 4\), got \(6, 2, 5\)"):
        net({"x": floats(T, N, 5), "h": floats(1, N, H)})
    with pytest.raises(TypeError, match="X must have dtype float32, that of the weights, got float64"):
        fl.onnx.load(model_of(nodes[:2], {"x": ("float64", None)}, {"y0": FREE}, {**NUMBERS, **weights(1, 1)}))(
            {"x": floats(T, N, 4).astype("float64")}
        )


def test_nodes_between_which_rows_come_first(calls: list[int]) -> None:
    turn = {"perm": [1, 0, 2]}
    between: list[NodeLike] = [("Transpose", "y0", "rows_first", turn), ("Transpose", "rows_first", "again", turn)]
    nodes = [lstm(0, "x", ends="h0"), *joined(0, 1), *between, lstm(1, "again"), *joined(1, 1)]
    ran([*nodes, ("Squeeze", "h0 zero", "unused")], weights(2, 1), "y1", calls, x=floats(T, N, 4))
    assert calls == [2]
    ran([*nodes, ("Relu", "rows_first", "r")], weights(2, 1), "y1 r", calls, x=floats(T, N, 4))
    assert calls == [1, 1]
    reads_again = [lstm(0, "x"), *joined(0, 1), *between, lstm(1, "again", 1, "_ h c"), *joined(1, 1)]
    own = ("Slice", "y0 zero one zero", "h")
    kept = [*reads_again[:4], own, ("Identity", "h", "c"), *reads_again[4:]]
    ran(kept, weights(2, 1), "y1", calls, x=floats(T, N, 4))
    assert calls == [1, 1]


def test_a_node_that_takes_rows_for_steps(calls: list[int]) -> None:
    turn: NodeLike = ("Transpose", "y0", "turned", {"perm": [1, 0, 2]})
    nodes = [lstm(0, "x"), *joined(0, 1), turn, lstm(1, "turned"), *joined(1, 1)]
    ran(nodes, weights(2, 1), "y1", calls, x=floats(T, N, 4))
    assert calls == [1, 1]
