"""Programs moved from PyTorch say here what they say there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fastlstm as fl

torch = pytest.importorskip("torch")
programs = pytest.importorskip("moved_programs")


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_a_moved_program(name: str, tmp_path: Path) -> None:
    cls, moved, method, arguments = programs.PROGRAMS[name]
    torch.manual_seed(1)
    net = cls().eval()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    with torch.no_grad():
        wanted = getattr(net, method)(*arguments)
    ours = [argument.numpy() if hasattr(argument, "numpy") else argument for argument in arguments]
    found = moved(fl.read_weights(tmp_path / "net.pt"))(*ours)
    # float32 on both sides, numbers of order one; words are equal
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=0, atol=5e-6)
