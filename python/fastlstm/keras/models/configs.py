"""What models are made of, as configs and as JSON."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.lookup import of_this_package
from ..foundation.published import place_of
from ..foundation.registration import custom_object_scope
from ..foundation.serialization import check_levels, deserialize_keras_object, serialize_keras_object
from ..layers.base import Layer
from ..training.trainer import Trainer
from .reading import GraphReader
from .writing import graph_config

if TYPE_CHECKING:
    from ..graph.plan import Plan

FUNCTIONAL = "keras.src.models.functional"
"""Where Keras has the class of models that are graphs, which is `Model` here."""

_OF_A_GRAPH = ("layers", "input_layers", "output_layers")


class ConfiguredModel(Trainer, Layer):
    """What of a model has to do with configs; see `Model`."""

    _plan: Plan | None
    _input_tree: Any
    _output_tree: Any

    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}
    is_sequential: ClassVar[bool] = False
    """Whether this is a `Sequential`."""

    @property
    def is_functional(self) -> bool:
        """Whether this is a graph between inputs and outputs, which Keras calls Functional."""
        return not self.composed and self._plan is not None

    @property
    def own_trainable(self) -> bool:
        """What `trainable` was set to, for the model itself: its layers may say otherwise."""
        return self._trainable

    @own_trainable.setter
    def own_trainable(self, value: bool) -> None:
        self._trainable = value

    @property
    def _is_plain_graph(self) -> bool:
        return self.is_functional and takes_a_graph(type(self))

    @property
    def keras_class_name(self) -> str:
        """See `Operation.keras_class_name`."""
        return "Functional" if of_this_package(type(self)) and self.is_functional else super().keras_class_name

    @property
    def keras_place(self) -> tuple[str | None, str | None]:
        """See `Operation.keras_place`."""
        return (FUNCTIONAL, "Functional") if self.keras_class_name == "Functional" else place_of(type(self))

    def get_config(self) -> dict[str, Any]:
        """Return what the model is made of: its layers and, for each, on what it is called.

        Of a class of your own it is what its constructor was given, if that is numbers, texts and the like; else define
        `get_config` in it.
        """
        if not self._is_plain_graph:
            return super().get_config()
        graph = graph_config(self.plan, self._input_tree, self._output_tree)
        return {"name": self.name, "trainable": self.own_trainable, **graph}

    get_config.by_arguments = True  # type: ignore[attr-defined]

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Return a model made of what a config says, with new weights.

        Parameters
        ----------
        config : dict
            What `get_config` gives, here or in Keras. It is not changed.
        custom_objects : dict, optional
            Classes and functions of your own by the names that the config has for them.
        """
        check_levels(config, f"{cls.__name__}: config")
        given = checks.settings(f"{cls.__name__}: config", config)
        with custom_object_scope(custom_objects):
            if takes_a_graph(cls) and (_is_ours(cls) or any(key in given for key in _OF_A_GRAPH)):
                return _graph_from(cls, given)
            return super().from_config(given)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes of the inputs; a graph knows them itself."""
        if self._is_plain_graph:
            return {"input_shape": None}
        return {"input_shape": self.input_shape} if self._plan is not None else None

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Create the weights, for what `get_build_config` gives; a model whose input is a dict waits for data."""
        if not isinstance(config.get("input_shape"), dict):
            super().build_from_config(config)

    def compile_arguments(self) -> dict[str, Any]:
        """Return what `compile` was given, by name; nothing before."""
        compiled = self._compiled
        if compiled is None:
            return {}
        return {
            "optimizer": compiled.optimizer,
            "loss": compiled.given_loss,
            "loss_weights": compiled.scales,
            "metrics": compiled.metrics or None,
            "weighted_metrics": compiled.weighted or None,
        }

    def get_compile_config(self) -> dict[str, Any]:
        """Return what `compile` was given, as descriptions; nothing before.

        What cannot be described, such as a lambda, is warned of, and nothing is returned.
        """
        given = self.compile_arguments()
        if not given:
            return {}
        given |= {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}
        try:
            found: dict[str, Any] = serialize_keras_object(given)
        except (ValueError, TypeError, NotImplementedError) as error:
            message = f"{self.name}: how it is compiled is not in its config, so compile it again then ({error})"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
            return {}
        return found

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile as `get_compile_config` says; a class with a `compile` of its own does so itself."""
        if type(self).compile is not Trainer.compile:
            message = f"{self.name}: not compiled, as its class has a compile() of its own and no compile_from_config()"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
            return
        given = deserialize_keras_object(checks.settings(f"{self.name}: compile_config", config))
        known = inspect.signature(Trainer.compile).parameters
        for name in given:
            checks.one_of(f"{self.name}: argument in compile_config", name, [key for key in known if key != "self"])
        self.compile(**given)

    def to_json(self, **kwargs: Any) -> str:
        """Return what the model is made of as JSON, from which `models.model_from_json` makes another one.

        Parameters
        ----------
        **kwargs : keyword arguments
            Those of ``json.dumps``.
        """
        return json.dumps(serialize_keras_object(self), **kwargs)


def _is_ours(cls: type) -> bool:
    """Whether the constructor of a class is one of this package."""
    return of_this_package(cls.__init__)  # type: ignore[misc]


def takes_a_graph(cls: type) -> bool:
    """Whether the constructor of a class takes inputs and outputs, or hands on whatever it is given."""
    if _is_ours(cls):
        return not getattr(cls, "is_chain", False)
    kinds = {parameter.kind for parameter in inspect.signature(cls).parameters.values()}
    return {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds


def _graph_from(cls: Any, given: dict[str, Any]) -> Any:
    """Make a functional model of a config."""
    name = given.get("name")
    owner = f"{cls.__name__}: config" if not isinstance(name, str) else f"config of {name!r}"
    for key in _OF_A_GRAPH:
        if key not in given:
            must = "have layers, input_layers and output_layers"
            checks.complain(ValueError, owner, must, f"none of the name {key!r}")
    entries, inputs, outputs = (given.pop(key) for key in _OF_A_GRAPH)
    graph = GraphReader(entries, owner)
    ends = graph.ends(inputs, "input_layers"), graph.ends(outputs, "output_layers")
    trainable = checks.truth(f"{owner}: trainable", given.pop("trainable", True))
    made = cls(*ends, **given)
    made.own_trainable = trainable  # what of the layers is trained they say themselves
    return made
