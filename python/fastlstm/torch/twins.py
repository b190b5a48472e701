"""The array layer that runs a module, with the values that the module's parameters have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from fastlstm.layers.layer import Layer
from fastlstm.typing import Floats


class Twin:
    """An array layer that follows the parameters of a module.

    Weights are packed again only where a value has changed. The memory of the parameters itself is compared: a version
    counter would not tell of ``parameter.data.copy_()``, of an array that shares the memory, or of another process.

    Parameters
    ----------
    kind : type
        Of the layer.
    options : dict
        Arguments of its constructor that do not follow from the arrays.
    """

    def __init__(self, kind: type[Layer], options: dict[str, Any]) -> None:
        self.kind, self.options = kind, options
        self._views: dict[str, Floats] = {}  # the parameters' memory, by their names
        self._places: list[Any] = []  # where that is
        self._layer: Layer | None = None

    def layer(self, parameters: Mapping[str, torch.Tensor]) -> Any:
        """Return the layer, with the values that the parameters have now."""
        places = [(value.data_ptr(), value.shape, value.stride(), value.dtype) for value in parameters.values()]
        if self._layer is None or places != self._places:
            self._look_at(parameters)
            self._places = places
        assert self._layer is not None
        self._layer.follow(self._views)
        return self._layer

    def _look_at(self, parameters: Mapping[str, torch.Tensor]) -> None:
        """Begin to follow these, by a new layer if they are of another dtype or shape."""
        before, self._views = self._views, {name: value.detach().numpy() for name, value in parameters.items()}
        if self._layer is None or _kinds(before) != _kinds(self._views):
            self._layer = self.kind.from_state_dict(self._views, **self.options)


def _kinds(arrays: Mapping[str, Floats]) -> dict[str, Any]:
    return {name: (value.shape, value.dtype) for name, value in arrays.items()}
