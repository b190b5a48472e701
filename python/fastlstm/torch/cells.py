"""LSTMCell, GRUCell and RNNCell: PyTorch's modules on fastlstm's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from fastlstm import _core, layers
from fastlstm.typing import Floats

from .again import cell_again
from .elsewhere import is_transformed, undisturbed
from .graph import Back, Step, array_of
from .module import Following, needs_way_back
from .twins import Twin

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Cell(Following):
    """What the three cells do in place of PyTorch's."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Take one step, as the cell of ``torch.nn`` does.

        Parameters
        ----------
        input : Tensor
            ``(N, I)`` or ``(I,)``.
        hx : Tensor or tuple of Tensor, optional
            State before the step, ``(N, H)`` each; zeros if left out.

        Returns
        -------
        Tensor or tuple of Tensor
            State after the step.
        """
        if torch.compiler.is_compiling():
            return super().forward(input, hx)  # of whose operations a compiler makes more
        return self._forward(input, hx)

    @undisturbed
    def _forward(self, input: Any, hx: Any) -> Any:
        quick = self._quick(input, hx)
        if quick is not None:
            return quick
        if is_transformed() or not self._fits(input, hx):
            return super().forward(input, hx)  # which words its errors
        weights, state = self._weights(), self._state(hx)
        cell = self._twin.layer(weights)
        tensors = (input, *state, *weights)
        if needs_way_back(tensors):
            count = 1 + len(state)
            return self._form(Step.apply(partial(_recorded, cell), partial(cell_again, self, count), count, *tensors))
        return self._infer(cell, *[array_of(tensor) for tensor in (input, *state)])

    def _infer(self, cell: Any, x: Floats, *state: Floats) -> Any:
        """Take one step without a way back."""
        rows = [x, *state] if x.ndim == 2 else [x[None], *[part[None] for part in state]]
        h, c = (*rows[1:], None, None)[:2]
        after = _core.forward(cell._weights, rows[0][None], h, c)
        return self._form([torch.from_numpy(h if x.ndim == 2 else h[0]) for h in after if h is not None])

    def _fits(self, x: Any, hx: Any) -> bool:
        if not isinstance(x, torch.Tensor) or x.dim() not in (1, 2) or x.shape[-1] != self.input_size:
            return False
        if not x.numel() or not self.hidden_size:
            return False
        return self._runs(x, hx, [(*x.shape[:-1], self.hidden_size)] * 2)

    def _twin_of(self, kind: type[Any], **options: Any) -> Twin:
        return Twin(kind, _WEIGHTS if self.bias else _WEIGHTS[:2], options)


def _recorded(cell: Any, x: Floats, *state: Floats) -> tuple[list[Floats], Back]:
    """Take one step; return the state after it and the way back."""
    rows = [array if array.ndim == 2 else array[None] for array in state]
    after, back = cell.recorded(x, *rows, *[None] * (2 - len(rows)))

    def go_back(gradients: Sequence[Floats | None], needed: Sequence[bool]) -> list[Floats | None]:
        names = ["x", *[""] * len(state), *_WEIGHTS]
        wanted = {name for name, is_needed in zip(names, needed, strict=False) if is_needed}
        given = [part if part is None or part.ndim == 2 else part[None] for part in gradients]
        found = back(*given, *[None] * (2 - len(given)), wanted)
        dstate = found.state if isinstance(found.state, tuple) else (found.state,)
        count = len(needed) - 1 - len(state)
        return [found.x, *dstate[: len(state)], *[found.parameters.get(name) for name in _WEIGHTS[:count]]]

    return [part if x.ndim == 2 else part[0] for part in after if part is not None], go_back


class LSTMCell(Cell, torch.nn.LSTMCell):
    """A step of an LSTM: ``torch.nn.LSTMCell`` on fastlstm's kernels.

    Constructor, call and parameters are PyTorch's; for the equations see `fastlstm.LSTM`.

    Examples
    --------
    >>> import torch
    >>> from fastlstm.torch import LSTMCell
    >>> cell = LSTMCell(3, 5)
    >>> h, c = cell(torch.ones(2, 3))
    >>> h, c = cell(torch.ones(2, 3), (h, c))
    >>> h.shape
    torch.Size([2, 5])
    """

    _states = 2

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.LSTMCell)


class GRUCell(Cell, torch.nn.GRUCell):
    """A step of a GRU: ``torch.nn.GRUCell`` on fastlstm's kernels.

    Constructor, call and parameters are PyTorch's; for the equations see `fastlstm.GRU`.
    """

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.GRUCell)


class RNNCell(Cell, torch.nn.RNNCell):
    """A step of a simple recurrent layer: ``torch.nn.RNNCell`` on fastlstm's kernels.

    Constructor, call and parameters are PyTorch's; for the equations see `fastlstm.RNN`.
    """

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.RNNCell, nonlinearity=self.nonlinearity)
