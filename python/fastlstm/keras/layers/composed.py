"""Layers whose ``call`` a user wrote: of functions of arrays, of weights, and of other layers."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..foundation.arrays import Array
from ..foundation.symbolic import Arguments
from ..foundation.tracing import Pass, as_one_step, bare, differentiated, is_box, within
from ..foundation.trees import leaves, mapped
from .call import Call, Pullback


def parts_of(layer: Any) -> Iterator[Any]:
    """Return the layers that are attributes of a layer, alone or in lists and dicts, in order of their making."""
    for name, value in vars(layer).items():
        if name not in ("inbound_nodes", "_inner"):
            # A layer; the class of layers is above this module.
            yield from (leaf for leaf in leaves(value) if hasattr(type(leaf), "ensure_built"))


def run(layer: Any, x: Any, call: Call) -> Any:
    """Return what the layer's ``call`` gives, in a pass of its own."""
    passing = Pass(None)
    passing.keep_masks(x, call.mask)
    with within(passing):
        y = _called(layer, x, call)
    _keep_mask(layer, passing, y)
    return mapped(_as_array, y)


def run_vjp(layer: Any, x: Any, call: Call) -> tuple[Any, Pullback]:
    """Return what the layer's ``call`` gives and its pullback, by autograd."""
    inputs = x if isinstance(x, list) else [x]
    variables = layer.trainable_variables
    masks = call.mask if isinstance(call.mask, list) else [call.mask]

    def function(given: list[Any]) -> Any:
        return _called(layer, given if isinstance(x, list) else given[0], call)

    y, back, passing = differentiated(function, inputs, variables, masks)
    _keep_mask(layer, passing, y)

    def pullback(dy: Any) -> tuple[Any, list[Array]]:
        dx, gradients = back(dy)
        return dx if isinstance(x, list) else dx[0], gradients

    return y, pullback


def _as_array(part: Any) -> Any:
    return part.value if hasattr(part, "assign") else part


def _called(layer: Any, x: Any, call: Call) -> Any:
    args, kwargs = ((x,), {}) if call.arguments is None else call.arguments.filled(x)
    known = _parameters(layer.call)
    if "training" in known and "training" not in kwargs:
        kwargs["training"] = call.training
    if "mask" in known and "mask" not in kwargs:
        kwargs["mask"] = call.mask
    return layer.call(*args, **kwargs)


def _parameters(function: Callable[..., Any]) -> Any:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # of something compiled
        return {}


def build_parts(layer: Any, arguments: Arguments) -> Any:
    """Run ``call`` once on zeros, so that layers inside have their weights; return shapes and dtypes of the outputs."""
    from ..ops.function import probed

    idle = [part for part in parts_of(layer) if getattr(part, "states", None) is None]
    shapes = [tensor.shape for tensor in arguments.tensors]
    shape: Any = shapes if len(shapes) > 1 else shapes[0]
    found = probed(lambda x, given: run(layer, x, Call(arguments=given)), shape, arguments)
    for part in idle:  # zeros are no data that states could come from
        if hasattr(part, "reset_state"):
            part.reset_state()
    return found


class _Masks(threading.local):
    last: tuple[int, Any] | None = None


_masks = _Masks()


def _keep_mask(layer: Any, passing: Pass, y: Any) -> None:
    masks = [passing.mask_of(part) for part in leaves(y)]
    _masks.last = id(layer), masks if len(masks) > 1 else masks[0]


def mask_of_last_output(layer: Any) -> Any:
    """Return the mask of what the layer gave last in this thread: that of a layer inside which made it."""
    return _masks.last[1] if _masks.last is not None and _masks.last[0] == id(layer) else None


def in_a_pass(layer: Any, passing: Pass, *args: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
    """Call a layer inside a function of a user's own: masks travel and, if it is asked for, a gradient."""
    arguments = Arguments(args, kwargs, _is_array)
    inputs = [part if is_box(part) else layer.as_input(part, f"{layer.name}: x") for part in arguments.tensors]
    masks = [passing.mask_of(part) for part in arguments.tensors]
    if mask is not None:
        masks[0] = np.asarray(bare(mask), np.bool_)
    shapes: list[Any] = [(None, *part.shape[1:]) for part in inputs]
    layer.ensure_built(shapes if layer.merges and len(shapes) > 1 else shapes[0])
    call = Call(bool(training), _one_or_list(masks) if any(m is not None for m in masks) else None, arguments=arguments)
    if passing.boxes is None:
        with within(None):
            y = layer.forward(_one_or_list(inputs), call)
    else:
        y = as_one_step(partial(_vjp_of_list, layer, call), inputs, layer.trainable_variables)
    passing.keep_masks(y, layer.compute_mask(_one_or_list([bare(part) for part in inputs]), call.mask))
    return y


def _vjp_of_list(layer: Any, call: Call, values: list[Array]) -> tuple[Any, Any]:
    y, pullback = layer.vjp(_one_or_list(values), call)

    def of_list(dy: Any) -> tuple[list[Any], list[Array]]:
        dx, gradients = pullback(dy)
        return dx if isinstance(dx, list) else [dx], gradients

    return y, of_list


def _one_or_list(parts: list[Any]) -> Any:
    return parts if len(parts) > 1 else parts[0]


def _is_array(leaf: Any) -> bool:
    return isinstance(bare(leaf), np.ndarray)
