"""Chains of layers as graphs: the numbers they gave here, read again and by onnxruntime where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_onnx_export import TOLERANCE, floats, runners

import fastlstm as fl

onnx = pytest.importorskip("onnx")

T, N, I = 5, 3, 4
VALID = np.array([5, 1, 3], "int32")


def changed(chain: Any) -> Any:
    """Give a chain numbers that differ, of which none that is a variance is below zero."""
    rng = np.random.default_rng(3)
    state = {name: rng.normal(scale=0.5, size=value.shape) for name, value in chain.state_dict().items()}
    for name in state:
        if name.endswith("running_var"):
            state[name] = state[name] ** 2
        elif name.endswith("num_batches_tracked"):
            state[name] = np.array(7)
    chain.load_state_dict({name: np.asarray(value, chain.state_dict()[name].dtype) for name, value in state.items()})
    return chain


def lstm(size: int = I, **options: Any) -> Any:
    return fl.LSTM(size, 6, **options)


RECURRENT: dict[str, Any] = {
    "all steps": lambda first: fl.Chain(lstm(batch_first=first), fl.Linear(6, 3), fl.Softmax()),
    "a gru of two layers in both directions": lambda first: fl.Chain(
        fl.GRU(I, 6, num_layers=2, bidirectional=True, batch_first=first), fl.FinalHidden(), fl.Linear(12, 2)
    ),
    "on top of each other": lambda first: fl.Chain(
        below=lstm(batch_first=first),
        dropout=fl.Dropout(0.5),
        above=fl.RNN(6, 5, nonlinearity="relu", batch_first=first),
        fc=fl.Linear(5, 2, bias=False),
    ),
    "a layer in between": lambda first: fl.Chain(
        lstm(batch_first=first), fl.LayerNorm(6), fl.Tanh(), fl.GRU(6, 4, batch_first=first), fl.Sigmoid()
    ),
    "before it": lambda first: fl.Chain(fl.Linear(I, 7), fl.LeakyReLU(0.3), lstm(7, batch_first=first)),
    "its last valid step": lambda first: fl.Chain(lstm(batch_first=first), fl.LastValidStep(), fl.Linear(6, 2)),
    "its maximum": lambda first: fl.Chain(
        lstm(bidirectional=True, batch_first=first), fl.MaxOverTime(), fl.BatchNorm1d(12), fl.ReLU()
    ),
    "its mean": lambda first: fl.Chain(
        lstm(batch_first=first), fl.MeanOverTime(), fl.LayerNorm(6, bias=False), fl.LogSoftmax(-1)
    ),
    "its final state": lambda first: fl.Chain(
        lstm(batch_first=first), fl.FinalHidden(), fl.BatchNorm1d(6, affine=False)
    ),
    "chains within": lambda first: fl.Chain(
        body=fl.Chain(fl.Linear(I, I), fl.ReLU()), lstm=lstm(batch_first=first), head=fl.Chain(fl.Linear(6, 2))
    ),
    "another axis": lambda first: fl.Chain(lstm(batch_first=first), fl.Softmax(1)),
    "float64": lambda first: fl.Chain(
        fl.LSTM(I, 6, batch_first=first, dtype="float64"), fl.MeanOverTime(), fl.Linear(6, 2, dtype="float64")
    ),
}


def given(state: Any) -> list[Any]:
    """The arrays of a state, or of several by name."""
    if isinstance(state, dict):
        return [array for part in state.values() for array in given(part)]
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("name", RECURRENT)
def test_chains(tmp_path: Path, name: str, batch_first: bool, states: bool, lengths: bool) -> None:
    chain = changed(RECURRENT[name](batch_first))
    fl.onnx.export(chain, tmp_path / "a.onnx", states=states, lengths=lengths)
    x = floats(*((N, T) if batch_first else (T, N)), I).astype(chain.dtype)
    _, zero = chain(x)
    start = [floats(*array.shape, seed=k).astype(chain.dtype) for k, array in enumerate(given(zero))]
    arrays = iter(start)
    like: Any = lambda state: (  # noqa: E731
        {key: like(part) for key, part in state.items()}
        if isinstance(state, dict)
        else tuple(next(arrays) for _ in state)
        if isinstance(state, tuple)
        else next(arrays)
    )
    y, last = chain(x, like(zero) if states else None, VALID if lengths else None)
    net, *others = runners(tmp_path / "a.onnx")
    names = [info.name for info in net.inputs if info.name.endswith(("h_0", "c_0"))]
    assert bool(names) == states
    inputs = {"x": x, **dict(zip(names, start, strict=False)), **({"lengths": VALID} if lengths else {})}
    for run in (net, *others) if chain.dtype == np.float32 else (net,):  # onnxruntime has no other LSTM
        got = run(inputs)
        for (_, array), wanted in zip(got.items(), [y, *given(last)], strict=True):
            assert array.dtype == wanted.dtype
            np.testing.assert_allclose(array, wanted, **TOLERANCE)


@pytest.mark.parametrize("pool", [fl.LastValidStep, fl.MaxOverTime, fl.MeanOverTime, fl.FinalHidden])
def test_rows_of_no_steps(tmp_path: Path, pool: Any) -> None:
    chain = fl.Chain(lstm(batch_first=True), pool())
    fl.onnx.export(chain, tmp_path / "a.onnx", lengths=True)
    inputs = {"x": floats(N, T, I), "lengths": np.array([0, 5, 2], "int32")}
    for run in runners(tmp_path / "a.onnx"):
        np.testing.assert_allclose(run(inputs)["y"], chain(inputs["x"], lengths=inputs["lengths"])[0], **TOLERANCE)


@pytest.mark.parametrize("pool", [fl.MaxOverTime, fl.MeanOverTime, fl.FinalHidden])
def test_sequences_of_no_steps(tmp_path: Path, pool: Any) -> None:
    chain = fl.Chain(lstm(), pool())
    fl.onnx.export(chain, tmp_path / "a.onnx")
    for run in runners(tmp_path / "a.onnx"):
        np.testing.assert_array_equal(run({"x": floats(0, N, I)})["y"], np.zeros((N, 6)))


def test_axes_vary_and_are_named(tmp_path: Path) -> None:
    chain = fl.Chain(a=lstm(batch_first=True), b=fl.GRU(6, 2, batch_first=True), last=fl.LastStep(), fc=fl.Linear(2, 3))
    fl.onnx.export(chain, tmp_path / "a.onnx", states=True)
    net = fl.onnx.load(tmp_path / "a.onnx")
    assert [(info.name, info.shape) for info in net.inputs] == [
        ("x", ("batch", "time", I)),
        *[(f"{name}_0", (1, "batch", size)) for name, size in (("a.h", 6), ("a.c", 6), ("b.h", 2))],
    ]
    assert [(info.name, info.shape) for info in net.outputs] == [
        ("y", ("batch", 3)),
        *[(f"{name}_n", (1, "batch", size)) for name, size in (("a.h", 6), ("a.c", 6), ("b.h", 2))],
    ]


def test_words(tmp_path: Path) -> None:
    chain = fl.Chain(embedding=fl.Embedding(20, I), lstm=lstm(batch_first=True), last=fl.LastStep(), fc=fl.Linear(6, 2))
    fl.onnx.export(chain, tmp_path / "a.onnx")
    words = np.random.default_rng(0).integers(20, size=(N, T))
    for run in runners(tmp_path / "a.onnx"):
        np.testing.assert_allclose(run({"x": words})["y"], chain(words)[0], **TOLERANCE)


def test_chains_without_steps_take_rows(tmp_path: Path) -> None:
    chain = changed(fl.Chain(fl.Linear(I, 3), fl.BatchNorm1d(3), fl.Tanh(), fl.Linear(3, 2)))
    fl.onnx.export(chain, tmp_path / "a.onnx")
    for run in runners(tmp_path / "a.onnx"):
        np.testing.assert_allclose(run({"x": floats(N, I)})["y"], chain(floats(N, I)), **TOLERANCE)


def test_words_without_steps(tmp_path: Path) -> None:
    chain = fl.Chain(fl.Embedding(20, I), fl.ReLU())
    fl.onnx.export(chain, tmp_path / "a.onnx")
    net = fl.onnx.load(tmp_path / "a.onnx")
    assert [info.shape for info in (*net.inputs, *net.outputs)] == [("batch", "time"), ("batch", "time", I)]
    words = np.random.default_rng(0).integers(20, size=(N, T))
    for run in runners(tmp_path / "a.onnx"):
        np.testing.assert_allclose(run({"x": words})["y"], chain(words), **TOLERANCE)


def test_a_chain_goes_on_as_a_stream(tmp_path: Path) -> None:
    chain = fl.Chain(a=lstm(), b=fl.GRU(6, 2), fc=fl.Linear(2, 3))
    fl.onnx.export(chain, tmp_path / "a.onnx", states=True)
    stream, x = fl.onnx.load(tmp_path / "a.onnx").stream(), floats(T, 1, I)
    got = np.concatenate([stream.step({"x": x[k : k + 1]})["y"] for k in range(T)])
    np.testing.assert_allclose(got, chain(x)[0], rtol=1e-6, atol=1e-6)


class Own(fl.Linear):
    pass


@pytest.mark.parametrize(
    ("chain", "options", "message"),
    [
        (lambda: fl.Chain(mine=Own(3, 2)), {}, "mine must be of a class that ONNX can express: .* got Own"),
        (lambda: fl.Chain(l=fl.LSTM(4, 6, proj_size=2)), {}, "l must be of what ONNX can express: no projection"),
        (lambda: fl.Chain(l=lstm(), s=fl.LastStep()), {"lengths": True}, "lengths must be left out for s, a LastStep"),
        (lambda: fl.Chain(fl.Linear(3, 2)), {"states": True}, "states must be left out for a chain without"),
        (lambda: fl.Chain(fl.Linear(3, 2)), {"lengths": True}, "lengths must be left out for a chain without"),
    ],
)
def test_what_onnx_cannot_express_is_refused(tmp_path: Path, chain: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fl.onnx.export(chain(), tmp_path / "a.onnx", **options)
    assert list(tmp_path.iterdir()) == []
