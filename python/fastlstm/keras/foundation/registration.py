"""Classes and functions of users by name: those registered for good, and those of a block.

A config names classes; what a name stands for is looked up here and among the classes of this package. Nothing is ever
imported because a config says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from fastlstm import checks
from fastlstm.scopes import Scoped

T = TypeVar("T")

_REGISTERED: dict[str, Any] = {}
"""By ``package>name``."""

_NAMES: dict[Any, str] = {}
"""The other way round."""


_scope = Scoped[Mapping[str, Any]]("custom objects", {})


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Make a class or a function known to configs.

    Parameters
    ----------
    package : str
        Goes before the name: configs say ``package>name``.
    name : str, optional
        By default that of the class or function.

    Returns
    -------
    function
        A decorator that gives back what it is put on.

    Examples
    --------
    >>> from fastlstm.keras import layers, saving
    >>> @saving.register_keras_serializable("shop")
    ... class Doubled(layers.Layer):
    ...     def call(self, x):
    ...         return 2 * x
    >>> saving.get_registered_name(Doubled)
    'shop>Doubled'
    >>> saving.deserialize_keras_object(saving.serialize_keras_object(Doubled(name="d"))).name
    'd'
    """
    checks.text("package", package)
    if name is not None:
        checks.text("name", name)

    def register(thing: T) -> T:
        if not callable(thing):
            checks.refuse(TypeError, "what is registered", "a class or a function", thing)
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            checks.complain(ValueError, thing.__name__, "have a get_config() to be registered", "a class without")
        known = f"{package}>{name or getattr(thing, '__name__', type(thing).__name__)}"
        _REGISTERED[known] = thing
        _NAMES[thing] = known
        return thing

    return register


def get_registered_name(obj: Any) -> str:
    """Return the name under which a class or function was registered; its own if it was not."""
    found = _NAMES.get(obj) if callable(obj) else None
    return found or str(getattr(obj, "__name__", type(obj).__name__))


def get_registered_object(
    name: Any, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """Return the class or function of a name: that of a scope, a registered one, or one of the dicts; None: none."""
    if not isinstance(name, str):
        return None
    for table in (_scope.get(), _REGISTERED, custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Return what is registered, by name; entries may be added."""
    return _REGISTERED


def custom_object_scope(custom_objects: Mapping[str, Any] | None) -> AbstractContextManager[object]:
    """For this thread and the time of a block, let configs name these classes and functions.

    Parameters
    ----------
    custom_objects : dict, optional
        Classes and functions by the names that configs have for them; None: none.
    """
    given = {} if custom_objects is None else checks.settings("custom_objects", custom_objects)
    return _scope.being({**_scope.get(), **given})


CustomObjectScope = custom_object_scope
