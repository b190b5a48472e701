"""Calls of layers inside functions that users write: masks travel, and a gradient if one is asked for."""

from __future__ import annotations

from functools import partial
from types import MethodType
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.boxes import bare, is_box, value_of
from ..foundation.passes import Pass, current, within
from ..foundation.symbolic import Arguments
from ..foundation.tracing import as_one_step
from ..foundation.trees import mapped, one_or_list
from .call import Call
from .running import all_parts, build_for, is_array, tried


def called(layer: Any, passing: Pass, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a layer in a pass.

    Parameters
    ----------
    layer : Layer
        Built if it is not.
    passing : Pass
        The pass, whose gradient is that of the arrays in boxes.
    args, kwargs : tuple
        What it is called with, ``training`` and ``mask`` too.
    """
    args, kwargs = mapped(value_of, [args, kwargs])
    training = kwargs.pop("training", None)
    mask = None if layer.composed or layer.by_name else kwargs.pop("mask", None)
    arguments = Arguments(args, kwargs, is_array)
    if not args and not arguments.tensors:
        checks.complain(TypeError, f"{layer.name}: the arguments of a call", "have what it is called on", "none")
    if not arguments.tensors:
        arguments = Arguments((np.asarray(args[0]), *args[1:]), kwargs, is_array)
    inputs = [taken(layer, part) for part in arguments.tensors]
    masks = [passing.mask_of(part) for part in arguments.tensors]
    if mask is not None:
        masks[0] = np.asarray(bare(mask), np.bool_)
    with within(passing):
        _prepare(layer, arguments, inputs)
    _build_parts(layer, passing, arguments, inputs)
    of_inputs = one_or_list(masks) if any(m is not None for m in masks) else None
    need_dx = any(map(is_box, inputs))
    told = of_inputs if mask is not None or layer.sees_mask_of(one_or_list(inputs)) else None
    call = Call(passing.training if training is None else bool(training), told, need_dx, arguments=arguments)
    y = _computed(layer, passing, inputs, call)
    of_output = layer.compute_mask(one_or_list([bare(part) for part in inputs]), of_inputs)
    if of_inputs is not None:
        layer.watch_mask(of_inputs, of_output)
    passing.keep_masks(y, of_output)
    return y


def taken(layer: Any, part: Any, name: str = "x") -> Any:
    """Return an array as the layer takes it; in a box if it came in one and its entries count as numbers."""
    array = layer.as_input(bare(part), f"{layer.name}: {name}")
    if not is_box(part) or array.dtype.kind != "f":
        return array
    return part if part.dtype == array.dtype else part.astype(array.dtype)


def _prepare(layer: Any, arguments: Arguments, inputs: list[Any]) -> None:
    """Check the shapes and build the layer, as a call on arrays does."""
    shapes: list[Any] = [(None, *part.shape[1:]) for part in inputs]
    if layer.composed:
        build_for(layer, arguments, shapes)
        return
    if not layer.merges and not layer.by_name:
        layer.check_input_shape(inputs[0].shape, "x")
    layer.get_ready(arguments, one_or_list(shapes))


def _build_parts(layer: Any, passing: Pass, arguments: Arguments, inputs: list[Any]) -> None:
    """Build the layers inside, where a gradient needs to know all weights before the run that would build them."""
    if layer.composed and passing.boxes is not None and not all(part.built for part in all_parts(layer)):
        tried(layer, arguments, [part.shape for part in inputs])


def _computed(layer: Any, passing: Pass, inputs: list[Any], call: Call) -> Any:
    weights = [variable.value for variable in layer.differentiated]
    if not any(map(is_box, (*inputs, *weights))):
        with within(None):
            y, penalty = layer.penalized_forward(one_or_list(inputs), call)
    else:
        y, penalty = as_one_step(partial(_vjp_of_list, layer, call), inputs, weights)
    if layer.penalizes_output:
        passing.penalties.append(penalty)
    return y


def _vjp_of_list(layer: Any, call: Call, values: list[Array]) -> tuple[Any, Any, float]:
    y, pullback, penalty = layer.penalized_vjp(one_or_list(values), call)

    def of_list(dy: Any) -> tuple[list[Any], list[Array]]:
        dx, gradients = pullback(dy)
        return dx if isinstance(dx, list) else [dx], gradients

    return y, of_list, penalty


# --- What a built-in layer computes, for a ``call`` that goes on from it ----------------------------------------------


def called_as_built_in(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do what the layer's class does, or the nearest one above it whose ``call`` no user wrote."""
    base = next(cls for cls in type(layer).__mro__ if not cls.composed)  # type: ignore[attr-defined]
    return called(_BuiltIn(layer, base), current() or Pass(), args, kwargs)


class _BuiltIn:
    """A layer as one of its base classes has it; the penalty on its output is left to the layer itself."""

    composed = penalizes_output = False

    def __init__(self, layer: Any, base: type) -> None:
        self.layer, self.base = layer, base

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.base, name, None)
        if isinstance(found, property):
            return found.fget(self.layer)  # type: ignore[misc]
        return MethodType(found, self.layer) if callable(found) else getattr(self.layer, name)

    def penalized_forward(self, x: Any, call: Call) -> tuple[Any, float]:
        """See `Layer.penalized_forward`."""
        return self.forward(x, call), 0.0

    def penalized_vjp(self, x: Any, call: Call) -> tuple[Any, Any, float]:
        """See `Layer.penalized_vjp`."""
        return *self.vjp(x, call), 0.0
