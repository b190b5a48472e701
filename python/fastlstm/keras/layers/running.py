"""Runs of a layer's ``call`` that a user wrote: forward, back, and on zeros to see what comes out."""

from __future__ import annotations

import inspect
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.boxes import bare, value_of
from ..foundation.passes import Pass, is_trying, trying, within
from ..foundation.symbolic import Arguments, Hole
from ..foundation.tracing import differentiated
from ..foundation.trees import leaves, mapped, one_or_list
from ..foundation.variable import CHANGE, Variable
from ..ops.function import probed
from .call import Call, Pullback
from .expected_masks import expected_masks
from .input_spec import check_spec


def run(layer: Any, x: Any, call: Call) -> tuple[Any, float]:
    """Return what the layer's ``call`` gives, in a pass of its own, and the penalties that arose."""
    passing = Pass(call.training)
    passing.keep_masks(x, call.mask)
    with np.errstate(all="ignore"), within(passing):
        y = mapped(partial(_as_array, layer), _called(layer, x, call, passing))
    passing.finish()
    return y, float(sum(passing.penalties))


def run_vjp(layer: Any, x: Any, call: Call, penalized: bool = False) -> tuple[Any, Pullback, float]:
    """Return what the layer's ``call`` gives, its pullback by autograd, and the penalties.

    Parameters
    ----------
    layer, x, call : Layer; array_like; Call
        See `Layer.vjp`.
    penalized : bool
        Whether the pullback adds the gradients of the penalties.
    """
    single = not isinstance(x, list)
    passing = Pass(call.training)
    masks = call.mask if isinstance(call.mask, list) else [call.mask]

    def function(given: list[Any]) -> Any:
        return _called(layer, given[0] if single else given, call, passing)

    inputs = [x] if single else x
    y, back, penalty = differentiated(function, inputs, layer.differentiated, passing, masks, call.need_dx)
    passing.finish()

    def pullback(dy: Any) -> tuple[Any, list[Array]]:
        dx, gradients = back(dy, 1.0 if penalized else 0.0)
        return dx[0] if single else dx, gradients

    return y, pullback, penalty


def _as_array(layer: Any, part: Any) -> Any:
    array = np.asarray(value_of(part))
    if array.dtype.kind in "USO":
        checks.complain(TypeError, f"{layer.name}: call()", "give arrays of numbers", checks.shown(part))
    return array


def _called(layer: Any, x: Any, call: Call, passing: Pass) -> Any:
    given_args, kwargs = ((x,), {}) if call.arguments is None else call.arguments.filled(x)
    args, names = list(given_args), parameters(layer.call)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if "training" in names and given.get("training") is None:
        _put("training", passing.training, names, args, kwargs)
    tensors = {name: value for name, value in given.items() if any(map(is_array, leaves(value))) and name != "mask"}
    first = next(iter(tensors.values()), None)
    if layer.input_spec is not None and not is_trying():  # open sizes are made up where it is only tried
        check_spec(layer.input_spec, first, layer.name)
    if given.get("mask") is not None:
        passing.keep_masks(first, given["mask"])
    for name, tensor in tensors.items():
        mask_name = "mask" if len(tensors) == 1 else f"{name}_mask"
        if mask_name in names and given.get(mask_name) is None:
            _put(mask_name, mapped(passing.mask_of, tensor), names, args, kwargs)
    y = layer.call(*args, **kwargs)
    _keep_mask(layer, x, y, passing, first)
    return y


def _put(name: str, value: Any, names: tuple[str, ...], args: list[Any], kwargs: dict[str, Any]) -> None:
    """Give an argument a value where it stands: None may have been given without its name."""
    if names.index(name) < len(args):
        args[names.index(name)] = value
    else:
        kwargs[name] = value


def parameters(method: Any) -> tuple[str, ...]:
    """Return the names of what a function or method takes, without ``self``."""
    function = getattr(method, "__func__", method)
    return _parameters(function)[function is not method :]


@lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # of something compiled
        return ()


def takes_one(method: Any) -> bool:
    """Whether a function or method can be called with one argument."""
    try:
        inspect.signature(method).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def is_array(leaf: Any) -> bool:
    """Whether a leaf is an array, or a box of one."""
    return isinstance(bare(leaf), np.ndarray)


# --- Masks of the outputs ---------------------------------------------------------------------------------------------


class _Last(threading.local):
    """Which layer with a ``call`` ran last in this thread, on what, and the mask of what it gave."""

    layer: Any = None
    x: Any = None
    mask: Any = None


_last = _Last()


def _keep_mask(layer: Any, x: Any, y: Any, passing: Pass, first: Any) -> None:
    """Keep the masks of what a layer gave: of the layers inside, or with `supports_masking` that of its input."""
    masks = [passing.mask_of(part) for part in leaves(y)]
    if layer.supports_masking and all(mask is None for mask in masks):
        of_input = [passing.mask_of(part) for part in leaves(first)]
        masks = (of_input + [None] * len(masks))[: len(masks)]
    _last.layer, _last.x = weakref.ref(layer), weakref.ref(bare(leaves(x)[0]))
    _last.mask = one_or_list(masks)


def mask_of_output(layer: Any, x: Any, mask: Any) -> Any:
    """Return the mask of what a layer gave for `x`, on which it has just run; else what follows from `mask` alone."""
    if _last.layer is not None and _last.layer() is layer and _last.x() is bare(leaves(x)[0]):
        return _last.mask
    return mask if layer.supports_masking else None


# --- Building and trying ----------------------------------------------------------------------------------------------


def build_for(layer: Any, arguments: Arguments, shapes: list[Any]) -> None:
    """Build a layer for a call with tensors of these `shapes`: its ``build`` gets those that it names, or the first."""
    if layer.built:
        return
    names = parameters(layer.call)
    holes = {**dict(zip(names, arguments.args, strict=False)), **arguments.kwargs}
    of_tensors = {
        f"{name}_shape": mapped(lambda leaf: shapes[leaf.number] if isinstance(leaf, Hole) else None, part)
        for name, part in holes.items()
        if name != "mask" and any(isinstance(leaf, Hole) for leaf in leaves(part))
    }
    wanted = parameters(layer.build)
    if len(wanted) < 2 or not all(name in of_tensors for name in wanted):
        layer.ensure_built(next(iter(of_tensors.values())))
        return
    with CHANGE:  # several threads may bring the first data
        if not layer.built:
            layer.build(**{name: of_tensors[name] for name in wanted})
            layer.built = True


def tried(layer: Any, arguments: Arguments, shape: Any) -> tuple[Any, Any]:
    """Run ``call`` on zeros, so that layers inside have their weights; return shapes and dtypes of the outputs."""
    idle = [part for part in all_parts(layer) if getattr(part, "states", 0) is None]

    takes_masks = any(name == "mask" or name.endswith("_mask") for name in parameters(layer.call))

    def on_zeros(x: Any, given: Arguments) -> Any:
        masks = expected_masks(given.tensors, leaves(x)) if takes_masks else None
        y, _ = run(layer, x, Call(mask=masks, arguments=given))
        for part in idle:  # zeros are no data that states could come from
            part.reset_state()
        return y

    with trying():
        return probed(on_zeros, shape, arguments)


def parts_of(layer: Any) -> Iterator[Any]:
    """Return the layers that are attributes of a layer, alone or in lists and dicts, in order of their making."""
    # The class of layers is above this module.
    return (leaf for leaf in _attributes(layer) if hasattr(type(leaf), "ensure_built"))


def variables_of(layer: Any) -> Iterator[Variable]:
    """Return the variables that are attributes of a layer, alone or in lists and dicts: those of `add_weight` first."""
    return (leaf for leaf in _attributes(layer) if isinstance(leaf, Variable))


def _attributes(layer: Any) -> Iterator[Any]:
    for name, value in vars(layer).items():
        if name not in ("inbound_nodes", "_inner", "_frozen"):
            yield from leaves(value)


def all_parts(layer: Any) -> Iterator[Any]:
    """Return the layers inside a layer, to any depth."""
    for part in parts_of(layer):
        yield part
        yield from all_parts(part)
