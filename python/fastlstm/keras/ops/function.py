"""Functions of arrays that also take symbolic tensors, variables and autograd's boxes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from functools import partial, wraps
from itertools import product
from typing import Any, NamedTuple, overload

import numpy
import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, Shape, shape_text
from ..foundation.boxes import autograd, bare, is_box, value_of
from ..foundation.eager import EagerArray, as_tensors
from ..foundation.lookup import auto_name, checked_name
from ..foundation.operation import Operation
from ..foundation.passes import noted_sizes
from ..foundation.published import publish_as
from ..foundation.serialization import restored
from ..foundation.settings import floatx
from ..foundation.symbolic import Arguments, Node, SymbolicTensor, any_symbolic
from ..foundation.tracing import differentiated, with_backward
from ..foundation.trees import filled, leaves, mapped, one_or_list
from ..foundation.undrawn import within_reason
from ..foundation.variable import Variable
from .configs import WRITTEN, Call, checked_settings, class_names, joined, parted, place_of_function

PROBES = ((6, 11), (150, 301))
"""Two sizes for an open axis: what depends on it differs between them. See `_closings`.

The second pair is for what needs many steps.
"""


class FunctionOperation(Operation):
    """A function of arrays as a node of a graph.

    Parameters
    ----------
    function : callable
        Takes what the call was given, with arrays for the symbolic tensors.
    name : str, optional
        By default that of the class Keras has for it, numbered.
    kind : str
        Name of this class.
    """

    def __init__(self, function: Callable[..., Any], kind: str, name: str | None = None) -> None:
        super().__init__()
        self.function, self.kind = function, kind
        self.name = name or auto_name(kind)
        self._settings: dict[str, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Note a call on symbolic tensors, with the settings that a config gave; on arrays compute."""
        args, kwargs = joined(self.function, args, kwargs, self._settings)
        return self.note(Arguments(args, kwargs)) if any_symbolic(args, kwargs) else self.function(*args, **kwargs)

    @property
    def keras_class_name(self) -> str:
        """See `Operation.keras_class_name`."""
        return class_names(self.kind)[0]

    @property
    def keras_place(self) -> tuple[str, str]:
        """See `Operation.keras_place`."""
        return place_of_function(self.function), self.keras_class_name

    def get_config(self) -> dict[str, Any]:
        """Return the settings, that is, what it was called with beside tensors and numbers to compute with."""
        found = self.parted(self.inbound_nodes[0]).settings if self.inbound_nodes else self._settings
        return {"name": self.name} | found | WRITTEN.get(self.function.__name__, {})

    def parted(self, node: Node) -> Call:
        """Return a call without the settings; its tensors stand where they were given."""
        return parted(self.function, *node.arguments.filled(node.inputs))

    def outputs_for(self, shape: Any, arguments: Arguments) -> tuple[Any, Any]:
        """Shape and dtype of the output, found by computing it for zeros."""
        return probed(self._run, shape, arguments)

    def output_shape_for(self, shape: Any, arguments: Arguments) -> Any:
        """Shape of the output."""
        return self.outputs_for(shape, arguments)[0]

    def _run(self, x: Any, arguments: Arguments) -> Any:
        args, kwargs = arguments.filled(x)
        return self.function(*args, **kwargs)

    def compute_mask(self, x: Any, mask: Any) -> None:
        """None: what a mask says need not be so of what a function makes of an array."""

    def forward(self, x: Any, call: Any) -> Any:
        """Compute the output; see `Layer.forward`."""
        return self._run(x, call.arguments)

    def vjp(self, x: Any, call: Any) -> tuple[Any, Any]:
        """See `Layer.vjp`; the derivative is autograd's."""
        inputs = x if isinstance(x, list) else [x]
        if not call.need_dx:
            return self.forward(x, call), lambda dy: ([None] * len(inputs) if isinstance(x, list) else None, [])
        y, back, _ = differentiated(lambda given: self._run(given, call.arguments), inputs)

        def pullback(dy: Any) -> tuple[Any, list[Array]]:
            dx = back(dy)[0]
            return dx if isinstance(x, list) else dx[0], []

        return y, pullback


class Known(NamedTuple):
    """What configs may name as the class of an operation."""

    function: Callable[..., Any]
    kind: str

    def from_config(self, config: dict[str, Any]) -> FunctionOperation:
        """Return an operation with the settings of a config, to be called on symbolic tensors."""
        given = dict(config)
        name = checked_name(given.pop("name", None), self.kind)
        made = FunctionOperation(self.function, self.kind, name or None)
        settings = {name: _tuples(restored(value, f"{made.name}: {name}")) for name, value in given.items()}
        made._settings = checked_settings(self.function, settings)
        return made


def _tuples(tree: Any) -> Any:
    """`tree` with tuples in place of lists: axes and shapes are such, of which JSON makes lists."""
    if isinstance(tree, dict):
        return {name: _tuples(entry) for name, entry in tree.items()}
    return tuple(map(_tuples, tree)) if isinstance(tree, list) else tree


def probed(run: Callable[[Any, Arguments], Any], shape: Any, arguments: Arguments) -> tuple[Any, Any]:
    """Return shape and dtype of what comes out, or lists or dicts of them, by running on zeros twice."""
    one, other = _tries(run, shape if isinstance(shape, list) else [shape], arguments)
    form, parts = _with_lists(one), leaves(one)
    open_shapes = [_opened(a.shape, b.shape) for a, b in zip(parts, leaves(other), strict=True)]
    return filled(form, iter(open_shapes)), filled(form, iter([part.dtype for part in parts]))


def _tries(run: Callable[[Any, Arguments], Any], shapes: list[Shape], arguments: Arguments) -> list[Any]:
    """Return what comes out for zeros, with both sizes for open axes."""
    failures = []
    for pair in _closings(shapes, arguments):
        try:
            return [_on_zeros(run, closed, arguments) for closed in pair]
        except (ValueError, IndexError) as error:
            failures.append(error)
    raise failures[0]


def _closings(shapes: list[Shape], arguments: Arguments) -> Iterator[list[list[tuple[int, ...]]]]:
    """Give pairs of sizes for open axes, the likeliest first.

    The number of an axis is added, to tell axes apart. Where steps of one tensor meet those of another on another axis,
    as in an attention, all axes after the first have to be as long. What is not open among the arguments, or is made by
    the function, may fit one size only, as a table with a row for every step does, or noise for a batch; then open axes
    have sizes that occur there: those after the first, the first, all.
    """
    for pair in PROBES if any(None in s[1:] for s in shapes) else PROBES[:1]:
        for last in (99, 1):
            yield [[_closed(s, size, last) for s in shapes] for size in pair]
    known = [leaf.shape for leaf in leaves([arguments.args, arguments.kwargs]) if isinstance(leaf, np.ndarray)]
    named = {n for found in (*known, noted_sizes()) for n in found if n > 1}
    for size, axes in product(sorted(named), ((1, 99), (0, 1), (0, 99))):
        closed = [tuple(size if n is None and k in range(*axes) else n for k, n in enumerate(s)) for s in shapes]
        yield [[_closed(s, other) for s in closed] for other in PROBES[0]]


def _on_zeros(run: Callable[[Any, Arguments], Any], shapes: list[tuple[int, ...]], arguments: Arguments) -> Any:
    within_reason(sum(map(math.prod, shapes)), "the input: its shape")
    zeros = [np.zeros(shape, tensor.dtype) for shape, tensor in zip(shapes, arguments.tensors, strict=True)]
    with np.errstate(all="ignore"):
        return mapped(np.asarray, run(one_or_list(zeros), arguments))


def _with_lists(tree: Any) -> Any:
    """Return a tree with lists for its tuples, which stand for shapes elsewhere."""
    if isinstance(tree, dict):
        return {key: _with_lists(entry) for key, entry in tree.items()}
    return [_with_lists(entry) for entry in tree] if isinstance(tree, list | tuple) else tree


def _closed(shape: Shape, size: int, last: int = 99) -> tuple[int, ...]:
    return tuple(size + min(axis, last) if n is None else n for axis, n in enumerate(shape))


def _opened(one: tuple[int, ...], other: tuple[int, ...]) -> Shape:
    if len(one) != len(other):
        must = "not depend on open sizes"
        checks.complain(ValueError, "the number of axes", must, f"shapes {one} and {other}")
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


@overload
def operation(function: Callable[..., Any]) -> Callable[..., Any]: ...
@overload
def operation(*, kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def operation(function: Any = None, *, kind: str = "") -> Any:
    """Make a function of arrays one of symbolic tensors, variables and boxes too.

    Parameters
    ----------
    function : callable or str
        ``function(np, ...)``: the first argument is NumPy, or autograd's NumPy while a gradient is taken. The others
        are what users give.
    kind : str
        What Keras calls the class of such a node; by default the name in capitals.
    """
    if function is None:
        return partial(_operation, kind=kind)
    return _operation(function, kind)


_PLAIN = frozenset(
    (np.ndarray, np.float32, np.float64, np.int32, np.int64, np.bool_, float, int, bool, str, type(None), slice)
)
"""Types of arguments that are what they look like."""


def _operation(function: Callable[..., Any], kind: str) -> Any:
    name = kind or "".join(part.capitalize() for part in function.__name__.split("_"))

    @wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        try:
            for value in (*args, *kwargs.values()):
                if type(value) not in _PLAIN and not _is_plain_list(value):
                    return _dispatched(op, function, name, args, kwargs)
            return _narrowed(function(np, *args, **kwargs), args, kwargs)
        except _OF_ARGUMENTS as error:
            if checks.is_worded(error):
                raise
            checks.refuse_call(error, f"{function.__name__}: ", _shown_arguments(args, kwargs))

    parameters = list(inspect.signature(function).parameters.values())[1:]
    op.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    for of_keras in class_names(name):
        publish_as(place_of_function(op), of_keras, Known(op, name))
    return op


_OF_ARGUMENTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What NumPy and Python raise for arguments that make no sense."""


def _shown_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    shown = [_shown_argument(value) for value in args]
    return ", ".join([*shown, *(f"{name}={_shown_argument(value)}" for name, value in kwargs.items())]) or "nothing"


def _shown_argument(value: Any) -> str:
    shape = getattr(bare(value), "shape", ())
    return f"shape {shape_text(shape)}" if shape else checks.shown(value)


def _is_plain_list(value: Any) -> bool:
    return type(value) in (tuple, list) and all([type(entry) in _PLAIN for entry in value])


def _dispatched(
    op: Callable[..., Any], function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do an operation on what may be anything: note it, or compute it with NumPy's or autograd's functions."""
    given = leaves([args, kwargs])
    if any(isinstance(leaf, SymbolicTensor) for leaf in given):
        return FunctionOperation(op, name).note(Arguments(args, kwargs))
    if any(isinstance(leaf, Variable) for leaf in given):
        args, kwargs = mapped(value_of, [args, kwargs])
        given = leaves([args, kwargs])
    namespace = autograd().numpy if any(map(is_box, given)) else np
    result = _narrowed(function(namespace, *args, **kwargs), args, kwargs)
    return as_tensors(result) if any(isinstance(leaf, EagerArray) for leaf in given) else result


def _narrowed(y: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return `y` in Keras' defaults if it is of 64 bits by what NumPy makes of integers and Python's numbers."""
    dtype = getattr(y, "dtype", None)
    if dtype is None or dtype.char not in "dlqUSO":
        return y
    if dtype.kind in "USO":
        checks.complain(TypeError, "the result", "be numbers", f"dtype {dtype}")
    given = any(_is_of(leaf, dtype) for leaf in leaves([args, kwargs]))
    return y if given else y.astype(floatx() if dtype.char == "d" else np.int32)


def _is_of(leaf: Any, dtype: np.dtype[Any]) -> bool:
    """Whether something given is of a dtype, or says that it is wanted."""
    if isinstance(leaf, str | type):
        return leaf in (dtype.name, dtype.type, {"f": float, "i": int}[dtype.kind])
    return leaf == dtype if isinstance(leaf, np.dtype) else getattr(bare(leaf), "dtype", None) == dtype


def chosen(np: Any, condition: Any, x1: Any, x2: Any) -> Any:
    """``np.where(condition, x1, x2)``, whose gradients have the shapes of `x1` and `x2`."""
    if np is not numpy:
        shape = numpy.broadcast_shapes(*(numpy.shape(bare(part)) for part in (condition, x1, x2)))
        x1, x2 = (
            x + numpy.zeros(shape, x.dtype) if is_box(x) and numpy.shape(bare(x)) != shape else x for x in (x1, x2)
        )
    return np.where(condition, x1, x2)


def with_slope(x: Any, y: Array, slope: Array) -> Any:
    """Return `y`, a function of every entry of the box `x`, with this derivative."""
    return with_backward(lambda x: y, lambda dy, x, y: dy * slope, x)
