"""Models of ONNX that are damaged, lie or reach outside end in a clear error, in a second and with little memory."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import assert_clear, mutations, read_all
from onnx_graphs import classifier, graph_of, model_of
from seeds import FIXED, FRESH

import fastlstm as fl

onnx = pytest.importorskip("onnx")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and sizes of processes are asked of Linux")

FREE = ("float32", None)
X, Y = {"x": FREE}, {"y": FREE}


def whole() -> bytes:
    data: bytes = classifier(np.random.default_rng(0)).SerializeToString()
    return data


def changed(change: Callable[[Any], object]) -> Callable[[], bytes]:
    """A model of an LSTM that something is done to."""

    def build() -> bytes:
        model = classifier(np.random.default_rng(0))
        change(model)
        data: bytes = model.SerializeToString()
        return data

    return build


def weight(**fields: Any) -> Callable[[], bytes]:
    """A model whose W has other fields."""

    def change(model: Any) -> None:
        proto = next(proto for proto in model.graph.initializer if proto.name == "W")
        for name, value in fields.items():
            if isinstance(value, list):
                proto.ClearField(name)
                getattr(proto, name).extend(value)
            else:
                setattr(proto, name, value)

    return changed(change)


def attribute(name: str, value: Any) -> Callable[[], bytes]:
    """A model whose first LSTM has another attribute."""

    def change(model: Any) -> None:
        node = next(node for node in model.graph.node if node.op_type == "LSTM")
        kept = [proto for proto in node.attribute if proto.name != name]
        node.ClearField("attribute")
        node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])

    return changed(change)


def nodes(*given: Any, constants: Any = None) -> Callable[[], bytes]:
    return lambda: model_of(given, X, Y, constants).SerializeToString()


def renamed(old: bytes) -> Callable[[], bytes]:
    """A model in which a name of a node or of something of it is no UTF-8, which the package cannot write."""

    def build() -> bytes:
        data = whole()
        assert old in data
        return data.replace(old, old[:-1] + b"\xff")

    return build


def nested(depth: int) -> bytes:
    """Graphs in each other, which the packages' own functions cannot write."""
    graph = graph_of([("Neg", "x", "y")], {}, Y).SerializeToString()
    for _ in range(depth):
        held = message(6, graph)  # AttributeProto.g
        node = message(1, b"x") + message(2, b"y") + message(4, b"If") + message(5, message(1, b"then_branch") + held)
        graph = message(1, node) + message(12, message(1, b"y"))
    return message(7, graph) + message(8, b"\x10\x11")


def message(field: int, payload: bytes) -> bytes:
    """A field of a protocol buffer that has a length."""
    length, size = b"", len(payload)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + payload


ONE = np.ones((1, 1, 1), "float32")
DOUBLED: list[Any] = [("Concat", f"v{k} v{k}" if k else "c c", f"v{k + 1}", {"axis": 0}) for k in range(60)]

LENGTHS: list[Any] = [
    ("Shape", "x", "v0"),
    *[("Concat", f"v{k} v{k}", f"v{k + 1}", {"axis": 0}) for k in range(60)],
    ("ConstantOfShape", "v60", "zeros"),
]
AXES: list[Any] = [("Unsqueeze", f"v{k} zero", f"v{k + 1}") for k in range(8_000)]

FILES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"no model at all" * 10,
    "cut off": lambda: whole()[:-100],
    "half": lambda: whole()[: len(whole()) // 2],
    "no graph": lambda: message(8, b"\x10\x11"),
    "400 graphs in each other": lambda: nested(400),
    "a million empty nodes": lambda: message(7, b"\x0a\x00" * 1_000_000) + message(8, b"\x10\x11"),
    "opset 999": changed(lambda model: setattr(model.opset_import[0], "version", 999)),
    "opset -1": changed(lambda model: setattr(model.opset_import[0], "version", -1)),
    "unknown operator": nodes(("NoSuchOp", "x", "y")),
    "unknown domain": changed(lambda model: setattr(model.graph.node[0], "domain", "evil")),
    "cycle": nodes(("Add", "x b", "a"), ("Neg", "a", "b"), ("Neg", "b", "y")),
    "missing input": nodes(("Add", "x b", "y")),
    "name twice": nodes(("Neg", "x", "y"), ("Neg", "x", "y")),
    "no output": nodes(("Neg", "x", "a")),
    "raw data short": weight(raw_data=b"\0" * 12),
    "raw data long": weight(raw_data=b"\0" * 10_000),
    "dims of 2**62": weight(dims=[2**62]),
    "dims whose product overflows": weight(dims=[2**62, 2**62, 4]),
    "dims of 0 and 2**62": weight(dims=[0, 2**62, 2**62], raw_data=b""),
    "negative dims": weight(dims=[-2, -24, 4]),
    "a million dims": weight(dims=[1] * 1_000_000),
    "other dims": weight(dims=[1, 48, 4]),
    "unknown dtype": weight(data_type=99),
    "text for numbers": weight(data_type=8),
    "dtype of half the bytes": weight(data_type=10),
    "dtype that LSTM has not": weight(data_type=6),
    "hidden_size lies": attribute("hidden_size", 7),
    "hidden_size 2**62": attribute("hidden_size", 2**62),
    "direction": attribute("direction", "sideways"),
    "direction that is no text": attribute("direction", 3),
    "activations": attribute("activations", ["Sigmoid"] * 6 + ["Tanh"]),
    "activation": attribute("activations", ["eval"] * 6),
    "clip is not a number": attribute("clip", float("nan")),
    "doubled sixty times": lambda: nodes(*DOUBLED, ("Evil", "v60", "y"), constants={"c": np.ones(1000, "f")})(),
    "lengths doubled sixty times": lambda: model_of(
        [*LENGTHS, ("Evil", "zeros", "y")], {"x": ("float32", [None, 3])}, Y
    ).SerializeToString(),
    "8,000 axes": lambda: model_of(
        [*AXES, ("Evil", "v8000", "y")], {"v0": ("float32", [2, 3])}, Y, {"zero": np.array([0])}
    ).SerializeToString(),
    "axes that are floats": nodes(("Unsqueeze", "x f", "y"), constants={"f": np.ones(1, "f")}),
    "shape of truths": nodes(("Reshape", "x f", "y"), constants={"f": np.ones(1, bool)}),
    "window of 2**62": nodes(("Conv", "x w", "y", {"kernel_shape": [2**62, 1]}), constants={"w": ONE}),
    "name of an attribute that is no UTF-8": renamed(b"hidden_size"),
    "name of an operator that is no UTF-8": renamed(b"Squeeze"),
    "name of a value that is no UTF-8": renamed(b"turned"),
    "name of an output that is no UTF-8": renamed(b"\x06shares"),
    "pairs of numbers": lambda: (b"\x0d\0\0\0\0" * 2 + b"\x10\x01") * 300_000,
    "reference to a function": changed(lambda model: model.functions.add(name="f", domain="d")),
}


@pytest.mark.slow
def test_every_hostile_model_is_refused(tmp_path: Path) -> None:
    names = {f"{k}.onnx": name for k, name in enumerate(FILES)}
    outcomes = read_all(tmp_path, {file: FILES[name]() for file, name in names.items()})
    for file, found in outcomes.items():
        assert found["error"] is not None, names[file]
        assert_clear(file, found)
        assert found["seconds"] < 1, names[file]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
def test_damaged_models_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    print(f"FASTLSTM_TEST_SEED={seed}")
    originals = [whole(), nodes(("Conv", "x w", "y"), constants={"w": np.ones((2, 2, 3), "f")})()]
    drawn = mutations(originals, np.random.default_rng(seed), 1000)
    outcomes = read_all(tmp_path, {f"{k}.onnx": data for k, data in enumerate(drawn)})
    for name, found in outcomes.items():
        if found["error"] is not None:
            assert_clear(name, found)
    assert max(found["seconds"] for found in outcomes.values()) < 1


# -- memory ------------------------------------------------------------------------------------------------------------

MANY = 2_000_000

HUNGRY: dict[str, Callable[[], bytes]] = {
    "nodes": lambda: message(7, b"\x0a\x00" * MANY),
    "opsets": lambda: b"\x42\x00" * MANY,
    "inputs without a type": lambda: message(7, b"\x5a\x02\x12\x00" * MANY),
    "attributes": lambda: message(7, message(1, b"\x2a\x00" * MANY)),
    "names": lambda: message(7, message(1, b"\x0a\x00" * MANY)),
    "lengths": lambda: message(7, message(5, message(1, b"\x01" * 4 * MANY))),
    "nodes in graphs": lambda: message(7, message(1, message(5, message(6, b"\x0a\x00" * MANY)))),
    "small whole numbers": lambda: numbers_of(7, message(7, b"\x01" * 3 * MANY), 3 * MANY),
    "whole numbers of three bytes": lambda: numbers_of(7, message(7, b"\xff\xff\x01" * 2 * MANY), 2 * MANY),
    "whole numbers each by itself": lambda: numbers_of(7, b"\x38\x01" * 2 * MANY, 2 * MANY),
}
"""Millions of parts of a few bytes, each of which takes many more once it is read."""

MEASURE = """
import sys
import onnx, fastlstm.onnx as reader

def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))

before = peak()
try:
    reader.load(sys.argv[1])
    print(peak() - before, "read")
except ValueError as error:
    print(peak() - before, error)
"""


def numbers_of(dtype: int, fields: bytes, count: int) -> bytes:
    """A model of one constant, with these bytes for its numbers."""
    named = b"\x08" + message(0, bytes(count))[1:-count] + bytes([16, dtype]) + message(8, b"w") + fields
    graph = graph_of([("Gather", "w i", "y")], {"i": ("int64", [None])}, {"y": FREE}).SerializeToString()
    return message(7, graph + message(5, named)) + message(8, b"\x10\x11")


def attribute_of(name: bytes, kind: int, fields: bytes) -> bytes:
    """A model of one constant, which has an attribute with these bytes for its numbers."""
    attribute = message(1, name) + bytes([0xA0, 1, kind]) + fields
    node = message(2, b"w") + message(4, b"Constant") + message(5, attribute)
    graph = graph_of([("Gather", "w i", "y")], {"i": ("int64", [None])}, {"y": FREE}).SerializeToString()
    return message(7, message(1, node) + graph) + message(8, b"\x10\x11")


def single_floats() -> bytes:
    """Floats each of which is a field of its own."""
    numbers = np.zeros((MANY, 5), "uint8")
    numbers[:, 0] = 4 << 3 | 5
    return numbers_of(1, numbers.tobytes(), MANY)


HONEST: dict[str, Callable[[], bytes]] = {
    "floats": lambda: numbers_of(1, message(4, bytes(16 * MANY)), 4 * MANY),
    "floats each by itself": single_floats,
    "doubles": lambda: numbers_of(11, message(10, bytes(16 * MANY)), 2 * MANY),
    "small whole numbers": lambda: numbers_of(7, message(7, b"\x01" * MANY), MANY),
    "whole numbers each by itself": lambda: numbers_of(7, b"\x38\x01" * MANY, MANY),
    "large whole numbers": lambda: numbers_of(7, message(7, b"\xff\xff\xff\xff\xff\x01" * 2 * MANY), 2 * MANY),
    "bytes": lambda: numbers_of(2, message(5, b"\x01" * 2 * MANY), 2 * MANY),
    "attributes of floats": lambda: attribute_of(b"value_floats", 6, message(7, bytes(8 * MANY))),
    "attributes of whole numbers": lambda: attribute_of(b"value_ints", 7, message(8, b"\xff\xff\x7f" * MANY)),
}
"""Constants of millions of numbers that are not raw."""


def read_in_little_memory(path: Path, data: bytes) -> str:
    """What reading a file ends in, which takes no more memory than thrice its length and a little."""
    path.write_bytes(data)
    command = [sys.executable, "-c", MEASURE, str(path)]
    taken, text = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(" ", 1)
    assert int(taken) * 1024 < 3 * len(data) + 2**26
    return text


@pytest.mark.parametrize("name", HONEST)
def test_millions_of_numbers_that_are_not_raw_are_read(name: str, tmp_path: Path) -> None:
    assert read_in_little_memory(tmp_path / "a.onnx", HONEST[name]()) == "read\n"


@pytest.mark.parametrize("name", HUNGRY)
def test_a_file_takes_no_more_than_thrice_its_length_and_a_little(name: str, tmp_path: Path) -> None:
    text = read_in_little_memory(tmp_path / "a.onnx", HUNGRY[name]())
    assert "bytes of memory once it is read, got messages of a few bytes or numbers that are not raw" in text


def test_a_list_of_axes_has_not_millions() -> None:
    axes = np.zeros(2**18 + 1, "int64")
    for nodes in ([("Squeeze", "x axes", "y")], [("Transpose", "x", "y", {"perm": axes})]):
        with pytest.raises(ValueError, match="must be a list of at most 262144"):
            fl.onnx.load(model_of(nodes, X, Y, {"axes": axes}))


def test_a_large_model_is_not_taken_for_one_that_lies() -> None:
    names = [f"v{k}" for k in range(30_001)]
    chain: list[Any] = [("Neg", a, b) for a, b in itertools.pairwise(names)]
    weights = {"w": np.ones((300, 1000), "float32"), "k": np.ones(100_000, "int64")}
    model = model_of(chain, {names[0]: FREE}, {names[-1]: FREE}, weights)
    model.graph.initializer[1].ClearField("raw_data")
    model.graph.initializer[1].int64_data.extend([1] * 100_000)
    assert fl.onnx.load(model.SerializeToString()).outputs[0].name == names[-1]


# -- values in other files ---------------------------------------------------------------------------------------------


def with_values_elsewhere(folder: Path, **entries: str) -> Path:
    """A model whose W lies in another file."""
    model = model_of([("MatMul", "x W", "y")], X, Y, {"W": np.arange(12, dtype="float32").reshape(3, 4)})
    (proto,) = model.graph.initializer
    proto.ClearField("raw_data")
    proto.data_location = 1
    for key, value in entries.items():
        proto.external_data.add(key=key, value=value)
    path = folder / "a.onnx"
    path.write_bytes(model.SerializeToString())
    return path


VALUES = np.arange(12, dtype="float32").tobytes()


def test_values_beside_the_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_bytes(b"\xff" * 8 + VALUES)
    path = with_values_elsewhere(tmp_path, location="a.data", offset="8", length="48")
    got = fl.onnx.load(path)({"x": np.eye(3, dtype="float32")})["y"]
    np.testing.assert_array_equal(got, np.arange(12).reshape(3, 4))
    with pytest.raises(ValueError, match=r"must be in the model, got one in the file 'a\.data': load it"):
        fl.onnx.load(path.read_bytes())


def test_a_place_of_values_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = with_values_elsewhere(tmp_path, location="a.data")
    path.write_bytes(path.read_bytes().replace(b"a.data", b"a.dat\xff"))
    with pytest.raises(ValueError, match=r"tensor 'W': names must be text in UTF-8, got b'a"):
        fl.onnx.load(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"location": "../secret"}, "must be the name of a file beside the model, got '../secret'"),
        ({"location": "sub/../../secret"}, "must be the name of a file beside the model"),
        ({"location": "{outside}"}, "must be the name of a file beside the model"),
        ({"location": ".."}, "must be the name of a file beside the model"),
        ({}, "must be the name of a file beside the model, got ''"),
        ({"location": "symbolic"}, "must be a file, and no link"),
        ({"location": "hard"}, "must be a file, and no link"),
        ({"location": "folder"}, "must be a file, and no link"),
        ({"location": "pipe"}, "must be a file, and no link"),
        ({"location": "a.data", "offset": "8"}, "must end within its file, at 56, got 48 bytes"),
        ({"location": "a.data", "offset": "-8"}, "offset must be a whole number, got '-8'"),
        ({"location": "a.data", "length": "12"}, "must have 48 bytes, as its shape says, got 12"),
    ],
)
def test_values_anywhere_else_are_refused(tmp_path: Path, entries: dict[str, str], message: str) -> None:
    (tmp_path / "secret").write_bytes(VALUES)
    folder = tmp_path / "model"
    (folder / "folder").mkdir(parents=True)
    (folder / "sub").mkdir()
    (folder / "a.data").write_bytes(VALUES)
    (folder / "symbolic").symlink_to(tmp_path / "secret")
    (folder / "hard").hardlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    given = {key: value.format(outside=tmp_path / "secret") for key, value in entries.items()}
    with pytest.raises(ValueError, match=message):
        fl.onnx.load(with_values_elsewhere(folder, **given))
