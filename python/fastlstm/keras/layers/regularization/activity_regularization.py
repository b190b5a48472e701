"""A penalty on what goes through."""

from typing import Any

from ... import regularizers
from ..core.identity import Identity


class ActivityRegularization(Identity):
    """Give the input back, and add a penalty on it to the loss: ``(l1 * sum(abs(x)) + l2 * sum(x ** 2)) / N``.

    Parameters
    ----------
    l1, l2 : float
        Factors of both sums, zero or more.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `l1` or `l2` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.ActivityRegularization(l2=0.5)
    >>> layer.penalized_forward(np.full((2, 3), 2.0))[1]
    6.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        penalty = regularizers.L1L2(l1, l2)
        self.l1, self.l2, self.activity_regularizer = penalty.l1, penalty.l2, penalty

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {name: value for name, value in super().get_config().items() if name != "activity_regularizer"}
        return config | {"l1": self.l1, "l2": self.l2}
