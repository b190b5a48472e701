"""How a layer is run: what `forward` and `vjp` are told beside their inputs."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..foundation.arrays import Array

Pullback: TypeAlias = Callable[[Any], tuple[Any, list[Array]]]
"""Takes the gradient of a layer's output; gives that of its input, and those of its trainable weights in order.

Where there are several inputs or outputs these are lists, with None for an output nobody has a gradient for.
"""


class Call(NamedTuple):
    """One call of a layer.

    Parameters
    ----------
    training : bool
        Whether dropout drops.
    mask : array_like, optional
        Which time steps of the input are there, booleans ``(N, T)``; None: all. For several inputs a list.
    need_dx : bool
        Whether the pullback must give the gradient of the input.
    logits : bool
        Leave out the final activation `Layer.logits_activation`.
    arguments : dict, optional
        What else the layer was called with, in a form that the inputs can be filled into.
    by_rows : bool
        Whether the gradient of a large table may come as a `RowGradient`.
    """

    training: bool = False
    mask: Any = None
    need_dx: bool = True
    logits: bool = False
    arguments: Any = None
    by_rows: bool = False


def several(shape: Any) -> list[Any]:
    """Return the shapes of several inputs, or of the only one, as a list; a shape may itself come as a list."""
    is_many = isinstance(shape, list) and shape and all(isinstance(part, list | tuple) for part in shape)
    return list(shape) if is_many else [shape]


def first_of(mask: Any) -> Any:
    """Return the mask of the first of several inputs, or of the only one."""
    return mask[0] if isinstance(mask, list) else mask


INFERENCE = Call()
TRAINING = Call(training=True)
