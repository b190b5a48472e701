"""Recurrent layers on top of each other, as one layer for inference."""

from collections.abc import Sequence
from typing import Any

from ..foundation import core
from ..foundation.arrays import Array
from ..layers.base import Layer
from ..layers.call import INFERENCE, Call
from ..layers.recurrent.rnn import RNN
from ..layers.regularization.dropout import Dropout
from .plan import Plan, Step


class RecurrentStack(Layer):
    """Recurrent layers on top of each other that the core runs in one call: inference only.

    Parameters
    ----------
    layers : sequence of RNN
        At least two layers that `stacked` puts together, built.
    """

    ndim = 3
    mask_ndim = 2

    def __init__(self, layers: Sequence[RNN]) -> None:
        super().__init__(name=layers[0].name, dtype=layers[0].dtype)
        self.layers = layers
        self.input_shape, self.built = layers[0].input_shape, True

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return that of the last layer; those between hand `mask` on."""
        return self.layers[-1].compute_mask(x, mask)

    def forward(self, x: Any, call: Call = INFERENCE) -> Array:
        """Return the last layer's output. What a layer gives at masked steps is not made: the next one skips them."""
        *below, last = self.layers
        reading = last.reading_of(x, call.mask)
        starts = [*[layer.start_of(len(x)) for layer in below], reading.start]
        weights = [layer.core_weights() for layer in self.layers]
        *others, states = core.forward_together(weights, reading.x, starts, [reading.y], reading.mask)
        for layer, carried in zip(below, others, strict=True):
            layer.keep_states(carried)
        y: Array = last.result_of(reading, states[0], states)
        return y


def stacked(plan: Plan) -> Sequence[Step]:
    """Return the steps with recurrent ones on top of each other put together: the same bits, in inference."""
    steps = plan.steps
    if sum([isinstance(step.layer, RNN) for step in steps]) < 2:  # a small model is called in microseconds
        return steps
    runs: list[list[Step]] = []
    goes_on = -1  # place of the array that the last run may be continued from
    for step in steps:
        fits = _fits(step)
        if fits and step.inputs[0] == goes_on and step.layer.dtype == runs[-1][-1].layer.dtype:
            runs[-1].append(step)
        else:
            runs.append([step])
        may_go_on = fits and getattr(step.layer, "return_sequences", True) and _only_for_one(plan, step.outputs[0])
        goes_on = step.outputs[0] if may_go_on else -1
    return [step for run in runs for step in _as_one(run)]


def _only_for_one(plan: Plan, place: int) -> bool:
    """Whether nothing but one step takes the array at a place."""
    return plan.consumers[place] == 1 and place not in plan.wanted


def _as_one(run: list[Step]) -> list[Step]:
    """Return the recurrent steps of a run as one; the run itself if there are fewer than two."""
    recurrent = [step.layer for step in run if isinstance(step.layer, RNN)]
    if len(recurrent) < 2:
        return run
    done = tuple(place for step in run for place in step.done)
    return [run[0]._replace(layer=RecurrentStack(recurrent), outputs=run[-1].outputs, done=done)]


def _fits(step: Step) -> bool:
    """Whether a step is a cell of the core read forwards, with one input and output, or does nothing in inference."""
    layer = step.layer
    if isinstance(layer, RNN):
        plain = _computes_as(layer, RNN) and layer.is_compiled and not layer.go_backwards and not layer.return_state
    else:
        plain = isinstance(layer, Dropout) and _computes_as(layer, Dropout)
    return plain and not layer.penalizes_output and len(step.inputs) == 1 and step.mask is None and not step.training


def _computes_as(layer: Layer, base: type[Layer]) -> bool:
    """Whether neither a subclass nor an attribute stands in for a method of `base` that a model calls in inference."""
    methods = ((layer.__call__, base.__call__), (layer.forward, base.forward), (layer.compute_mask, base.compute_mask))
    return all(getattr(bound, "__func__", None) is method for bound, method in methods)
