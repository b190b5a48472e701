"""Gradients of functions that users write, by the autograd package, and the calls of layers inside them.

While a user's function runs in a *pass*, layers that it calls find the masks of their inputs by the arrays themselves.
If a gradient is wanted, arrays are boxes of autograd that remember where they come from; a layer called on a box is one
step there, with the layer's own derivative, and so are its weights.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .arrays import Array
from .trees import filled, leaves, mapped


class Pass:
    """One run of a user's function.

    Parameters
    ----------
    boxes
        Boxes of the variables by their ids, if a gradient is wanted; else None.
    """

    def __init__(self, boxes: dict[int, Any] | None) -> None:
        self.boxes = boxes
        self._masks: dict[int, tuple[Any, Any]] = {}

    def mask_of(self, x: Any) -> Any:
        """Return the mask of an array that a layer in this pass gave, or that came in."""
        return self._masks.get(id(x), (None, None))[1]

    def keep_masks(self, outputs: Any, masks: Any) -> None:
        """Remember the masks of arrays; the arrays are kept, so that no other has their ids."""
        if masks is not None:
            for part, mask in zip(leaves(outputs), leaves(masks), strict=False):
                if mask is not None:
                    self._masks[id(part)] = part, mask


class _Current(threading.local):
    passing: Pass | None = None


_current = _Current()


def current() -> Pass | None:
    """Return the pass that this thread is in, None if it is in none."""
    return _current.passing


@contextmanager
def within(passing: Pass | None) -> Iterator[Pass | None]:
    """For the time of a block, this thread is in a pass, or in none."""
    outer, _current.passing = _current.passing, passing
    try:
        yield passing
    finally:
        _current.passing = outer


def boxed_value(variable: Any, value: Array) -> Any:
    """Return the box of a variable in the pass of this thread, or its value."""
    passing = _current.passing
    if passing is None or passing.boxes is None:
        return value
    return passing.boxes.get(id(variable), value)


def is_box(x: Any) -> bool:
    """Whether `x` is an array whose gradient is asked for."""
    tracer = sys.modules.get("autograd.tracer")
    return tracer is not None and isinstance(x, tracer.Box)


def bare(x: Any) -> Any:
    """Return the array in a box, or `x` itself if it is none."""
    while is_box(x):
        x = x._value
    return x


class _Autograd(NamedTuple):
    """What is used of the package."""

    make_vjp: Any
    primitive: Any
    defvjp_argnums: Any
    pack: Any


def _autograd() -> _Autograd:
    try:
        import autograd.builtins
        import autograd.numpy
        from autograd.core import make_vjp
        from autograd.extend import defvjp_argnums, primitive
    except ImportError as error:
        raise ImportError(
            "the gradient of a function of your own needs autograd: pip install 'fastlstm[autograd]'; "
            "or give a derivative of your own, such as vjp(x, call) of a layer"
        ) from error
    _teach_operators(autograd.numpy.numpy_boxes.ArrayBox)
    return _Autograd(make_vjp, primitive, defvjp_argnums, autograd.builtins.tuple)


def _teach_operators(box: Any) -> None:
    """Let operators of boxes leave what they do not know, a variable, to its own operators."""
    if getattr(box, "leaves_variables", False):
        return
    box.leaves_variables = True
    for name in ("add", "sub", "mul", "truediv", "mod", "pow", "matmul", "lt", "le", "gt", "ge"):
        original = getattr(box, f"__{name}__", None)
        if original is not None:
            setattr(box, f"__{name}__", _leaving_variables(original))


def _leaving_variables(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if hasattr(other, "assign") else original(self, other)

    return operator


def differentiated(
    function: Callable[[list[Any]], Any], inputs: Sequence[Array], variables: Sequence[Any], masks: Any = None
) -> tuple[Any, Callable[[Any], tuple[list[Any], list[Array]]], Pass]:
    """Return what a function gives, its pullback, and the pass it ran in.

    Parameters
    ----------
    function
        Takes a list of arrays, or boxes of such, and gives one or a tree of them.
    inputs
        The arrays; those that are not of floats get no gradient.
    variables
        What it may use beside; their gradients come too.
    masks
        Masks of the inputs.
    """
    tools = _autograd()
    floats = [k for k, x in enumerate(inputs) if x.dtype.kind == "f"]
    values = [variable._value for variable in variables]
    found: dict[str, Any] = {}
    passing = Pass({})

    def run(packed: Any) -> Any:
        given: list[Any] = list(inputs)
        for place, k in enumerate(floats):
            given[k] = packed[place]
        passing.boxes = {id(v): packed[len(floats) + n] for n, v in enumerate(variables)}
        passing.keep_masks(given, masks)
        with within(passing):
            y = function(given)
        found["tree"] = y
        return tools.pack(tuple(leaves(y)))

    vjp, _ = tools.make_vjp(run, (*(inputs[k] for k in floats), *values))
    tree = mapped(lambda leaf: np.asarray(bare(leaf)), found["tree"])
    outputs = leaves(tree)

    def pullback(dy: Any) -> tuple[list[Any], list[Array]]:
        slopes = [
            np.zeros_like(y) if d is None else np.asarray(d, y.dtype) for d, y in zip(leaves(dy), outputs, strict=True)
        ]
        gradients = [np.asarray(g) for g in vjp(tuple(slopes))]
        dx: list[Any] = [None] * len(inputs)
        for k, gradient in zip(floats, gradients, strict=False):
            dx[k] = gradient.astype(inputs[k].dtype, copy=False)
        parts = gradients[len(floats) :]
        return dx, [g.astype(v.dtype, copy=False) for g, v in zip(parts, values, strict=True)]

    return tree, pullback, passing


def gradient_of(function: Callable[[Any], Any], x: Array, dy: Array | None = None) -> Array:
    """Return the gradient of the array `x`, from that of what a function gives; None: of the sum of it."""
    y, pullback, _ = differentiated(lambda given: function(given[0]), [x], [])
    result: Array = pullback(np.ones_like(y) if dy is None else dy)[0][0]
    return result


def as_one_step(
    vjp: Callable[[list[Any]], tuple[Any, Callable[[Any], tuple[list[Any], list[Array]]]]],
    inputs: list[Any],
    variables: Sequence[Any],
) -> Any:
    """Run something with a derivative of its own as one step of the pass of this thread.

    Parameters
    ----------
    vjp
        Takes arrays; gives what comes out, and a pullback to the gradients of the inputs and of the variables.
    inputs
        Arrays or boxes.
    variables
        The weights that are trained.
    """
    tools, found = _autograd(), dict[str, Any]()
    weights = [boxed_value(variable, variable._value) for variable in variables]

    def compute(*values: Any) -> Any:
        with within(None):
            tree, found["pullback"] = vjp(list(values[: len(inputs)]))
        found["tree"] = tree
        return tuple(leaves(tree))

    def maker(argnums: Sequence[int], ans: Any, args: Any, kwargs: Any) -> Any:
        def back(slopes: Any) -> Any:
            with within(None):
                dx, gradients = found["pullback"](filled(found["tree"], iter(slopes)))
            every = [*dx, *gradients]
            return tuple(np.zeros_like(bare(args[k])) if every[k] is None else every[k] for k in argnums)

        return back

    step = tools.primitive(compute)
    tools.defvjp_argnums(step, maker)
    packed = step(*inputs, *weights)
    return filled(found["tree"], iter([packed[k] for k in range(len(leaves(found["tree"])))]))
