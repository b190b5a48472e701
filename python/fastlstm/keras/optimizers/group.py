"""The weights of one dtype as one flat array, updated in blocks that stay in cache."""

from collections.abc import Sequence
from operator import is_

import numpy as np

from ..foundation.arrays import Array
from ..foundation.variable import Variable, replace_values, values_now

BLOCK = 16384
"""Elements updated at a time; a block of weights, gradients and slots stays in the second-level cache."""


class Group:
    """The weights of one dtype, their gradients and their slots, each as one flat array."""

    def __init__(self, variables: list[Variable], indices: list[int], slots: int) -> None:
        self.variables, self.indices = variables, indices
        self.shapes = [variable.shape for variable in variables]
        ends = np.cumsum([variable.value.size for variable in variables])
        self.spans = [slice(int(end) - v.value.size, int(end)) for v, end in zip(variables, ends, strict=True)]
        size, dtype = int(ends[-1]), variables[0].dtype
        self.gradient, self.scratch = np.empty(size, dtype), np.empty(min(size, BLOCK), dtype)
        self.slots = [np.zeros(size, dtype) for _ in range(slots)]
        self.blocks = [slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
        self._flat, self._views = np.empty(0, dtype), [np.empty(0, dtype) for _ in variables]

    def collect(self, gradients: Sequence[Array]) -> None:
        """Copy the gradients of this group's weights out of those of all weights."""
        np.concatenate([gradients[i].reshape(-1) for i in self.indices], out=self.gradient)

    def weights(self) -> Array:
        """Return the weights as they are, in one array that nobody may write to."""
        if not all(map(is_, values_now(self.variables).values(), self._views)):
            self._flat = np.concatenate([variable.value.reshape(-1) for variable in self.variables])
        return self._flat

    def commit(self, flat: Array) -> None:
        """Make the parts of `flat`, once the constraints are met, the values of the variables."""
        for k in [k for k, variable in enumerate(self.variables) if variable.constraint is not None]:
            view = flat[self.spans[k]].reshape(self.shapes[k])
            view[...] = self.variables[k].constraint(view)  # type: ignore[misc]
        flat.flags.writeable = False  # and so are the views made of it
        self._flat = flat
        self._views = [flat[span].reshape(shape) for span, shape in zip(self.spans, self.shapes, strict=True)]
        replace_values(self.variables, self._views)
