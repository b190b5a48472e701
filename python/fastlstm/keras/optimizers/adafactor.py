"""Adaptive steps whose memory is a row and a column of a matrix."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .following import follow
from .group import Slot
from .schedules import LearningRate
from .whole_variables import WholeVariables


def _row_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1] if len(shape) > 1 else ()


def _column_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1]) if len(shape) > 1 else ()


class Adafactor(WholeVariables):
    """``w -= max(epsilon_2, rms(w)) * rate * u / max(1, rms(u) / clip_threshold)``, with ``u = g / sqrt(v)``.

    For a matrix, `r` and `c` follow the means of ``g**2 + epsilon_1`` over rows and columns, ``v = r * c / mean(r)``;
    for a vector, `v` follows. At step t they keep ``1 - t**beta_2_decay``, and the rate is at most ``1 / sqrt(t)``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    beta_2_decay : float
        Below 0: how fast the followers become slow.
    epsilon_1 : float
        Keeps the divisor from zero.
    epsilon_2 : float
        The least size a variable is taken to have.
    clip_threshold : float
        How large the root mean square of `u` may be.
    relative_step : bool
        Accepted as in Keras, where the bound on the rate holds either way.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, ICML 2018.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Adafactor(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.0001, 0.0001]
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = checks.real_number("beta_2_decay", beta_2_decay, at_most=0)
        self.epsilon_1 = checks.real_number("epsilon_1", epsilon_1, at_least=0)
        self.epsilon_2 = checks.real_number("epsilon_2", epsilon_2, at_least=0)
        self.clip_threshold = checks.real_number("clip_threshold", clip_threshold, above=0)
        self.relative_step = checks.truth("relative_step", relative_step)
        row, column = Slot("row", shape=_row_shape), Slot("column", shape=_column_shape, with_previous=True)
        self.slots = (row, column, Slot("velocity", with_previous=True))

    def stepped(self, w: Array, g: Array, slots: list[Array], rate: float) -> Array:
        """See the class."""
        r, c, v = slots
        t = self.iterations + 1
        keep = 1 - t**self.beta_2_decay
        square = g * g + g.dtype.type(self.epsilon_1)
        if w.ndim > 1:
            follow(r, square.mean(axis=-1), keep)
            follow(c, square.mean(axis=-2), keep)
            np.multiply((r / r.mean(axis=-1, keepdims=True))[..., None], c[..., None, :], out=v)
        else:
            follow(v, square, keep)
        u = g / np.sqrt(v)
        step = max(self.epsilon_2, _rms(w)) * min(rate, 1 / math.sqrt(t))
        result: Array = w - u * (step / max(1.0, _rms(u) / self.clip_threshold))
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _rms(x: Array) -> float:
    return math.sqrt(float(np.mean(x * x)))
