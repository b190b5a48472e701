"""The page about ONNX runs, in a folder with the file that it names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import fastlstm as fl

pytest.importorskip("onnx")

PAGE = Path(__file__).parents[1] / "docs" / "onnx.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastlstm.keras import Input, Sequential, layers

    monkeypatch.chdir(tmp_path)
    model = Sequential([Input((None, 16), name="x"), layers.GRU(4), layers.Dense(3, "softmax", name="probabilities")])
    model.export("classifier.onnx")
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(programs) == 3
    names: dict[str, object] = {"np": np, "fl": fl}
    for program in programs:
        exec(program, names)
    assert {path.name for path in tmp_path.iterdir()} == {
        "classifier.onnx",
        "lstm.onnx",
        "model.onnx",
        "gru.onnx",
        "chain.onnx",
    }
