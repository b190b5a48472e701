"""What modules of sequences and cells share: the array layer that follows their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .twins import Twin


class Following:
    """A module whose computing is done by an array layer."""

    _following: Twin | None = None

    def _weight_names(self) -> Sequence[str]:
        """Return the names of the weights, in the order of the array layer's."""
        raise NotImplementedError

    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        """Return the class of the array layer, and arguments that no array shows."""
        raise NotImplementedError

    def _twin(self) -> Twin:
        if self._following is None:
            self._following = Twin(*self._kind())
        return self._following

    def _weights(self) -> dict[str, torch.Tensor]:
        """Return the weights by name: parameters, or what `torch.nn.utils.parametrize` makes of them."""
        own = self._parameters
        return {name: own[name] if name in own else getattr(self, name) for name in self._weight_names()}

    def _first_weight(self) -> torch.Tensor:
        name = self._weight_names()[0]
        return self._parameters[name] if name in self._parameters else getattr(self, name)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_following", None)  # a copy or a file has none of the packed weights
        return state
