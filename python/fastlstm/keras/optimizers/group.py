"""The weights of one dtype as one flat array."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..foundation.arrays import Array
from ..foundation.variable import Variable, are_values, replace_values
from .flat import Flat, spans_of

BLOCK = 16384
"""Elements that NumPy updates at a time; a block of weights, gradients and slots stays in the second-level cache."""


def _same(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape


class Slot(NamedTuple):
    """Numbers that an optimizer keeps for every variable."""

    name: str
    start: float | None = 0.0
    """Their first value; None: that of the variable."""
    shape: Callable[[tuple[int, ...]], tuple[int, ...]] = _same
    """Gives their shape from that of the variable."""
    with_previous: bool = False
    """Whether `get_weights` lists them variable by variable together with the slot before."""

    def is_placeholder(self, shape: tuple[int, ...]) -> bool:
        """Whether a variable of that shape has no use for them."""
        return self.shape is not _same and not self.shape(shape)


class Group:
    """The weights of one dtype, their gradients and their slots, each as one flat array."""

    def __init__(self, variables: list[Variable], indices: list[int], slots: Sequence[Slot]) -> None:
        self.variables, self.indices = variables, indices
        self.shapes = [variable.shape for variable in variables]
        self.spans = spans_of([variable.value.size for variable in variables])
        self.dtype = variables[0].dtype
        self.gradients: list[Array] = []
        """Those of the step being taken, one for each variable."""
        self.scales: list[float] = []
        """What each of them is still to be multiplied with; none: 1."""
        self._gradient: Array | None = None
        self._now: Flat | None = None
        """The weights; what else the variables may have been given since then."""
        self._before: Flat | None = None
        """Those of the step before, which may be somebody's still."""
        self._slot_shapes = [[slot.shape(shape) for shape in self.shapes] for slot in slots]
        self._slot_spans = [spans_of([int(np.prod(s)) for s in shapes]) for shapes in self._slot_shapes]
        self.slots = [
            self.weights().copy() if slot.start is None else np.full(spans[-1].stop, slot.start, self.dtype)
            for slot, spans in zip(slots, self._slot_spans, strict=True)
        ]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what a step makes afresh: a model in a file is no larger than its weights and slots."""
        return vars(self) | {"gradients": [], "scales": [], "_gradient": None, "_now": None, "_before": None}

    def collect(self, gradients: Sequence[Array]) -> None:
        """Take the gradients of this group's weights out of those of all weights."""
        self.take([gradients[i] for i in self.indices])

    def take(self, gradients: list[Array]) -> None:
        """Go on with these gradients, one for each variable."""
        self.gradients, self.scales = gradients, []

    def flat_gradient(self) -> Array:
        """Return the gradients as one array; from then on they are parts of that, to read and write."""
        if self._gradient is None:
            self._gradient = np.empty(self.spans[-1].stop, self.dtype)
        if self.gradients[0].base is not self._gradient:
            np.concatenate([part.reshape(-1) for part in self.gradients], out=self._gradient)
            self.gradients = [self._gradient[span] for span in self.spans]
        for part, scale in zip(self.gradients, self.scales, strict=False):
            part *= scale
        self.scales = []
        return self._gradient

    def blocks(self) -> Iterator[slice]:
        """Give the parts that NumPy updates one after the other."""
        size = self.spans[-1].stop
        return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))

    def weights(self) -> Array:
        """Return the weights as they are, in one array that nobody may write to."""
        if self._now is None or not are_values(self._now.parts, self.variables):
            gathered = np.concatenate([variable.value.reshape(-1) for variable in self.variables])
            self._now = Flat(gathered, self.spans, self.shapes)
        return self._now.array

    def room(self) -> Array:
        """Return an array for what the weights become: that of the step before the last, if nobody has it any more."""
        if self._before is None or not self._before.is_free():
            return np.empty(self.spans[-1].stop, self.dtype)
        self._before.array.flags.writeable = True
        return self._before.array

    def slots_of(self, number: int) -> list[Array]:
        """Return the slots of one of the variables, in their shapes, to read and write."""
        layout = zip(self.slots, self._slot_spans, self._slot_shapes, strict=True)
        return [slot[spans[number]].reshape(shapes[number]) for slot, spans, shapes in layout]

    def commit(self, flat: Array) -> None:
        """Make the parts of `flat`, once the constraints are met, the values of the variables."""
        for k in [k for k, variable in enumerate(self.variables) if variable.constraint is not None]:
            view = flat[self.spans[k]].reshape(self.shapes[k])
            view[...] = self.variables[k].constraint(view)  # type: ignore[misc]
        new = self._before
        if new is None or new.array is not flat:
            new = Flat(flat, self.spans, self.shapes)
        flat.flags.writeable = False
        self._now, self._before = new, self._now
        replace_values(self.variables, new.parts)
        self.take([])
