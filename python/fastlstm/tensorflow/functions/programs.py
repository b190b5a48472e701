"""What programs put around functions and structures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastlstm import checks
from fastlstm.keras.foundation.tensors import tensor
from fastlstm.keras.foundation.trees import filled, leaves

from .tensors import convert_to_tensor


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
) -> Any:
    """Return a function as it is: TensorFlow compiles with this decorator, and here everything runs as it is written.

    Parameters
    ----------
    func : callable, optional
        The function; None: what takes it is returned.
    input_signature, autograph, jit_compile, reduce_retracing : object
        How TensorFlow compiles; no effect.
    """
    return (lambda given: given) if func is None else func


def executing_eagerly() -> bool:
    """Return True: everything runs as it is written."""
    return True


def numpy_function(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True) -> Any:
    """What a function gives for plain arrays, as tensors.

    Parameters
    ----------
    func : callable
        Takes arrays.
    inp : list of array_like
        They.
    Tout : dtype or list of dtype
        Dtype of what it gives, or a list of dtypes; the numbers are cast to it.
    stateful : bool
        No effect.
    """
    return _told(func(*[tensor(value, "inp").numpy() for value in inp]), Tout)


def py_function(func: Callable[..., Any], inp: Any, Tout: Any) -> Any:
    """What a function gives for tensors; see `numpy_function`."""
    return _told(func(*[tensor(value, "inp") for value in inp]), Tout)


def _told(result: Any, Tout: Any) -> Any:
    if not isinstance(Tout, list | tuple):
        return convert_to_tensor(result, Tout)
    if not isinstance(result, list | tuple) or len(result) != len(Tout):
        checks.refuse_count("what func gives", f"{len(Tout)} values as Tout says", result)
    return [convert_to_tensor(value, dtype) for value, dtype in zip(result, Tout, strict=True)]


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """Return the leaves of lists, tuples and dicts, of a dict by its sorted keys; `expand_composites` has no effect."""
    return leaves(structure)


def map_structure(func: Callable[..., Any], *structure: Any) -> Any:
    """Return a structure of the same form with what a function gives for the leaves of one or more."""
    parts = [leaves(one) for one in structure]
    if len(set(map(len, parts))) > 1:
        checks.complain(ValueError, "structure", "have the same form as the others", f"{[*map(len, parts)]} leaves")
    return filled(structure[0], iter([func(*entries) for entries in zip(*parts, strict=True)]))
