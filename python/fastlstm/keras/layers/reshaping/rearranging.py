"""What layers share that move numbers and compute none."""

from fastlstm import checks

from ...foundation.arrays import Array
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class Rearranging(Layer):
    """Base class of layers that give the numbers of their input in another shape; a subclass says how, and back.

    A mask ends here, as in Keras: the steps of the output are not those of the input.
    """

    ends_masks = True
    no_stream = "its output has other time steps, or none"

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: the output has other time steps, or none."""
        return None

    def _axes_text(self) -> str:
        return {2: " (batch, features)", 3: " (batch, time, features)"}.get(self.ndim or 0, "")

    def _rearranged(self, x: Array) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define _rearranged(x)")

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        """Return the gradient of an input of a `shape` from that of the output."""
        raise NotImplementedError(f"{type(self).__name__} must define _put_back(dy, shape)")

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self._rearranged(x)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        shape = x.shape
        return self._rearranged(x), lambda dy: (self._put_back(dy, shape) if call.need_dx else None, [])


def both_ends(name: str, value: object) -> tuple[int, int]:
    """`value` as numbers of steps at the start and the end: one for both, or two."""
    given = value if isinstance(value, list | tuple) else (value, value)
    if len(given) != 2:
        checks.refuse(ValueError, name, "a whole number, or two of them", value)
    start, end = (checks.whole_number(name, part, at_least=0, at_most=checks.LARGEST_SIZE) for part in given)
    return start, end
