"""Arrays by name go into files and come out of them, ours and those of PyTorch, safetensors and NumPy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastlstm as fl

GOLDEN = Path(__file__).parent / "golden"

ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3).T,
    "single": np.array([1.5, np.nan, -np.inf], "float32"),
    "half": np.array([1.5, -2], "float16"),
    "big-endian": np.arange(3, dtype=">i4"),
    "strided": np.arange(10, dtype="uint8")[::3],
    "flags": np.array([True, False]),
    "scalar": np.array(3, "int64"),
    "empty": np.zeros((0, 4)),
    "ü/0": np.ones(1),
}


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert found[name].dtype == value.dtype.newbyteorder("="), name


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
def test_arrays_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    fl.write_weights(path, ARRAYS)
    found = fl.read_weights(path)
    assert_same({name: array.astype(array.dtype.newbyteorder("=")) for name, array in found.items()}, ARRAYS)
    assert not any(array.flags.writeable for array in found.values())
    fl.write_weights(path, {})
    assert fl.read_weights(path) == {}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_is_read_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    fl.write_weights(path, {"a": np.zeros(1000)})
    found = fl.read_weights(path)
    fl.write_weights(path, {"a": found["a"] + 1})
    np.testing.assert_array_equal(found["a"], 0)
    np.testing.assert_array_equal(fl.read_weights(path)["a"], 1)


def test_bfloat16_comes_as_float32(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    bits = np.array([0x3FC0, 0xC000, 0x7F80], "<u2").tobytes()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bits)
    found = fl.read_weights(tmp_path / "a.safetensors")["a"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1.5, -2, np.inf])


def test_tensors_of_pytorch_have_the_bits_they_had_there() -> None:
    with np.load(GOLDEN / "torch_files.npz") as wanted:
        found = fl.read_weights(GOLDEN / "torch_lstm.pt")
        assert_same(found, {name: wanted[name] for name in found})
        assert {*wanted} - {*found} == {"x", "y"}


def test_a_checkpoint_of_pytorch_is_nested_as_it_is_there() -> None:
    found = fl.read_weights(GOLDEN / "torch_checkpoint.pt")
    model = found.pop("model")
    listed = [1, None, True, (2**40, -1)]
    assert found == {"epoch": 3, "rate": 0.5, "note": "ü", "list": listed, "size": (2,)}
    wanted = {
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "sliced": np.array([2, 4, 6]),
        "half": np.array([1.5, -2], "float16"),
        "brain": np.array([1.5, -2], "float32"),
        "empty": np.zeros((0, 3), "float32"),
        "scalar": np.array(7, "int32"),
        "flags": np.array([True, False]),
        "parameter": np.ones(2, "float32"),
    }
    assert_same(model, wanted)


def test_files_of_pytorch_that_hold_more_or_are_old_say_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"torch\.nn\.modules\.linear\.Linear.*save model\.state_dict\(\)"):
        fl.read_weights(GOLDEN / "torch_module.pt")
    with pytest.raises(ValueError, match=r"the form that PyTorch before 1\.6 wrote; load it with PyTorch"):
        fl.read_weights(GOLDEN / "torch_legacy.pt")


def test_paths_and_arrays_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fl.read_weights(tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError, match="path must lie in a folder that is there"):
        fl.write_weights(tmp_path / "no" / "a.npz", {})
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError):
        fl.read_weights(tmp_path / "folder.npz")
    with pytest.raises(IsADirectoryError, match="path must be that of a file, got the folder"):
        fl.write_weights(tmp_path / "folder.npz", {})
    with pytest.raises(ValueError, match=re.escape("path must end in .safetensors, .npz, .pt, .pth, .bin, got")):
        fl.read_weights(tmp_path / "a.onnx")
    with pytest.raises(ValueError, match=re.escape("path must end in .safetensors, .npz, got")):
        fl.write_weights(tmp_path / "a.pt", {})
    with pytest.raises(TypeError, match="path must be a path, got 3"):
        fl.read_weights(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="arrays must be a dict"):
        fl.write_weights(tmp_path / "a.npz", [1])  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
@pytest.mark.parametrize("value", [np.array(["text"]), np.array([None]), np.array(1j), np.zeros(2, "M8[s]")], ids=str)
def test_arrays_of_no_numbers_are_refused_and_leave_the_file(tmp_path: Path, ending: str, value: Any) -> None:
    path = tmp_path / f"a{ending}"
    fl.write_weights(path, {"a": np.ones(2)})
    with pytest.raises(TypeError, match="must have dtype one of floats, integers or booleans, got"):
        fl.write_weights(path, {"a": np.ones(2), "b": value})
    np.testing.assert_array_equal(fl.read_weights(path)["a"], 1)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_safetensors_reads_what_is_written_and_is_read(tmp_path: Path) -> None:
    package = pytest.importorskip("safetensors.numpy")
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    arrays = {name: np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))) for name, array in ARRAYS.items()}
    arrays["scalar"] = ARRAYS["scalar"]
    fl.write_weights(ours, arrays)
    assert_same(package.load_file(ours), arrays)
    package.save_file(arrays, theirs, {"made": "by safetensors"})
    assert_same(fl.read_weights(theirs), arrays)


def test_pytorch_writes_what_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).double()
    wanted = {name: value.numpy() for name, value in net.state_dict().items()}
    for protocol in (2, 3, 4, 5):
        torch.save(net.state_dict(), tmp_path / "a.bin", pickle_protocol=protocol)
        assert_same(fl.read_weights(tmp_path / "a.bin"), wanted)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(2, 3).double()).sum().backward()
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "a.pth")
    found = fl.read_weights(tmp_path / "a.pth")
    np.testing.assert_array_equal(found["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])


def test_numpy_reads_what_is_written_and_is_read(tmp_path: Path) -> None:
    fl.write_weights(tmp_path / "ours.npz", ARRAYS)
    with np.load(tmp_path / "ours.npz") as found:
        assert_same({name: found[name].astype(found[name].dtype.newbyteorder("=")) for name in found}, ARRAYS)
    np.savez_compressed(tmp_path / "theirs.npz", **ARRAYS)
    found = fl.read_weights(tmp_path / "theirs.npz")
    assert found.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(found["matrix"], ARRAYS["matrix"])
