"""Elements out of what users give and what their functions give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.eager import EagerArray
from ..foundation.tensors import tensor
from .specs import TensorSpec
from .structures import called, nested


def element_of(value: Any, name: str) -> Any:
    """`value` as an element: a list stands for a tuple, lists within it are tensors."""
    return nested(lambda leaf: _leaf(leaf, name), tuple(value) if isinstance(value, list) else value)


def _leaf(value: Any, name: str) -> Any:
    return value if value is None or hasattr(value, "element_spec") else tensor(value, name)


def function_of_elements(name: str, function: Any) -> Callable[[Any], Any]:
    """Return a function of a user as one that takes and gives elements."""
    checks.function(name, function)
    return lambda element: element_of(called(function, element), f"what {name} gives")


def truth_of(predicate: Callable[..., Any], element: Any) -> bool:
    """Return what a function of a user says of an element."""
    found = tensor(called(predicate, element), "what predicate gives")
    if found.dtype != np.bool_ or found.ndim:
        got = f"dtype {found.dtype}, shape {found.shape}"
        checks.complain(TypeError, "what predicate gives", "be True or False", got)
    return bool(found)


def number(value: int, dtype: Any = np.int64) -> EagerArray:
    """Return a whole number as a tensor."""
    return np.array(value, dtype).view(EagerArray)


def frozen(array: Array) -> EagerArray:
    """Return a view of an array that cannot be written to."""
    view = array.view(EagerArray)
    view.flags.writeable = False
    return view


def signature_of(types: Any, shapes: Any) -> Any:
    """Return specs of dtypes and, if they are given, shapes."""
    if shapes is None:
        return nested(lambda dtype: TensorSpec(None, dtype), types)
    return nested(lambda dtype, shape: TensorSpec(shape, dtype), types, shapes, name="output_shapes")


def generated(generator: Callable[..., Iterable[Any]], args: list[Any], signature: Any) -> Iterator[Any]:
    """Give what a function of a user yields as elements with these specs."""
    what = "what generator gives"
    for value in generator(*args):
        yield nested(lambda spec, part: spec.taken(part, what).view(EagerArray), signature, value, name=what)
