"""The Sequential model: a graph that is a chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from fastlstm import checks

from ..foundation.arrays import Array, Shape, as_batch_shape
from ..foundation.late import is_large
from ..foundation.lookup import auto_name, checked_name
from ..foundation.policies import taken_apart
from ..foundation.registration import custom_object_scope
from ..foundation.serialization import check_levels, serialize_keras_object
from ..foundation.symbolic import SymbolicTensor
from ..foundation.trees import leaves
from ..foundation.variable import CHANGE
from ..graph.plan import Plan
from ..layers.base import Layer
from ..layers.configs import find_layers
from ..layers.core.input import InputLayer
from .inputs import given_arrays
from .model import Model


class Sequential(Model):
    """Layers one after the other.

    The model is built, that is, has weights, as soon as the shape of its input is known: from an ``Input``, from the
    first layer's ``input_shape``, by `build`, or from the first data.

    Parameters
    ----------
    layers : iterable, optional
        Layers to start with.
    name : str, optional
        By default ``sequential``, numbered within the process.

    Raises
    ------
    ValueError
        If a layer does not fit the one before it, or two have one name.
    TypeError
        If one of `layers` is no layer.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers
    >>> model = Sequential([Input((20, 3)), layers.LSTM(8), layers.Dense(2, activation="softmax")])
    >>> model.predict(np.zeros((5, 20, 3)), verbose=0).shape
    (5, 2)
    """

    config_may_be_a_list = True
    """As in the first versions of Keras 2."""

    is_sequential = True

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(name=checked_name(name, "Sequential") or None)
        self._chain: list[Layer] = []
        self._tensors: list[SymbolicTensor] = []
        """The input and what each layer makes of it, as far as their shapes are known."""
        if isinstance(layers, Layer):
            checks.refuse(TypeError, f"{self.name}: layers", "a list of layers; put [ ] around it", layers)
        for layer in () if layers is None else checks.items(f"{self.name}: layers", layers, "a list of layers"):
            self._append(layer)
        self._use_up_a_name()
        if not checks.truth(f"{self.name}: trainable", trainable):
            self.trainable = False

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the Input."""
        return list(self._chain)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(f"{self.name}: add() and pop() change the layers; give what you set another name")

    @property
    def known_inputs(self) -> list[SymbolicTensor]:
        """The input, in a list; none as long as its shape is not known."""
        return self._tensors[:1]

    @property
    def is_functional(self) -> bool:
        """False: this is a chain."""
        return False

    def get_config(self) -> dict[str, Any]:
        """Return the layers' descriptions, that of an Input first if the input's shape is known."""
        first = [tensor.node.layer for tensor in self._tensors[:1] if tensor.node is not None]
        layers = [serialize_keras_object(layer) for layer in (*first, *self._chain)]
        config = {
            "name": self.name,
            "trainable": self.own_trainable,
            "dtype": self.described_policy(),
            "layers": layers,
        }
        return config | ({"build_input_shape": self.input_shape} if first else {})

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shape of the input, if it is known."""
        return {"input_shape": self.input_shape} if self.built else None

    @classmethod
    def from_config(cls, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Return a model with the layers of a config, with new weights; see `Model.from_config`."""
        argument = f"{cls.__name__}: config"
        check_levels(config, argument)
        given = {"layers": config} if isinstance(config, list) else checks.settings(argument, config)
        described = checks.items(f"{argument}: layers", given.get("layers"), "a list of descriptions")
        with custom_object_scope(custom_objects):
            name: Any = given.get("name")
            made = cls(name=name)
            if "dtype" in given:
                made.set_precision(taken_apart(given["dtype"], f"{argument}: dtype")[1])
            for layer in described:
                made._append(find_layers(layer, f"{argument}: layers"))
            made._use_up_a_name()
        shape = given.get("build_input_shape")
        if shape is not None and not made.built and made._chain:
            made.build(as_batch_shape(shape, f"{argument}: build_input_shape"))
        made.own_trainable = checks.truth(f"{argument}: trainable", given.get("trainable", True))
        return made

    def add(self, layer: Any) -> None:
        """Append a layer; an ``Input`` only at the start."""
        self._append(layer)
        self._use_up_a_name()

    def _append(self, layer: Any) -> None:
        layer = _input_of(layer) or layer
        if isinstance(layer, InputLayer):
            if self._chain or self._tensors:
                number = len(self._chain) + 1
                checks.complain(ValueError, f"{self.name}: an Input", "be the first layer", f"it as number {number}")
            self._tensors = [layer.output]
            return
        self._check_new(layer)
        self._chain.append(layer)
        try:
            if not self._tensors and len(self._chain) == 1:
                shape = layer.batch_input_shape or getattr(layer, "known_input_shape", None)
                self._tensors = [] if shape is None else [self._new_input(shape)]
            if self._tensors:
                self._note(layer)
        except Exception:
            self._chain.pop()
            self._tensors = self._tensors[: len(self._chain) + 1]
            raise
        self._changed()

    def _use_up_a_name(self) -> None:
        """Count one functional model: Keras makes such a one for every state of a chain, and numbers later ones so."""
        if self.built:
            auto_name("Functional")

    def _new_input(self, shape: Shape) -> SymbolicTensor:
        dtype = self._chain[0].input_dtype if self._chain else None
        tensor: SymbolicTensor = InputLayer(batch_shape=shape, dtype=dtype).output
        return tensor

    def _check_new(self, layer: Any) -> None:
        if not isinstance(layer, Layer):
            checks.refuse(TypeError, f"{self.name}: layer", "a keras.layers.Layer instance", layer)
        if layer.name in [other.name for other in self._chain]:
            if any(layer is other for other in self._chain):
                checks.complain(ValueError, f"{self.name}: layer", "be a new one", f"{layer!r} a second time")
            name = f"{self.name}: name of a layer"
            checks.complain(ValueError, name, "be a new one", f"{layer.name!r} a second time", "; give it another")
        if getattr(layer, "return_state", False):
            self._refuse_outputs(layer, "states besides it", "; set return_state=False")
        if getattr(layer, "merge_mode", "") is None:
            self._refuse_outputs(layer, "two", "; set merge_mode")

    def _refuse_outputs(self, layer: Layer, got: Any, cure: str = "") -> NoReturn:
        checks.complain(ValueError, f"{self.name}: {layer.name}", "give one output", got, cure)

    def _note(self, layer: Layer) -> None:
        """Add what the layer makes of what the one before makes."""
        known = len(layer.weights)
        made = layer(self._tensors[-1])
        for variable in layer.weights[known:]:
            variable.path = f"{self.name}/{variable.path}"
        if len(leaves(made)) != 1:
            self._refuse_outputs(layer, len(leaves(made)))
        self._tensors.append(leaves(made)[0])

    def _changed(self) -> None:
        self._plan = None
        self.built = bool(self._chain) and len(self._tensors) == len(self._chain) + 1

    def pop(self) -> Layer | None:
        """Remove the last layer and return it."""
        if not self._chain:
            return None
        self._tensors = self._tensors[: len(self._chain)]
        layer = self._chain.pop()
        self._changed()
        self._use_up_a_name()
        return layer

    def build(self, input_shape: Shape | None = None) -> None:
        """Create the weights for inputs of `input_shape`, which includes the batch axis."""
        if not self._tensors:
            if input_shape is None:
                cure = "; give it to build(), or add an Input first"
                checks.refuse(ValueError, f"{self.name}: input_shape", "known", None, cure)
            shape = as_batch_shape(input_shape, f"{self.name}: input_shape")
            self._check_any_layers()
            self._note_all(self._new_input(shape))
        self._check_any_layers()

    def _check_any_layers(self) -> None:
        if not self._chain:
            checks.complain(ValueError, self.name, "have layers", "none", "; add() some first")

    def _note_all(self, tensor: SymbolicTensor) -> None:
        self._tensors = [tensor]
        try:
            for layer in self._chain:
                self._note(layer)
        except Exception:
            self._tensors = []
            raise
        self._changed()
        self._use_up_a_name()

    def _build_for(self, x: Any) -> None:
        self._check_any_layers()
        first = self._chain[0]
        if isinstance(x, list | tuple) and len(x) == 1 and len(getattr(x[0], "shape", ())) == first.ndim:
            (x,) = x
        x = first.as_input(
            x[:1] if is_large(x) else x,
            "x",
            "a float array of shape (batch, time, features)" if first.ndim == 3 else "a float array (batch, ...)",
        )
        with CHANGE:  # several threads may bring the first data
            if not self.built:
                self.build((None, *x.shape[1:]))

    def _arrays(self, x: Any, late: bool = False) -> tuple[Array, ...]:
        if not self.built:
            self._build_for(x)
        return given_arrays(self.plan, self._tensors[0], x, self.name, any_size=True, late=late)

    @property
    def plan(self) -> Plan:
        """The steps from the input to the output."""
        if self._plan is None:
            if not self.built:
                return super().plan
            with CHANGE:  # several threads may come first
                self._input_tree, self._output_tree = self._tensors[0], self._tensors[-1]
                self._plan = Plan(self._tensors[:1], self._tensors[-1:], self.name)
        return self._plan

    @property
    def _awaits_data(self) -> bool:
        return not self.built

    @property
    def inner_plan(self) -> Plan | None:
        """The steps to take in place of this model inside another one."""
        return self.plan

    @property
    def input_shape(self) -> Any:
        """Shape of the input, with the batch axis."""
        if not self._tensors:
            raise AttributeError(f"{self.name}: the input shape is not known before the model is built")
        return self._tensors[0].shape

    @input_shape.setter
    def input_shape(self, shape: Any) -> None:
        """Keep what `Layer` says to itself."""

    def __getstate__(self) -> dict[str, Any]:
        plan = self.plan if self.built else None
        return {**super().__getstate__(), "_plan": plan, "_tensors": [tensor.shape for tensor in self._tensors[:1]]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self._plan is None:
            self._tensors = [self._new_input(shape) for shape in state["_tensors"]]
        else:
            self._tensors = [*self._plan.inputs, *(tensor for node in self._plan.nodes for tensor in node.outputs)]

    @property
    def weights(self) -> list[Any]:
        """All weights, layer by layer."""
        return [variable for layer in self._chain for variable in layer.weights]

    @property
    def differentiated(self) -> list[Any]:
        """See `Layer.differentiated`."""
        return [variable for layer in self._chain for variable in layer.differentiated]

    @property
    def trainable(self) -> bool:
        """Whether any layer is; set it for all of them."""
        chain = getattr(self, "_chain", None)
        return any(layer.trainable for layer in chain) if chain else self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = checks.truth(f"{self.name}: trainable", value)
        for layer in getattr(self, "_chain", ()):
            layer.trainable = value


def _input_of(thing: Any) -> InputLayer | None:
    """Return the layer of what `Input` gave."""
    layer = thing.node.layer if isinstance(thing, SymbolicTensor) and thing.node is not None else None
    return layer if isinstance(layer, InputLayer) else None


def is_graph(part: Any) -> bool:
    """Whether something is a model of which the layers and their connections are known."""
    return isinstance(part, Sequential) or (isinstance(part, Model) and part.is_functional)
