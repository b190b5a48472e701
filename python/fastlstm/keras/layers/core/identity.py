"""A layer that does nothing."""

from ...foundation.arrays import Array
from ..base import Layer, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class Identity(Layer):
    """Give the input back, and its mask.

    Parameters
    ----------
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If a keyword is not one of `Layer`.
    TypeError
        If an argument has another type, or the input is no array of numbers.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.Identity()([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    steps_without_time = True

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Return `x`; see `Layer.forward`."""
        return x

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        return x, lambda dy: (dy, [])

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""
        return lambda x: (lambda: None, x)
