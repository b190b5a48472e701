"""Pictures of models."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from fastlstm import checks

from ..foundation.arrays import shape_text
from ..foundation.symbolic import SymbolicTensor
from ..foundation.trees import mapped
from ..layers.core.input import InputLayer
from .dot import Dot, bold, box, plain, quoted
from .model import Model
from .sequential import Sequential, is_graph

_TITLE = ("black", "white")
_CELL = ("white", "black")
_TRAINED, _FIXED = ("forestgreen", "white"), ("firebrick", "white")

DIRECTIONS = ("TB", "LR", "BT", "RL")
LINES = ("ortho", "curved", "polyline", "spline", "line")

_SHOWN = ("png", "jpg", "jpeg", "gif")
"""What notebooks show of a file."""


class Shown(NamedTuple):
    """What a box says of its layer."""

    shapes: bool
    dtype: bool
    names: bool
    activations: bool
    trainable: bool


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Draw the layers of a model, and which gives its output to which, to a file.

    Parameters
    ----------
    model : Model
        A model that is built.
    to_file : path
        The ending says what it will be: ``.png``, ``.svg``, ``.pdf`` and others, drawn by graphviz, which must be
        installed (``apt install graphviz``); or ``.dot``, what graphviz would draw.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What is said of every layer beside its class.
    rankdir : str
        ``"TB"``: from top to bottom; ``"LR"``: from left to right.
    expand_nested : bool
        Whether the layers of models inside are drawn, in a frame.
    dpi : float
        Dots an inch.
    splines : str
        How lines are drawn: ``"ortho"``, ``"curved"``, ``"polyline"``, ``"spline"`` or ``"line"``.

    Returns
    -------
    IPython.display.Image or None
        The picture, in a notebook.

    Raises
    ------
    ImportError
        Graphviz is not installed, and the file is to be a picture.
    """
    to_file = checks.path("to_file", to_file)
    graph = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
    )
    path = Path(to_file)
    ending = path.suffix[1:].lower() or "png"
    graph.write(path, format=ending)
    notebook = sys.modules.get("IPython.display")
    return None if notebook is None or ending not in _SHOWN else notebook.Image(filename=str(path))


def model_to_dot(
    model: Model,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Dot:
    """Return the layers of a model, and which gives its output to which, as a graph.

    Parameters
    ----------
    model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations : see there
        See `plot_model`.
    subgraph : bool
        Must be False: models inside are framed by `expand_nested`.
    show_trainable, splines : bool; str
        See `plot_model`.

    Returns
    -------
    Dot
        ``to_string()`` is its text, ``create(format="svg")`` a picture.
    """
    if not isinstance(model, Model):
        checks.refuse(TypeError, "model", "a Model", model)
    if not model.built:
        checks.complain(ValueError, "model", "be built", model.name, ": build() it or call it on data first")
    if checks.truth("subgraph", subgraph):
        checks.refuse(ValueError, "subgraph", "False", subgraph)
    switches = {"show_shapes": show_shapes, "show_dtype": show_dtype, "show_layer_names": show_layer_names}
    switches |= {"show_layer_activations": show_layer_activations, "show_trainable": show_trainable}
    shown = Shown(*(checks.truth(name, value) for name, value in switches.items()))
    lines = [
        f"rankdir={checks.one_of('rankdir', rankdir, DIRECTIONS)};",
        "concentrate=true;",
        f"dpi={checks.real_number('dpi', dpi, above=0):g};",
        f"splines={checks.one_of('splines', splines, LINES)};",
        'node [shape=plaintext, fontname="Helvetica", margin=0];',
        "edge [penwidth=2];",
    ]
    drawing = _Drawing(shown, checks.truth("expand_nested", expand_nested))
    return Dot(lines + drawing.drawn(model))


class _Drawing:
    """The boxes and lines of a picture."""

    def __init__(self, shown: Shown, expand: bool) -> None:
        self.shown, self.expand = shown, expand
        self.numbers: dict[int, int] = {}

    def drawn(self, model: Model) -> list[str]:
        """Return the statements of a model's boxes and lines."""
        if not is_graph(model):
            return [self._box(model)]
        parts = model.layers if isinstance(model, Sequential) else model.operations
        lines: list[str] = []
        for part in parts:
            lines += self._framed(part) if self.expand and is_graph(part) else [self._box(part)]
        return lines + self._edges(model)

    def _framed(self, model: Any) -> list[str]:
        inside = self.drawn(model)
        frame = f"subgraph cluster_{self._number(model)} {{"
        return [frame, "style=dashed;", f"label={quoted(model.name)};", "labeljust=l;", *inside, "}"]

    def _edges(self, model: Model) -> list[str]:
        """Return a line for every pair of layers of which one takes what the other gives."""
        pairs: dict[tuple[str, str], None] = {}
        drawing = model.plan.drawing
        for node in drawing.nodes:
            for place, tensor in enumerate(drawing.needs(node)):
                source = self._giver(tensor)
                if not (isinstance(model, Sequential) and isinstance(source, InputLayer)):  # which has no box
                    pairs[self._id(source), self._id(self._taker(node.layer, place))] = None
        return [f"{source} -> {target};" for source, target in pairs]

    def _giver(self, tensor: SymbolicTensor) -> Any:
        """Return what is drawn as giving a tensor: within models inside, if these are drawn."""
        assert tensor.node is not None  # every tensor of a graph has one
        layer = tensor.node.layer
        while self.expand and is_graph(layer):
            tensor = layer.outputs[tensor.index]
            assert tensor.node is not None
            layer = tensor.node.layer
        return layer

    def _taker(self, layer: Any, place: int) -> Any:
        while self.expand and is_graph(layer):
            if isinstance(layer, Sequential):
                layer = layer.layers[0]
            else:
                layer = layer.inputs[min(place, len(layer.inputs) - 1)].node.layer
        return layer

    def _number(self, part: Any) -> int:
        return self.numbers.setdefault(id(part), len(self.numbers))

    def _id(self, part: Any) -> str:
        return f"layer_{self._number(part)}"

    def _box(self, part: Any) -> str:
        kind = bold(part.keras_class_name)
        title = f"{bold(part.name)} ({plain(part.keras_class_name)})" if self.shown.names else kind
        rows = [[(title, *_TITLE)]]
        activation = getattr(part, "activation", None)
        if self.shown.activations and activation is not None:
            rows.append([(f"Activation: {bold(getattr(activation, 'name', activation))}", *_CELL)])
        if facts := self._facts(part):
            rows.append(facts)
        return f"{self._id(part)} [label={box(rows)}];"

    def _facts(self, part: Any) -> list[tuple[str, str, str]]:
        facts = []
        if self.shown.shapes:
            if not isinstance(part, InputLayer):
                facts.append((f"Input shape: {bold(_shapes(part, 'input'))}", *_CELL))
            facts.append((f"Output shape: {bold(_shapes(part, 'output'))}", *_CELL))
        if self.shown.dtype:
            facts.append((f"Output dtype: {bold(_dtypes(part))}", *_CELL))
        if self.shown.trainable and part.weights:
            facts.append((bold("Trainable"), *_TRAINED) if part.trainable else (bold("Non-trainable"), *_FIXED))
        return facts


def _tensors(part: Any, end: str) -> Any:
    """Return what a layer takes or gives, at its first call; None: nobody knows."""
    try:
        return getattr(part, end)
    except (AttributeError, ValueError):
        return None


def _shapes(part: Any, end: str) -> str:
    tensors = _tensors(part, end)
    return "?" if tensors is None else _text(mapped(lambda tensor: shape_text(tensor.shape), tensors))


def _dtypes(part: Any) -> str:
    tensors = _tensors(part, "output")
    return "?" if tensors is None else _text(mapped(lambda tensor: str(tensor.dtype), tensors))


def _text(tree: Any) -> str:
    """Return a tree of texts as one."""
    if isinstance(tree, dict):
        return ", ".join(f"{name}: {_text(entry)}" for name, entry in tree.items())
    return f"[{', '.join(map(_text, tree))}]" if isinstance(tree, list | tuple) else str(tree)
