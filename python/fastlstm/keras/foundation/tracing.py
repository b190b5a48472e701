"""Gradients of functions that users write, by the autograd package.

While a user's function runs in a *pass*, layers that it calls find the masks of their inputs by the arrays themselves.
If a gradient is wanted, arrays are boxes of autograd that remember where they come from; a layer called on a box is one
step there, with the layer's own derivative, and so are its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from .arrays import Array
from .boxes import autograd, bare, is_box, primitive, value_of
from .passes import Pass, within
from .trees import filled, leaves, mapped
from .variable import current_values


class Traced(NamedTuple):
    """What a function gave, and the way back."""

    y: Any
    """An array, or a tree of them."""
    pullback: Callable[..., tuple[list[Any], list[Array]]]
    """``pullback(dy, dpenalty=0.0)`` gives the gradients of the inputs, None for one without, and of the variables."""
    penalty: float


def differentiated(
    function: Callable[[list[Any]], Any],
    inputs: Sequence[Array],
    variables: Sequence[Any] = (),
    passing: Pass | None = None,
    masks: Any = None,
    need: bool = True,
) -> Traced:
    """Run a function and find its pullback.

    Parameters
    ----------
    function : callable
        Takes a list of arrays, or boxes of such, and gives one or a tree of them.
    inputs : sequence of ndarray
        The arrays; those that are not of floats get no gradient.
    variables : sequence
        What it may use beside; their gradients come too.
    passing : Pass, optional
        The pass it runs in.
    masks : array_like, optional
        Masks of the inputs.
    need : bool
        Whether gradients of the inputs are wanted.
    """
    floats = [k for k, x in enumerate(inputs) if need and x.dtype.kind == "f"]
    tape = _Tape([*(inputs[k] for k in floats), *current_values(variables)])
    passing = passing or Pass()
    found: list[Any] = []

    def run(start: Any) -> Any:
        boxes = [_tools().source(start, tape, k) for k in range(len(tape.values))]
        given: list[Any] = list(inputs)
        for box, k in zip(boxes, floats, strict=False):
            given[k] = box
        passing.boxes = {id(v): box for v, box in zip(variables, boxes[len(floats) :], strict=True)}
        passing.keep_masks(given, masks)
        with within(passing):
            found.append(mapped(value_of, function(given)))
            found.append(sum(passing.penalties))
        return _tools().end(start, found[1], *leaves(found[0]))

    with np.errstate(all="ignore"):
        back, _ = autograd().core.make_vjp(run, 0.0)
    y = mapped(_array_of, found[0])
    return Traced(y, _Back(tape, back, leaves(y), inputs, floats), float(bare(found[1])))


def _array_of(leaf: Any) -> Array:
    array = np.asarray(bare(leaf))
    if array.dtype == object:
        got, cure = "what np.array() made, which a gradient does not follow", "; use for instance ops.stack()"
        checks.complain(TypeError, "the result", "be made by functions of fastlstm.keras.ops", got, cure)
    return array


class _Tape:
    """Arrays whose gradients are wanted, and in the end these."""

    def __init__(self, values: list[Array]) -> None:
        self.values = values
        self.gradients: list[Any] = [None] * len(values)


class _Back:
    """The pullback of a function that was run.

    Parameters
    ----------
    tape : Tape
        Inputs of floats, and variables.
    back : callable
        Takes the gradients of penalty and outputs, and leaves on the tape what it finds.
    outputs : list of ndarray
        What the function gave.
    inputs, floats : sequence of ndarray; list of int
        What it was given, and which of it is of floats.
    """

    def __init__(
        self, tape: _Tape, back: Callable[[Any], Any], outputs: list[Array], inputs: Sequence[Array], floats: list[int]
    ) -> None:
        self.tape, self.back, self.outputs, self.inputs, self.floats = tape, back, outputs, inputs, floats

    def __call__(self, dy: Any, dpenalty: float = 0.0) -> tuple[list[Any], list[Array]]:
        slopes = [
            np.zeros_like(y) if d is None else np.asarray(d, y.dtype)
            for d, y in zip(leaves(dy), self.outputs, strict=True)
        ]
        tape = self.tape
        tape.gradients = [None] * len(tape.values)
        with np.errstate(all="ignore"):
            self.back([dpenalty, *slopes])
        gradients = [
            np.zeros_like(value) if g is None else np.asarray(g, value.dtype)
            for g, value in zip(tape.gradients, tape.values, strict=True)
        ]
        dx: list[Any] = [None] * len(self.inputs)
        for k, gradient in zip(self.floats, gradients, strict=False):
            dx[k] = gradient
        return dx, gradients[len(self.floats) :]


class _Step:
    """Something with a derivative of its own, run as one step.

    Parameters
    ----------
    vjp : callable
        Takes arrays; gives what comes out, a pullback to the gradients of the inputs and of the variables, and a
        penalty.
    """

    def __init__(self, vjp: Callable[[list[Any]], tuple[Any, Any, float]]) -> None:
        self.vjp = vjp

    def run(self, inputs: list[Any]) -> None:
        with within(None):
            self.y, self.pullback, self.penalty = self.vjp(inputs)
        self.parts = [*leaves(self.y), self.penalty]
        self.slopes: list[Any] = [None] * len(self.parts)

    def back(self) -> list[Any]:
        dy = filled(self.y, iter(self.slopes[:-1]))
        self.slopes = [None] * len(self.parts)
        with within(None):
            dx, gradients = self.pullback(dy)
        return [*dx, *gradients]


def as_one_step(
    vjp: Callable[[list[Any]], tuple[Any, Any, float]], inputs: list[Any], weights: list[Any]
) -> tuple[Any, Any]:
    """Run something with a derivative of its own as one step of the pass of this thread.

    Parameters
    ----------
    vjp : callable
        See `_Step`.
    inputs, weights : list
        Arrays or boxes.

    Returns
    -------
    y, penalty
        Boxes, if there is one among what was given.
    """
    tools, step = _tools(), _Step(vjp)
    done = tools.step(step, len(inputs), *inputs, *weights)
    if not is_box(done):
        return step.y, step.penalty
    *parts, penalty = (tools.part(done, step, k) if _is_float(part) else part for k, part in enumerate(step.parts))
    return filled(step.y, iter(parts)), penalty


def _is_float(part: Any) -> bool:
    return isinstance(part, float) or part.dtype.kind == "f"


class _Tools(NamedTuple):
    """Primitives that bring arrays, steps and ends into a trace.

    Numbers lead from each to the next, so that autograd walks them in the right order; what counts goes beside.
    """

    source: Callable[..., Any]
    step: Callable[..., Any]
    part: Callable[..., Any]
    end: Callable[..., Any]


@lru_cache(maxsize=1)
def _tools() -> _Tools:
    return _Tools(
        primitive(lambda start, tape, k: tape.values[k], _keep_gradient),
        primitive(_do_step, _step_back),
        primitive(lambda done, step, k: step.parts[k], _keep_slope),
        primitive(lambda start, *parts: 0.0, _begin_back),
    )


def _keep_gradient(argnums: Any, y: Any, args: Any, kwargs: Any) -> Any:
    _, tape, k = args

    def keep(slope: Any) -> tuple[float]:
        tape.gradients[k] = slope
        return (0.0,)

    return keep


def _keep_slope(argnums: Any, y: Any, args: Any, kwargs: Any) -> Any:
    _, step, k = args

    def keep(slope: Any) -> tuple[float]:
        step.slopes[k] = np.asarray(slope, getattr(y, "dtype", None))
        return (0.0,)

    return keep


def _do_step(step: _Step, count: int, *values: Any) -> float:
    step.run(list(values[:count]))
    return 0.0


def _step_back(argnums: Sequence[int], y: Any, args: Any, kwargs: Any) -> Any:
    step, _, *values = args

    def back(_: float) -> list[Any]:
        every = step.back()
        return [np.zeros_like(values[k - 2]) if every[k - 2] is None else every[k - 2] for k in argnums]

    return back


def _begin_back(argnums: Sequence[int], y: Any, args: Any, kwargs: Any) -> Any:
    return lambda slopes: [slopes[k - 1] if k else 0.0 for k in argnums]


def gradient_of(function: Callable[[Any], Any], x: Array, dy: Array | None = None) -> Array:
    """Return the gradient of the array `x`, from that of what a function gives; None: of the sum of it."""
    y, pullback, _ = differentiated(lambda given: function(given[0]), [x])
    result: Array = pullback(np.ones_like(y) if dy is None else dy)[0][0]
    return result


def with_backward(forward: Callable[[Array], Array], backward: Callable[[Array, Array, Array], Array], x: Any) -> Any:
    """Return ``forward(x)`` of a box; ``backward(dy, x, y)`` is the gradient of `x`."""
    return _backward_known()(x, forward, backward)


@lru_cache(maxsize=1)
def _backward_known() -> Callable[..., Any]:
    return primitive(
        lambda x, forward, backward: forward(x),
        lambda argnums, y, args, kwargs: lambda dy: (args[2](np.asarray(dy, y.dtype), args[0], y),),
    )
