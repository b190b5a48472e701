"""What layers are made of, as configs: the arguments of their constructors, in Keras' form."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from fastlstm import checks
from fastlstm.precisions import FULL

from ..foundation.arrays import Shape, as_batch_shape, float_dtype
from ..foundation.lookup import checked_name, of_this_package
from ..foundation.operation import Operation
from ..foundation.policies import taken_apart
from ..foundation.registration import custom_object_scope
from ..foundation.serialization import check_levels, made_of, objects_met, serialize_keras_object
from .call import several

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

_SIMPLE = (str, int, float, bool, type(None))
"""What the arguments of a user's own layer may be if its config is to be made of them."""

_OF_ALL = ("name", "trainable", "dtype")
"""Arguments of every layer; a class of a user's own need not take them."""


class Configured(Operation):
    """What of a layer has to do with configs; see `Layer`."""

    trainable: bool
    dtype: np.dtype[Any]
    built: bool
    input_shape: Any
    activity_regularizer: Any
    batch_input_shape: Shape | None
    _options: tuple[str, ...]

    def described_policy(self) -> dict[str, Any]:
        """Return the dtype as a config has it."""
        raise NotImplementedError

    keras_only: ClassVar[Mapping[str, Any]] = {}
    """Arguments of Keras that have one value here, and it; they are written down and may be read."""

    keras_past: ClassVar[Mapping[str, Any]] = {}
    """Arguments that other versions of Keras have, and the one value that may be read; ... is any."""

    keras_call: ClassVar[Mapping[str, Any]] = {}
    """What Keras notes of a call on one tensor beside it, if nothing else was said."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember what a class of a user's own is given, of which its config can be made."""
        made = super().__new__(cls)
        if _is_of_a_user(cls):
            made._arguments = _arguments_of(cls, args, kwargs)
        return made

    _arguments: dict[str, Any] | str = ""
    """What a class of a user's own was given, or why that can be no config."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments.

        Those of a class of your own are what it was given, if that is numbers, texts and the like; else define
        `get_config` in it, and put its arguments into what this one gives.
        """
        settings = {"name": self.name, "trainable": self.trainable, "dtype": self.described_policy()}
        if self.activity_regularizer is not None:
            settings["activity_regularizer"] = serialize_keras_object(self.activity_regularizer)
        if _is_of_a_user(type(self)) and getattr(type(self).get_config, "by_arguments", False):
            return settings | self._known_arguments()
        own = {name: serialize_keras_object(getattr(self, name)) for name in self._options}
        return settings | own | dict(self.keras_only)

    get_config.by_arguments = True  # type: ignore[attr-defined]

    def _known_arguments(self) -> dict[str, Any]:
        if isinstance(self._arguments, str):
            raise NotImplementedError(f"{self.name}: {type(self).__name__} must define get_config(){self._arguments}")
        return self._arguments

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Return a layer with the settings of `config`, without weights."""
        check_levels(config, f"{cls.__name__}: config")
        given = checks.settings(f"{cls.__name__}: config", config)
        _drop_other_versions(cls, given)
        shape = given.pop("batch_input_shape", None)
        later = _not_taken(cls, given)
        made = cls(**cls._restored(given))
        if shape is not None:
            made.batch_input_shape = as_batch_shape(shape, f"{made.name}: batch_input_shape")
        _set_later(made, later)
        return made

    @classmethod
    def _restored(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a config with objects for those that are descriptions which nobody else reads."""
        return given

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what the weights were made for; None if there is nothing to make."""
        shape = self.input_shape
        return {"input_shape": shape} if self.built and shape is not None and self._has_build else None

    @property
    def _has_build(self) -> bool:
        """Whether the shapes of inputs make a difference to the layer."""
        return bool(self.weights)

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Create the weights, for what `get_build_config` gives."""
        shapes = config.get("shapes_dict")
        shape = config.get("input_shape")
        if isinstance(shapes, Mapping) and shapes:
            shape = next(iter(shapes.values()))
        if shape is not None:
            self.ensure_built(_as_shapes(shape, f"{self.name}: build_config"))

    def precision_now(self) -> str:
        """Return the precision of the products."""
        raise NotImplementedError

    def ensure_built(self, input_shape: Any) -> None:
        """Build the layer, unless it is built."""
        raise NotImplementedError


def _is_of_a_user(cls: type) -> bool:
    """Whether the constructor of a class is not one of this package."""
    return not of_this_package(cls.__init__)  # type: ignore[misc]


def _as_shapes(given: Any, argument: str) -> Any:
    """Shapes of several inputs as a list of tuples, or that of the only one as a tuple."""
    shapes = [as_batch_shape(shape, argument) for shape in several(given)]
    return shapes[0] if shapes == [tuple(given)] else shapes


def _arguments_of(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | str:
    """Return the arguments of a constructor, given or by default, or why they can be no config."""
    parameters = list(inspect.signature(cls).parameters.values())
    try:
        bound = inspect.Signature(parameters).bind(*args, **kwargs)
    except TypeError:
        return ", as its arguments are not known"
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for parameter in parameters:
        value = bound.arguments[parameter.name]
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= value
        elif parameter.kind not in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            found[parameter.name] = value
        elif value != ():
            return f", as its argument {parameter.name} has no name by which it could be given again"
    for name, value in found.items():
        if not _is_simple(value):
            of_what = "which is not made of numbers, texts, True, False and None alone"
            return f", as its argument {name} is {checks.shown(value)}, {of_what}"
    return {name: value for name, value in found.items() if name not in _OF_ALL}


def _is_simple(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_is_simple, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_simple, value))
    return isinstance(value, _SIMPLE)


def _drop_other_versions(cls: type[Configured], given: dict[str, Any]) -> None:
    """Take out what other versions of Keras write, if it means what holds here anyhow."""
    only = {**cls.keras_past, **cls.keras_only}
    for name in only.keys() & given.keys():
        value, wanted = given.pop(name), only[name]
        if wanted is not ... and not (isinstance(value, _SIMPLE) and value == wanted):
            raise NotImplementedError(f"{cls.__name__}: {name}={checks.shown(value)} is not supported, only {wanted!r}")


def _not_taken(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Take out what all layers have and the constructor of a class does not take."""
    if not _is_of_a_user(cls):
        return {}
    parameters = inspect.signature(cls).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return {}
    return {name: given.pop(name) for name in _OF_ALL if name in given and name not in parameters}


def _set_later(layer: Any, later: dict[str, Any]) -> None:
    """Set what a constructor did not take."""
    if "name" in later:
        layer.name = checked_name(later["name"], layer.name) or layer.name
    if "dtype" in later:
        dtype, precision = taken_apart(later["dtype"], f"{layer.name}: dtype")
        layer.dtype = float_dtype(dtype, f"{layer.name}: dtype")
        if precision != FULL:
            layer.set_precision(precision)
    if "trainable" in later:
        layer.trainable = later["trainable"]


def copy_of(layer: Any, **changes: Any) -> Any:
    """Return another layer with the settings of `layer`, or others; its class need not be registered."""
    met = dict[str, Any]()
    with objects_met(met):
        config = layer.get_config() | changes
    with custom_object_scope(met):
        return type(layer).from_config(config)


def describe_layer(layer: Any) -> dict[str, Any]:
    """Return the description of a layer inside another one."""
    if not isinstance(layer, Configured):
        cure = "; make it one to have a layer around it copied"
        checks.refuse(TypeError, "what is inside a layer", "a Layer, or have a get_config()", layer, cure)
    found: dict[str, Any] = serialize_keras_object(layer)
    return found


def find_layers(described: Any, argument: str) -> Any:
    """Return the layer that a description stands for, or a list of them; a layer stands for itself."""
    if isinstance(described, list | tuple):
        return [find_layers(entry, argument) for entry in described]
    if not isinstance(described, dict):
        return described
    unbuilt = {
        key: value for key, value in described.items() if key != "build_config"
    }  # it is built with what is around
    return made_of(unbuilt, argument)
