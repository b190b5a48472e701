"""Array layers are kept in files and made of the parameters of others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import rewritten

import fastlstm as fl

GOLDEN = Path(__file__).parent / "golden"

LAYERS = [
    (fl.LSTM, {}),
    (fl.LSTM, {"num_layers": 2, "bidirectional": True, "proj_size": 2, "batch_first": True, "dropout": 0.5}),
    (fl.GRU, {"num_layers": 3, "bias": False, "dtype": "float64"}),
    (fl.RNN, {"nonlinearity": "relu", "bidirectional": True}),
]


def arguments_of(layer: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(layer).items() if not name.startswith("_")}


def assert_same_layer(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    assert arguments_of(found) == arguments_of(wanted)
    assert found.state_dict().keys() == wanted.state_dict().keys()
    for name, value in wanted.state_dict().items():
        assert found.state_dict()[name].tobytes() == value.tobytes(), name


@pytest.mark.parametrize(("kind", "options"), LAYERS, ids=str)
def test_a_layer_comes_back_from_a_file(tmp_path: Path, kind: Any, options: dict[str, Any]) -> None:
    layer = kind(3, 5, seed=0, **options)
    for name in ("a.safetensors", "b.any", "c"):
        layer.save(tmp_path / name)
        found = fl.load(tmp_path / name)
        assert_same_layer(found, layer)
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(layer.dtype)
    np.testing.assert_array_equal(found(x)[0], layer(x)[0])


@pytest.mark.parametrize(("kind", "options"), LAYERS, ids=str)
def test_a_layer_is_made_of_parameters_alone(kind: Any, options: dict[str, Any]) -> None:
    layer = kind(3, 5, seed=0, **options)
    net = {f"net.rnn.{name}": value for name, value in layer.state_dict().items()} | {"fc.weight": np.ones((2, 5))}
    told = {name: options[name] for name in ("batch_first", "dropout", "nonlinearity") if name in options}
    assert_same_layer(kind.from_state_dict(net, prefix="net.rnn.", **told), layer)
    assert_same_layer(kind.from_state_dict(layer.state_dict(), seed=3, **told), layer)


def test_a_layer_of_pytorch_runs_as_it_does_there() -> None:
    layer = fl.LSTM.from_state_dict(fl.read_weights(GOLDEN / "torch_lstm.pt"), prefix="lstm.", batch_first=True)
    assert (layer.num_layers, layer.num_directions, layer.proj_size) == (2, 2, 2)
    with np.load(GOLDEN / "torch_files.npz") as wanted:
        y, _ = layer(wanted["x"])
        np.testing.assert_allclose(y, wanted["y"], atol=1e-6)  # numbers below 1, in float32 on both sides


def test_half_precision_becomes_float32() -> None:
    state = {name: value.astype("float16") for name, value in fl.GRU(3, 5, seed=0).state_dict().items()}
    assert fl.GRU.from_state_dict(state).dtype == np.float32
    assert fl.GRU.from_state_dict(state, dtype="float64").dtype == np.float64


def changed(**changes: Any) -> dict[str, Any]:
    state: dict[str, Any] = dict(fl.LSTM(3, 5, num_layers=2, bidirectional=True, seed=0).state_dict())
    return {name: value for name, value in {**state, **changes}.items() if value is not None}


STATES = {
    "mapping must have 'weight_ih_l0', got the names": changed(weight_ih_l0=None),
    "missing=['bias_ih_l1_reverse'], unknown=[]": changed(bias_ih_l1_reverse=None),
    "unknown=['weight_ih_l3']": changed(weight_ih_l3=np.ones((20, 10))),
    "unknown=['fc.weight']": changed(**{"fc.weight": np.ones(2)}),
    "LSTM: weight_ih_l0 must have shape (4 * hidden_size, ...), got (18, 3)": changed(weight_ih_l0=np.ones((18, 3))),
    "LSTM: weight_hh_l0 must have shape (4 * hidden_size, ...), got (5,)": changed(weight_hh_l0=np.ones(5)),
    "LSTM: weight_hh_l0 must have shape (20, 5), got (24, 6)": changed(weight_hh_l0=np.ones((24, 6))),
    "LSTM: weight_ih_l1 must have shape (20, 10), got (20, 9)": changed(weight_ih_l1=np.ones((20, 9))),
    "LSTM: bias_hh_l0 must have shape (20,), got (5,)": changed(bias_hh_l0=np.ones(5)),
}


@pytest.mark.parametrize("message", STATES)
def test_parameters_that_are_no_layer_say_which_is_wrong(message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        fl.LSTM.from_state_dict(STATES[message])


def test_parameters_of_another_cell_say_so() -> None:
    state = fl.GRU(3, 4, seed=0).state_dict()
    message = "LSTM: weight_hh_l0 must have shape (4 * hidden_size, hidden_size), got (12, 4); it is of a GRU"
    with pytest.raises(ValueError, match=re.escape(message)):
        fl.LSTM.from_state_dict(state)


def test_a_few_numbers_cannot_ask_for_a_large_layer() -> None:
    state = {"weight_ih_l0": np.ones((2**17, 1)), "weight_hh_l0": np.ones((4, 1))}
    with pytest.raises(ValueError, match=re.escape("weight_hh_l0 must have shape (131072, 32768), got (4, 1)")):
        fl.LSTM.from_state_dict(state)


def test_only_an_lstm_is_projected() -> None:
    with pytest.raises(ValueError, match=re.escape("unknown=['weight_hr_l0']")):
        fl.GRU.from_state_dict({**fl.GRU(3, 4).state_dict(), "weight_hr_l0": np.ones((2, 4))})


def test_options_and_mappings_that_are_none_are_refused() -> None:
    state = fl.LSTM(3, 5, seed=0).state_dict()
    with pytest.raises(ValueError, match=re.escape("LSTM: argument must be 'batch_first', 'dropout', 'dtype'")):
        fl.LSTM.from_state_dict(state, hidden_size=5)
    with pytest.raises(TypeError, match="mapping must be a dict"):
        fl.LSTM.from_state_dict([1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="prefix must be a str"):
        fl.LSTM.from_state_dict(state, prefix=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape("mapping must have 'rnn.weight_ih_l0', got the names")):
        fl.LSTM.from_state_dict(state, prefix="rnn.")
    with pytest.raises(TypeError, match="LSTM: bias_ih_l0 must hold floating-point numbers"):
        fl.LSTM.from_state_dict({**state, "bias_ih_l0": np.ones(20, int)})


CHANGES = {
    "format_version must be at most 1, what fastlstm": lambda d: d.update(format_version=2),
    "2, written by 'fastlstm 9.9'; install a newer fastlstm": lambda d: d.update(
        format_version=2, written_by="fastlstm 9.9"
    ),
    "format_version must be a whole number from 1 to 1, got None": lambda d: d.pop("format_version"),
    "format_version must be a whole number from 1 to 1, got True": lambda d: d.update(format_version=True),
    "kind must be 'layer' or 'model', got 'x'": lambda d: d.update(kind="x"),
    "or 'MeanOverTime', got 'os.system'": lambda d: d.update({"class": "os.system"}),
    "or 'MeanOverTime', got ['LSTM']": lambda d: d.update({"class": ["LSTM"]}),
    "the description must be an object of kind, class, arguments": lambda d: d.update(more=1),
    "arguments must be a dict": lambda d: d.update(arguments=[1]),
    "arguments must be an object of input_size": lambda d: d["arguments"].update(seed=1),
    "hidden_size must be 5, as the parameters have it, got 1099511627776": lambda d: d["arguments"].update(
        hidden_size=2**40
    ),
    "num_layers must be 1, as the parameters have it, got 1000000000": lambda d: d["arguments"].update(
        num_layers=10**9
    ),
    "batch_first must be True or False, got 'yes'": lambda d: d["arguments"].update(batch_first="yes"),
    "dropout must be a number from 0 to 1, got 3": lambda d: d["arguments"].update(dropout=3),
    "dtype must be 'float32', 'float64' or 'bfloat16', got 'O'": lambda d: d["arguments"].update(dtype="O"),
}


@pytest.mark.parametrize("message", CHANGES)
def test_descriptions_that_are_no_layer_are_refused(tmp_path: Path, message: str) -> None:
    path = tmp_path / "a"
    fl.LSTM(3, 5, seed=0).save(path)
    rewritten(path, CHANGES[message])
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as raised:
        fl.load(path)
    assert str(raised.value).startswith(str(path))


def deep(levels: int) -> dict[str, Any]:
    """A description of chains within each other."""
    described: dict[str, Any] = {"class": "ReLU", "arguments": {}}
    for _ in range(levels):
        described = {"class": "Chain", "arguments": {"a": described}}
    return described


CHAIN_CHANGES = {
    "a: fc must be an object of class, arguments, got 3": lambda d: d["arguments"].update(fc=3),
    "a: fc must be an object of class, arguments, got {'arg": lambda d: d["arguments"]["fc"].update(kind="layer"),
    "a: fc: class must be 'GRU'": lambda d: d["arguments"]["fc"].update({"class": "os.system"}),
    "a: fc: arguments must be a dict": lambda d: d["arguments"]["fc"].update(arguments=[]),
    "a: fc: arguments must be an object of in_features, out_features, bias, dtype": lambda d: d["arguments"]["fc"][
        "arguments"
    ].update(device=1),
    "a: act: arguments must be an empty object": lambda d: d["arguments"]["act"]["arguments"].update(p=1),
    "a: fc: weight must have shape (1000000, 1000000), got (2, 4)": lambda d: d["arguments"]["fc"]["arguments"].update(
        in_features=10**6, out_features=10**6
    ),
    "a: lstm: hidden_size must be 4, as the parameters have it, got 5": lambda d: d["arguments"]["lstm"][
        "arguments"
    ].update(hidden_size=5),
    "a must hold arrays of lstm, act, got ['fc.bias', 'fc.weight']": lambda d: d["arguments"].pop("fc"),
    "others: missing=[], unknown=['bias', 'weight']": lambda d: d["arguments"].update(
        fc={"class": "ReLU", "arguments": {}}
    ),
    "a: c must come where there are time steps": lambda d: d["arguments"].update(
        b={"class": "LastStep", "arguments": {}}, c={"class": "LastStep", "arguments": {}}
    ),
    "a: names of layers must be other than those of a chain": lambda d: d["arguments"].update(
        vjp={"class": "ReLU", "arguments": {}}
    ),
    "a: act: Chain must be given layers": lambda d: d["arguments"].update(act={"class": "Chain", "arguments": {}}),
    "must hold at most 20 chains within each other, got more": lambda d: d["arguments"].update(b=deep(25)),
}


@pytest.mark.parametrize("message", CHAIN_CHANGES)
def test_descriptions_that_are_no_chain_are_refused(tmp_path: Path, message: str) -> None:
    path = tmp_path / "a"
    fl.Chain(lstm=fl.LSTM(3, 4, seed=0), act=fl.ReLU(), fc=fl.Linear(4, 2, seed=0)).save(path)
    rewritten(path, CHAIN_CHANGES[message])
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as raised:
        fl.load(path)
    assert str(raised.value).startswith(str(path))


class Mine(fl.LSTM):
    """A class of a user."""


def test_what_is_no_file_of_ours_says_so(tmp_path: Path) -> None:
    fl.write_weights(tmp_path / "a.safetensors", {"w": np.ones(2)})
    with pytest.raises(ValueError, match="must be a layer or a model of fastlstm, got a safetensors file"):
        fl.load(tmp_path / "a.safetensors")
    with pytest.raises(FileNotFoundError):
        fl.load(tmp_path / "b")
    for name in ("a.keras", "a.h5"):
        with pytest.raises(ValueError, match=re.escape("path must not end in .keras or .h5 or .hdf5")):
            fl.LSTM(3, 5).save(tmp_path / name)
    with pytest.raises(TypeError, match="a layer that is saved must be of a class of this package"):
        Mine(3, 5).save(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
