"""Which layers go through time."""

from collections.abc import Iterator
from typing import Any

from ...foundation.trees import leaves
from ..base import Layer
from .rnn import RNN


def recurrent_layers(layer: Any) -> Iterator[RNN]:
    """Return a layer, and those inside it, that go through time."""
    if isinstance(layer, RNN):
        yield layer
        return
    for _, part in layer.named_parts():
        for leaf in leaves(part):
            if isinstance(leaf, Layer):
                yield from recurrent_layers(leaf)
