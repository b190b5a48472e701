"""Optimizers that look at a whole variable at once."""

from ..foundation.arrays import Array
from .base import Optimizer
from .group import Group


class WholeVariables(Optimizer):
    """Base of optimizers whose step of one number depends on the others of its variable; they define `stepped`."""

    def update_group(self, group: Group, weights: Array, new: Array, rate: float) -> None:
        """See `Optimizer.update_group`; variable by variable."""
        gradient = group.flat_gradient()
        for k, (span, shape) in enumerate(zip(group.spans, group.shapes, strict=True)):
            w, g = (flat[span].reshape(shape) for flat in (weights, gradient))
            slots = group.slots_of(k)
            new[span] = self.stepped(w, g, slots[len(slots) - len(self.slots) :], rate).reshape(-1)

    def stepped(self, w: Array, g: Array, slots: list[Array], rate: float) -> Array:
        """Return the new values of the variable `w` with the gradient `g`, and bring its slots up to date."""
        raise NotImplementedError(f"{type(self).__name__} must define stepped")
