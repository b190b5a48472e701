"""One vector of all time steps."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ..call import INFERENCE, TRAINING, Call, Pullback
from .pooling import Pooling


class GlobalPooling(Pooling):
    """Base class of `GlobalAveragePooling1D` and `GlobalMaxPooling1D`."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = checks.truth(f"{self.name}: keepdims", keepdims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, F)``, with `keepdims` ``(N, 1, F)``."""
        rows, _, features = self._checked_shape(input_shape)
        return (rows, 1, features) if self.keepdims else (rows, features)

    def _shaped(self, y: Array) -> Array:
        """Return the output of ``y (N, 1, F)``."""
        return y if self.keepdims else y[:, 0]

    def _steps_of(self, dy: Array) -> Array:
        """``(N, 1, F)`` of the gradient of the output."""
        return dy if self.keepdims else dy[:, None]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"keepdims": self.keepdims}


class GlobalAveragePooling1D(GlobalPooling):
    """Mean of the time steps: ``(N, T, F)`` becomes ``(N, F)``.

    With a mask it is the mean of the steps that are there; that of none is NaN, as in Keras.

    Parameters
    ----------
    data_format : str, optional
        ``"channels_last"``, or None for it.
    keepdims : bool
        Whether the output is ``(N, 1, F)``.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `data_format` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> x = np.array([[[1.0], [3.0], [8.0]]])
    >>> layers.GlobalAveragePooling1D()(x).tolist()
    [[4.0]]
    >>> layers.GlobalAveragePooling1D()(x, mask=[[True, True, False]]).tolist()
    [[2.0]]
    """

    told_of_mask = True
    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}
    ends_masks = False

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        there, count = self._counted(x, call.mask)
        kept = x if there is None else np.where(there, x, self.dtype.type(0))
        with np.errstate(invalid="ignore"):  # none of no steps
            return self._shaped(np.add.reduce(kept, axis=1, keepdims=True) / count)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        (there, count), shape = self._counted(x, call.mask), x.shape

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            if not call.need_dx:
                return None, []
            with np.errstate(divide="ignore", invalid="ignore"):
                share = self._steps_of(dy) / count
            return np.where(True if there is None else there, np.broadcast_to(share, shape), share.dtype.type(0)), []

        return self.forward(x, call), pullback

    def _counted(self, x: Array, mask: Array | None) -> tuple[Array | None, Any]:
        """Return which steps are there, ``(N, T, 1)``, and how many; None: all."""
        if mask is None:
            return None, self.dtype.type(x.shape[1])
        there = mask[:, :, None]
        return there, np.add.reduce(there, axis=1, keepdims=True, dtype=self.dtype)


class GlobalMaxPooling1D(GlobalPooling):
    """Largest of the time steps, feature by feature: ``(N, T, F)`` becomes ``(N, F)``.

    A mask is not looked at, as in Keras: pad with what is never the largest. Equal steps share the gradient.

    Parameters
    ----------
    data_format : str, optional
        ``"channels_last"``, or None for it.
    keepdims : bool
        Whether the output is ``(N, 1, F)``.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `data_format` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.GlobalMaxPooling1D()(np.array([[[1.0], [8.0], [3.0]]])).tolist()
    [[8.0]]
    """

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self._shaped(np.maximum.reduce(x, axis=1, keepdims=True, initial=-np.inf))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        y = self.forward(x, call)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            if not call.need_dx:
                return None, []
            winners = x == self._steps_of(y)
            with np.errstate(divide="ignore", invalid="ignore"):  # nothing equals NaN
                share = self._steps_of(dy) / np.add.reduce(winners, axis=1, keepdims=True, dtype=self.dtype)
                return winners * share, []

        return y, pullback


GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
