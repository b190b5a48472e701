"""The same runs by PyTorch's functions, whose gradients have gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

_LAYERS = {"LSTM": torch.lstm, "GRU": torch.gru, "RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu}


def layer_again(
    module: Any, batch_sizes: torch.Tensor | None, dropout: float, noise: torch.Tensor | None, *tensors: torch.Tensor
) -> Sequence[torch.Tensor]:
    """Return output and last states of a layer.

    Parameters
    ----------
    module : torch.nn.Module
        The layer.
    batch_sizes : torch.Tensor, optional
        Of a packed sequence, else None.
    dropout, noise : float; torch.Tensor
        Between layers, and the state that PyTorch's generator had before it drew; None without dropout.
    *tensors : torch.Tensor
        Input, initial state if there is one, and weights.
    """
    count = len(tensors) - len(module._flat_weights_names)
    x, *state = tensors[:count]
    axis = 0 if module.batch_first and batch_sizes is None else 1
    is_one = x.dim() == 2 and batch_sizes is None
    if is_one:
        x, state = x.unsqueeze(axis), [part.unsqueeze(1) for part in state]
    rows = x.shape[axis] if batch_sizes is None else int(batch_sizes[0])
    hx = state or _zeros(x, module, rows)
    options = (tensors[count:], module.bias, module.num_layers, dropout, dropout > 0, module.bidirectional)
    form = hx if module.mode == "LSTM" else hx[0]
    with _as_before(noise):
        if batch_sizes is not None:
            return _LAYERS[module.mode](x, batch_sizes, form, *options)  # type: ignore[no-any-return]
        y, *last = _LAYERS[module.mode](x, form, *options, module.batch_first)
    return [y.squeeze(axis), *[part.squeeze(1) for part in last]] if is_one else [y, *last]


def _zeros(x: torch.Tensor, module: Any, rows: int) -> list[torch.Tensor]:
    count = module.num_layers * (2 if module.bidirectional else 1)
    return [x.new_zeros(count, rows, size) for size in (module.proj_size or module.hidden_size, module.hidden_size)]


@contextmanager
def _as_before(noise: torch.Tensor | None) -> Iterator[None]:
    """Draw what was drawn before, and use no LSTM of oneDNN, which can be differentiated once only."""
    enabled = torch._C._get_mkldnn_enabled()  # flags() of torch.backends.mkldnn warns of Intel's GPUs
    with torch.random.fork_rng(devices=[]):
        if noise is not None:
            torch.set_rng_state(noise)
        torch._C._set_mkldnn_enabled(False)
        try:
            yield
        finally:
            torch._C._set_mkldnn_enabled(enabled)
