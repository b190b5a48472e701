"""The array layer that runs a module, with the values that the module's parameters have."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Sequence
from typing import Any

import torch

from fastlstm.layers.layer import Layer
from fastlstm.typing import Floats

_numbers = itertools.count()
_twins: weakref.WeakValueDictionary[int, Twin] = weakref.WeakValueDictionary()


class Twin:
    """An array layer that follows the parameters of a module.

    Weights are packed again only where a value has changed. The memory of the parameters itself is compared: a version
    counter would not tell of ``parameter.data.copy_()``, of an array that shares the memory, or of another process.

    Parameters
    ----------
    kind : type
        Of the layer.
    names : sequence of str
        Of its parameters.
    options : dict
        Arguments of its constructor that do not follow from the arrays.
    """

    def __init__(self, kind: type[Layer], names: Sequence[str], options: dict[str, Any]) -> None:
        self.kind, self.names, self.options = kind, tuple(names), options
        self.number = next(_numbers)  # by which a compiled graph finds it
        _twins[self.number] = self
        self._views: list[Floats] = []  # the parameters' memory
        self._places: list[Any] = []  # where that is
        self._layer: Layer | None = None

    def layer(self, parameters: Sequence[torch.Tensor]) -> Any:
        """Return the layer, with the values that the parameters have now."""
        places = [(value.data_ptr(), value.numel(), value.is_contiguous()) for value in parameters]
        if places != self._places:
            self._look_at(parameters)
            # A tensor without gaps and with as many numbers in the same place is the same to the layer.
            self._places = places if all([place[2] for place in places]) else []
        layer = self._layer
        assert layer is not None
        layer.follow(self._views)
        return layer

    def _look_at(self, parameters: Sequence[torch.Tensor]) -> None:
        """Begin to follow these, by a new layer if they are of another dtype or shape."""
        before, self._views = self._views, [value.detach().numpy() for value in parameters]
        if self._layer is None or _kinds(before) != _kinds(self._views):
            arrays = dict(zip(self.names, self._views, strict=True))
            self._layer = self.kind.from_state_dict(arrays, **self.options)


def twin_of(number: int) -> Twin:
    """Return the one with this number."""
    return _twins[number]


def _kinds(arrays: Sequence[Floats]) -> list[Any]:
    return [(value.shape, value.dtype) for value in arrays]
