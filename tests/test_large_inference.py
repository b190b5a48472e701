"""The recipes of the page on large inference, each a program of its own: they end with the bits of one process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pages
import pytest

BEGIN, *RECIPES = pages.blocks("large-inference")
NEEDS = {
    "joblib": "joblib",
    "Dask": "dask",
    "Ray Data": "ray",
    "Spark": "pyspark",
    "A model for every series": "sklearn",
}
SAME = """
wanted = model.predict(x, verbose=0)
assert y.shape == wanted.shape == (1000, 2), y.shape
assert y.dtype == wanted.dtype, y.dtype
assert (np.asarray(y) == wanted).all(), abs(y - wanted).max()
"""
ALONE = """
assert list(forecasts) == list(series)
for name, values in series.items():
    assert forecasts[name].shape == (3,)
    assert (forecasts[name] == forecast(name, values)[1]).all()
"""


def test_recipes_are_short_and_known() -> None:
    assert [recipe.heading for recipe in RECIPES] == list(NEEDS)
    assert all(len([line for line in recipe.code.splitlines() if line.strip()]) <= 15 for recipe in RECIPES)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.heading)
def test_the_bits_of_one_process(recipe: pages.Block, tmp_path: Path) -> None:
    name = recipe.heading
    if importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    program = tmp_path / "program.py"
    checks = ALONE if name == "A model for every series" else SAME
    program.write_text(f"{BEGIN.code}\n{recipe.code}\n{checks}", "utf-8")
    # Spark looks for a Python of its own, in which there may be none of this.
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, str(program)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
