"""Conditions that weights are brought to after every step of training."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastlstm import checks

from .foundation import settings
from .foundation.arrays import Array
from .foundation.configs import Configurable, Kind
from .foundation.lookup import function_name, names_of


class Constraint(Configurable):
    """Base class. A constraint of your own defines `__call__`.

    Raises
    ------
    NotImplementedError
        It is called, and the class does not define `__call__`.

    Examples
    --------
    >>> from fastlstm.keras import constraints
    >>> import numpy as np
    >>> class Rounded(constraints.Constraint):
    ...     def __call__(self, w):
    ...         return np.round(w)
    ...
    >>> Rounded()(np.array([0.6, 2.2])).tolist()
    [1.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        """Return the weights nearest to `w`, in some sense, that meet the condition."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w)")


class MaxNorm(Constraint):
    """Lengths along `axis` of at most `max_value`: longer vectors are shortened.

    Parameters
    ----------
    max_value : float
        The longest length allowed.
    axis : int or tuple of int
        Axis or axes of a vector; 0: the weights that come into one unit.

    Raises
    ------
    ValueError
        If `max_value` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import constraints
    >>> import numpy as np
    >>> constraints.MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(2).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = checks.real_number("max_value", max_value, at_least=0, infinite=True)
        self.axis = _checked_axis(axis)

    def __call__(self, w: Array) -> Array:
        """Return the constrained weights."""
        lengths = _lengths(w, self.axis)
        result: Array = w * (np.clip(lengths, 0, self.max_value) / (settings.epsilon() + lengths))
        return result


class MinMaxNorm(Constraint):
    """Lengths along `axis` from `min_value` to `max_value`.

    Parameters
    ----------
    min_value, max_value : float
        The shortest and the longest length allowed.
    rate : float
        How far each step goes: 1, all the way; 0.1, a tenth of it.
    axis : int or tuple of int
        Axis or axes of a vector; 0: the weights that come into one unit.

    Raises
    ------
    ValueError
        If `min_value`, `max_value` or `rate` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import constraints
    >>> import numpy as np
    >>> constraints.MinMaxNorm(0.5, 1.0)(np.array([[3.0], [4.0]])).round(2).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = checks.real_number("min_value", min_value, at_least=0)
        self.max_value = checks.real_number("max_value", max_value, at_least=0, infinite=True)
        if self.min_value > self.max_value:
            checks.refuse(ValueError, "min_value", f"at most max_value {self.max_value}", self.min_value)
        self.rate, self.axis = checks.fraction("rate", rate), _checked_axis(axis)

    def __call__(self, w: Array) -> Array:
        """Return the constrained weights."""
        lengths = _lengths(w, self.axis)
        wanted = self.rate * np.clip(lengths, self.min_value, self.max_value) + (1 - self.rate) * lengths
        result: Array = w * (wanted / (settings.epsilon() + lengths))
        return result


class NonNeg(Constraint):
    """No weight below zero.

    Examples
    --------
    >>> from fastlstm.keras import constraints
    >>> import numpy as np
    >>> constraints.NonNeg()(np.array([1.0, -2.0])).tolist()
    [1.0, 0.0]
    """

    def __call__(self, w: Array) -> Array:
        """Return the constrained weights."""
        result: Array = np.maximum(w, 0)
        return result


class UnitNorm(Constraint):
    """Lengths along `axis` of one.

    Parameters
    ----------
    axis : int or tuple of int
        Axis or axes of a vector; 0: the weights that come into one unit.

    Raises
    ------
    TypeError
        If `axis` has another type.

    Examples
    --------
    >>> from fastlstm.keras import constraints
    >>> import numpy as np
    >>> constraints.UnitNorm()(np.array([[3.0], [4.0]])).round(2).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _checked_axis(axis)

    def __call__(self, w: Array) -> Array:
        """Return the constrained weights."""
        result: Array = w / (settings.epsilon() + _lengths(w, self.axis))
        return result


class FunctionConstraint(Constraint):
    """A function that brings weights to a condition.

    Parameters
    ----------
    function : callable
        Takes the weights, and gives others of the same shape.

    Raises
    ------
    TypeError
        If `function` has another type.

    Examples
    --------
    >>> from fastlstm.keras import constraints
    >>> import numpy as np
    >>> constraint = constraints.FunctionConstraint(lambda w: np.clip(w, -1, 1))
    >>> constraint(np.array([3.0, -0.5])).tolist()
    [1.0, -0.5]
    """

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self.function = checks.function("function", function)

    def __call__(self, w: Array) -> Array:
        """Return the constrained weights."""
        return np.asarray(self.function(w))

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"constraint {function_name(self.function)!r} is a function and has no config")


def _checked_axis(axis: Any) -> int | list[int]:
    """`axis` as an int or a list of them."""
    if isinstance(axis, list | tuple) and axis:
        return [checks.whole_number("axis", entry) for entry in axis]
    return checks.whole_number("axis", axis)


def _lengths(w: Array, axis: int | list[int]) -> Array:
    axes = tuple(axis) if isinstance(axis, list) else axis
    result: Array = np.sqrt(np.add.reduce(np.square(w), axis=axes, keepdims=True))
    return result


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

_KIND = Kind(Constraint, names_of(MaxNorm, MinMaxNorm, NonNeg, UnitNorm), "keras.constraints", "constraint")


def get(identifier: Any, argument: str = "constraint") -> Constraint | None:
    """Return the constraint that a name, class, instance, description or function stands for; None is none."""
    if callable(identifier) and not isinstance(identifier, Constraint | type):
        return FunctionConstraint(identifier)
    return None if identifier is None else _KIND.get(identifier, argument)


def serialize(constraint: Constraint) -> dict[str, Any]:
    """Return the description of a constraint, which JSON can hold: module, class name and config."""
    return _KIND.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, type[Constraint]] | None = None) -> Constraint:
    """Make a constraint from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)
