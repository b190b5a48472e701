"""What a build says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastlstm as fl
from fastlstm import _core, runtime
from fastlstm.__main__ import main

FOR_A_DEBUGGER = {**_core.build_config(), "flags": "Debug:  -g", "optimized": "no"}

# The import of a build for a debugger, which this process has not.
IMPORT = f"""
import importlib, warnings
import fastlstm
fastlstm._core.build_config = lambda: {FOR_A_DEBUGGER}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    importlib.reload(fastlstm)
print(*(one.category.__name__ for one in told))
"""


def test_it_says_how_it_was_compiled() -> None:
    told = fl.config()
    assert told["optimized"] in ("yes", "no")
    assert told["compiler"]
    assert ":" in told["flags"]  # behind the kind of build


def test_one_for_a_debugger_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_core, "build_config", lambda: FOR_A_DEBUGGER)
    with pytest.warns(RuntimeWarning, match=r"without optimization \(Debug:  -g\), .* -Ccmake.build-type=Release"):
        runtime.warn_if_slow()
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith("optimized")] == [["optimized", "no"]]


def test_importing_one_for_a_debugger_warns() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["RuntimeWarning"]


def test_importing_another_is_silent(monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder) -> None:
    monkeypatch.setattr(_core, "build_config", lambda: {**FOR_A_DEBUGGER, "optimized": "yes"})
    runtime.warn_if_slow()
    assert list(recwarn) == []
