"""The Sequential model."""

from collections.abc import Callable, Iterable
from typing import Any

from fastlstm import checks

from ..foundation.arrays import Array, Shape, as_mask, as_shape, shape_text
from ..foundation.lookup import auto_name, checked_name
from ..foundation.variable import CHANGE, Variable, assign_all
from ..graph.stack import joined
from ..graph.streaming import ModelStream, StepPlan
from ..layers.base import Layer
from ..layers.core.flatten import Flatten
from ..layers.core.input import InputLayer
from ..losses import fits
from ..training.trainer import Trainer
from .summary import print_summary


class Sequential(Trainer):
    """Layers one after the other.

    The model is built, that is, has weights, as soon as the shape of its input is known: from an ``Input``, from the
    first layer's ``input_shape``, by `build`, or from the first data.

    Parameters
    ----------
    layers
        Layers to start with.
    name
        By default ``sequential``, numbered within the process.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers
    >>> model = Sequential([Input((20, 3)), layers.LSTM(8), layers.Dense(2, activation="softmax")])
    >>> model.predict(np.zeros((5, 20, 3)), verbose=0).shape
    (5, 2)
    """

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__()
        self.name = checked_name(name, "Sequential") or auto_name("Sequential")
        self.layers: list[Layer] = []
        self._batch_shape: Shape | None = None
        if isinstance(layers, Layer):
            checks.refuse(TypeError, f"{self.name}: layers", "a list of layers; put [ ] around it", layers)
        for layer in () if layers is None else checks.items(f"{self.name}: layers", layers, "a list of layers"):
            self.add(layer)
        if not checks.truth(f"{self.name}: trainable", trainable):
            self.trainable = False

    def add(self, layer: Any) -> None:
        """Append a layer; an ``Input`` only at the start."""
        if isinstance(layer, InputLayer):
            if self.layers or self._batch_shape is not None:
                raise ValueError(f"{self.name}: an Input can only be the first layer")
            self._batch_shape = layer.batch_shape
            return
        self._check_new(layer)
        self.layers.append(layer)
        if self._batch_shape is None and len(self.layers) == 1:
            self._batch_shape = layer.batch_input_shape
        if self._batch_shape is not None:
            try:
                self._build_layers(self._batch_shape)
            except Exception:
                self.layers.pop()
                raise

    def _check_new(self, layer: Any) -> None:
        if not isinstance(layer, Layer):
            checks.refuse(TypeError, f"{self.name}: layer", "a keras.layers.Layer instance", layer)
        if any(layer is other for other in self.layers):
            raise ValueError(f"{self.name}: layer must be a new one, got {layer!r} a second time")
        if any(layer.name == other.name for other in self.layers):
            raise ValueError(f"{self.name}: already has a layer named {layer.name!r}; give it another name")
        if getattr(layer, "return_state", False):
            raise ValueError(f"{self.name}: {layer.name} gives states besides its output; set return_state=False")
        if getattr(layer, "merge_mode", "") is None:
            raise ValueError(f"{self.name}: {layer.name} gives two outputs; set merge_mode")

    def pop(self) -> Layer | None:
        """Remove the last layer and return it."""
        return self.layers.pop() if self.layers else None

    def build(self, input_shape: Shape | None = None) -> None:
        """Create the weights for inputs of `input_shape`, which includes the batch axis."""
        shape = self._batch_shape
        if shape is None and input_shape is not None:
            shape = as_shape(input_shape, f"{self.name}: input_shape")
        if shape is None:
            raise ValueError(
                f"{self.name}: the input shape is not known, got None; give it to build(), or add an Input first"
            )
        if not self.layers:
            raise ValueError(f"{self.name}: has no layers; add() some first")
        self._build_layers(shape)
        self._batch_shape = shape

    def _build_layers(self, shape: Shape) -> None:
        for layer in self.layers:
            if not layer.built:
                layer.ensure_built(shape)
                for variable in layer.weights:
                    variable.path = f"{self.name}/{variable.path}"
            else:
                layer._check_shape(shape)
            shape = layer.compute_output_shape(shape)

    @property
    def built(self) -> bool:
        """Whether all layers have weights."""
        return bool(self.layers) and all(layer.built for layer in self.layers)

    def _prepare_input(self, x: Any) -> Array:
        if not self.layers:
            raise ValueError(f"{self.name}: has no layers; add() some first")
        first = self.layers[0]
        x = first.as_input(x, "x", self._wanted_input())
        if not self.built:
            self._build_for(x)
        shape = first.input_shape
        assert shape is not None
        # Recurrent layers take any number of steps; a Flatten in between does not.
        fixed = 1 if any(isinstance(layer, Flatten) for layer in self.layers) else 2
        if not first.takes(x.shape) or not fits(x.shape[fixed:], shape[fixed:]):
            wanted = shape_text((None, *shape[1:]))
            raise ValueError(f"x: got shape {x.shape}, wanted {wanted}, the input of {self.name}")
        result: Array = x
        return result

    def _build_for(self, x: Array) -> None:
        with CHANGE:  # several threads may bring the first data
            if not self.built:
                self.build((None, *x.shape[1:]) if self._batch_shape is None else None)

    def _wanted_input(self) -> str:
        if self._batch_shape is not None:
            return f"a float array of shape {shape_text((None, *self._batch_shape[1:]))}"
        recurrent = self.layers[0].ndim == 3
        return "a float array of shape (batch, time, features)" if recurrent else "a float array (batch, ...)"

    def __call__(self, x: Any, training: bool = False, mask: Any = None) -> Array:
        """Compute the output for an array; with `training`, dropout drops. `mask` says which steps are there."""
        training = training is not None and checks.truth("training", training)
        x = self._prepare_input(x)
        mask = None if mask is None else as_mask(mask, "mask", x.shape)
        for layer in self.layers if training else joined(self.layers):
            y = layer(x, training=training, mask=mask)
            mask = layer.compute_mask(x, mask)
            x = y
        result: Array = x
        return result

    @property
    def input_shape(self) -> Shape:
        """Shape of the input, with the batch axis."""
        if self._batch_shape is None:
            raise AttributeError(f"{self.name}: the input shape is not known before the model is built")
        return self._batch_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, with the batch axis."""
        shape = self.input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of `input_shape`, both with the batch axis."""
        shape = as_shape(input_shape, f"{self.name}: input_shape")
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer."""
        return [variable for layer in self.layers for variable in layer.weights]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that `fit` changes."""
        return [variable for layer in self.layers for variable in layer.trainable_variables]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other weights."""
        return [variable for layer in self.layers for variable in layer.non_trainable_variables]

    variables = weights
    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables

    @property
    def trainable(self) -> bool:
        """Whether any layer is; set it for all of them."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = checks.truth(f"{self.name}: trainable", value)
        for layer in self.layers:
            layer.trainable = value

    @property
    def losses(self) -> list[float]:
        """Penalties of the regularizers, part of the loss."""
        return [penalty for layer in self.layers for penalty in layer.losses]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer."""
        with CHANGE:
            return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Set all weights, in the order of `get_weights`; if one does not fit, none is set."""
        if not self.built:
            raise ValueError(f"{self.name}: has no weights yet; build it or give it an input shape first")
        assign_all(self.weights, checks.items(f"{self.name}: weights", weights, "a list of arrays"), self.name)

    def count_params(self) -> int:
        """Return the number of single weights."""
        return sum(layer.count_params() for layer in self.layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of this name, or at this index."""
        if (name is None) == (index is None):
            given = f"name={checks.shown(name)}, index={checks.shown(index)}"
            raise ValueError(f"{self.name}: get_layer needs either name or index, got {given}")
        if index is not None:
            count = len(self.layers)
            return self.layers[checks.whole_number(f"{self.name}: index", index, at_least=-count, at_most=count - 1)]
        found: Any = checks.one_of(f"{self.name}: name of a layer", name, [layer.name for layer in self.layers])
        return next(layer for layer in self.layers if layer.name == found)

    def reset_states(self) -> None:
        """Forget the states that stateful layers carry from batch to batch."""
        for layer in self.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    reset_state = reset_states

    def stream(self, batch_size: int = 1) -> ModelStream:
        """Return this model as a stream: one time step a call, states kept in between.

        Parameters
        ----------
        batch_size
            Number of sequences that go on side by side.

        Returns
        -------
        ModelStream

        Raises
        ------
        ValueError
            A layer needs more than the steps so far, or masks steps: Bidirectional, Flatten, Masking, go_backwards.
        """
        return ModelStream(StepPlan(self), batch_size)

    def summary(self, line_length: int | None = None, print_fn: Callable[..., Any] | None = None) -> None:
        """Print the layers, their output shapes and numbers of weights.

        Parameters
        ----------
        line_length
            Width of the table; by default that of the terminal, at most 88.
        print_fn
            Called with the text instead of printing it.
        """
        print_summary(self, line_length, print_fn)

    def __repr__(self) -> str:
        return f"<Sequential name={self.name}, built={self.built}>"
