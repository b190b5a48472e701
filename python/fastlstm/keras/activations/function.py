"""What an activation function is: values and slopes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

from ..foundation.arrays import Array, any_numbers
from ..foundation.boxes import is_box, value_of
from ..foundation.eager import EagerArray, as_eager
from ..foundation.symbolic import OPERATORS, SymbolicTensor
from ..foundation.tracing import with_backward

KNOWN: dict[str, Any] = {}
"""The functions of this package by all their names."""


def known(name: str) -> ActivationFunction:
    """Return the function of this package of a name."""
    found: ActivationFunction = KNOWN[name]
    return found


InPlace: TypeAlias = Callable[[Array], Callable[[], object]]
Result = TypeVar("Result")


@dataclass(frozen=True)
class ActivationFunction:
    """A function of an array together with its vector-Jacobian product.

    Make one of your own to use a function that is not built in: ``ActivationFunction("cube", lambda x: x**3,
    lambda dy, x, y: 3 * x**2 * dy)``.

    Raises
    ------
    TypeError
        If `name` is no text, or one of the functions cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras.activations import ActivationFunction
    >>> cube = ActivationFunction("cube", lambda x: x**3, lambda dy, x, y: 3 * x**2 * dy)
    >>> cube(np.array([2.0])).tolist()
    [8.0]
    """

    name: str
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array, Array], Array]
    """``backward(dy, x, y)`` is the gradient of the input, with ``y = forward(x)``."""
    in_place: InPlace | None = None
    """``in_place(y)`` gives a function that replaces the array `y` by ``forward(y)`` and allocates nothing."""
    function: Callable[[Any], Any] | None = None
    """The function that this was made of, if it was one of a user's."""
    family: Callable[..., ActivationFunction] | None = None
    """Makes the function with settings other than these, for calls that have some."""

    def __post_init__(self) -> None:
        checks.text("name", self.name)
        checks.function("forward", self.forward)
        checks.function("backward", self.backward)
        for name in ("in_place", "function", "family"):
            if getattr(self, name) is not None:
                checks.function(name, getattr(self, name))

    def bind(self, y: Array) -> Callable[[], object]:
        """Return a function that replaces the array `y` by ``forward(y)``."""
        return self.in_place(y) if self.in_place else lambda: np.copyto(y, self.forward(y))

    def __reduce__(self) -> Any:
        if KNOWN.get(self.name) is self:
            return known, (self.name,)
        return type(self), (self.name, self.forward, self.backward, self.in_place, self.function)

    def __call__(self, x: Any, *args: Any, **settings: Any) -> Any:
        """Apply the function to an array or number, to a symbolic tensor, or in a function of one's own.

        Some functions take settings, as ``activations.elu(x, alpha=0.5)``.
        """
        if args or settings:
            return self.with_settings(args, settings)(x)
        if isinstance(x, SymbolicTensor):
            return OPERATORS["activation"](self, x)
        x = value_of(x)
        if is_box(x):
            return with_backward(self.forward, self.backward, x)
        array = any_numbers(x, "x")
        y = self.forward(array if array.dtype.kind == "f" else array.astype(np.float32))
        return as_eager(y) if isinstance(x, EagerArray) else y

    def with_settings(self, args: tuple[Any, ...], settings: dict[str, Any]) -> ActivationFunction:
        """Return the function with settings."""
        if self.family is None:
            checks.refuse(TypeError, self.name, "called on x alone", args or settings)
        try:
            return self.family(*args, **settings)
        except TypeError as error:
            text = str(error).partition("() ")[2]  # Python's own of wrong arguments
            if not text:
                raise
            name, must = f"{self.name}: the settings", "be those that the function takes"
            checks.complain(TypeError, name, must, text.removeprefix("got "), cause=error)

    @property
    def __name__(self) -> str:
        return self.name


def quiet(function: Callable[..., Result]) -> Callable[..., Result]:
    """Infinity and NaN are answers here like others: without NumPy's warnings."""

    @wraps(function)
    def quietly(*arguments: Array) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(*arguments)

    return quietly


def steps(x: Array, inside: NDArray[np.bool_], slope: float, outside: float = 0.0) -> Array:
    """Slopes of a function of straight pieces; that of NaN is NaN."""
    result: Array = np.full_like(x, outside)
    np.copyto(result, slope, where=inside)
    np.copyto(result, x, where=np.isnan(x))
    return result


def least(x: Array) -> Array:
    """Put the least number for -infinity, where infinity times 0 would hide the limit."""
    result: Array = np.maximum(x, np.finfo(x.dtype).min)
    return result


def built_in(
    name: str,
    forward: Callable[[Array], Array],
    backward: Callable[[Array, Array, Array], Array],
    in_place: InPlace | None = None,
    family: Callable[..., ActivationFunction] | None = None,
) -> ActivationFunction:
    """Return an activation of this package, whose answers for infinity and NaN come without warnings."""
    return ActivationFunction(name, quiet(forward), quiet(backward), in_place, family=family)


def along(function: ActivationFunction, axis: int) -> ActivationFunction:
    """Return a function of the last axis as one of another axis."""
    axis = checks.whole_number(f"{function.name}: axis", axis)

    def turned(x: Array) -> Array:
        if not -x.ndim <= axis < x.ndim:
            checks.refuse(ValueError, f"{function.name}: axis", f"one of the {x.ndim} axes of x", axis)
        return np.moveaxis(x, axis, -1)

    def back(y: Array) -> Array:
        return np.moveaxis(y, -1, axis)

    return ActivationFunction(
        function.name,
        lambda x: back(function.forward(turned(x))),
        lambda dy, x, y: back(function.backward(turned(dy), turned(x), turned(y))),
    )
