"""Chains of layers on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.layers.base import Recurrent
from fastlstm.layers.chains import Chain
from fastlstm.layers.chains.plan import Plan
from fastlstm.layers.chains.run import layers_now
from fastlstm.layers.embedding import Embedding
from fastlstm.layers.layer import Layer
from fastlstm.layers.linear import Linear
from fastlstm.layers.over_time import FinalHidden, LastStep, LastValidStep, MaxOverTime, MeanOverTime

from ..values import NUMBERS, ValueInfo
from .array_layers import LENGTHS, LENGTHS_INFO, operator_of, rows_of, stacked, state_infos
from .stateless_layers import STATELESS
from .writer import Writer

_INDICES = np.dtype(np.int64)


def export_chain(chain: Chain, path: Path, states: bool, lengths: bool) -> None:
    """Write a chain as a graph; what ONNX cannot express is refused, naming the layer.

    Parameters
    ----------
    chain : Chain
        The chain.
    path : path
        Of the file.
    states : bool
        Whether the initial states are inputs.
    lengths : bool
        Whether there is an input for the lengths of the rows.
    """
    plan = chain._plan
    for name, given in (("states", states), ("lengths", lengths)):
        if given and not plan.recurrent:
            checks.refuse(ValueError, name, "left out for a chain without a recurrent layer", given)
    layers = layers_now(plan)
    infos = {place: state_infos(_recurrent(layers, place), _prefix(plan, place)) for place in plan.recurrent}
    starts = [info for first, _ in infos.values() for info in first] if states else []
    inputs = [_input(plan, layers), *([LENGTHS_INFO] if lengths else []), *starts]
    outputs = [_output(plan, layers), *(info for _, ends in infos.values() for info in ends)]
    writer = Writer(inputs, outputs)
    steps = _Steps(writer, plan, layers, LENGTHS if lengths else "")
    names = steps.run({place: [info.name for info in first] if states else [] for place, (first, _) in infos.items()})
    for name, info in zip(names, outputs, strict=True):
        writer.give(name, info)
    writer.write(path, "chain")


def _recurrent(layers: Sequence[Layer], place: int) -> Recurrent:
    layer = layers[place]
    assert isinstance(layer, Recurrent)
    return layer


def _prefix(plan: Plan, place: int) -> str:
    """Return what stands before the names of the states of a layer."""
    return "" if len(plan.recurrent) == 1 else f"{plan.names[place]}."


def _dtype(plan: Plan) -> np.dtype[Any]:
    return np.dtype(plan.dtype or np.float32)


def _input(plan: Plan, layers: Sequence[Layer]) -> ValueInfo:
    """Describe the input: rows where there is no recurrent layer, of words or of numbers."""
    if isinstance(layers[0], Embedding):
        return ValueInfo("x", rows_of(plan.batch_first or not plan.recurrent), _INDICES)
    rows = rows_of(plan.batch_first) if plan.recurrent else ("batch",)
    return ValueInfo("x", (*rows, _input_size(layers)), _dtype(plan))


def _input_size(layers: Sequence[Layer]) -> int | str:
    """Return the numbers of a step that goes in, as the first layer says that knows it."""
    for layer in layers:
        for size in ("input_size", "in_features", "normalized_shape", "num_features"):
            if hasattr(layer, size):
                return int(np.ravel(getattr(layer, size))[-1])
    return "features"


def _output(plan: Plan, layers: Sequence[Layer]) -> ValueInfo:
    *rows, size = _input(plan, layers).shape or ()
    if isinstance(layers[0], Embedding):
        rows, size = [*rows, size], layers[0].embedding_dim
    for layer in layers:
        if isinstance(layer, Recurrent):
            size = layer.num_directions * layer.hidden_size
        elif isinstance(layer, Linear):
            size = layer.out_features
        elif isinstance(layer, _ONE_STEP):
            rows = ["batch"]
    return ValueInfo("y", (*rows, size), _dtype(plan))


_ONE_STEP = (FinalHidden, LastStep, LastValidStep, MaxOverTime, MeanOverTime)


class _Steps:
    """What goes from layer to layer while a chain is written.

    Parameters
    ----------
    writer : Writer
        The graph.
    plan : Plan
        The chain.
    layers : sequence of Layer
        Its layers.
    lengths : str
        Name of the valid steps of every row; "": all are.
    """

    def __init__(self, writer: Writer, plan: Plan, layers: Sequence[Layer], lengths: str) -> None:
        self.writer, self.plan, self.layers, self.lengths = writer, plan, layers, lengths
        self.dtype = _dtype(plan)
        self._name, self._turned = "x", False  # whether steps are first where the caller has rows first
        self._has_time = bool(plan.recurrent)
        self._last: list[str] = []

    def run(self, starts: dict[int, list[str]]) -> list[str]:
        """Write all layers; return the names of the output and of the last states."""
        ends: list[str] = []
        for place, (name, layer) in enumerate(zip(self.plan.names, self.layers, strict=True)):
            if isinstance(layer, Recurrent):
                operator_of(layer, name)
                made = stacked(self.writer, layer, self.steps_first(), self.lengths, starts[place])
                self._name, self._last = made.y, made.states
                ends += made.states
            elif isinstance(layer, FinalHidden):
                self._one_step(self._final_hidden(self.layers[place - 1]))
            else:
                self._write(name, layer)
        return [self.as_given(), *ends]

    def _write(self, name: str, layer: Layer) -> None:
        if type(layer) in _OVER_TIME:
            self._one_step(_OVER_TIME[type(layer)](self, name))
            return
        if type(layer) not in STATELESS:
            known = ", ".join(sorted(cls.__name__ for cls in (*STATELESS, *_OVER_TIME)))
            must = f"be of a class that ONNX can express: {known}"
            checks.complain(ValueError, name, must, type(layer).__name__)
        x = self._name if _acts_on_the_last_axis(layer) else self.as_given()
        self._name = STATELESS[type(layer)](self.writer, layer, x)

    # -- axes ----------------------------------------------------------------------------------------------------------

    def steps_first(self) -> str:
        """Return the name of sequences ``(T, N, F)``."""
        if self.plan.batch_first and not self._turned:
            self._turn()
        return self._name

    def as_given(self) -> str:
        """Return the name of what goes on, with the axes that the caller has."""
        if self._turned:
            self._turn()
        return self._name

    def _turn(self) -> None:
        self._name = self.writer.node("Transpose", self._name, perm=[1, 0, 2])
        self._turned = not self._turned

    def _one_step(self, name: str) -> None:
        self._name, self._turned = name, False

    # -- one step of all -----------------------------------------------------------------------------------------------

    def _final_hidden(self, layer: Layer) -> str:
        """Return h of the last layer, directions side by side."""
        writer, (h, *_), D = self.writer, self._last, getattr(layer, "num_directions", 1)
        if D == 1:
            return writer.node("Gather", h, writer.constant(np.int64(-1)), axis=0)
        bounds = (writer.numbers(number) for number in (-2, np.iinfo(np.int64).max, 0))
        both = writer.node("Transpose", writer.node("Slice", h, *bounds), perm=[1, 0, 2])
        return writer.node("Reshape", both, writer.numbers(0, 2 * getattr(layer, "hidden_size", 0)))

    def last_step(self, name: str) -> str:
        """Return the last step."""
        if self.lengths:
            cure = "; where a row has ended there are zeros: LastValidStep takes its end"
            checks.complain(ValueError, "lengths", f"be left out for {name}, a LastStep", f"True{cure}")
        return self.writer.node("Gather", self.steps_first(), self.writer.constant(np.int64(-1)), axis=0)

    def last_valid_step(self, name: str) -> str:
        """Return the last valid step of every row, or zeros."""
        if not self.lengths:
            return self.last_step(name)
        return self.writer.node("ReduceSum", self._valid(self._is_end()), self.writer.numbers(0), keepdims=0)

    def maximum(self, name: str) -> str:
        """Return the maximum over valid steps, or zeros."""
        there = self._valid(self._is_there(), -np.inf) if self.lengths else self.steps_first()
        found = self.writer.node("ReduceMax", there, axes=[0], keepdims=0)
        some = self.writer.node("Greater", self._counts(), self.writer.constant(np.int64(0)))
        return self._where(self._of_rows(some), found)

    def mean(self, name: str) -> str:
        """Return the mean over valid steps, or zeros."""
        writer = self.writer
        there = self._valid(self._is_there()) if self.lengths else self.steps_first()
        total = writer.node("ReduceSum", there, writer.numbers(0), keepdims=0)
        count = writer.node("Max", self._counts(), writer.constant(np.int64(1)))
        return writer.node("Div", total, writer.node("Cast", self._of_rows(count), to=NUMBERS[self.dtype]))

    def _of_rows(self, name: str) -> str:
        """Return a number of every row, or one of all, as something that broadcasts to ``(N, F)``."""
        return self.writer.node("Unsqueeze", name, self.writer.numbers(-1)) if self.lengths else name

    def _counts(self) -> str:
        """Return the valid steps of every row, or the steps of all."""
        writer = self.writer
        if self.lengths:
            return writer.node("Cast", self.lengths, to=NUMBERS[_INDICES])
        return writer.node("Gather", writer.node("Shape", self.steps_first()), writer.constant(np.int64(0)))

    def _places(self) -> str:
        """Return the number of every step, ``(T, 1)``."""
        writer = self.writer
        count = writer.node("Gather", writer.node("Shape", self.steps_first()), writer.constant(np.int64(0)))
        steps = writer.node("Range", writer.constant(np.int64(0)), count, writer.constant(np.int64(1)))
        return writer.node("Unsqueeze", steps, writer.numbers(1))

    def _is_there(self) -> str:
        """Return which steps are valid, ``(T, N)``."""
        return self.writer.node("Less", self._places(), self._counts())

    def _is_end(self) -> str:
        """Return which step is the last valid one of each row, ``(T, N)``."""
        last = self.writer.node("Sub", self._counts(), self.writer.constant(np.int64(1)))
        return self.writer.node("Equal", self._places(), last)

    def _valid(self, chosen: str, other: float = 0.0) -> str:
        """Return the steps that are chosen, ``(T, N, F)``, and another number in place of the others."""
        shaped = self.writer.node("Unsqueeze", chosen, self.writer.numbers(2))
        return self._where(shaped, self.steps_first(), other)

    def _where(self, chosen: str, x: str, other: float = 0.0) -> str:
        return self.writer.node("Where", chosen, x, self.writer.constant(self.dtype.type(other)))


def _acts_on_the_last_axis(layer: Any) -> bool:
    """Whether a layer does the same with steps as with rows first."""
    try:
        layer.check_step()
    except ValueError:
        return False
    return True


_OVER_TIME: dict[type[Layer], Callable[[_Steps, str], str]] = {
    LastStep: _Steps.last_step,
    LastValidStep: _Steps.last_valid_step,
    MaxOverTime: _Steps.maximum,
    MeanOverTime: _Steps.mean,
}
