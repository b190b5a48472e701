"""The programs of ``examples/`` run, and have the losses that ``golden/make_keras_examples.py`` got of Keras."""

import json
from pathlib import Path

import numpy as np
import pytest
from golden.example_runs import NAMES, OF_TODAY, curves, program

from fastlstm import keras

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "keras_examples.json").read_text("utf-8"))


def check(found, wanted):
    assert found.keys() == wanted.keys()
    for key, losses in wanted.items():
        # What the README promises; in later epochs of long programs rounding grows with every step.
        np.testing.assert_allclose(found[key][:4], losses[:4], rtol=1e-4, err_msg=key)
        assert len(found[key]) == len(losses)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * name.startswith("classic")) for name in NAMES]
)
def test_an_example_has_the_losses_of_keras(name):
    check(curves(name, keras, "fastlstm"), GOLDEN[name])


@pytest.mark.parametrize("name", OF_TODAY)
def test_an_example_has_them_in_the_spelling_of_today(name):
    check(curves(name, keras, "fastlstm", today=True), GOLDEN[name])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_names_the_package_in_its_imports_only(name):
    """Nothing else is changed to run it with Keras."""
    used = [line for line in program(name, "package", today=False).splitlines() if "package" in line]
    assert used
    assert all(line.startswith(("import ", "from ", '"""')) for line in used)
