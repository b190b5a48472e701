"""What a model does, as a list of steps: the calls of layers between its inputs and outputs, in an order that works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Shape
from ..foundation.symbolic import Node, SymbolicTensor
from ..foundation.trees import one_or_list, sorted_keys, unique
from ..foundation.variable import Variable, count_of_changes
from ..layers.base import Layer
from ..layers.core.identity import Identity
from .drawing import Drawing
from .nodes import nodes_between

MOST_STEPS = 200_000
"""A model that calls one inside it twice, which calls another one twice, and so on, soon has more than memory holds."""


class Step(NamedTuple):
    """One call of a layer: which arrays it takes and makes."""

    layer: Any
    inputs: tuple[int, ...]
    """Places of the arrays it takes among those of a run."""
    outputs: tuple[int, ...]
    structure: Any
    """Tree of what it gives; None for a single array."""
    mask: int | None
    """Place of a mask given to it; None: that of its inputs."""
    training: bool | None
    """Whether it drops, if the call said so."""
    arguments: Any
    """What else it was called with, see `Call`."""
    done: tuple[int, ...]
    """Places of the arrays that no later step takes."""
    plain: bool
    """Whether it takes one array with its own mask, and gives one."""


class Plan:
    """The calls of layers between symbolic tensors.

    Parameters
    ----------
    inputs, outputs : sequence of SymbolicTensor
        The tensors that are given, and those that are wanted.
    name : str
        Of the model, for errors.
    """

    def __init__(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], name: str) -> None:
        self.name, self.inputs, self.outputs = name, list(inputs), list(outputs)
        self.nodes = nodes_between(self.inputs, self.outputs, name)
        self.drawing = Drawing(self.nodes, self.inputs, self.outputs)
        self.layers = self.drawing.layers
        laid_out = _LaidOut(self.inputs, name)
        laid_out.add(self.nodes)
        self.given = [laid_out.places[id(tensor)] for tensor in self.inputs]
        self.wanted = [laid_out.places[id(tensor)] for tensor in self.outputs]
        self.size = laid_out.size
        self.steps = _with_ends(laid_out.steps, self.wanted)
        self.mixed = laid_out.casts or len(laid_out.dtypes) > 1
        """Whether layers, or what they give, differ in dtypes, so that arrays may have to be cast on the way."""
        self.consumers = Counter(place for step in self.steps for place in (*step.inputs, step.mask))
        self._makers = self._makers_of_endings()
        self.known: dict[Any, Any] = {}
        """What those who run it have found out about it."""
        self._find_weights()
        self._shapes: dict[tuple[Shape, ...], list[Shape]] = {}
        self._plain_input = self._dtype_of_plain_input()

    def _find_weights(self) -> None:
        """Find the weights, which are others after `quantize` of a layer."""
        self._changes = count_of_changes()
        self._weights: list[Variable] = unique(variable for layer in self.layers for variable in layer.weights)
        self._with_weights = [layer for layer in self.layers if layer.weights]
        self._apart = sum(len(layer.weights) for layer in self._with_weights) == len(self._weights)
        self.known.clear()

    @property
    def weights(self) -> list[Variable]:
        """All weights, in the order of the layers."""
        if self._changes != count_of_changes():
            self._find_weights()
        return self._weights

    @property
    def working_layers(self) -> list[Any]:
        """The layers that are run, each once, those of models inside too."""
        return unique(step.layer for step in self.steps)

    @property
    def differentiated(self) -> list[Variable]:
        """The weights that the layers give gradients of, in the order of the layers."""
        self.weights  # noqa: B018 - they may be others than before
        found = [variable for layer in self._with_weights for variable in layer.differentiated]
        return found if self._apart else unique(found)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes."""
        return [variable for variable in self.differentiated if variable.trainable]

    def takers(self, place: int) -> list[Any]:
        """Layers that take the array at a place."""
        return [step.layer for step in self.steps if place in step.inputs]

    def endings(self) -> list[str | None]:
        """Names of the activations at the very ends of the outputs, which a loss may have built in."""
        made = self._makers
        return [None if layer is None or layer.penalizes_output else layer.logits_activation for layer in made]

    def _makers_of_endings(self) -> list[Any]:
        """Return the layer that makes each output; None if others take it too, or it is there twice."""
        makers = {place: step.layer for step in self.steps for place in step.outputs}
        shared = [self.consumers[place] or self.wanted.count(place) > 1 for place in self.wanted]
        return [None if more else makers.get(place) for place, more in zip(self.wanted, shared, strict=True)]

    def _dtype_of_plain_input(self) -> Any:
        """Return the dtype that is taken of the only input; None if there are several, or layers look at its values."""
        takers = self.takers(self.given[0])
        plain = len(self.given) == 1 and all(getattr(type(t), "as_input", None) is Layer.as_input for t in takers)
        dtypes = {taker.dtype for taker in takers} if plain else set()
        return dtypes.pop() if len(dtypes) == 1 else None

    def takes(self, x: Any) -> bool:
        """Whether `x` is the only input as the layers take it, of a shape that was found to be right before."""
        return (
            type(x) is np.ndarray
            and self._plain_input is not None  # which NumPy takes for float64
            and x.dtype == self._plain_input
            and ((None, *x.shape[1:]),) in self._shapes
            and x.flags.aligned
        )

    def output_shapes(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Shapes of the outputs for inputs of these `shapes`, or the error of the layer that refuses one."""
        key = tuple((None, *shape[1:]) for shape in shapes)
        if key not in self._shapes:
            found = self.array_shapes(key)
            self._shapes = {key: [found[place] for place in self.wanted]}
        rows = shapes[0][0] if shapes else None
        return [(rows, *shape[1:]) for shape in self._shapes[key]]

    def array_shapes(self, shapes: Sequence[Shape]) -> dict[int, Shape]:
        """Shapes of the arrays at all places, for inputs of these `shapes`."""
        found: dict[int, Shape] = dict(zip(self.given, shapes, strict=True))
        for step in self.steps:
            given = one_or_list([found[place] for place in step.inputs])
            shape = step.layer.output_shape_for(given, step.arguments)
            found.update(zip(step.outputs, _shapes_in(shape), strict=True))
        return found

    def __reduce__(self) -> Any:
        from .flat import flattened, restored  # which makes plans

        return restored, (*flattened(self), self.name)


def _shapes_in(shape: Any) -> list[Shape]:
    """Leaves of a tree of shapes, in which lists and dicts hold shapes and tuples are shapes."""
    if isinstance(shape, dict):
        shape = [shape[key] for key in sorted_keys(shape)]
    return [leaf for entry in shape for leaf in _shapes_in(entry)] if isinstance(shape, list) else [shape]


class _LaidOut:
    """Steps of nodes, with a place for every array; models inside are taken apart."""

    def __init__(self, inputs: list[SymbolicTensor], name: str) -> None:
        self.name = name
        self.places = {id(tensor): place for place, tensor in enumerate(inputs)}
        self.size = len(inputs)
        self.steps: list[Step] = []
        self.dtypes: set[Any] = set()
        self.casts = False
        """Whether there are steps that do nothing but cast."""

    def add(self, nodes: Iterable[Node], training: bool | None = None) -> None:
        for node in nodes:
            drops = node.training if node.training is not None else training
            inner: Plan | None = getattr(node.layer, "inner_plan", None)
            if inner is None or node.mask is not None:
                self._add_step(node, drops)
            else:
                self._add_inner(node, inner, drops)

    def _add_step(self, node: Node, training: bool | None) -> None:
        if len(self.steps) == MOST_STEPS:
            cure = "; those of models inside count at every call of these"
            checks.complain(ValueError, self.name, f"have at most {MOST_STEPS} calls of layers", "more", cure)
        inputs = tuple(self.places[id(tensor)] for tensor in node.inputs)
        self.dtypes |= {node.layer.dtype, *(tensor.dtype for tensor in node.outputs)}
        for tensor in node.outputs:
            self.places[id(tensor)], self.size = self.size, self.size + 1
        outputs = tuple(self.places[id(tensor)] for tensor in node.outputs)
        structure = None if isinstance(node.structure, SymbolicTensor) else node.structure
        mask = None if node.mask is None else self.places[id(node.mask)]
        plain = len(inputs) == 1 and structure is None and mask is None
        self.steps.append(Step(node.layer, inputs, outputs, structure, mask, training, node.arguments, (), plain))

    def _add_inner(self, node: Node, inner: Plan, training: bool | None) -> None:
        outer = self.places
        pairs = zip(inner.inputs, node.inputs, strict=True)
        self.places = {id(given): self._as_taken(given, tensor, node) for given, tensor in pairs}
        self.add(inner.nodes, training)
        outer.update(
            {id(tensor): self.places[id(made)] for tensor, made in zip(node.outputs, inner.outputs, strict=True)}
        )
        self.places = outer

    def _as_taken(self, given: SymbolicTensor, tensor: SymbolicTensor, node: Node) -> int:
        """Return the place of what a model inside takes for its input `given`: floats are cast to the dtype of that."""
        place = self.places[id(tensor)]
        if given.dtype == tensor.dtype or {given.dtype.kind, tensor.dtype.kind} != {"f"}:
            return place
        made, self.size, self.casts = self.size, self.size + 1, True
        layer = Identity(name="cast", dtype=given.dtype)
        self.steps.append(Step(layer, (place,), (made,), None, None, None, node.arguments, (), True))
        return made


def _with_ends(steps: list[Step], wanted: list[int]) -> list[Step]:
    """Note at every step which arrays are needed no more after it."""
    last: dict[int, int] = {}
    for number, step in enumerate(steps):
        for place in (*step.inputs, *step.outputs, *(() if step.mask is None else (step.mask,))):
            last[place] = number
    for place in wanted:
        last.pop(place, None)
    ends: dict[int, list[int]] = {}
    for place, number in last.items():
        ends.setdefault(number, []).append(place)
    return [step._replace(done=tuple(ends.get(number, ()))) for number, step in enumerate(steps)]
