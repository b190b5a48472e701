"""A whole model, one time step at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks
from fastlstm.streaming import Claim, StreamBase, all_claimed

from ..foundation import core
from ..foundation.arrays import Array
from ..foundation.variable import CHANGE, seeing, values_now
from ..layers.base import Layer, Step, Stepper
from ..layers.core.embedding import Embedding
from ..layers.history import Memory, StepWithMemory
from ..layers.recurrent.rnn import RNN
from .plan import Plan
from .stream_states import CellState, LayerState, MemoryState

RecurrentStep = Callable[[int, core.Weights, Array, Array], Step]
"""``(k, weights, x, y)``: the step of the k-th recurrent layer, from the array `x` to the array `y`."""


class Layout(NamedTuple):
    """The arrays of a stream, and the steps between them in order.

    Parameters
    ----------
    x, y : ndarray
        Input and output of the model.
    steps : list of Step
        What its layers do.
    memories : dict
        What of these keep something of their own, by the place of the layer in the plan.
    """

    x: Array
    steps: list[Step]
    y: Array
    memories: dict[int, Memory]


class StepPlan:
    """What a model does in a time step, with the weights of now. It never changes; streams share it.

    Parameters
    ----------
    plan : Plan
        The steps of the model over whole sequences.
    """

    def __init__(self, plan: Plan) -> None:
        if len(plan.inputs) > 1 or len(plan.outputs) > 1:
            got = f"{len(plan.inputs)} and {len(plan.outputs)}"
            checks.complain(ValueError, plan.name, "have one input and one output to be streamed", got)
        self.plan = plan
        if not plan.steps:
            checks.complain(ValueError, plan.name, "have a layer to be streamed", "none")
        layer, shape = plan.takers(plan.given[0])[0], plan.inputs[0].shape
        if len(shape) < (2 if isinstance(layer, Embedding) else 3):
            checks.complain(ValueError, plan.name, "take inputs with time steps to be streamed", f"inputs {shape}")
        self.input_shape: Any = tuple(shape[2:])
        self.first = layer
        with CHANGE:
            self.values = [variable.value for variable in plan.weights]
            timed = _with_time(plan)
            self.parts = [_streamed(step, not timed.isdisjoint(step.inputs)) for step in plan.steps]
        self._made_of = [*(step.layer for step in plan.steps), *self.values]
        self.recurrent = [
            (step.layer, part)
            for step, part in zip(plan.steps, self.parts, strict=True)
            if isinstance(part, core.Weights)
        ]

    @property
    def bytes_per_row(self) -> int:
        """Of the states and inputs of a sequence; a stream needs no less."""
        states = sum(3 * part.hidden_size * part.dtype.itemsize for _, part in self.recurrent)
        return int(states + math.prod(self.input_shape) * self.first.dtype.itemsize)

    def lay_out(self, rows: int, recurrent: RecurrentStep) -> Layout:
        """Make the arrays for steps of `rows` sequences."""
        x = self.first.as_input(np.zeros((rows, *self.input_shape)), "x")
        values: dict[int, Array] = {self.plan.given[0]: x}
        steps: list[Step] = []
        memories: dict[int, Memory] = {}
        place = 0
        for number, (step, part) in enumerate(zip(self.plan.steps, self.parts, strict=True)):
            taken = [_cast(values[k], step.layer, steps) for k in step.inputs]
            if isinstance(part, core.Weights):
                y = np.empty((rows, part.hidden_size), part.dtype)
                steps.append(recurrent(place, part, taken[0], y))
                place += 1
            else:
                run, y = part(taken[0] if len(taken) == 1 else taken)
                steps.append(run)
                if isinstance(run, StepWithMemory):
                    memories[number] = run.memory
            values[step.outputs[0]] = y
        return Layout(x, steps, values[self.plan.wanted[0]], memories)

    def same_as(self, other: StepPlan) -> bool:
        """Whether `other` is of the same layers with the same weights."""
        ours, theirs = self._made_of, other._made_of
        return ours is theirs or (len(ours) == len(theirs) and all(map(is_, ours, theirs)))


def _with_time(plan: Plan) -> set[int]:
    """Return the places of the arrays that have an axis of time: a layer that gives its last output takes it away."""
    timed = set(plan.given)
    for step in plan.steps:
        gives_last = isinstance(step.layer, RNN) and not step.layer.return_sequences
        if not gives_last and not timed.isdisjoint(step.inputs):
            timed.update(step.outputs)
    return timed


def _streamed(step: Any, timed: bool) -> Any:
    """Return what a step of the plan is at one time step: packed weights, or what makes a function."""
    layer = step.layer
    if step.mask is not None or step.structure is not None or (isinstance(layer, RNN) and len(step.inputs) > 1):
        must = "be given no mask or states, and give no states, to be streamed"
        checks.complain(ValueError, layer.name, must, "a call with them")
    if not timed:
        return _stepper_behind_time(layer)
    in_core = isinstance(layer, RNN) and layer.is_compiled
    return layer.stream_weights() if in_core else layer.step_function()


def _stepper_behind_time(layer: Layer) -> Stepper:
    """Return what makes the steps of a layer whose input has no axis of time: it does what it does for sequences."""
    if layer.steps_without_time and not layer.composed:
        return layer.step_function()
    if getattr(layer, "stateful", False):
        must = "keep no state from call to call, to be streamed behind a layer that gives its last output"
        checks.complain(ValueError, layer.name, must, "stateful=True")
    values = values_now(layer.weights)

    def stepper(x: Any) -> tuple[Step, Array]:
        def forward(x: Any) -> Array:
            with seeing(values):
                y: Array = layer.forward(x)
                return y

        y = forward([np.zeros_like(part) for part in x] if isinstance(x, list) else np.zeros_like(x)).copy()
        return lambda: np.copyto(y, forward(x)), y

    return stepper


def _cast(x: Array, layer: Layer, steps: list[Step]) -> Array:
    """Return `x` in the dtype of a layer, for which a step may be needed."""
    if x.dtype == layer.dtype or x.dtype.kind != "f":
        return x
    cast = np.empty(x.shape, layer.dtype)
    steps.append(partial(np.copyto, cast, x))
    return cast


class ModelStream(StreamBase):
    """A model that takes one time step a call and keeps the states of its recurrent layers between calls.

    Made by ``model.stream(batch_size)``. It goes on with the weights the model had then; any number of streams share
    them. The outputs have the bits that `predict` gives for the whole sequence; whether a layer was made with
    ``return_sequences`` does not matter. Streams may step in many threads at once, each stream in one thread at a time.

    Parameters
    ----------
    plan : StepPlan
        What the model does in a step.
    batch_size : int
        Number of sequences that go on side by side.

    Examples
    --------
    >>> import io, numpy as np
    >>> from fastlstm.keras import Input, Sequential, layers
    >>> model = Sequential([Input((None, 3)), layers.LSTM(8), layers.Dense(2, activation="softmax")])
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> stream = model.stream()
    >>> outputs = [stream.step(x_t) for x_t in x]
    >>> bool(np.array_equal(outputs[-1], model.predict(x[None], verbose=0)[0]))
    True

    A state is saved like any tuple of arrays:

    >>> file = io.BytesIO()
    >>> np.savez(file, *stream.state)
    >>> _ = file.seek(0)
    >>> later = model.stream()
    >>> later.state = tuple(np.load(file).values())
    >>> bool(np.array_equal(later.step(x[0]), stream.step(x[0])))
    True
    """

    def __init__(self, plan: StepPlan, batch_size: int = 1) -> None:
        self.batch_size = checks.whole_number("batch_size", batch_size, at_least=1)
        self._plan = plan
        with checks.memory("batch_size", batch_size, plan.bytes_per_row * self.batch_size):
            self._streams = [core.Stream([weights], self.batch_size) for _, weights in plan.recurrent]
            layout = plan.lay_out(self.batch_size, lambda k, weights, x, y: partial(self._streams[k].step, x, y))
        self._x, self._steps, self._y, memories = layout
        self._memories = list(memories.values())
        self._states = list(self._states_of(memories))
        self._one = (_without_rows(self._x), _without_rows(self._y)) if self.batch_size == 1 else None
        self._claim = Claim()

    def step(self, x_t: Any, out: Array | None = None) -> Array:
        """Take one time step.

        Parameters
        ----------
        x_t : array_like
            Features ``(N, I)`` of this step, or ``(I,)`` for a batch of one. For a model that begins with an Embedding,
            indices ``(N,)`` or one index.
        out : ndarray, optional
            Array of the output's shape and dtype, written and returned in place of a new one. Nothing is allocated
            then, if `x_t` has the dtype of the first layer and the activations are softmax, sigmoid, tanh, relu, relu6,
            exponential or linear. It may share memory with `x_t`.

        Returns
        -------
        ndarray
            The model's output after this step, ``(N, O)``; ``(O,)`` if `x_t` came without a batch axis.

        Raises
        ------
        ValueError
            If a shape is wrong, an index is out of range, or `out` cannot be written or overlaps itself.
        TypeError
            If `x_t` is not numeric, or `out` is of another dtype.
        RuntimeError
            While another thread is stepping this stream, or was when this process was forked.
        """
        with self._claim:
            x = self._as_input(x_t)
            inputs, y = self._one if self._one and x.shape == self._one[0].shape else (self._x, self._y)
            if x.shape != inputs.shape:
                alone = f" or {self._one[0].shape}" if self._one else ""
                checks.refuse_shape("x_t", f"{inputs.shape}{alone}", x.shape)
            if out is not None:
                _check_output(out, y)
            np.copyto(inputs, x)
            for step in self._steps:
                step()
            if out is None:
                return y.copy()
            np.copyto(out, y)
        result: Array = out
        return result

    def _as_input(self, x_t: Any) -> Array:
        if type(x_t) is np.ndarray and x_t.dtype == self._x.dtype:
            array: Array = x_t
            return array
        found: Array = self._plan.first.as_input(x_t, "x_t")
        return found

    def _states_of(self, memories: dict[int, Memory]) -> Iterator[LayerState]:
        """Yield what the layers keep, in their order."""
        streams, plan = iter(self._streams), self._plan
        for number, (step, part) in enumerate(zip(plan.plan.steps, plan.parts, strict=True)):
            if isinstance(part, core.Weights):
                yield CellState(step.layer.name, part, next(streams), self.batch_size)
            elif number in memories:
                yield MemoryState(step.layer.name, memories[number])

    @property
    def state(self) -> tuple[Array, ...]:
        """Copies of the states, one array after the other.

        Those of a recurrent layer are ``(N, H)``: h and c of an LSTM, h of others. That of a convolution is its last
        inputs, ``(N, steps, features)``.

        May be assigned; ValueError or TypeError, and no change, if an array does not fit.
        """
        with self._claim:
            return tuple(array for state in self._states for array in state.get())

    @state.setter
    def state(self, state: Sequence[Any]) -> None:
        fields = [field for kept in self._states for field in kept.fields]
        if not isinstance(state, list | tuple) or len(state) != len(fields):
            names = ", ".join(field.name for field in fields)
            checks.refuse_count("state", f"a tuple of {len(fields)} arrays: {names}", state)
        arrays = [field.checked(value) for field, value in zip(fields, state, strict=True)]
        with self._claim.overwrite():
            for kept in self._states:
                count = len(kept.fields)
                kept.set(arrays[:count])
                arrays = arrays[count:]

    def reset(self) -> None:
        """Set all states to zero: the next step is the first of a sequence."""
        with self._claim.overwrite():
            for state in self._states:
                state.reset()

    def copy(self) -> ModelStream:
        """Make a second stream that goes on from this one's state."""
        twin = ModelStream(self._plan, self.batch_size)
        twin.state = self.state
        return twin

    @classmethod
    def step_together(cls, streams: Sequence[ModelStream], x: Any, out: Array | None) -> Array:
        """Take one step of many streams of a model; see `fastlstm.step_many`."""
        plan = streams[0]._plan
        if any(stream.batch_size != 1 or not stream._plan.same_as(plan) for stream in streams):
            must = "come from one model with the same weights and have a batch size of 1"
            checks.complain(ValueError, "streams", must, "others")

        def recurrent(k: int, weights: core.Weights, x: Array, y: Array) -> Step:
            return partial(core.step_many, [stream._streams[k] for stream in streams], x, y)

        x = streams[0]._as_input(x)
        inputs, steps, y, memories = plan.lay_out(len(streams), recurrent)
        if x.shape != inputs.shape:
            checks.refuse_shape("x", inputs.shape, x.shape)
        if out is not None:
            _check_output(out, y)
        np.copyto(inputs, x)
        with all_claimed([stream._claim for stream in streams]):
            for k, memory in enumerate(memories.values()):
                parts = zip(*(stream._memories[k].state for stream in streams), strict=True)
                memory.state = [np.concatenate(part) for part in parts]
            for step in steps:
                step()
            for k, memory in enumerate(memories.values()):
                state = memory.state
                for row, stream in enumerate(streams):
                    stream._memories[k].state = [part[row : row + 1] for part in state]
        if out is None:
            return y
        np.copyto(out, y)
        return out


def _without_rows(array: Array) -> Array:
    return array.reshape(array.shape[1:])


def _check_output(out: Any, y: Array) -> None:
    """Refuse `out` unless `y` can be copied to it."""
    if not isinstance(out, np.ndarray):
        checks.refuse(TypeError, "out", "a NumPy array", out)
    if out.dtype != y.dtype:
        checks.refuse_dtype("out", y.dtype, out.dtype)
    if out.shape != y.shape:
        checks.refuse_shape("out", y.shape, out.shape)
    if not out.flags.writeable:
        checks.complain(ValueError, "out", "be an array that can be written", "a read-only one")
    reach = out.itemsize
    for size, stride in zip(reversed(out.shape), reversed(out.strides), strict=True):
        if size > 1 and abs(stride) < reach:
            got = "one whose elements overlap or lie in another order"
            checks.complain(ValueError, "out", "be an array whose rows lie apart", got)
        reach = max(reach, size * abs(stride))
