"""Programs that seed what they draw with, run twice."""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
{seed}
from fastlstm.keras import Input, Sequential, layers
model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dropout(0.5), layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.rand(40, 5, 3)
print(model.fit(x, x[:, 0, :1], epochs=2, verbose=0).history["loss"], x.sum())
"""


def printed(seed):
    code = PROGRAM.format(seed=seed)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("seed", ["np.random.seed(7)", "from fastlstm import keras; keras.utils.set_random_seed(7)"])
def test_a_program_that_seeds_repeats(seed):
    assert printed(seed) == printed(seed) != printed(seed.replace("7", "8"))


def test_a_program_that_seeds_nothing_does_not():
    assert printed("") != printed("")


def test_what_numpy_draws_is_its_own():
    """The generator of this package begins with the state of NumPy's, and leaves it as it is."""
    code = "import numpy as np; np.random.seed(7); {} print(np.random.rand())"
    draw = "from fastlstm.keras import layers; layers.Dense(2)(np.ones((1, 2)));"
    runs = [subprocess.check_output([sys.executable, "-c", code.format(more)]) for more in ("", draw)]
    assert runs[0] == runs[1]
