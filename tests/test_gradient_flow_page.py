"""The script of ``docs/gradient-flow.md`` in its short form, and that the page has what the script makes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest

from fastlstm import keras

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gradient-flow.md"


@pytest.fixture(scope="module")
def script() -> Any:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("gradient_flow_script", ROOT / "tools" / "gradient_flow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_everything_once(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.main(["--short", "--out", str(tmp_path)])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("| adding", "| copy"))]
    assert len(rows) == 2 * 3 + 2 * len(script.CHANGES)
    for picture in tmp_path.iterdir():
        assert f"pictures/{picture.name}" in PAGE.read_text("utf-8")


def test_the_page_has_a_row_for_everything(script: Any) -> None:
    rows = re.findall(r"^\| (adding|copy) \| (.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    for task in ("adding", "copy"):
        assert [name for found, name in rows if found == task] == [
            *np.repeat(["50", "200", "1000"], 3),
            *script.CHANGES,
        ]


def test_problems_are_what_the_page_says(script: Any) -> None:
    x, y = script.Problem("adding", 50).batch(np.random.default_rng(0))
    assert x.shape == (32, 50, 2)
    np.testing.assert_allclose((x[..., 0] * x[..., 1]).sum(1), y[:, 0], rtol=1e-6)
    assert (x[:, :25, 1].sum(1) == 1).all()
    assert (x[:, 25:, 1].sum(1) == 1).all()
    x, y = script.Problem("copy", 50).batch(np.random.default_rng(0))
    assert x.shape == (32, 70, 10)
    symbols = x.argmax(-1)
    np.testing.assert_array_equal(symbols[:, :10] - 1, y)
    assert not symbols[:, 10:60].any()
    assert (symbols[:, 60:] == 9).all()


def test_reach_counts_from_the_last_step(script: Any) -> None:
    assert script.reach(np.array([1.0, 1.0, 1.0])) == 2
    assert script.reach(np.array([1e-9, 1e-2, 1.0])) == 1
    assert script.reach(np.array([0.0, 0.0, 1.0])) == 0


def test_the_page_runs() -> None:
    """And it warns in the words that the page has."""
    told = re.search(r"```text\nRuntimeWarning: (.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert told is not None
    keras.utils.set_random_seed(0)
    with pytest.warns(RuntimeWarning, match="gradients") as found:
        names = pages.run("gradient-flow")
    number = re.compile(r"\d+ of 39")  # follows from the weights that are drawn
    assert number.sub("", str(found[0].message)) == number.sub("", " ".join(told[1].split()))
    assert names["norms"].h.shape == names["norms"].c.shape == (1, 256, 40)
