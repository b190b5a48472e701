"""What configs may name of this package: classes by their places in Keras, and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastlstm import checks

from .registration import get_registered_name, get_registered_object

_MAKERS: dict[tuple[str, str], Any] = {}
"""What has a `from_config`, by module and class name."""

_PLACES: dict[type, str] = {}
"""The modules in which Keras has classes."""

_FUNCTIONS: dict[str, Callable[..., Any]] = {}

_WITHOUT_MODULE = ("keras.layers", "keras")
"""Where a class is looked for if a config, of Keras 2, says no module."""

_OPERATIONS = "keras.src.ops."
"""What the modules of operations begin with, which are looked at next."""

_HOMES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
"""What the modules of Keras begin with, in any of its versions."""

_OF_KERAS_2 = "Custom>"
"""What Keras 2 put before the names of its own optimizers, as before those of classes of a user's own."""

KNOWN = (
    "of this package, or one of your own that is registered by @keras.saving.register_keras_serializable() or given in "
    "custom_objects"
)


def publish(module: str, *classes: type) -> None:
    """Let configs name classes, as being in a module of Keras."""
    for cls in classes:
        _MAKERS[module, cls.__name__] = cls
        _PLACES.setdefault(cls, module)


def publish_as(module: str, name: str, maker: Any) -> None:
    """Let configs name something with a `from_config` that has no class of its own, or another name in Keras."""
    _MAKERS[module, name] = maker


def publish_functions(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let configs name functions."""
    _FUNCTIONS.update(functions)


def place_of(cls: type) -> tuple[str | None, str | None]:
    """Return the module and the registered name that a config has for a class."""
    if cls in _PLACES:
        return _PLACES[cls], None
    # What is in the file that was started will be somewhere else another time.
    return None if cls.__module__ == "__main__" else cls.__module__, get_registered_name(cls)


def name_of_function(function: Any) -> str:
    """Return what a config calls a function; ValueError for a lambda."""
    name = get_registered_name(function)
    if not all(part.isidentifier() for part in name.split(">")):
        wanted = "one with a name, written with def: code is not kept, only what it is called"
        checks.refuse(ValueError, "a function in a config", wanted, function)
    return name


def find_maker(described: Mapping[str, Any], argument: str) -> Any:
    """Return the class that a description names, of this package or of the user's; ValueError if there is none."""
    name, module, registered = (described.get(key) for key in ("class_name", "module", "registered_name"))
    for key, value in (("class_name", name), ("module", module), ("registered_name", registered)):
        if not isinstance(value, str) and (value is not None or key == "class_name"):
            checks.refuse(TypeError, f"{argument}: {key}", "a str", value)
    found = get_registered_object(registered)
    if found is None:
        found = _built_in(str(name), module)
    if found is None:
        found = get_registered_object(name)
    if found is None:
        found = _built_in(str(name).removeprefix(_OF_KERAS_2), module)
    if not hasattr(found, "from_config"):
        where = f" of {module}" if module else ""
        checks.refuse(ValueError, f"{argument}: class_name", f"that of a known class, {KNOWN}", name, where)
    return found


def _built_in(name: str, module: str | None) -> Any:
    if module is None:
        operations = [place for place, known in _MAKERS if known == name and place.startswith(_OPERATIONS)]
        places = (*_WITHOUT_MODULE, *operations)
        return next((_MAKERS[place, name] for place in places if (place, name) in _MAKERS), None)
    if (module, name) in _MAKERS:
        return _MAKERS[module, name]
    for home in _HOMES:
        if module == home or module.startswith(f"{home}."):
            return _MAKERS.get((f"keras{module.removeprefix(home)}", name))
    return None


def is_function(described: Any) -> bool:
    """Whether something is the description of a function."""
    name = described.get("class_name") if isinstance(described, dict) else None
    return isinstance(name, str) and name == "function"


def find_function(name: Any, argument: str) -> Any:
    """Return the function that a description names."""
    found = get_registered_object(name)
    if found is None and isinstance(name, str):
        found = _FUNCTIONS.get(name)
    if not callable(found):
        checks.refuse(checks.kind_error(name), argument, f"a known function, {KNOWN}", name)
    return found
