"""Attention whose scores are sums that go through a tanh."""

from typing import Any

import numpy as np

from ...foundation.arrays import Array
from .attention import Attention, Slopes


class AdditiveAttention(Attention):
    """Values weighted by how well their keys go with each query, by scores ``sum(scale * tanh(query + key))``.

    Called as `Attention` is.

    Parameters
    ----------
    use_scale : bool
        Whether there is a weight ``scale (D,)``; else it is 1.
    dropout : float
        Fraction of the probabilities dropped while training.
    **kwargs : keyword arguments
        ``seed``, and those of `Layer`.

    Raises
    ------
    ValueError
        If `dropout` is out of range, or inputs have another shape.
    TypeError
        If an argument has another type.

    References
    ----------
    Bahdanau, Cho and Bengio, Neural Machine Translation by Jointly Learning to Align and Translate, ICLR 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.AdditiveAttention()([np.ones((1, 2, 3)), np.ones((1, 4, 3))]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def _create_weights(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((self._known_features(input_shape[0]),), "glorot_uniform", name="scale")

    def _scores(self, query: Array, key: Array) -> tuple[Array, Slopes]:
        scale = self.frozen()[0] if self.use_scale else np.ones(query.shape[-1], query.dtype)
        bent = np.tanh(query[:, :, None] + key[:, None])

        def slopes(dscores: Array) -> tuple[Array, Array, list[Array]]:
            dsums = dscores[..., None] * scale * (1 - bent * bent)
            gradients = [np.tensordot(dscores, bent, 3)] if self.use_scale else []
            return np.add.reduce(dsums, axis=2), np.add.reduce(dsums, axis=1), gradients

        return bent @ scale, slopes

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {name: value for name, value in super().get_config().items() if name != "score_mode"}
