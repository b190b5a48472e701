"""Dropout of whole features."""

from typing import Any

from .dropout import Dropout

_NOT_TAKEN = ("noise_shape", "trainable")
"""Arguments of `Dropout` that Keras' class does not have."""


class SpatialDropout1D(Dropout):
    """While training, set a fraction of the features to zero, at all time steps together, and scale the others up.

    Parameters
    ----------
    rate : float
        Fraction to drop, from 0 to 1.
    seed : int, optional
        Seed of a generator of the layer's own; None: that of the model draws.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `rate` or `seed` is out of range, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> y = layers.SpatialDropout1D(0.5, seed=1)(np.ones((1, 3, 4)), training=True)
    >>> bool(np.all(y == y[:, :1]))
    True
    """

    ndim = 3

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, (None, 1, None), seed, **kwargs)

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {name: value for name, value in super().get_config().items() if name not in _NOT_TAKEN}
        return config | {"dtype": self.dtype.name}
