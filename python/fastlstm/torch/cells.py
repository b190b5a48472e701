"""LSTMCell, GRUCell and RNNCell: PyTorch's modules on fastlstm's kernels, where no gradient is recorded."""

from __future__ import annotations

from typing import Any

import torch

from fastlstm import _core, layers
from fastlstm.typing import Floats

from .elsewhere import is_transformed, runs_here
from .module import Following
from .twins import Twin

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Cell(Following):
    """What the three cells do in place of PyTorch's.

    A step that records gradients is PyTorch's: most of it is a graph of its own for every step, which takes longer to
    make than the step, and PyTorch's functions make it faster.
    """

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
        if torch.compiler.is_compiling() or torch.is_grad_enabled():
            return super().forward(input, hx)
        quick = self._quick(input, hx)
        if quick is not None:
            return quick
        if isinstance(input, torch.Tensor) and not is_transformed():
            runs_here(input, self._weights()[0])  # which tells of what cannot
        return super().forward(input, hx)

    def _infer(self, cell: Any, x: Floats, *state: Floats) -> Any:
        """Take one step without a way back, or return None where PyTorch refuses it."""
        if not x.size:
            return None
        rows = [x, *state] if x.ndim == 2 else [x[None], *[part[None] for part in state]]
        h, c = (*rows[1:], None, None)[:2]
        after = _core.forward(cell._weights, rows[0][None], h, c)
        return self._form([torch.from_numpy(h if x.ndim == 2 else h[0]) for h in after if h is not None])

    def _twin_of(self, kind: type[Any], **options: Any) -> Twin:
        return Twin(kind, _WEIGHTS if self.bias else _WEIGHTS[:2], options)


class LSTMCell(Cell, torch.nn.LSTMCell):
    """A step of an LSTM: ``torch.nn.LSTMCell``, on fastlstm's kernels where no gradient is recorded.

    Constructor, call and parameters are PyTorch's; for the equations see `fastlstm.LSTM`.

    Examples
    --------
    >>> import torch
    >>> from fastlstm.torch import LSTMCell
    >>> cell = LSTMCell(3, 5)
    >>> with torch.no_grad():
    ...     h, c = cell(torch.ones(2, 3))
    ...     h, c = cell(torch.ones(2, 3), (h, c))
    >>> h.shape
    torch.Size([2, 5])
    """

    _states = 2

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.LSTMCell)


class GRUCell(Cell, torch.nn.GRUCell):
    """A step of a GRU: ``torch.nn.GRUCell``, on fastlstm's kernels where no gradient is recorded.

    Constructor, call and parameters are PyTorch's; for the equations see `fastlstm.GRU`.
    """

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.GRUCell)


class RNNCell(Cell, torch.nn.RNNCell):
    """A step of a simple recurrent layer: ``torch.nn.RNNCell``, on fastlstm's kernels where no gradient is recorded.

    Constructor, call and parameters are PyTorch's; for the equations see `fastlstm.RNN`.
    """

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.RNNCell, nonlinearity=self.nonlinearity)
