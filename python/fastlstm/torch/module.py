"""What modules of sequences and cells share: the array layer that follows their parameters, and their states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from .elsewhere import is_plain, is_plain_mode, runs_here
from .twins import Twin


class Following(torch.nn.Module):
    """A module whose computing is done by an array layer."""

    _states: ClassVar[int] = 1  # tensors in a state: 2 for (h, c), 1 for h
    _twin: Twin

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._twin = self._new_twin()

    def _new_twin(self) -> Twin:
        """Return an array layer that has followed no parameters yet."""
        raise NotImplementedError

    def _weights(self) -> list[torch.Tensor]:
        """Return the weights: parameters, or what `torch.nn.utils.parametrize` makes of them."""
        own = self._parameters
        return [own[name] if name in own else getattr(self, name) for name in self._twin.names]

    def _state(self, hx: Any) -> Sequence[torch.Tensor]:
        """Return the tensors of a state, none if it is left out."""
        if hx is None:
            return ()
        return hx if self._states == 2 else (hx,)

    def _form(self, parts: Sequence[torch.Tensor]) -> Any:
        """Give the tensors of a state PyTorch's form."""
        return tuple(parts) if self._states == 2 else parts[0]

    def _quick(self, x: Any, hx: Any) -> Any:
        """Return the result of a call without a way back, or None if there is anything special about it.

        Nothing is looked at that the core looks at anyway: where it raises an error, so does the usual way after it.
        """
        if type(x) is not torch.Tensor or torch.is_grad_enabled() or not is_plain_mode():
            return None
        try:
            state = [part.numpy() for part in self._state(hx)]
            if len(state) not in (0, self._states):
                return None
            return self._infer(self._twin.layer(self._weights()), x.numpy(), *state)
        except (TypeError, ValueError, RuntimeError, AttributeError):
            return None

    def _runs(self, x: torch.Tensor, hx: Any, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Return whether fastlstm can compute with `x` and a state `hx` that has to have these shapes."""
        name = self._twin.names[0]
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
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_twin"}  # no file has packed weights

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._twin = self._new_twin()


def needs_way_back(tensors: Sequence[torch.Tensor]) -> bool:
    """Return whether autograd will go back to one of these."""
    return torch.is_grad_enabled() and any([tensor.requires_grad for tensor in tensors])
