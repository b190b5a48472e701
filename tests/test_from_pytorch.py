"""The programs in docs/from-pytorch.md give the numbers that PyTorch gave there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest

ROOT = Path(__file__).parents[1]
MOVES = ROOT / "tests" / "golden" / "moves"


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What all programs of the page leave, run one after the other."""
    for path in MOVES.glob("*.pt"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return pages.run("from-pytorch", lambda block: "import torch" not in block.code)


def test_the_numbers_are_those_of_pytorch(names: dict[str, Any]) -> None:
    with np.load(MOVES / "wanted.npz") as wanted:
        assert {*wanted} == {"probabilities", "first", "second", "wave"}
        for name in wanted:
            np.testing.assert_allclose(names[name], wanted[name], rtol=0, atol=2e-6, err_msg=name)
        whole = np.concatenate([wanted["first"], wanted["second"]], 1)[0]
        np.testing.assert_allclose(names["one_by_one"], whole, rtol=0, atol=2e-6)  # in float32, numbers of order one


def test_a_step_of_training_lowers_the_error(names: dict[str, Any]) -> None:
    model, series = names["model"], names["series"]
    error = model(series[:, :-1])[0] - series[:, 1:]
    assert np.mean(error**2) < np.mean(names["error"] ** 2)
