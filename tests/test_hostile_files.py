"""Files that are damaged, lie or hold code end in a clear error, within a second and with little memory.

They are read in a process of its own, whose memory is limited for each (`reading_files.py`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile_files import FILES, FOUR, assert_clear, flipped, mutations, read_all, tensor, torch_of
from reading_files import READERS
from seeds import FIXED, FRESH

import fastlstm as fl

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and sizes of processes are asked of Linux")


@pytest.mark.slow
@pytest.mark.parametrize("ending", FILES)
def test_every_hostile_file_is_refused(tmp_path: Path, ending: str) -> None:
    names = {f"{k}{ending}": name for k, name in enumerate(FILES[ending])}
    outcomes = read_all(tmp_path, {file: FILES[ending][name]() for file, name in names.items()})
    for file, found in outcomes.items():
        assert found["error"] is not None, names[file]
        assert_clear(file, found)
        assert found["seconds"] < 1, names[file]


def test_what_the_hostile_tensors_are_made_of_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(torch_of(tensor("K\x04\x85", "K\x01\x85"), _0=FOUR))
    np.testing.assert_array_equal(fl.read_weights(tmp_path / "a.pt")["w"], np.zeros(4, "float32"))


def originals(folder: Path, ending: str) -> list[bytes]:
    """Whole files: of PyTorch, or of ours with arrays of all kinds; without an ending, a layer."""
    if ending == ".pt":
        golden = Path(__file__).parent / "golden"
        return [(golden / f"torch_{name}.pt").read_bytes() for name in ("lstm", "checkpoint", "module")]
    path = folder / f"original{ending}"
    if ending:
        fl.write_weights(path, {"a": np.ones((2, 3)), "b": np.arange(3, dtype="uint8"), "c/0": np.zeros((0, 2), "f2")})
        return [taken(path)]
    layers = [fl.LSTM(2, 3, bidirectional=True, seed=0), NET]
    found = []
    for layer in layers:
        layer.save(path)
        found.append(taken(path))
    return found


NET = fl.Chain(
    embedding=fl.Embedding(5, 3, padding_idx=0, seed=0),
    rnn=fl.GRU(3, 4, num_layers=2, batch_first=True, seed=0),
    pool=fl.MeanOverTime(),
    head=fl.Chain(fl.LayerNorm(4), fl.LeakyReLU(0.2), fl.BatchNorm1d(4), fl.Dropout(0.1), fl.Linear(4, 2, seed=0)),
    out=fl.Softmax(1),
)


def taken(path: Path) -> bytes:
    data = path.read_bytes()
    path.unlink()
    return data


COUNT = 1500
"""Mutations of each format."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
@pytest.mark.parametrize("ending", [*FILES, ""])
def test_damaged_files_are_read_or_refused(tmp_path: Path, ending: str, seed: int) -> None:
    print(f"FASTLSTM_TEST_SEED={seed}")
    whole = originals(tmp_path, ending)
    drawn = mutations(whole, np.random.default_rng(seed), COUNT)
    outcomes = read_all(tmp_path, {f"{k}{ending}": data for k, data in enumerate(drawn)}, {f"whole{ending}": whole[0]})
    refused = {name: found for name, found in outcomes.items() if found["error"] is not None}
    for name, found in refused.items():
        assert_clear(name, found)
    assert max(found["seconds"] for found in outcomes.values()) < 1
    assert len(refused) > COUNT / 4


@pytest.mark.parametrize("ending", [".npz", ".pt"])
def test_a_flipped_bit_of_an_archive_is_found(tmp_path: Path, ending: str) -> None:
    """Their checksums are compared."""
    path = tmp_path / f"a{ending}"
    if ending == ".npz":
        fl.write_weights(path, {"a": np.full(500, 1.5)})
    else:
        path.write_bytes(torch_of(tensor("K\x04\x85", "K\x01\x85"), _0=np.full(4, 1.5, "<f4").tobytes()))
    data = path.read_bytes()
    marked = data.index(np.array(1.5, "<f8" if ending == ".npz" else "<f4").tobytes())
    path.write_bytes(flipped(data, marked + 1))
    with pytest.raises(ValueError, match="one that cannot be read: Bad CRC-32"):
        fl.read_weights(path)


@pytest.mark.parametrize("ending", READERS)
def test_what_would_be_waited_for_or_never_ends_is_not_read(tmp_path: Path, ending: str) -> None:
    if ending == ".onnx":
        pytest.importorskip("onnx")
    if ending in (".keras", ".h5"):
        pytest.importorskip("h5py")
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"link{ending}").symlink_to(f"pipe{ending}")
    (tmp_path / f"zeros{ending}").symlink_to("/dev/zero")
    for name in ("pipe", "link", "zeros"):
        with pytest.raises(ValueError, match="must be a regular file, got a pipe, a device or the like"):
            READERS[ending](tmp_path / f"{name}{ending}")
