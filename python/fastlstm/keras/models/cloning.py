"""Models like others, with weights of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastlstm import checks

from ..foundation.serialization import deserialize_keras_object, objects_met, serialize_keras_object
from ..foundation.symbolic import Arguments, Node, SymbolicTensor
from ..foundation.trees import leaves, mapped
from ..layers.base import Layer
from ..layers.configs import copy_of
from ..layers.core.input import Input
from ..layers.symbolic_masks import adopted
from ..ops.function import FunctionOperation
from .configs import takes_a_graph
from .model import Model
from .sequential import Sequential, is_graph

CloneFunction = Callable[[Any], Any]
CallFunction = Callable[..., Any]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: CloneFunction | None = None,
    call_function: CallFunction | None = None,
    recursive: bool = False,
) -> Any:
    """Return a model like `model`, with layers and weights of its own; compiled in the same way if it was.

    Parameters
    ----------
    model : Model
        The layers of a graph and of a `Sequential` are cloned one by one, one that is there twice once. Of a class of
        your own another one is made from its config.
    input_tensors : list of tensors, optional
        Symbolic tensors to begin with, in the form of the model's inputs; by default new ones.
    clone_function : CloneFunction, optional
        ``f(layer)`` gives the layer to take in place of one, or that layer itself; by default one with its config.
    call_function : CallFunction, optional
        ``f(layer, *args, **kwargs)`` calls a new layer, and may put others before or behind it; not for a `Sequential`.
    recursive : bool
        Whether the two functions are used on the layers of models inside too.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers, models
    >>> model = Sequential([Input((5, 3)), layers.LSTM(4)])
    >>> other = models.clone_model(model)
    >>> other.set_weights(model.get_weights())
    >>> x = np.ones((2, 5, 3))
    >>> bool((other(x) == model(x)).all())
    True
    """
    if not isinstance(model, Model):
        checks.refuse(TypeError, "model", "a Model", model)
    for name, function in (("clone_function", clone_function), ("call_function", call_function)):
        if function is not None:
            checks.function(name, function)
    cloning = _Cloning(clone_function, call_function, checks.truth("recursive", recursive))
    return cloning.cloned(model, input_tensors)


class _Cloning:
    """The clones of layers, each made once."""

    def __init__(self, clone: CloneFunction | None, call: CallFunction | None, recursive: bool) -> None:
        self.clone, self.call, self.recursive = clone, call, recursive
        self.made: dict[int, Any] = {}

    def cloned(self, model: Model, input_tensors: Any = None) -> Any:
        """Return a model like `model`."""
        if isinstance(model, Sequential):
            clone = self._chain(model, input_tensors)
        elif model.is_functional:
            clone = self._graph(model, input_tensors)
        else:
            return self._of_a_class(model, input_tensors)
        if model.compiled:
            _compile_like(model, clone)
        return clone

    def _chain(self, model: Sequential, input_tensors: Any) -> Sequential:
        if self.call is not None:
            wanted = f"None for the Sequential {model.name}, whose layers are not called one by one"
            checks.refuse(ValueError, "call_function", wanted, self.call)
        first: list[Any] = [_input_like(tensor) for tensor in model.known_inputs]
        if input_tensors is not None:
            first = [Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in _tensors(input_tensors, 1)]
        return Sequential([*first, *map(self._layer, model.layers)], model.own_trainable, model.name)

    def _graph(self, model: Model, input_tensors: Any) -> Any:
        plan = model.plan
        inputs = mapped(_input_like, model.input) if input_tensors is None else input_tensors
        given = _tensors(inputs, len(plan.inputs))
        new = {id(old): tensor for old, tensor in zip(leaves(model.input), given, strict=True)}
        for node in plan.drawing.nodes:
            for mask in node.told:
                if id(mask) in new:
                    adopted(new[id(node.inputs[0])], new[id(mask)])
            new |= {id(old): made for old, made in zip(node.outputs, leaves(self._called(node, new)), strict=True)}
        outputs = mapped(lambda tensor: new[id(tensor)], model.output)
        kind = type(model) if takes_a_graph(type(model)) else Model
        clone = kind(inputs, outputs, name=model.name)
        clone.own_trainable = model.own_trainable
        return clone

    def _called(self, node: Node, new: dict[int, Any]) -> Any:
        args, kwargs = node.arguments.filled([new[id(tensor)] for tensor in node.inputs])
        if node.mask is not None:
            kwargs["mask"] = new[id(node.mask)]
        if node.training is not None:
            kwargs["training"] = node.training
        if not isinstance(node.layer, Layer):
            return self._operation(node.layer).note(Arguments(args, kwargs))
        layer = self._layer(node.layer)
        return layer(*args, **kwargs) if self.call is None else self.call(layer, *args, **kwargs)

    def _layer(self, layer: Any) -> Any:
        if id(layer) not in self.made:
            clone = self.cloned if self.recursive and is_graph(layer) else self.clone or copy_of
            self.made[id(layer)] = made = clone(layer)
            if not isinstance(made, Layer):
                checks.complain(TypeError, "clone_function", "give a layer", f"{checks.shown(made)} for {layer.name}")
        return self.made[id(layer)]

    def _operation(self, operation: FunctionOperation) -> FunctionOperation:
        if id(operation) not in self.made:
            self.made[id(operation)] = FunctionOperation(operation.function, operation.kind, operation.name)
        found: FunctionOperation = self.made[id(operation)]
        return found

    def _of_a_class(self, model: Model, input_tensors: Any) -> Any:
        given = {"input_tensors": input_tensors, "clone_function": self.clone, "call_function": self.call}
        for name, value in given.items():
            if value is not None:
                wanted = f"None for {model.name}, whose class says what its layers do"
                checks.refuse(ValueError, name, wanted, value)
        met = dict[str, Any]()
        with objects_met(met):
            config = serialize_keras_object(model)
        return deserialize_keras_object(config, met)


def _compile_like(model: Model, clone: Model) -> None:
    """Compile as another model is, with an optimizer that has yet to take its first step."""
    given = model.compile_arguments()
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    clone.compile(**given | {"optimizer": optimizer})


def _input_like(tensor: SymbolicTensor) -> SymbolicTensor:
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.origin)


def _tensors(tree: Any, count: int) -> list[SymbolicTensor]:
    found = leaves(tree)
    if len(found) != count or not all(isinstance(tensor, SymbolicTensor) for tensor in found):
        wanted = f"{count} symbolic tensors, in the form of the model's inputs" if count > 1 else "a symbolic tensor"
        checks.refuse(ValueError, "input_tensors", wanted, tree)
    return found
