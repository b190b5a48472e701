"""From what users pass as x to the arrays of a model's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, Shape, as_array, shape_text
from ..foundation.eager import EagerArray, mask_of
from ..foundation.late import Late, is_large, later
from ..foundation.symbolic import SymbolicTensor
from ..foundation.texts import TEXT, as_texts
from ..foundation.trees import holds_arrays, leaves, sorted_keys
from ..graph.plan import Plan
from ..layers.base import Layer


def given_arrays(
    plan: Plan, tree: Any, x: Any, name: str, any_size: bool = False, late: bool = False
) -> tuple[Array, ...]:
    """Return one array for each input of a plan, checked and in the dtype its layers take.

    Parameters
    ----------
    plan, tree : Plan; nested structure
        The steps, and the inputs in the form the model was given them.
    x : array_like
        An array, or a list, tuple or dict of arrays. A list of one is that one.
    name : str
        Of the model, for errors.
    any_size : bool
        Whether sizes may differ from those of the inputs where the layers allow it.
    late : bool
        Whether what is large may come as `Late`.
    """
    if plan.takes(x):  # a small model is asked in microseconds
        return (x,)
    parts = _parts(plan, tree, x, name)
    as_input = _as_input_later if late else _as_input
    arrays = tuple(as_input(plan, k, part, len(parts) > 1) for k, part in enumerate(parts))
    _check_shapes(plan, arrays, name, any_size)
    return arrays


def carried_masks(plan: Plan, tree: Any, x: Any, name: str) -> list[Array | None] | None:
    """Return the masks that arrays carry, one for each input; None if they carry none. See `given_arrays`."""
    if type(x) is np.ndarray or not any(isinstance(part, EagerArray) for part in leaves(x)):
        return None
    return [mask_of(part) for part in _parts(plan, tree, x, name)]


def _parts(plan: Plan, tree: Any, x: Any, name: str) -> list[Any]:
    inputs = plan.inputs
    return [_only(x, tree, inputs[0])] if len(inputs) == 1 else in_order(x, tree, inputs, name)


def _only(x: Any, tree: Any, tensor: SymbolicTensor) -> Any:
    """Return the array of the only input: it may come in a list, or in a dict under its name."""
    if isinstance(x, dict):
        (name,) = names_of(tree, [tensor])
        if list(x) not in ([name], [tensor.name]):
            checks.complain(ValueError, "x", f"have one input, {name!r}", _keys(x))
        return next(iter(x.values()))
    return x[0] if isinstance(x, list | tuple) and len(x) == 1 and _is_whole(x[0], tensor.shape) else x


def _is_whole(entry: Any, shape: Shape) -> bool:
    """Whether the entry of a list is all the data, and not a row of it; it may lack a last axis of one."""
    given = np.shape(entry) if hasattr(entry, "shape") else ()
    lacks = shape[-1] == 1 and len(given) == len(shape) - 1
    fits = all(size is None or size == got for size, got in zip(shape[1:-1], given[1:], strict=False))
    return len(given) >= len(shape) or (lacks and fits)


def in_order(x: Any, tree: Any, inputs: list[SymbolicTensor], name: str) -> list[Any]:
    """Return the parts of `x` in the order of the inputs."""
    names = names_of(tree, inputs)
    wanted = f"a list or dict of {len(names)} arrays, for the inputs {names} of {name}"
    if isinstance(x, dict):
        if missing := [one for one in names if one not in x]:
            checks.complain(ValueError, "x", f"be {wanted}", _keys(x), f"; add {missing[0]!r}")
        return [x[one] for one in names]
    if not isinstance(x, list | tuple):
        checks.refuse(ValueError, "x", wanted, x)
    nested = any(isinstance(part, list | tuple | dict) and holds_arrays(part) for part in x)
    parts = leaves(x) if nested else list(x)
    if len(parts) != len(inputs):
        checks.complain(ValueError, "x", f"be {wanted}", len(parts))
    return parts


def _keys(x: dict[Any, Any]) -> str:
    return f"a dict with the keys {sorted(map(str, x))}"


def names_of(tree: Any, tensors: list[SymbolicTensor]) -> list[str]:
    """Names by which inputs or outputs are told apart: keys of a dict, else those of the layers they come from."""
    if isinstance(tree, dict) and len(tree) == len(tensors):
        return sorted_keys(tree)
    return [tensor.name if tensor.node is None else tensor.node.layer.name for tensor in tensors]


def _as_input_later(plan: Plan, number: int, part: Any, many: bool) -> Any:
    """`_as_input`, but for a large array, which may be cast later."""
    if not is_large(part):
        return _as_input(plan, number, part, many)
    found = later(part, _as_input(plan, number, part[:1], many))
    if isinstance(found, Late):
        return Late(_with_rank(part, plan.inputs[number].shape), found.dtype)
    return _as_input(plan, number, part, many)


def _as_input(plan: Plan, number: int, part: Any, many: bool) -> Array:
    tensor, takers = plan.inputs[number], plan.takers(plan.given[number])
    name = f"x, input {tensor.name!r}" if many else "x"
    wanted = f"a float array of shape {shape_text((None, *tensor.shape[1:]))}"
    found: list[Array] = []
    for taker in takers:
        known = isinstance(taker, Layer)
        as_given = known and not (taker.composed and tensor.dtype.kind == "f")
        found.append(taker.as_input(part, name, wanted) if as_given else _as_tensor(part, name, tensor, wanted))
    if not found:
        found = [_as_tensor(part, name, tensor, wanted)]
    widest = max(found, key=lambda array: (array.dtype.kind == "f", array.dtype.itemsize))
    return _with_rank(widest, tensor.shape)


def _as_tensor(part: Any, name: str, tensor: SymbolicTensor, wanted: str) -> Array:
    return as_texts(part, name) if tensor.dtype == TEXT else as_array(part, name, tensor.dtype, wanted)


def _with_rank(x: Array, shape: Shape) -> Array:
    """`x` with a last axis of one more or less, where that is all that it differs in."""
    if x.ndim == len(shape) - 1 and shape[-1] == 1:
        return x[..., None]
    if x.ndim == len(shape) + 1 and x.shape[-1] == 1:
        return x[..., 0]
    return x


def _fits(shape: Shape, wanted: Shape) -> bool:
    return all(size is None or size == got for size, got in zip(wanted, shape, strict=True))


def _check_shapes(plan: Plan, arrays: tuple[Array, ...], name: str, any_size: bool) -> None:
    shapes = [array.shape for array in arrays]
    for tensor, shape in zip(plan.inputs, shapes, strict=True):
        of_input = "" if len(shapes) == 1 else f" {tensor.name!r}"
        wanted = (None, *tensor.shape[1:])
        if len(shape) != len(wanted) or not (any_size or _fits(shape, wanted)):
            cure = "" if len(shape) != len(wanted) else "; a size that may differ is None in Input()"
            checks.refuse_shape("x", f"{shape_text(wanted)}, the input{of_input} of {name}", shape, cure)
    if len({shape[0] for shape in shapes}) > 1:
        listed = ", ".join(f"{shape[0]} in {tensor.name}" for tensor, shape in zip(plan.inputs, shapes, strict=True))
        checks.complain(ValueError, "x", "have the same number of rows in all inputs", listed)
    try:
        plan.output_shapes(shapes)
    except ValueError as error:
        given = ", ".join(shape_text(shape) for shape in shapes)
        shown = ", ".join(shape_text((None, *tensor.shape[1:])) for tensor in plan.inputs)
        checks.complain(ValueError, "x", f"have shape {shown}, the input of {name}", f"{given}: {error}", cause=error)
