"""What modules of sequences and cells share: the array layer that follows their parameters, and their states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from .elsewhere import is_plain, runs_here
from .twins import Twin


class Following:
    """A module whose computing is done by an array layer."""

    _states: ClassVar[int] = 1  # tensors in a state: 2 for (h, c), 1 for h
    _following: Twin | None = None

    def _weight_names(self) -> Sequence[str]:
        """Return the names of the weights, in the order of the array layer's."""
        raise NotImplementedError

    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        """Return the class of the array layer, and arguments that no array shows."""
        raise NotImplementedError

    def _weights(self) -> dict[str, torch.Tensor]:
        """Return the weights by name: parameters, or what `torch.nn.utils.parametrize` makes of them."""
        own = self._parameters
        return {name: own[name] if name in own else getattr(self, name) for name in self._weight_names()}

    def _layer(self, weights: dict[str, torch.Tensor]) -> Any:
        """Return the array layer, with these weights."""
        if self._following is None:
            self._following = Twin(*self._kind())
        return self._following.layer(weights)

    def _state(self, hx: Any) -> Sequence[torch.Tensor]:
        """Return the tensors of a state, none if it is left out."""
        if hx is None:
            return ()
        return hx if self._states == 2 else (hx,)

    def _form(self, parts: Sequence[torch.Tensor]) -> Any:
        """Give the tensors of a state PyTorch's form."""
        return tuple(parts) if self._states == 2 else parts[0]

    def _runs(self, x: torch.Tensor, hx: Any, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Return whether fastlstm can compute with `x` and a state `hx` that has to have these shapes."""
        name = self._weight_names()[0]
        weight = self._parameters[name] if name in self._parameters else getattr(self, name)
        if not runs_here(x, weight):
            return False
        if hx is None:
            return True
        if self._states == 2 and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
            return False
        parts = zip(self._state(hx), shapes, strict=False)
        return all([is_plain(part, shape, x.dtype) for part, shape in parts])

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[misc]
        state.pop("_following", None)  # a copy or a file has none of the packed weights
        return state


def needs_way_back(tensors: Sequence[torch.Tensor]) -> bool:
    """Return whether autograd will go back to one of these."""
    return torch.is_grad_enabled() and any([tensor.requires_grad for tensor in tensors])
