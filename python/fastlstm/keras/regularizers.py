"""Penalties on weights that are added to the loss, and their gradients."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastlstm import checks

from .foundation.arrays import Array
from .foundation.boxes import is_box, value_of
from .foundation.configs import Configurable, Kind
from .foundation.lookup import function_name, names_of
from .foundation.tracing import gradient_of, with_backward


class Regularizer(Configurable):
    """Base class. A regularizer of your own defines `__call__`, and `gradient` if it shall be fast.

    Raises
    ------
    NotImplementedError
        It is called, and the class does not define `__call__`.

    Examples
    --------
    >>> from fastlstm.keras import ops, regularizers
    >>> import numpy as np
    >>> class Largest(regularizers.Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.abs(x))
    ...
    >>> float(Largest()(np.array([1.0, -2.0])))
    2.0
    """

    def __call__(self, x: Any) -> Any:
        """Return the penalty on the weights `x`."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x)")

    def gradient(self, x: Array) -> Array:
        """Return the derivative of the penalty with respect to `x`."""
        return gradient_of(self, x)


class L1L2(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(x ** 2)``.

    Parameters
    ----------
    l1, l2 : float
        Factors of both sums, zero or more.

    Raises
    ------
    ValueError
        If `l1` or `l2` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import regularizers
    >>> import numpy as np
    >>> round(float(regularizers.L1L2(0.1, 0.1)(np.array([1.0, -2.0]))), 4)
    0.8
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor("l1", l1), _factor("l2", l2)

    def __call__(self, x: Any) -> Any:
        """Return the penalty on the weights `x`."""
        return _penalty(x, self.l1, self.l2)

    def gradient(self, x: Array) -> Array:
        """Return the derivative of the penalty; the one of ``abs`` is 0 at 0."""
        return _slope(x, self.l1, self.l2)


class L1(Regularizer):
    """``l1 * sum(abs(x))``.

    Parameters
    ----------
    l1 : float
        The factor, zero or more.

    Raises
    ------
    ValueError
        If `l1` is out of range.
    TypeError
        If `l1` has another type.

    Examples
    --------
    >>> from fastlstm.keras import regularizers
    >>> import numpy as np
    >>> float(regularizers.L1(0.5)(np.array([1.0, -2.0])))
    1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("l1", l1)

    def __call__(self, x: Any) -> Any:
        """Return the penalty on the weights `x`."""
        return _penalty(x, self.l1, 0)

    def gradient(self, x: Array) -> Array:
        """Return the derivative of the penalty; 0 at 0."""
        return _slope(x, self.l1, 0)


class L2(Regularizer):
    """``l2 * sum(x ** 2)``.

    Parameters
    ----------
    l2 : float
        The factor, zero or more.

    Raises
    ------
    ValueError
        If `l2` is out of range.
    TypeError
        If `l2` has another type.

    Examples
    --------
    >>> from fastlstm.keras import regularizers
    >>> import numpy as np
    >>> float(regularizers.L2(0.1)(np.array([1.0, -2.0])))
    0.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("l2", l2)

    def __call__(self, x: Any) -> Any:
        """Return the penalty on the weights `x`."""
        return _penalty(x, 0, self.l2)

    def gradient(self, x: Array) -> Array:
        """Return the derivative of the penalty."""
        return _slope(x, 0, self.l2)


class FunctionRegularizer(Regularizer):
    """A function of the weights, written with `ops` or operators, as a penalty.

    Parameters
    ----------
    function : callable
        Gives a number.

    Raises
    ------
    TypeError
        If `function` has another type.

    Examples
    --------
    >>> from fastlstm.keras import ops, regularizers
    >>> import numpy as np
    >>> penalty = regularizers.FunctionRegularizer(lambda w: 0.5 * ops.sum(ops.abs(w)))
    >>> float(penalty(np.array([1.0, -2.0])))
    1.5
    """

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self.function = checks.function("function", function)

    def __call__(self, x: Array) -> Any:
        """Return the penalty on the weights `x`."""
        return self.function(x)

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"regularizer {function_name(self.function)!r} is a function and has no config")


def _factor(name: str, value: Any) -> float:
    return checks.real_number(name, value, at_least=0)


def _penalty(x: Any, l1: float, l2: float) -> Any:
    x = value_of(x)
    if is_box(x):
        whole = lambda x: np.asarray(_penalty(x, l1, l2), x.dtype)  # noqa: E731
        return with_backward(whole, lambda dy, x, y: dy * _slope(x, l1, l2), x)
    return (l1 and l1 * float(np.abs(x).sum())) + (l2 and l2 * float(np.square(x).sum()))


def _slope(x: Array, l1: float, l2: float) -> Array:
    slope = (2 * l2) * x
    return slope + l1 * np.sign(x) if l1 else slope


l1, l2, l1_l2 = L1, L2, L1L2

_KIND = Kind(Regularizer, names_of(L1, L2, L1L2, l1=L1, l2=L2, l1_l2=L1L2), "keras.regularizers", "regularizer")


def get(identifier: Any, argument: str = "regularizer") -> Regularizer | None:
    """Return the regularizer that a name, class, instance, description or function stands for; None is none."""
    if callable(identifier) and not isinstance(identifier, Regularizer | type):
        return FunctionRegularizer(identifier)
    return None if identifier is None else _KIND.get(identifier, argument)


def serialize(regularizer: Regularizer) -> dict[str, Any]:
    """Return the description of a regularizer, which JSON can hold: module, class name and config."""
    return _KIND.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, type[Regularizer]] | None = None) -> Regularizer:
    """Make a regularizer from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)
