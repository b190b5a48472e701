"""Dropout."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.typing import Floats

from .draws import dropout_mask
from .stateless import Back, Stateless


class Dropout(Stateless):
    """Dropout: nothing in a call, as PyTorch in ``eval()``; in `vjp` zeros in place of some of the numbers.

    Parameters
    ----------
    p : float
        Probability with which a number is zeroed; the others are divided by ``1 - p``.
    seed : int, optional
        For the draws.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.
    TypeError
        If an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> layer, x = fl.Dropout(0.5, seed=0), np.ones((1, 100), "float32")
    >>> bool((layer(x) == x).all())
    True
    >>> y, pullback = layer.vjp(x)
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, p: float = 0.5, seed: int | None = None) -> None:
        self.p = checks.fraction("p", p)
        self._rng = np.random.default_rng(checks.seed("seed", seed))

    def forward(self, x: NDArray[np.floating]) -> Floats:
        """Return the input."""
        return cast(Floats, x)

    def forward_training(self, x: NDArray[np.floating]) -> tuple[Floats, Back]:
        """Drop, and return what leads back."""
        mask = dropout_mask(self._rng, x.shape, self.p, x.dtype)
        return x * mask, lambda dy: (dy * mask, {})
