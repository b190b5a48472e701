"""The largest and the smallest of inputs, entry by entry."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...foundation.arrays import Array
from .elementwise import Elementwise, chain, full_masks, lifted, summed_back
from .merge import Masks


class Extreme(Elementwise):
    """Base class of `Maximum` and `Minimum`."""

    operation: ClassVar[Callable[..., Any]]
    beats: ClassVar[Callable[..., Any]]
    """Whether an entry takes the place of another one."""

    def _into(self, parts: list[Array], y: Array) -> None:
        chain(type(self).operation, parts, y)

    def _merge(self, parts: list[Array], masks: Masks) -> Array:
        if all(mask is None for mask in masks):
            return super()._merge(parts, masks)
        return self._chosen(parts, masks)[0]

    def _merge_vjp(self, parts: list[Array], masks: Masks) -> tuple[Array, Any]:
        y, winner = self._chosen(parts, masks)
        # Of equal entries the first one has the whole gradient, as in Keras on TensorFlow.
        return y, lambda dy: summed_back([dy * (winner == k) for k in range(len(parts))], parts)

    def _chosen(self, parts: list[Array], masks: Masks) -> tuple[Array, Array]:
        """Return the output, and which input each of its entries comes from: the first one where none is there."""
        full, there = lifted(parts), full_masks(parts, masks)
        shape = np.broadcast_shapes(*(part.shape for part in full))
        y = np.array(np.broadcast_to(full[0], shape))
        winner = np.zeros(shape, np.min_scalar_type(len(full)))
        known = there[0]
        for k, (part, mask) in enumerate(zip(full[1:], there[1:], strict=True), start=1):
            takes = type(self).beats(part, y) | np.isnan(part)
            takes = takes if known is None else takes | ~known
            takes = takes if mask is None else takes & mask
            np.copyto(y, part, where=takes)
            np.copyto(winner, k, where=takes)
            known = None if known is None or mask is None else known | mask
        return y, winner


class Maximum(Extreme):
    """Return the largest of inputs, entry by entry.

    Shapes are those of `Add`. An input counts where its mask says it is there; where none is, the output is the first
    input. The output has a mask if all inputs have one: a step is there if any of them has it.

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
    >>> layers.Maximum()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])]).tolist()
    [[2.0, 4.0]]
    """

    operation = np.maximum
    beats = np.greater


class Minimum(Extreme):
    """Return the smallest of inputs, entry by entry.

    Shapes and masks are those of `Maximum`.

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
    >>> layers.Minimum()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])]).tolist()
    [[1.0, 3.0]]
    """

    operation = np.minimum
    beats = np.less


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)
