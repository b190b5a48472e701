"""LSTM, GRU and RNN: PyTorch's modules on fastlstm's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

from fastlstm import layers

from .graph import Step, array_of
from .module import Following, needs_way_back
from .sequences import Padding, infer, recorded


class Recurrent(Following):
    """What the three modules do in place of PyTorch's."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over sequences, as the module of ``torch.nn`` does.

        Parameters
        ----------
        input : Tensor or PackedSequence
            ``(T, N, I)``, ``(N, T, I)`` if `batch_first`, or ``(T, I)``.
        hx : Tensor or tuple of Tensor, optional
            Initial state, ``(L*D, N, H)`` each; zeros if left out.

        Returns
        -------
        tuple
            Output, and the final state.
        """
        is_packed = isinstance(input, PackedSequence)
        if not (self._fits_packed(input, hx) if is_packed else self._fits(input, hx)):
            return super().forward(input, hx)  # type: ignore[misc]  # which words its errors
        if is_packed:
            return self._forward_packed(input, hx)
        y, *state = self._run(input, self._state(hx), None)
        return y, self._form(state)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        x, batch_sizes, order, order_back = packed
        state = self._state(hx if hx is None else self.permute_hidden(hx, order))
        y, *last = self._run(x, state, Padding(batch_sizes))
        return PackedSequence(y, batch_sizes, order, order_back), self.permute_hidden(self._form(last), order_back)

    def _run(self, x: torch.Tensor, state: Sequence[torch.Tensor], padding: Padding | None) -> Sequence[torch.Tensor]:
        """Return output and last states; those of a packed sequence are in its order."""
        weights = self._weights()
        layer = self._layer_for(weights, padding)
        dropout = self.dropout if self.training and self.num_layers > 1 else 0.0
        tensors = (x, *state, *weights.values())
        if needs_way_back(tensors):
            return Step.apply(partial(recorded, layer, padding, dropout), 1 + len(state), *tensors)  # type: ignore[no-any-return]
        arrays = [array_of(tensor) for tensor in (x, *state)]
        found = recorded(layer, padding, dropout, *arrays)[0] if dropout else infer(layer, padding, *arrays)
        return [torch.from_numpy(array) for array in found]

    def _layer_for(self, weights: dict[str, torch.Tensor], padding: Padding | None) -> Any:
        """Return the array layer with its axes in the order that those of the input have."""
        layer = self._layer(weights)
        batch_first = padding is None and self.batch_first
        if layer.batch_first != batch_first:
            layer = layer._now()
            layer.batch_first = batch_first
        return layer

    def _fits(self, x: Any, hx: Any) -> bool:
        """Return whether arguments are as they should be, and can be computed with here."""
        if not isinstance(x, torch.Tensor) or x.dim() not in (2, 3) or x.shape[-1] != self.input_size or not x.numel():
            return False
        return self._runs_with(x, hx, () if x.dim() == 2 else (x.shape[0 if self.batch_first else 1],))

    def _fits_packed(self, packed: PackedSequence, hx: Any) -> bool:
        x = packed.data
        if x.dim() != 2 or x.shape[-1] != self.input_size or not x.numel():
            return False
        return self._runs_with(x, hx, (int(packed.batch_sizes[0]),))

    def _runs_with(self, x: torch.Tensor, hx: Any, rows: tuple[int, ...]) -> bool:
        before = (self.num_layers * (2 if self.bidirectional else 1), *rows)
        return self._runs(x, hx, [(*before, self.proj_size or self.hidden_size), (*before, self.hidden_size)])

    def _weight_names(self) -> Sequence[str]:
        return self._flat_weights_names


class LSTM(Recurrent, torch.nn.LSTM):
    """Long short-term memory: ``torch.nn.LSTM`` on fastlstm's kernels.

    Constructor, call, parameters and ``state_dict`` are PyTorch's; for the equations see `fastlstm.LSTM`. Dropout between
    layers draws the numbers that PyTorch's module would draw.

    Examples
    --------
    >>> import torch
    >>> from fastlstm.torch import LSTM
    >>> lstm = LSTM(3, 5, bidirectional=True)
    >>> y, (h_n, c_n) = lstm(torch.ones(7, 2, 3))
    >>> y.shape, h_n.shape
    (torch.Size([7, 2, 10]), torch.Size([2, 2, 5]))
    """

    _states = 2

    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        return layers.LSTM, {"batch_first": self.batch_first}


class GRU(Recurrent, torch.nn.GRU):
    """Gated recurrent unit: ``torch.nn.GRU`` on fastlstm's kernels.

    Constructor, call, parameters and ``state_dict`` are PyTorch's; for the equations see `fastlstm.GRU`.
    """

    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        return layers.GRU, {"batch_first": self.batch_first}


class RNN(Recurrent, torch.nn.RNN):
    """Simple recurrent layer: ``torch.nn.RNN`` on fastlstm's kernels.

    Constructor, call, parameters and ``state_dict`` are PyTorch's; for the equations see `fastlstm.RNN`.
    """

    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        return layers.RNN, {"batch_first": self.batch_first, "nonlinearity": self.mode.removeprefix("RNN_").lower()}
