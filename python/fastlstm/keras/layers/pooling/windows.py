"""One time step of each window of some."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ..call import INFERENCE, TRAINING, Call, Pullback
from ..windows import Windows, one_size
from .pooling import Pooling


class WindowPooling(Pooling):
    """Base class of `MaxPooling1D` and `AveragePooling1D`."""

    filler = 0.0
    """What stands at the steps that ``padding="same"`` adds."""

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.pool_size = one_size(f"{self.name}: pool_size", pool_size)
        self.strides = self.pool_size if strides is None else one_size(f"{self.name}: strides", strides)
        self.padding = checks.one_of(f"{self.name}: padding", padding, ("valid", "same"))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, number of windows, F)``."""
        rows, steps, features = self._checked_shape(input_shape)
        return (rows, None if steps is None else self._windows(steps), features)

    @property
    def _places_of_windows(self) -> Windows:
        return Windows(*self.pool_size, *self.strides, self.padding)

    def _windows(self, steps: int) -> int:
        return self._places_of_windows.number_in(steps, self.name)

    def _ends(self, steps: int) -> tuple[int, int]:
        return self._places_of_windows.ends(steps)

    def _padded(self, x: Array) -> Array:
        ends = self._ends(x.shape[1])
        return np.pad(x, ((0, 0), ends, (0, 0)), constant_values=self.filler) if any(ends) else x

    def _places(self, windows: int) -> Iterator[slice]:
        """Yield, for each place in a window, which steps of the padded input stand there."""
        (size,), (stride,) = self.pool_size, self.strides
        for place in range(size):
            yield slice(place, place + (windows - 1) * stride + 1, stride)

    def _spread(self, parts: Iterator[Array], shape: tuple[int, ...]) -> Array:
        """Return the gradient of an input of a `shape` from those of each place in the windows."""
        rows, steps, features = shape
        before, behind = self._ends(steps)
        dx = np.zeros((rows, before + steps + behind, features), self.dtype)
        for place, part in zip(self._places(self._windows(steps)), parts, strict=True):
            dx[:, place] += part
        return dx[:, before : before + steps]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}
        return super().get_config() | own


class MaxPooling1D(WindowPooling):
    """Largest step of each window, feature by feature: ``(N, T, F)`` becomes ``(N, windows, F)``.

    Of equal steps the first has the gradient. A mask is not looked at, and ends here.

    Parameters
    ----------
    pool_size : int or tuple of int
        Number of steps in a window.
    strides : int or tuple of int
        Number of steps from one window to the next; None: `pool_size`, windows side by side.
    padding : str
        ``"valid"``: only whole windows. ``"same"``: as many windows as fit when steps that never win are put at both
        ends; with `strides` of 1 as many as steps.
    data_format : str, optional
        ``"channels_last"``, or None for it.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `pool_size` or `strides` is out of range, `padding` or `data_format` is unknown, or inputs have
        another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> x = np.array([[[1.0], [4.0], [3.0], [2.0], [5.0]]])
    >>> layers.MaxPooling1D(2)(x).ravel().tolist()
    [4.0, 3.0]
    >>> layers.MaxPooling1D(2, padding="same")(x).ravel().tolist()
    [4.0, 3.0, 5.0]
    """

    filler = -np.inf

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        windows, padded = self._windows(x.shape[1]), self._padded(x)
        y = np.full((len(x), windows, x.shape[2]), self.filler, x.dtype)
        for place in self._places(windows):
            np.maximum(y, padded[:, place], out=y)
        return y

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        y, shape = self.forward(x, call), x.shape
        padded, places = self._padded(x), list(self._places(y.shape[1]))
        winner = np.full(y.shape, len(places), np.min_scalar_type(len(places)))
        for k, place in reversed(list(enumerate(places))):
            winner[padded[:, place] == y] = k

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            parts = (dy * (winner == k) for k in range(len(places)))
            return self._spread(parts, shape) if call.need_dx else None, []

        return y, pullback


class AveragePooling1D(WindowPooling):
    """Mean of each window, feature by feature: ``(N, T, F)`` becomes ``(N, windows, F)``.

    A mask is not looked at, and ends here.

    Parameters
    ----------
    pool_size, strides, padding, data_format : int or tuple of int; str
        See `MaxPooling1D`. Steps added by ``padding="same"`` do not count.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `pool_size` or `strides` is out of range, `padding` or `data_format` is unknown, or inputs have
        another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.AveragePooling1D(2, padding="same")(np.array([[[1.0], [4.0], [3.0]]])).ravel().tolist()
    [2.5, 3.0]
    """

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        windows, padded = self._windows(x.shape[1]), self._padded(x)
        total = np.zeros((len(x), windows, x.shape[2]), x.dtype)
        for place in self._places(windows):
            total += padded[:, place]
        return np.divide(total, self._counts(x.shape[1]), out=total)

    def _counts(self, steps: int) -> Array:
        """Return how many steps of the input there are in each window, ``(windows, 1)``."""
        windows, (before, _) = self._windows(steps), self._ends(steps)
        start = np.arange(windows) * self.strides[0] - before
        found = np.minimum(start + self.pool_size[0], steps) - np.maximum(start, 0)
        return found[:, None].astype(self.dtype)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        shape = x.shape

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            if not call.need_dx:
                return None, []
            share = dy / self._counts(shape[1])
            return self._spread(iter([share] * self.pool_size[0]), shape), []

        return self.forward(x, call), pullback


MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
