"""Models: a graph of layers that can be trained, asked, streamed and put into another model."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks

from .. import files
from ..files.places import places
from ..foundation.arrays import Array, as_batch_shape, as_mask
from ..foundation.eager import as_eager
from ..foundation.lookup import auto_name, of_this_package
from ..foundation.symbolic import Arguments, SymbolicTensor, any_symbolic
from ..foundation.texts import TEXT, is_text, numbers_or_texts
from ..foundation.trees import filled, leaves, mapped, one_or_list
from ..foundation.variable import CHANGE, Variable, assign_all, holding
from ..graph.network import Found, Network
from ..graph.plan import Plan
from ..graph.streaming import ModelStream, StepPlan
from ..layers.base import Layer
from ..layers.call import INFERENCE, TRAINING, Call, Pullback, several
from ..layers.composed import adopt, tensors_of
from ..layers.quantizing import check_filters, quantize_parts
from ..layers.running import parts_of
from ..training.trainer import Trainer
from .configs import ConfiguredModel
from .cutting import cut
from .inputs import carried_masks, given_arrays, in_order, names_of
from .summary import print_summary


class Model(ConfiguredModel):
    """Layers between inputs and outputs.

    Parameters
    ----------
    inputs, outputs : array_like or list of array_like
        Symbolic tensors, or lists, tuples or dicts of them: what `Input` gave, and what layers made of it.
    name : str, optional
        By default ``functional``, numbered within the process.
    trainable : bool
        Whether training changes the weights.

    Raises
    ------
    ValueError
        If outputs do not follow from inputs, or two layers have one name.
    TypeError
        If inputs or outputs are no symbolic tensors.

    Notes
    -----
    A subclass may leave `inputs` and `outputs` out, make its layers in ``__init__`` and say in ``call(self, x)`` what
    it does with them. Such a model has weights as soon as it has seen data.

    Examples
    --------
    Two readings of a sequence, added up:

    >>> import numpy as np
    >>> from fastlstm.keras import Input, Model, layers
    >>> x = Input((20, 3))
    >>> y = layers.LSTM(8)(x) + layers.GRU(8)(x)
    >>> model = Model(x, layers.Dense(2, activation="softmax")(y))
    >>> model.predict(np.zeros((5, 20, 3)), verbose=0).shape
    (5, 2)
    """

    told_of_mask = True
    keeps = frozenset({"_on_arrays", "as_input"})
    takes_several = True

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        Trainer.__init__(self)
        Layer.__init__(self, name=name or self._default_name(), **kwargs)
        self._plan: Plan | None = None
        self._building = False
        self._input_tree: Any = None
        self._output_tree: Any = None
        if (inputs is None) != (outputs is None):
            given = "inputs" if outputs is None else "outputs"
            checks.complain(ValueError, f"{self.name}: inputs and outputs", "come together", f"{given} alone")
        if inputs is not None:
            self._set_plan(inputs, outputs)
        if not checks.truth(f"{self.name}: trainable", trainable):
            self.trainable = False

    def _default_name(self) -> str | None:
        return auto_name("Functional") if type(self) is Model else None

    def _set_plan(self, inputs: Any, outputs: Any) -> None:
        for argument, tree in (("inputs", inputs), ("outputs", outputs)):
            for leaf in leaves(tree):
                if not isinstance(leaf, SymbolicTensor):
                    wanted = "symbolic tensors, what Input() and layers called on it give"
                    checks.refuse(TypeError, f"{self.name}: {argument}", wanted, leaf)
        if not leaves(inputs) or not leaves(outputs):
            got = f"{len(leaves(inputs))} inputs and {len(leaves(outputs))} outputs"
            checks.complain(ValueError, f"{self.name}: inputs and outputs", "have at least one tensor each", got)
        inputs, outputs = cut(inputs, outputs, self.name)
        self._plan = Plan(leaves(inputs), leaves(outputs), self.name)
        self._input_tree, self._output_tree = inputs, outputs
        _check_names(self._plan, self.name)
        self.built = True

    # What there is.

    @property
    def plan(self) -> Plan:
        """The steps from inputs to outputs."""
        if self._plan is None:
            cure = "; build it, call it on data or give it an input shape first"
            checks.complain(ValueError, self.name, "have weights", "none yet", cure)
        return self._plan

    @property
    def _awaits_data(self) -> bool:
        return self._plan is None

    @property
    def inner_plan(self) -> Plan | None:
        """The steps to take in place of this model inside another one; None: it is run as a layer."""
        return None if self.composed else self._plan

    @property
    def layers(self) -> list[Layer]:
        """The layers, those farthest from the outputs first."""
        if self.composed:
            return list(parts_of(self))
        return [layer for layer in self.operations if isinstance(layer, Layer)]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(f"{self.name}: layers says what the model has; give what you set another name")

    @property
    def operations(self) -> list[Any]:
        """The layers and the operations on symbolic tensors, those farthest from the outputs first."""
        return list(parts_of(self)) if self.composed else list(self.plan.drawing.operations)

    def named_parts(self) -> list[tuple[str, Any]]:
        """See `Layer.named_parts`: the layers come first, or by name among the others where a user's ``call`` is."""
        own = [(name, part) for name, part in super().named_parts() if name not in ("_chain", "_plan")]
        if not self.composed:
            return [("layers", self.layers), *own]
        return sorted([("layers", self.layers), *own], key=lambda item: (item[0][0] == "_", item[0]))

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors that stand for the data."""
        return self.plan.inputs

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors that the model makes."""
        return self.plan.outputs

    @property
    def input(self) -> Any:
        """The inputs as the model was given them."""
        self.plan  # noqa: B018 - says so if there are none
        return self._input_tree

    @property
    def output(self) -> Any:
        """The outputs as the model was given them."""
        self.plan  # noqa: B018
        return self._output_tree

    @property
    def input_shape(self) -> Any:
        """Shape of the input, with the batch axis; a tree of shapes for several."""
        if self._plan is None:
            raise AttributeError(f"{self.name}: the input shape is not known before the model is built")
        return _shapes(self._input_tree)

    @input_shape.setter
    def input_shape(self, shape: Any) -> None:
        """Keep what `Layer` says to itself."""

    def _keep_input_shape(self, input_shape: Any) -> None:
        """Keep nothing: the plan knows."""

    @property
    def output_shape(self) -> Any:
        """Shape of the output, with the batch axis; a tree of shapes for several."""
        return _shapes(self.output)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, by which data may be given."""
        return names_of(self._input_tree, self.plan.inputs)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, by which labels, losses and metrics may be given."""
        return names_of(self._output_tree, self.plan.outputs)

    @property
    def _outputs_have_names(self) -> bool:
        # As in Keras, which knows no layer that gave an output of a call that a user wrote.
        return not self.composed or isinstance(self._output_tree, dict)

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer."""
        return [] if self._plan is None else self.plan.weights

    @property
    def differentiated(self) -> list[Variable]:
        """See `Layer.differentiated`."""
        return [] if self._plan is None else self.plan.differentiated

    @property
    def trainable(self) -> bool:
        """Whether any layer is; set it for all of them."""
        if self._plan is None or self.composed:
            return self._trainable
        with_weights = [layer for layer in self.layers if layer.weights]
        return any(layer.trainable for layer in with_weights or self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = checks.truth(f"{self.name}: trainable", value)
        if getattr(self, "_plan", None) is not None or self.composed:
            for layer in self.layers:
                layer.trainable = value

    @property
    def losses(self) -> list[float]:
        """Penalties of the regularizers, part of the loss."""
        return [penalty for layer in self.plan.layers for penalty in layer.losses]

    @property
    def penalizes_output(self) -> bool:
        """Whether there is a penalty on the output, or on that of a layer inside."""
        return self._plan is not None and any(step.layer.penalizes_output for step in self.plan.steps)

    def set_weights(self, weights: list[Any]) -> None:
        """Set all weights, in the order of `get_weights`; if one does not fit, none is set."""
        self.plan  # noqa: B018
        assign_all(self.weights, checks.items(f"{self.name}: weights", weights, "a list of arrays"), self.name)

    def count_params(self) -> int:
        """Return the number of single weights."""
        self.plan  # noqa: B018
        return sum(int(np.prod(variable.shape)) for variable in self.weights)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of this name, or at this index."""
        if (name is None) == (index is None):
            checks.refuse_pair(f"{self.name}: get_layer", name=name, index=index)
        layers = self.layers
        if index is not None:
            count = len(layers)
            return layers[checks.whole_number(f"{self.name}: index", index, at_least=-count, at_most=count - 1)]
        found: Any = checks.one_of(f"{self.name}: name of a layer", name, [layer.name for layer in layers])
        return next(layer for layer in layers if layer.name == found)

    # What it does with arrays.

    def _arrays(self, x: Any, late: bool = False) -> tuple[Array, ...]:
        """Return the arrays of the inputs, in order and in the form the layers take; builds the model at first."""
        if self._plan is None:
            self._build_for(x)
        return given_arrays(self.plan, self._input_tree, x, self.name, self.composed, late)

    def _build_for(self, x: Any) -> None:
        """Find out from the first data what the model does."""
        is_one = isinstance(x, list | tuple) and all(isinstance(leaf, bool | int | float | str) for leaf in leaves(x))
        self._call_on(self._tensor_like(x) if is_one else mapped(self._tensor_like, x))

    def _tensor_like(self, part: Any) -> SymbolicTensor:
        array = self.as_input(part, f"{self.name}: x")
        return SymbolicTensor((None, *array.shape[1:]), TEXT if is_text(array) else array.dtype)

    def _call_on(self, tensors: Any) -> None:
        """Make a plan of one step: this model, called on symbolic tensors."""
        if not self.composed and any("call" in vars(base) and not of_this_package(base) for base in type(self).__mro__):
            adopt(type(self))  # a call() that the class was given after it was made
        if not self.composed:
            must = "have inputs and outputs, or a class with call(self, x)"
            checks.complain(NotImplementedError, self.name, must, "neither")
        with CHANGE:  # several threads may bring the first data
            if self._plan is None:
                outputs = self._outputs_for(tensors)
                self._plan = Plan(leaves(tensors), leaves(outputs), self.name)
                self._input_tree, self._output_tree = tensors, outputs
                for variable in self.weights:
                    variable.path = f"{self.name}/{variable.path}"

    def _outputs_for(self, tensors: Any) -> Any:
        self._building = True  # for calling the model asks for it to be built
        try:
            return self(tensors)
        finally:
            self._building = False

    def build(self, input_shape: Any = None) -> None:
        """Create the weights for inputs of a shape, or of a list of shapes, with the batch axis."""
        if self.composed and self._plan is None and not self._building and input_shape is not None:
            self._call_on(tensors_of(input_shape, self.dtype))

    def as_input(self, x: Any, name: str, wanted: str = "an array of numbers") -> Array:
        """`x` as an array; floats are cast to this model's dtype."""
        return numbers_or_texts(x, name, self.dtype, wanted)

    def _as_given(self, outputs: Sequence[Any]) -> Any:
        """Return outputs in the form the model was given them: a list, a tuple or a dict; of a list of one, the one."""
        tree = self._output_tree
        alone = isinstance(tree, SymbolicTensor) or (len(outputs) == 1 and not isinstance(tree, dict))
        return outputs[0] if alone else filled(tree, iter(outputs))

    def _noted(self, x: Any, training: Any = None, mask: Any = None, initial_state: Any = None) -> Any:
        if isinstance(x, dict) and isinstance(self._input_tree, list | tuple):
            x = in_order(x, self._input_tree, self.plan.inputs, self.name)
        return super()._noted(x, training, mask)

    def _on_arrays(self, x: Any, training: bool = False, mask: Any = None) -> Any:
        training = training is not None and checks.truth("training", training)
        arrays = self._arrays(x)
        masks = carried_masks(self.plan, self._input_tree, x, self.name) if mask is None else self._masks(mask, arrays)
        with holding(self.plan.weights):
            found = Network(self.plan).run(arrays, masks, training)
        outputs = map(as_eager, found.outputs, found.masks)
        return self._as_given(list(outputs))

    def _masks(self, mask: Any, arrays: tuple[Array, ...]) -> list[Array | None]:
        given = mask if isinstance(mask, list | tuple) and len(arrays) > 1 else [mask]
        if len(given) != len(arrays):
            must = f"have an entry for each of the {len(arrays)} inputs of {self.name}"
            checks.complain(ValueError, "mask", must, len(given))
        return [None if m is None else self._mask(m, x, k) for k, (m, x) in enumerate(zip(given, arrays, strict=True))]

    def _mask(self, mask: Any, x: Array, number: int) -> Array:
        axes = [layer.mask_ndim for layer in self.plan.takers(self.plan.given[number]) if layer.mask_ndim]
        return as_mask(mask, "mask", x.shape, axes[0] if axes else None)

    def forward(self, x: Any, call: Call = INFERENCE) -> Any:
        """Compute the outputs of this model as a layer of another one; see `Layer.forward`."""
        return self._as_given(Network(self.plan).run(_several(x), _several_masks(x, call), call.training).outputs)

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback]:
        """See `Layer.vjp`."""
        found, pullback = self._with_pullback(x, call, penalties=False)
        return self._as_given(found.outputs), pullback

    def _with_pullback(self, x: Any, call: Call, penalties: bool) -> tuple[Found, Pullback]:
        network = Network(self.plan, penalties)
        found, back = network.vjp(_several(x), _several_masks(x, call), call.need_dx, call.training)

        def pullback(dy: Any) -> tuple[Any, list[Array]]:
            dx, gradients = back(leaves(dy))
            return dx if isinstance(x, list) else dx[0], gradients

        return found, pullback

    def penalized_forward(self, x: Any, call: Call = INFERENCE) -> tuple[Any, float]:
        """See `Layer.penalized_forward`; the penalties are those of the layers."""
        found = Network(self.plan, penalties=True).run(_several(x), _several_masks(x, call), call.training)
        return self._as_given(found.outputs), found.penalty

    def penalized_vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback, float]:
        """See `Layer.penalized_vjp`."""
        found, pullback = self._with_pullback(x, call, penalties=True)
        return self._as_given(found.outputs), pullback, found.penalty

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the masks of the outputs, None for one without; of symbolic ones, which Keras does not know, None."""
        if any_symbolic(x):
            return None
        return one_or_list(Network(self.plan).run(_several(x), _several_masks(x, Call(mask=mask))).masks)

    def outputs_for(self, shape: Any, arguments: Arguments) -> tuple[Any, Any]:
        """Shapes and dtypes of the outputs."""
        shapes = self.output_shape_for(shape, arguments)
        return shapes, _as_lists(mapped(lambda tensor: _Leaf(tensor.dtype), self.output))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output for an input of `input_shape`, both with the batch axis; lists for several."""
        shapes = [as_batch_shape(shape, f"{self.name}: input_shape") for shape in several(input_shape)]
        if len(shapes) != len(self.plan.inputs):
            must = f"have a shape for each of the {len(self.plan.inputs)} inputs"
            checks.complain(ValueError, f"{self.name}: input_shape", must, len(shapes))
        found = self.plan.output_shapes(shapes)
        return _as_lists(filled(self._output_tree, iter([_Leaf(shape) for shape in found])))

    # In files.

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Write the model to a file that Keras reads too; see `keras.models.save_model`."""
        files.save_model(self, filepath, overwrite, **kwargs)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights to a file that Keras reads too; see `keras.saving.save_weights`."""
        files.save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Take the weights of a file; see `keras.saving.load_weights`."""
        files.load_weights(self, filepath, skip_mismatch, by_name)

    def export(self, filepath: str | os.PathLike[str], format: str = "onnx") -> None:
        """Write the model to a file of ONNX; see `fastlstm.onnx.export`."""
        checks.one_of("format", format, ("onnx",))
        from fastlstm import onnx  # which is not there for everybody

        onnx.export(self, filepath)

    def write_checkpoint(self, filepath: str | os.PathLike[str], training: dict[str, Any], whole: bool = False) -> None:
        """Write all that a training depends on to a file, for callbacks.

        Parameters
        ----------
        filepath : path
            Path of the file.
        training : dict
            Where `fit` is.
        whole : bool
            Whether the file has what the model is made of, too, so that `keras.models.load_model` reads it.
        """
        files.write_checkpoint(self, Path(filepath), training, whole)

    def read_checkpoint(self, filepath: str | os.PathLike[str]) -> Any:
        """Return what a file has of a training of this model, which stays as it is; `fit` goes on from it."""
        return files.read_checkpoint(self, files.existing("resume_from", filepath))

    def checkpoint_of(self, bundle: Any, owner: str) -> Any:
        """Return what was read from a file, the `owner`, of a training of this model; see `read_checkpoint`."""
        return files.checkpoint_of(self, bundle, owner)

    def all_layers(self) -> list[Any]:
        """Return the model and all layers inside it, each once."""
        return list(places(self).values())

    # Time.

    def quantize(  # type: ignore[override]
        self,
        mode: Any = None,
        config: Any = None,
        filters: Any = None,
        type_check: bool = True,
        *,
        activations: str | None = None,
    ) -> None:
        """Compute the products of all layers that can in another precision from now on.

        `Dense`, `EinsumDense`, `Embedding`, `LSTM`, `GRU`, `SimpleRNN` and their cells can, alone and inside other
        layers. Others stay as they are, and those among them that have weights are told by a warning.

        Parameters
        ----------
        mode, config, type_check, activations : str; dict; bool
            See `Dense.quantize`.
        filters : list of str, optional
            A regular expression that is searched for in the names of layers, a list of these, or a function of a layer:
            which layers are meant. None: all.

        Raises
        ------
        ValueError
            If the model is not built, a layer is in that mode or int8 already, or there is no such mode. No layer is
            changed then.
        TypeError
            If a layer is of float64.

        Examples
        --------
        >>> import numpy as np
        >>> from fastlstm.keras import Input, Sequential, layers
        >>> model = Sequential([Input((5, 3)), layers.LSTM(16), layers.Dense(1)])
        >>> x = np.ones((2, 5, 3))
        >>> before = model.predict(x, verbose=0)
        >>> model.quantize("int8")
        >>> model.layers[0].kernel.dtype.name, model.layers[0].precision
        ('int8', 'int8')
        >>> bool(np.abs(model.predict(x, verbose=0) - before).max() < 0.02)
        True
        """
        self.plan  # noqa: B018 - says so if there are no weights yet
        check_filters(filters)
        quantize_parts(self, mode, config, type_check, activations, filters)

    def reset_states(self) -> None:
        """Forget the states that stateful layers carry from batch to batch."""
        for layer in self.plan.working_layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    reset_state = reset_states

    def stream(self, batch_size: int = 1) -> ModelStream:
        """Return this model as a stream: one time step a call, states kept in between.

        Parameters
        ----------
        batch_size : int
            Number of sequences that go on side by side.

        Returns
        -------
        ModelStream

        Raises
        ------
        ValueError
            A layer needs more than the steps so far, or masks steps: Bidirectional, Flatten, Masking, go_backwards.
        """
        return ModelStream(StepPlan(self.plan), batch_size)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[..., Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print the layers, their output shapes and numbers of weights and, of a graph, what they are called on.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; by default that of the terminal, at most 88, or 108 of a graph that is no chain.
        positions : sequence of float, optional
            Where the columns end, as parts of the line.
        print_fn : callable, optional
            Called once, with the text, instead of printing it.
        expand_nested : bool
            Whether the layers of models inside are there too.
        show_trainable : bool
            Whether there is a column that says what training changes.
        layer_range : sequence of str, optional
            Names of the first and of the last layer to show, or patterns that match their beginnings.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def __getstate__(self) -> dict[str, Any]:
        # The plan knows how to be pickled, where tensors would bring the whole graph, one inside another.
        trees = {name: mapped(lambda tensor: None, getattr(self, name)) for name in ("_input_tree", "_output_tree")}
        return {**super().__getstate__(), **trees, "_preparation": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._plan is not None:
            self._input_tree = filled(self._input_tree, iter(self._plan.inputs))
            self._output_tree = filled(self._output_tree, iter(self._plan.outputs))

    def __repr__(self) -> str:
        return f"<{self.keras_class_name} name={self.name}, built={self.built}>"


class _Leaf:
    """Keeps a shape, itself a tuple, from being taken for a tree; or a dtype."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _as_lists(tree: Any) -> Any:
    """Return what a tree of `_Leaf` holds, with lists for its tuples, as tuples are shapes."""
    if isinstance(tree, _Leaf):
        return tree.value
    if isinstance(tree, dict):
        return {key: _as_lists(entry) for key, entry in tree.items()}
    return [_as_lists(entry) for entry in tree]


def _shapes(tree: Any) -> Any:
    return mapped(lambda tensor: tensor.shape, tree)


def _several(x: Any) -> list[Array]:
    return x if isinstance(x, list) else [x]


def _several_masks(x: Any, call: Call) -> list[Any] | None:
    if call.mask is None:
        return None
    return call.mask if isinstance(call.mask, list) else [call.mask]


def _check_names(plan: Plan, name: str) -> None:
    counts = Counter(layer.name for layer in plan.layers)
    twice = sorted(one for one, count in counts.items() if count > 1)
    if twice:
        checks.complain(ValueError, f"{name}: layers", "have a name each", f"{twice[0]!r} twice", "; rename one")
