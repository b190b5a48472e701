"""What PyTorch has to run itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_FLOATS = (torch.float32, torch.float64)
_told = set[str]()


def runs_here(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Return whether fastlstm can compute with these; tell once of what it cannot.

    Functions that are traced or transformed are PyTorch's without a word, as what is asked for is a graph of its own
    operations.
    """
    if torch.jit.is_tracing() or torch._C._are_functorch_transforms_active() or type(x) not in _PLAIN:
        return False
    reason = _reason(x, weight)
    if reason is not None and reason not in _told:
        _told.add(reason)
        message = f"fastlstm.torch runs on PyTorch's own kernels where {reason}; this is said once"
        warnings.warn(message, RuntimeWarning, stacklevel=5)
    return reason is None


def _reason(x: torch.Tensor, weight: torch.Tensor) -> str | None:
    if not (x.is_cpu and weight.is_cpu):
        return f"tensors are on {(weight if x.is_cpu else x).device.type}"
    if weight.dtype not in _FLOATS:
        return f"parameters are {weight.dtype}"
    return "autocast is enabled" if torch.is_autocast_enabled("cpu") else None


def is_plain(tensor: torch.Tensor, shape: Sequence[int], dtype: torch.dtype) -> bool:
    """Return whether a tensor has that shape and dtype, and can be looked at as an array."""
    return type(tensor) in _PLAIN and tensor.shape == shape and tensor.dtype == dtype and tensor.is_cpu
