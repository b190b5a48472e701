"""Five epochs with every optimizer and with every loss: the curves that Keras has."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from golden import curves

from fastlstm import keras

KEPT = json.loads((Path(__file__).parents[1] / "golden" / "keras_curves.json").read_text())


@pytest.fixture(scope="module")
def found():
    return curves.curves(keras)


@pytest.mark.parametrize("name", [*curves.OPTIMIZERS, *curves.LOSSES])
def test_curves(found, name):
    assert list(found[name]) == list(KEPT[name])
    for key, values in KEPT[name].items():
        assert len(values) == curves.EPOCHS
        np.testing.assert_allclose(found[name][key], values, rtol=1e-4, err_msg=key)
        assert len({*values}) > 1 or "accuracy" in key  # something is learned


def test_every_optimizer_and_loss_is_there():
    def classes(module, base):
        given = (getattr(module, name) for name in dir(module))
        return {entry.__name__ for entry in given if inspect.isclass(entry) and issubclass(entry, base)}

    assert classes(keras.optimizers, keras.optimizers.Optimizer) == {*curves.OPTIMIZERS, "Optimizer"}
    assert classes(keras.losses, keras.losses.Loss) == {*curves.LOSSES, "FunctionLoss", "Loss"}
