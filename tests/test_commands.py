"""Files on the command line: what is said of each kind, and what each may become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastlstm as fl
from fastlstm.__main__ import main
from fastlstm.files import kinds
from fastlstm.keras import Input, Sequential, layers, models

pytest.importorskip("h5py")

GOLDEN = Path(__file__).parent / "golden"
X = np.ones((2, 5, 3), "float32")


def model() -> Any:
    made = Sequential([Input((5, 3)), layers.Bidirectional(layers.LSTM(4), name="both"), layers.Dense(2, name="say")])
    made.compile("adam", "mse")
    return made


def torch_file(path: Path) -> None:
    path.write_bytes((GOLDEN / "torch_checkpoint.pt").read_bytes())


WRITERS: dict[str, Callable[[Path], object]] = {
    "m.keras": lambda path: model().save(path),
    "m.h5": lambda path: model().save(path),
    "m.fastlstm": lambda path: model().save(path),
    "w.weights.h5": lambda path: model().save_weights(path),
    "l.fastlstm": lambda path: fl.LSTM(3, 4, seed=0).save(path),
    "t.pt": torch_file,
    "a.npz": lambda path: fl.write_weights(path, {"w": np.ones((2, 3))}),
    "a.safetensors": lambda path: fl.write_weights(path, {"w": np.ones((2, 3))}),
}

KINDS = {
    "m.keras": kinds.KERAS,
    "m.h5": kinds.HDF5,
    "m.fastlstm": kinds.NATIVE,
    "w.weights.h5": kinds.HDF5,
    "l.fastlstm": kinds.NATIVE,
    "t.pt": kinds.TORCH,
    "a.npz": kinds.NPZ,
    "a.safetensors": kinds.SAFETENSORS,
}


def written(folder: Path, name: str) -> Path:
    WRITERS[name](folder / name)
    return folder / name


def said(capsys: pytest.CaptureFixture[str], *arguments: Any, result: int = 0) -> str:
    assert main([str(argument) for argument in arguments]) == result
    printed = capsys.readouterr()
    return printed.err if result else printed.out


@pytest.mark.parametrize("name", WRITERS)
def test_what_a_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = written(tmp_path, name)
    text = said(capsys, "inspect", path)
    assert text.startswith(f"{path}: {KINDS[name].name}, {path.stat().st_size:,} bytes\n")
    assert "\narrays:\n" in text
    assert "not supported" not in text
    assert ("  both " in text and "LSTM" in text) == name.startswith("m.")


def test_numbers_and_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "inspect", written(tmp_path, "a.npz"))
    assert text.splitlines()[1:] == ["", "arrays:", "  w  float64  (2, 3)", "", "1 arrays, 6 numbers, 48 bytes"]
    assert "rate: 0.5" in said(capsys, "inspect", written(tmp_path, "t.pt"))


def test_what_is_not_supported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Own(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    made = Sequential([Input((5, 3)), layers.LSTM(2), Own()])
    made.save(tmp_path / "a.keras")
    text = said(capsys, "inspect", tmp_path / "a.keras")
    assert "\nnot supported:\n  Own: " in text
    text = said(capsys, "convert", tmp_path / "a.keras", tmp_path / "b.h5", result=1)
    assert "class_name must be that of a known class" in text
    assert not (tmp_path / "b.h5").exists()


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"\x89HDF\r\n\x1a\n", b"\x08\0\0\0\0\0\0\0{", b"text of a letter"])
def test_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    for command in (["inspect"], ["convert"]):
        more = [tmp_path / "b"] if command == ["convert"] else []
        assert " must " in said(capsys, *command, tmp_path / "a", *more, result=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert "No such file" in said(capsys, "inspect", tmp_path / "no", result=1)


@pytest.mark.parametrize("source", ["m.keras", "m.h5", "m.fastlstm"])
@pytest.mark.parametrize("target", ["n.keras", "n.h5", "n.fastlstm", "n.weights.h5", "n.npz"])
def test_models_in_other_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, target: str) -> None:
    path = written(tmp_path, source)
    assert said(capsys, "convert", path, tmp_path / target) == ""
    wanted = models.load_model(path)
    if target.endswith(".npz"):
        shapes = sorted(
            array.shape for array in fl.read_weights(tmp_path / target).values() if array.dtype == "float32"
        )
        assert [w.shape for w in wanted.weights if w.shape not in shapes] == []
        return
    found = model() if "weights" in target else models.load_model(tmp_path / target)
    if "weights" in target:
        found.load_weights(tmp_path / target)
    np.testing.assert_array_equal(found.predict(X, verbose=0), wanted.predict(X, verbose=0))


@pytest.mark.parametrize("source", ["t.pt", "a.npz", "a.safetensors", "w.weights.h5", "l.fastlstm"])
@pytest.mark.parametrize("target", ["n.safetensors", "n.npz"])
def test_arrays_in_other_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, target: str) -> None:
    path = written(tmp_path, source)
    assert said(capsys, "convert", path, tmp_path / target) == ""
    found = fl.read_weights(tmp_path / target)
    assert found
    if source == "a.npz":
        np.testing.assert_array_equal(found["w"], np.ones((2, 3)))


def test_a_layer_stays_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "l.fastlstm")
    said(capsys, "convert", path, tmp_path / "n.safetensors")
    np.testing.assert_array_equal(fl.load(tmp_path / "n.safetensors")(X)[0], fl.load(path)(X)[0])
    assert "must have a model to become n.keras, got a layer" in said(
        capsys, "convert", path, tmp_path / "n.keras", result=1
    )


def test_arrays_make_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "convert", written(tmp_path, "a.npz"), tmp_path / "n.keras", result=1)
    assert "must have a model to become n.keras, got arrays alone; a file of arrays may become one that ends in" in text


@pytest.mark.parametrize("name", WRITERS)
def test_what_reads_a_file_is_said_by_what_does_not(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    if KINDS[name] != kinds.NATIVE:
        with pytest.raises(
            ValueError, match=r" must be a layer or a model of fastlstm, got .*\(\).* reads it"
        ) as raised:
            fl.load(path)
        assert KINDS[name].reader in str(raised.value)
    if KINDS[name] not in (kinds.NATIVE, kinds.KERAS, kinds.HDF5):
        with pytest.raises(ValueError, match=r"got .*fastlstm.read_weights\(\)"):
            models.load_model(path)


def test_what_a_model_is_in_counts_not_its_name(tmp_path: Path) -> None:
    """Keras 2 wrote HDF5 whatever the ending, if it was told so."""
    for name in ("m.keras", "m.h5", "m.fastlstm"):
        path = written(tmp_path, name)
        for other in ("n.keras", "n.h5", "n"):
            (tmp_path / other).write_bytes(path.read_bytes())
            assert models.load_model(tmp_path / other).predict(X, verbose=0).shape == (2, 2)


def test_old_files_of_pytorch(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes((GOLDEN / "torch_legacy.pt").read_bytes())
    with pytest.raises(ValueError, match=r"got a file of PyTorch before 1.6; torch.load\(\)"):
        fl.load(tmp_path / "a.bin")


def onnx_file(folder: Path) -> Path:
    pytest.importorskip("onnx")
    model().export(folder / "m.onnx")
    return folder / "m.onnx"


def test_what_a_model_of_onnx_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = onnx_file(tmp_path)
    lines = said(capsys, "inspect", path).splitlines()
    assert lines[0] == f"{path}: a model of ONNX, {path.stat().st_size:,} bytes"
    assert lines[1].startswith("made by: fastlstm ")
    assert "opset: ai.onnx 17" in lines
    assert any(line.startswith("operators: ") and "LSTM 2" in line for line in lines)
    assert not any(line.startswith("not supported") for line in lines)
    assert "arrays:" in lines


def test_a_model_of_onnx_is_parsed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    path, own, count = onnx_file(tmp_path), onnx.load_model_from_string, []
    monkeypatch.setattr(onnx, "load_model_from_string", lambda data: count.append(len(data)) or own(data))
    said(capsys, "inspect", path)
    assert count == [path.stat().st_size]


def test_what_of_a_model_of_onnx_cannot_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx = pytest.importorskip("onnx")
    read = onnx.load(onnx_file(tmp_path))
    read.graph.node[0].op_type = "Unheard"
    onnx.save(read, tmp_path / "u.onnx")
    text = said(capsys, "inspect", tmp_path / "u.onnx")
    assert "not supported: " in text
    assert "Unheard" in text


def test_a_model_becomes_one_of_onnx(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    kept = model()
    kept.save(tmp_path / "m.keras")
    assert said(capsys, "convert", tmp_path / "m.keras", tmp_path / "m.onnx") == ""
    network = fl.onnx.load(tmp_path / "m.onnx")
    (found,) = network({network.inputs[0].name: X}).values()
    np.testing.assert_allclose(found, kept.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("ending", "cure"), [("onnx", "onnx.export"), ("npz", "write_weights")])
@pytest.mark.parametrize("made", [model, lambda: fl.LSTM(3, 4)])
def test_names_of_other_formats_are_not_given_to_ours(tmp_path: Path, made: Any, ending: str, cure: str) -> None:
    with pytest.raises(ValueError, match=rf"path must not end in .{ending} for a file of fastlstm, got .*{cure}\(\)"):
        made().save(tmp_path / f"m.{ending}")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("a.keras", "fastlstm.keras.models.load_model"),
        ("a.h5", "fastlstm.keras.models.load_model"),
        ("a.onnx", "fastlstm.onnx.load"),
        ("a.npz", "fastlstm.read_weights"),
    ],
)
def test_a_file_that_is_not_whole_goes_by_its_name(tmp_path: Path, name: str, reader: str) -> None:
    (tmp_path / name).write_bytes(b"PK\3\4, and no more")
    match = (
        rf"must be a layer or a model of fastlstm, got one that is named as .*, but is none or not whole; {reader}\("
    )
    with pytest.raises(ValueError, match=match):
        fl.load(tmp_path / name)


def test_what_is_no_file_of_arrays_is_read_by_others() -> None:
    with pytest.raises(ValueError, match=r"got a.keras; fastlstm.keras.models.load_model\(\) reads a model of Keras 3"):
        fl.read_weights("a.keras")


def test_files_of_weights_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of Keras 2 name layers, and those of Keras 3 places."""
    model().save_weights(tmp_path / "old.h5")
    path = written(tmp_path, "w.weights.h5")
    for name in ("old.h5", path.name):
        with pytest.raises(ValueError, match=r"have an attribute model_config, got .*; model.load_weights\(\) reads"):
            models.load_model(tmp_path / name)
    text = said(capsys, "convert", tmp_path / "old.h5", tmp_path / "new.weights.h5", result=1)
    assert "must have weights as Keras 3 keeps them, got those of Keras 2; load_weights() and save_weights() of" in text
    path.rename(tmp_path / "w.h5")
    with pytest.raises(ValueError, match=r"w.h5 must have an attribute layer_names, got none; .* ends in .weights.h5"):
        model().load_weights(tmp_path / "w.h5")
