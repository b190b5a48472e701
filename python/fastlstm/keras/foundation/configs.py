"""Objects and their configs: what they are made of, written down in Keras' form, and made again.

The form of an object is ``{"module": ..., "class_name": ..., "config": ..., "registered_name": ...}``. What is read may
be without the first and the last, as it was in older versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from fastlstm import checks

from .lookup import article, find, snake_case
from .published import publish
from .registration import custom_object_scope, get_registered_object
from .serialization import serialize_keras_object

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T", bound="Configurable")


class Configurable:
    """Base of what has a config: its constructor's arguments, in plain values that JSON can hold."""

    keras_only: ClassVar[Mapping[str, Any]] = {}
    """Arguments of Keras that have one value here, and it; a config may name them."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {name: plain(value) for name, value in vars(self).items() if not name.startswith("_")}
        return own | dict(self.keras_only)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make an object like the one that gave `config`."""
        given = checks.settings("config", config)
        for name in cls.keras_only.keys() & given.keys():
            value, only = given.pop(name), cls.keras_only[name]
            if not isinstance(value, int | float | None) or value != only:
                found = checks.shown(value)
                raise NotImplementedError(f"{cls.__name__}: {name}={found} is not supported, only {only!r} is")
        return cls(**given)


def plain(value: Any) -> Any:
    """`value` with numbers and lists of Python in place of NumPy's scalars and arrays."""
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


class Kind(Generic[T]):
    """The classes of one kind by name, such as the initializers: what `get`, `serialize` and `deserialize` go by.

    Parameters
    ----------
    base : type of T
        What all of them derive from.
    known : dict
        The classes that come with this package, by all their names.
    module : str
        Where Keras has them.
    argument : str
        What errors name unless told otherwise.
    """

    def __init__(self, base: type[T], known: Mapping[str, type[T]], module: str, argument: str) -> None:
        self.base, self.known, self.argument = base, known, argument
        publish(module, *dict.fromkeys(known.values()))

    def get(self, identifier: Any, argument: str = "") -> T:
        """Return the object that a name, class, instance or description stands for."""
        argument = argument or self.argument
        if isinstance(identifier, dict) and {"class_name", "config"} <= identifier.keys():
            return self.deserialize(identifier, argument=argument)
        if isinstance(identifier, str) and identifier not in self.known:
            identifier = get_registered_object(identifier) or identifier
        return find(identifier, self.known, self.base, argument)

    def serialize(self, thing: T) -> dict[str, Any]:
        """Return the description of `thing`."""
        if not isinstance(thing, self.base):
            checks.refuse(TypeError, self.argument, article(self.base.__name__), thing)
        found: dict[str, Any] = serialize_keras_object(thing)
        return found

    def deserialize(
        self, description: Any, custom_objects: Mapping[str, type[T]] | None = None, argument: str = ""
    ) -> T:
        """Make the object of a description; `custom_objects` has classes of the user's own by name."""
        argument = argument or self.argument
        if not isinstance(description, dict) or not {"class_name", "config"} <= description.keys():
            checks.refuse(TypeError, argument, "a dict with class_name and config", description)
        with custom_object_scope(custom_objects):
            cls = self._class(description, argument)
            return cls.from_config(checks.settings(f"{argument}: config", description["config"]))

    def _class(self, description: dict[str, Any], argument: str) -> type[T]:
        name = description["class_name"]
        registered = get_registered_object(description.get("registered_name"))
        built_in = self.known.get(name) if isinstance(name, str) else None
        for cls in (registered, built_in, get_registered_object(name)):
            if isinstance(cls, type) and issubclass(cls, self.base):
                return cls
        names = ", ".join(sorted({snake_case(cls.__name__) for cls in self.known.values()}))
        wanted = f"a known name or {article(self.base.__name__)}"
        cure = f"; valid names: {names}; one of your own must be registered or given in custom_objects"
        checks.refuse(checks.kind_error(name), argument, wanted, name, cure)
