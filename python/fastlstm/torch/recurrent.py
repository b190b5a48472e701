"""LSTM, GRU and RNN: PyTorch's modules on fastlstm's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

from fastlstm import layers
from fastlstm.typing import Floats

from . import operations
from .again import layer_again
from .elsewhere import is_transformed, undisturbed
from .graph import Step, array_of
from .module import Following, needs_way_back
from .sequences import Padding, infer, recorded, unrecorded, with_axes
from .twins import Twin


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
        return self._forward_compiled(input, hx) if torch.compiler.is_compiling() else self._forward(input, hx)

    @undisturbed
    def _forward(self, input: Any, hx: Any) -> Any:
        quick = self._quick(input, hx)
        if quick is not None:
            return quick
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if is_transformed() or not self._fits(input, hx):
            return super().forward(input, hx)  # which words its errors
        y, *state = self._run(input, self._state(hx), None)
        return y, self._form(state)

    def _infer(self, layer: Any, x: Floats, *state: Floats) -> Any:
        """Run without a way back, or return None where that needs a run of the other kind or an error."""
        if self._dropout() or layer.batch_first != self.batch_first or not x.size:
            return None
        if state and len(state[0]) != len(layer._weights):
            return None
        y, *last = [torch.from_numpy(array) for array in infer(layer, None, x, *state)]
        return y, self._form(last)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        if is_transformed() or not self._fits_packed(packed, hx):
            return super().forward(packed, hx)
        x, batch_sizes, order, order_back = packed
        state = self._state(hx if hx is None else self.permute_hidden(hx, order))
        y, *last = self._run(x, state, Padding(batch_sizes))
        return PackedSequence(y, batch_sizes, order, order_back), self.permute_hidden(self._form(last), order_back)

    def _run(self, x: torch.Tensor, state: Sequence[torch.Tensor], padding: Padding | None) -> Sequence[torch.Tensor]:
        """Return output and last states; those of a packed sequence are in its order."""
        weights = self._weights()
        layer = with_axes(self._twin.layer(weights), padding is None and self.batch_first)
        tensors, dropout = (x, *state, *weights), self._dropout()
        if needs_way_back(tensors):
            start = partial(recorded, layer, padding, dropout)
            noise = torch.get_rng_state() if dropout else None
            again = partial(layer_again, self, padding and padding.batch_sizes, dropout, noise)
            found: Sequence[torch.Tensor] = Step.apply(start, again, 1 + len(state), *tensors)
            return found
        run = unrecorded(layer, padding, dropout, *[array_of(tensor) for tensor in (x, *state)])
        return [torch.from_numpy(array) for array in run]

    def _dropout(self) -> float:
        """Return the probability with which an output between layers is dropped now."""
        return self.dropout if self.training and self.num_layers > 1 else 0.0

    def _forward_compiled(self, x: Any, hx: Any) -> Any:
        """Run as one operation of a graph; packed sequences, and graphs for elsewhere, are left to PyTorch."""
        if torch.compiler.is_exporting() or isinstance(x, PackedSequence) or not self._fits(x, hx):
            return super().forward(x, hx)
        state, weights = self._state(hx), self._weights()
        run = operations.record if needs_way_back((x, *state, *weights)) else operations.run
        sizes = [self.proj_size or self.hidden_size, self.hidden_size][: self._states]
        directions = 2 if self.bidirectional else 1
        options = (self.batch_first, self._dropout(), self.num_layers * directions, directions, sizes)
        y, *last = run(self._twin.number, [x, *state], weights, *options)
        return y, self._form(last[: self._states])

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

    def _twin_of(self, kind: type[Any], **options: Any) -> Twin:
        return Twin(kind, self._flat_weights_names, {"batch_first": self.batch_first, **options})


class LSTM(Recurrent, torch.nn.LSTM):
    """Long short-term memory: ``torch.nn.LSTM`` on fastlstm's kernels.

    Constructor, call, parameters and ``state_dict`` are PyTorch's; for the equations see `fastlstm.LSTM`. Dropout
    between layers draws the numbers that PyTorch's module would draw.

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

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.LSTM)


class GRU(Recurrent, torch.nn.GRU):
    """Gated recurrent unit: ``torch.nn.GRU`` on fastlstm's kernels.

    Constructor, call, parameters and ``state_dict`` are PyTorch's; for the equations see `fastlstm.GRU`.
    """

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.GRU)


class RNN(Recurrent, torch.nn.RNN):
    """Simple recurrent layer: ``torch.nn.RNN`` on fastlstm's kernels.

    Constructor, call, parameters and ``state_dict`` are PyTorch's; for the equations see `fastlstm.RNN`.
    """

    def _new_twin(self) -> Twin:
        return self._twin_of(layers.RNN, nonlinearity=self.mode.removeprefix("RNN_").lower())
