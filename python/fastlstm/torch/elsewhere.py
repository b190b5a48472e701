"""What PyTorch has to run itself, and what its compiler has to leave alone."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_FLOATS = (torch.float32, torch.float64)
_told = set[str]()


def is_transformed() -> bool:
    """Return whether operations are traced or transformed, or carry tangents, in place of being just carried out.

    They are PyTorch's then, without a word, as what is asked for is a graph of its own operations.
    """
    if torch.jit.is_tracing() or torch._C._are_functorch_transforms_active():
        return True
    return bool(torch.autograd.forward_ad._current_level >= 0)


def is_plain_mode() -> bool:
    """Return whether operations are carried out as they are called, and in the dtype of their arguments."""
    return not is_transformed() and not torch._C._is_any_autocast_enabled()


def runs_here(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Return whether fastlstm can compute with these; tell once of what it cannot, unless PyTorch refuses it too."""
    if type(x) not in _PLAIN:
        return False
    dtype = x.dtype
    if dtype in _FLOATS and weight.dtype == dtype and x.is_cpu and weight.is_cpu:
        if not torch.is_autocast_enabled("cpu"):
            return True
        _tell("autocast is enabled")
    elif not (x.is_cpu and weight.is_cpu):
        _tell(f"tensors are on {(weight if x.is_cpu else x).device.type}")
    elif weight.dtype == dtype:
        _tell(f"parameters are {dtype}")
    return False


def _tell(reason: str) -> None:
    if reason not in _told:
        _told.add(reason)
        message = f"fastlstm.torch leaves to PyTorch what it cannot compute: {reason}. This is said once."
        warnings.warn(message, RuntimeWarning, stacklevel=2)


def is_plain(tensor: torch.Tensor, shape: Sequence[int], dtype: torch.dtype) -> bool:
    """Return whether a tensor has that shape and dtype, and its memory can be looked at as an array's."""
    return type(tensor) in _PLAIN and tensor.shape == shape and tensor.dtype == dtype and tensor.is_cpu


def undisturbed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that `torch.compile` does not look into. Its compiler is not imported for that."""
    disabled: list[Callable[..., Any]] = []

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        if "torch._dynamo" not in sys.modules:
            return function(*arguments)
        if not disabled:
            disabled.append(torch.compiler.disable(function))
        return disabled[0](*arguments)

    return call
