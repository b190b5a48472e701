"""Handwritten digits."""

from __future__ import annotations

import os

import numpy as np

from ..foundation.arrays import Array
from .files import found

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return images (N, 28, 28) and digits for training and for tests, of a file that is there.

    Parameters
    ----------
    path : path
        Of ``mnist.npz``, here or in Keras' folder of data sets.
    """
    with np.load(found(path, _ORIGIN), allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
