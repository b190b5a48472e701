"""The programs of ``examples/`` with their imports changed, run by Keras and by this package side by side."""

import numpy as np
import pytest
from golden.example_runs import NAMES, curves

from fastlstm import keras as ours

keras = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_the_same_losses(name):
    found, wanted = curves(name, ours, "fastlstm"), curves(name, keras, "tensorflow", today=True)
    assert found.keys() == wanted.keys()
    for key, losses in wanted.items():
        # In later epochs of long programs rounding grows with every step.
        np.testing.assert_allclose(found[key][:4], losses[:4], rtol=1e-4, err_msg=key)
