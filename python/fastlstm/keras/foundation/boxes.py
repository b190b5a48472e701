"""The boxes of autograd, an optional package: arrays that remember where they come from.

A *primitive* is a function of boxes with a derivative of its own. The package is imported when the first gradient is
taken; without it there are no boxes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from .arrays import Array
from .trees import mapped


def is_box(x: Any) -> bool:
    """Whether `x` is an array whose gradient is asked for."""
    tracer = sys.modules.get("autograd.tracer")
    return tracer is not None and type(x) in tracer.box_types


def bare(x: Any) -> Any:
    """Return the array in a box, or `x` itself if it is none."""
    while is_box(x):
        x = x._value
    return x


def value_of(x: Any) -> Any:
    """Return the value of a variable, in a box if a gradient is asked for, or `x` itself if it is none."""
    return x.value if hasattr(x, "assign") else x


@lru_cache(maxsize=1)
def autograd() -> Any:
    """Return the package; ImportError that says what to do, if it is not there."""
    try:
        import autograd.extend
        import autograd.numpy
    except ImportError as error:
        raise ImportError(
            'the gradient of a function of your own needs autograd: pip install "fastlstm[autograd]"; '
            "or give a derivative of your own: vjp(x, call) of a layer or cell, gradient() of a loss or regularizer"
        ) from error
    _teach(autograd.numpy.numpy_boxes.ArrayBox, autograd)
    return autograd


def primitive(function: Callable[..., Any], maker: Callable[..., Any], package: Any = None) -> Callable[..., Any]:
    """Return `function` as a primitive.

    Parameters
    ----------
    function : callable
        Takes arrays in place of boxes.
    maker : callable
        ``maker(argnums, y, args, kwargs)`` gives a function from the gradient of the result `y` to the gradients, in
        order, of the arguments that were boxes: those with the numbers `argnums`.
    package : str
        By default `autograd`.
    """
    package = package or autograd()
    made: Callable[..., Any] = package.extend.primitive(function)
    package.extend.defvjp_argnums(made, maker)
    return made


def _teach(box: Any, package: Any) -> None:
    """Let boxes work with variables and NumPy's functions, and give the gradients of their parts back fast."""
    names = ("add", "sub", "mul", "truediv", "mod", "pow", "matmul", "eq", "ne", "lt", "le", "gt", "ge")
    for name in names:
        setattr(box, f"__{name}__", _leaving_variables(getattr(box, f"__{name}__")))
    box.__floordiv__ = _leaving_variables(lambda self, other: np.floor_divide(bare(self), bare(other)))
    box.__rfloordiv__ = lambda self, other: np.floor_divide(bare(other), bare(self))
    box.__getitem__ = _item_getter(box.__getitem__, package)
    box.__array_ufunc__, box.__array_function__ = _array_ufunc, _array_function


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Call autograd's function in place of one of NumPy's, of every entry."""
    if method != "__call__" or "out" in kwargs:
        return NotImplemented
    return getattr(autograd().numpy, ufunc.__name__)(*map(value_of, inputs), **kwargs)


def _array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Call autograd's function in place of one of NumPy's others."""
    package = autograd().numpy
    home = package.linalg if function.__module__ == "numpy.linalg" else package
    args, kwargs = mapped(value_of, [args, kwargs])
    return getattr(home, function.__name__)(*args, **kwargs)


def _leaving_variables(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if hasattr(other, "assign") else original(self, other)

    return operator


def _item_getter(original: Callable[[Any, Any], Any], package: Any) -> Callable[[Any, Any], Any]:
    """Make an ``x[key]`` whose gradient is put into zeros at once, not entry by entry, where the key is of slices."""

    def put(slope: Array, key: Any, shape: tuple[int, ...]) -> Array:
        whole = np.zeros(shape, slope.dtype)
        whole[key] = slope
        return whole

    placed = primitive(put, lambda argnums, y, args, kwargs: lambda slope: (take(slope, args[1]),), package)
    take = primitive(
        lambda x, key: x[key],
        lambda argnums, y, args, kwargs: lambda slope: (placed(slope, args[1], np.shape(args[0])),),
        package,
    )

    def item(self: Any, key: Any) -> Any:
        return take(self, key) if _is_basic(key) else original(self, mapped(bare, key))

    return item


def _is_basic(key: Any) -> bool:
    """Whether an index takes every entry once at most, as numbers and slices do."""
    parts = key if isinstance(key, tuple) else (key,)
    return all([type(part) in _BASIC for part in parts])


_BASIC = (int, slice, type(None), type(Ellipsis), np.int64, np.int32)
