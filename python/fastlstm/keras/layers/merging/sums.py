"""Sums, differences and means of inputs."""

from typing import Any

import numpy as np

from ...foundation.arrays import Array
from .elementwise import Elementwise, chain


class Add(Elementwise):
    """Add inputs: ``x[0] + x[1] + ...``.

    Shapes ``(N, ...)`` may differ where broadcasting stretches one of them: an axis of size 1, or one behind that of
    the batch that an input with fewer axes lacks. The output has a mask if all inputs have one: a step is there if any
    of them has it.

    Parameters
    ----------
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If inputs have another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Add()([np.ones((2, 3)), np.full((2, 1), 2.0)]).tolist()
    [[3.0, 3.0, 3.0], [3.0, 3.0, 3.0]]
    """

    def _into(self, parts: list[Array], y: Array) -> None:
        chain(np.add, parts, y)

    def _slopes(self, dy: Array, parts: list[Array]) -> list[Array]:
        return [dy] * len(parts)


class Subtract(Elementwise):
    """Subtract the second of two inputs from the first: ``x[0] - x[1]``.

    Shapes and masks are those of `Add`.

    Parameters
    ----------
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If inputs have another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Subtract()([np.ones((1, 2)), np.full((1, 2), 3.0)]).tolist()
    [[-2.0, -2.0]]
    """

    count = 2

    def _into(self, parts: list[Array], y: Array) -> None:
        np.subtract(parts[0], parts[1], out=y)

    def _slopes(self, dy: Array, parts: list[Array]) -> list[Array]:
        return [dy, -dy]


class Average(Elementwise):
    """Return the mean of inputs: ``(x[0] + x[1] + ...) / n``.

    Shapes and masks are those of `Add`; a mask changes no value.

    Parameters
    ----------
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If inputs have another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Average()([np.ones((1, 2)), np.full((1, 2), 3.0)]).tolist()
    [[2.0, 2.0]]
    """

    def _into(self, parts: list[Array], y: Array) -> None:
        chain(np.add, parts, y)
        np.divide(y, len(parts), out=y)

    def _slopes(self, dy: Array, parts: list[Array]) -> list[Array]:
        return [dy / len(parts)] * len(parts)


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)
