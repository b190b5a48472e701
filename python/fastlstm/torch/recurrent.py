"""LSTM, GRU and RNN: PyTorch's modules on fastlstm's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch.nn.utils.rnn import PackedSequence

from fastlstm import layers

from .elsewhere import is_plain, runs_here
from .graph import Step
from .module import Following
from .sequences import Padding, Run, infer


class Recurrent(Following):
    """What the three modules do in place of PyTorch's."""

    _states: ClassVar[int] = 1

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
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if not self._fits(input, hx):
            return super().forward(input, hx)  # which words its errors itself
        y, *state = self._run(input, self._parts(hx), None)
        return y, tuple(state) if self._states == 2 else state[0]

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        data, batch_sizes, order, back = packed
        if not self._fits_packed(packed, hx):
            return super().forward(packed, hx)
        state = self._parts(hx if hx is None else self.permute_hidden(hx, order))
        y, *final = self._run(data, state, Padding(batch_sizes))
        last = tuple(final) if self._states == 2 else final[0]
        return PackedSequence(y, batch_sizes, order, back), self.permute_hidden(last, back)

    def _run(self, x: torch.Tensor, state: Sequence[torch.Tensor], padding: Padding | None) -> Sequence[torch.Tensor]:
        """Return output and last states; those of a packed sequence are in its order."""
        weights = self._weights()
        layer = self._layer(weights, padding is None and self.batch_first)
        dropout = self.dropout if self.training and self.num_layers > 1 else 0.0
        tensors = (x, *state, *weights.values())
        if torch.is_grad_enabled() and any([tensor.requires_grad for tensor in tensors]):
            return Step.apply(lambda x, *state: Run(layer, x, state, padding, dropout).forward(), 1 + len(state), *tensors)
        arrays = [tensor.detach().numpy() for tensor in (x, *state)]
        if dropout:
            found = Run(layer, arrays[0], arrays[1:], padding, dropout).forward()[0]
        else:
            found = infer(layer, arrays[0], arrays[1:], padding)
        return [torch.from_numpy(array) for array in found]

    def _weight_names(self) -> Sequence[str]:
        return self._flat_weights_names

    def _layer(self, weights: dict[str, torch.Tensor], batch_first: bool) -> Any:
        """Return the array layer."""
        layer = self._twin().layer(weights)
        if layer.batch_first != batch_first:
            layer = layer._now()
            layer.batch_first = batch_first
        return layer

    def _parts(self, hx: Any) -> Sequence[torch.Tensor]:
        if hx is None:
            return ()
        return hx if self._states == 2 else (hx,)

    # -- what can be run -----------------------------------------------------------------------------------------------

    def _fits(self, x: Any, hx: Any) -> bool:
        """Return whether arguments are as they should be, and can be computed with here."""
        if not isinstance(x, torch.Tensor) or x.dim() not in (2, 3) or x.shape[-1] != self.input_size or not x.numel():
            return False
        rows = () if x.dim() == 2 else (x.shape[0 if self.batch_first else 1],)
        return self._fits_state(x, hx, rows)

    def _fits_packed(self, packed: PackedSequence, hx: Any) -> bool:
        x = packed.data
        if x.dim() != 2 or x.shape[-1] != self.input_size or not x.numel():
            return False
        return self._fits_state(x, hx, (int(packed.batch_sizes[0]),))

    def _fits_state(self, x: torch.Tensor, hx: Any, rows: tuple[int, ...]) -> bool:
        weight = self._first_weight()
        if not runs_here(x, weight) or x.dtype != weight.dtype:
            return False
        if hx is None:
            return True
        if self._states == 2 and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
            return False
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)
        parts = zip(self._parts(hx), sizes, strict=False)
        return all([is_plain(part, (count, *rows, size), x.dtype) for part, size in parts])


class LSTM(Recurrent, torch.nn.LSTM):
    _states = 2

    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        return layers.LSTM, {}


class GRU(Recurrent, torch.nn.GRU):
    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        return layers.GRU, {}


class RNN(Recurrent, torch.nn.RNN):
    def _kind(self) -> tuple[type[Any], dict[str, Any]]:
        return layers.RNN, {"nonlinearity": self.nonlinearity}
