"""Products of inputs."""

from typing import Any

import numpy as np

from ...foundation.arrays import Array
from .elementwise import Elementwise, chain, full_masks, lifted, summed_back
from .merge import Masks


class Multiply(Elementwise):
    """Multiply inputs: ``x[0] * x[1] * ...``.

    Shapes are those of `Add`. What a mask leaves out of an input is 1 in the product; where all inputs have a mask and
    none of them is there, the output is 0. It then has a mask too: a step is there if any input has it.

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
    >>> layers.Multiply()([np.full((1, 2), 2.0), np.full((1, 2), 3.0)]).tolist()
    [[6.0, 6.0]]
    """

    def _into(self, parts: list[Array], y: Array) -> None:
        chain(np.multiply, parts, y)

    def _merge(self, parts: list[Array], masks: Masks) -> Array:
        nowhere = self._nowhere(parts, masks)
        y = super()._merge(self._ones_put(parts, masks), masks)
        if nowhere is not None:
            np.copyto(y, 0, where=nowhere)
        return y

    def _nowhere(self, parts: list[Array], masks: Masks) -> Array | None:
        """Return where no input is there; None if one of them has no mask."""
        found = [mask for mask in full_masks(parts, masks) if mask is not None]
        if len(found) < len(parts):
            return None
        there = np.zeros((), np.bool_)
        for mask in found:
            there = there | mask
        return np.asarray(~there)

    def _ones_put(self, parts: list[Array], masks: Masks) -> list[Array]:
        """`parts`, with as many axes each and 1 where the mask leaves something out."""
        pairs = zip(lifted(parts), full_masks(parts, masks), strict=True)
        return [x if mask is None else np.where(mask, x, self.dtype.type(1)) for x, mask in pairs]

    def _merge_vjp(self, parts: list[Array], masks: Masks) -> tuple[Array, Any]:
        factors, there = self._ones_put(parts, masks), full_masks(parts, masks)

        def slopes(dy: Array) -> list[Array]:
            found = self._slopes(dy, factors)
            # Where nothing is there, no single input is either.
            kept = [d if mask is None else d * mask for d, mask in zip(found, there, strict=True)]
            return summed_back(kept, parts)

        return self._merge(parts, masks), slopes

    def _slopes(self, dy: Array, parts: list[Array]) -> list[Array]:
        """Return `dy` times the other factors, of which any may be 0: those before it, and those after it."""
        before = [dy]
        for part in parts[:-1]:
            before.append(before[-1] * part)
        after = np.ones((), self.dtype)
        found = []
        for part, product in zip(reversed(parts), reversed(before), strict=True):
            found.append(product * after)
            after = after * part
        return found[::-1]


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)
