"""Functions of arrays that also take symbolic tensors, variables and autograd's boxes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, NamedTuple, overload

import numpy as np

from ..foundation.arrays import Array, Shape
from ..foundation.lookup import auto_name, checked_name
from ..foundation.operation import Operation
from ..foundation.published import publish_as
from ..foundation.serialization import restored
from ..foundation.settings import floatx
from ..foundation.symbolic import Arguments, Node, SymbolicTensor, any_symbolic
from ..foundation.tracing import differentiated, is_box
from ..foundation.trees import leaves, mapped
from ..foundation.variable import Variable
from .configs import WRITTEN, Call, checked_settings, class_names, joined, parted, place_of_function

PROBES = (6, 11)
"""Two sizes for an open axis: what depends on it differs between them. The number of the axis is added."""


class FunctionOperation(Operation):
    """A function of arrays as a node of a graph.

    Parameters
    ----------
    function
        Takes what the call was given, with arrays for the symbolic tensors.
    name
        By default that of the class Keras has for it, numbered.
    kind
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
    def _class_name(self) -> str:
        return class_names(self.kind)[0]

    @property
    def _place(self) -> tuple[str, str]:
        return place_of_function(self.function), self._class_name

    def get_config(self) -> dict[str, Any]:
        """Return the settings, that is, what it was called with beside tensors and numbers to compute with."""
        found = self.parted(self.inbound_nodes[0]).settings if self.inbound_nodes else self._settings
        return {"name": self.name} | found | WRITTEN.get(self.function.__name__, {})

    def parted(self, node: Node) -> Call:
        """Return a call without the settings; its tensors stand where they were given."""
        return parted(self.function, *node.arguments.filled(node.inputs))

    def output_shape_for(self, shape: Any, arguments: Arguments) -> Any:
        """Shape of the output, found by computing it for zeros."""
        return probed(self._run, shape, arguments)[0]

    def output_dtypes(self, shape: Any, arguments: Arguments) -> Any:
        """Return the dtype of what comes out for zeros."""
        return probed(self._run, shape, arguments)[1]

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
        y, back, _ = differentiated(lambda given: self._run(given, call.arguments), inputs, [])

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
    """Return shape and dtype of what comes out, or lists of them, by running on zeros twice."""
    shapes = shape if isinstance(shape, list) else [shape]
    tensors = arguments.tensors
    found = []
    for size in PROBES:
        zeros = [np.zeros(_closed(s, size), t.dtype) for s, t in zip(shapes, tensors, strict=True)]
        with np.errstate(all="ignore"):  # zeros are nobody's data
            found.append(mapped(np.asarray, run(zeros if len(zeros) > 1 else zeros[0], arguments)))
    one, other = (leaves(result) for result in found)
    open_shapes = [_opened(a.shape, b.shape) for a, b in zip(one, other, strict=True)]
    if not isinstance(found[0], list | tuple | dict):
        return open_shapes[0], one[0].dtype
    return open_shapes, [part.dtype for part in one]


def _closed(shape: Shape, size: int) -> tuple[int, ...]:
    return tuple(size + axis if n is None else n for axis, n in enumerate(shape))


def _opened(one: tuple[int, ...], other: tuple[int, ...]) -> Shape:
    if len(one) != len(other):
        raise ValueError(f"the number of axes must not depend on open sizes, got {one} and {other}")
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


@overload
def operation(function: Callable[..., Any]) -> Callable[..., Any]: ...
@overload
def operation(*, kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def operation(function: Any = None, *, kind: str = "") -> Any:
    """Make a function of arrays one of symbolic tensors, variables and boxes too.

    Parameters
    ----------
    function
        ``function(np, ...)``: the first argument is NumPy, or autograd's NumPy while a gradient is taken. The others
        are what users give.
    kind
        What Keras calls the class of such a node; by default the name in capitals.
    """
    if function is None:
        return partial(_operation, kind=kind)
    return _operation(function, kind)


def _operation(function: Callable[..., Any], kind: str) -> Any:
    name = kind or "".join(part.capitalize() for part in function.__name__.split("_"))

    @wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        traced = False
        for leaf in _values(args, kwargs):
            if isinstance(leaf, SymbolicTensor):
                return FunctionOperation(op, name).note(Arguments(args, kwargs))
            if isinstance(leaf, Variable):
                args, kwargs = mapped(_value_of, [args, kwargs])
                return op(*args, **kwargs)
            traced = traced or is_box(leaf)
        if traced:
            from autograd import numpy as namespace
        else:
            namespace = np
        return _narrowed(function(namespace, *args, **kwargs), args, kwargs)

    parameters = list(inspect.signature(function).parameters.values())[1:]
    op.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    for of_keras in class_names(name):
        publish_as(place_of_function(op), of_keras, Known(op, name))
    return op


def _values(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """Return what a function was given, and what is in lists among it."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, list | tuple):
            yield from value
        else:
            yield value


def _value_of(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Variable) else leaf


def _narrowed(y: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return `y` in the default dtype if it came out as float64 of integers or Python's numbers, as Keras has it."""
    if getattr(y, "dtype", None) != np.float64 or floatx() == "float64":
        return y
    given = any(getattr(value, "dtype", None) == np.float64 for value in _values(args, kwargs))
    return y if given or kwargs.get("dtype") is not None else y.astype(np.float32)
