"""Commands about files that are odd, or in odd places: they end with a reason on one line, and leave nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastlstm as fl
from fastlstm.__main__ import main

COMMAND = [sys.executable, "-m", "fastlstm"]
LONG = "x" * 300


def layer(path: Path) -> Path:
    fl.LSTM(3, 4, seed=0).save(path)
    return path


def arrays(path: Path, name: str = "w") -> Path:
    fl.write_weights(path, {name: np.ones((2, 3))})
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """Run a command that must not succeed, and return its one line."""
    assert main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    (line,) = printed.err.splitlines()
    assert re.search(" must .*, got ", line)
    return line


def odd_places(folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "empty").write_bytes(b"")
    arrays(folder / "a.npz")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
        os.symlink("loop", folder / "loop")
        os.symlink("nowhere", folder / "dangling")


SOURCES = {
    "folder": "FILE must be a file that can be read, got .*folder: Is a directory",
    "none": "FILE must be a file that can be read, got .*none: No such file or directory",
    "none/a": "No such file or directory",
    "a.npz/b": "Not a directory",
    LONG: "File name too long",
    "": "Is a directory",
    "empty": "must be a file of one of these kinds: .*, got another, or one that is not whole",
    "pipe": "must be a regular file, got a pipe, a device or the like",
    "loop": "Too many levels of symbolic links",
    "dangling": "No such file or directory",
    "zero\0byte": "path must be a path without zero bytes",
}


@pytest.mark.skipif(sys.platform != "linux", reason="words of Linux")
@pytest.mark.parametrize("name", SOURCES, ids=lambda name: name[:9])
def test_sources_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    odd_places(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert re.search(SOURCES[name], refused(capsys, "inspect", name))
    assert re.search(SOURCES[name].replace("FILE", "IN"), refused(capsys, "convert", name, "out.npz"))
    assert not Path("out.npz").exists()


TARGETS = {
    "folder": "OUT must be the name of a file, got 'folder'",
    "": "OUT must be the name of a file, got ''",
    ".": "OUT must be the name of a file, got '.'",
    "new/": "OUT must be the name of a file, got 'new/'",
    "none/a.npz": "path must lie in a folder that is there, got .*none/a.npz",
    "a.npz/b.npz": "path must lie in a folder that is there",
    f"{LONG}.npz": "OUT must be a file that can be written, got x*.npz: File name too long",
    "zero\0byte.npz": "path must be a path without zero bytes",
    "pipe": " must ",  # arrays alone are refused before
}


@pytest.mark.skipif(sys.platform != "linux", reason="words of Linux")
@pytest.mark.parametrize("made", [layer, arrays])
@pytest.mark.parametrize("name", TARGETS, ids=lambda name: name[:9])
def test_targets_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, made: Any, name: str
) -> None:
    odd_places(tmp_path)
    monkeypatch.chdir(tmp_path)
    source = made(tmp_path / "in.safetensors")
    before = sorted(tmp_path.rglob("*"))
    assert re.search(TARGETS[name], refused(capsys, "convert", source, name))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_in_which_nothing_may_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, folder = arrays(tmp_path / "a.npz"), tmp_path / "folder"
    folder.mkdir(0o500)
    text = refused(capsys, "convert", source, folder / "b.npz")
    assert "OUT must be a file that can be written, got" in text
    assert "Permission denied" in text


@pytest.mark.parametrize("made", [layer, arrays])
def test_a_file_may_be_converted_into_itself(tmp_path: Path, made: Any) -> None:
    path = made(tmp_path / "a.safetensors")
    before = path.read_bytes()
    assert main(["convert", str(path), str(path)]) == 0
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("name", ["é漢字 x.npz", "-a.npz", f"{'x' * 250}.npz", "a\nb.npz", "a'b\".npz"])
def test_names_of_any_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    source = layer(tmp_path / f"{name[:2]} in")
    assert main(["convert", str(source), str(tmp_path / name)]) == 0
    assert fl.read_weights(tmp_path / name).keys() == fl.load(source).state_dict().keys()
    assert main(["inspect", str(tmp_path / name)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{tmp_path / name}: arrays of NumPy".replace("\n", r"\n"))


def test_what_is_in_a_file_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = arrays(tmp_path / "a.npz", "a\x1b[2J\r\n0 arrays\u202e")
    assert main(["inspect", str(path)]) == 0
    assert r"  a\x1b[2J\r\n0 arrays\u202e  float64  (2, 3)" in capsys.readouterr().out.splitlines()


def test_letters_that_the_terminal_has_not(tmp_path: Path) -> None:
    path = arrays(tmp_path / "a.npz", "漢")
    done = subprocess.run(
        [*COMMAND, "inspect", path], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=True
    )
    assert rb"  \u6f22  float64  (2, 3)" in done.stdout.splitlines()
    assert not done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_output_that_is_closed_or_full(tmp_path: Path) -> None:
    path = arrays(tmp_path / "a.npz")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, "inspect", path], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == b"[Errno 28] No space left on device"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, "inspect", path], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_empty_file_is_no_model_of_onnx(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    (tmp_path / "a.onnx").write_bytes(b"")
    for command in (["inspect"], ["convert"]):
        more = [tmp_path / "b.npz"] if command == ["convert"] else []
        assert "must have a graph, got a model without one" in refused(capsys, *command, tmp_path / "a.onnx", *more)
    assert not (tmp_path / "b.npz").exists()


@pytest.mark.parametrize("ending", [".pt", ".pth", ".npz", ".onnx"])
def test_a_layer_does_not_get_the_name_of_another_format(tmp_path: Path, ending: str) -> None:
    with pytest.raises(ValueError, match=rf"path must not end in {ending} for a file of fastlstm, got a{ending}; "):
        layer(tmp_path / f"a{ending}")


def test_paths_in_bytes_and_paths_that_are_none(tmp_path: Path) -> None:
    class InBytes:
        def __fspath__(self) -> bytes:
            return os.fsencode(tmp_path / "a.npz")

    fl.write_weights(InBytes(), {"w": np.ones(2)})  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    assert [*fl.read_weights(InBytes())] == ["w"]  # type: ignore[arg-type]
    for call in (fl.load, fl.read_weights, lambda path: fl.write_weights(path, {}), fl.LSTM(2, 3).save):
        with pytest.raises(ValueError, match=r"path must be a path without zero bytes, got 'a\\x00b.npz'"):
            call("a\0b.npz")
