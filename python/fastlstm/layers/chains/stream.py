"""A chain, one time step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from fastlstm import _core, checks
from fastlstm.streaming import Claim, StreamBase, core_state, packed_state
from fastlstm.typing import Floats

from ..layer import Layer
from ..over_time import FinalHidden, OverTime
from ..stateless import Stateless
from .plan import Plan


class ChainStream(StreamBase):
    """A chain that takes one time step a call and keeps the states of its recurrent layers between calls.

    Made by ``chain.stream(batch_size)``, with the arrays that the layers had then; any number of streams share them.
    Steps have the bits of the whole sequence. Streams may step in many threads at once, each stream in one thread at a
    time.

    Attributes
    ----------
    batch_size : int
        ``N``, sequences side by side.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> net = fl.Chain(lstm=fl.LSTM(3, 5, seed=0), fc=fl.Linear(5, 2, seed=0))
    >>> x = np.ones((7, 3), "float32")
    >>> stream = net.stream()
    >>> y = [stream.step(x_t) for x_t in x]
    >>> bool(np.array_equal(y, net(x)[0]))
    True
    """

    __slots__ = ("_claim", "_functions", "_layers", "_plan", "_stages", "_steps", "_weights", "batch_size")

    def __init__(self, plan: Plan, layers: Sequence[Any], batch_size: int) -> None:
        self.batch_size = checks.whole_number("batch_size", batch_size, at_least=1)
        self._plan, self._layers, self._claim = plan, layers, Claim()
        _check(plan, layers)
        self._weights = {place: layers[place]._weights for place in plan.recurrent}
        self._stages = list(plan.streamed_stages(layers))
        numbers = sum(3 * own.hidden_size for weights in self._weights.values() for own in weights)
        with checks.memory("batch_size", batch_size, numbers * self.batch_size * plan.dtype.itemsize):
            self._steps = [self._step_of(stage.places) for stage in self._stages]
        self._functions = [self._function_of(step) for step in self._steps]

    def _step_of(self, places: tuple[int, ...]) -> Any:
        """Return a stream of the core for recurrent layers on top of each other, or the other layer itself."""
        if places[0] not in self._weights:
            return self._layers[places[0]]
        return _core.Stream([weights for place in places for weights in self._weights[place]], self.batch_size)

    def _function_of(self, step: Any, together: Sequence[ChainStream] = ()) -> Any:
        """Return what a step does to an array; of many streams `together`, if there are any."""
        if not isinstance(step, _core.Stream):
            return step.forward
        if not together:
            return step.step
        number = self._steps.index(step)
        return partial(_core.step_many, [stream._steps[number] for stream in together])

    def step(self, x_t: Any, out: Floats | None = None) -> Floats:
        """Take one step.

        Parameters
        ----------
        x_t : ndarray
            The input of one step, ``(I,)`` for a batch of one or ``(N, I)``; whole numbers without the last axis for an
            `Embedding`.
        out : ndarray, optional
            Where the output goes, in place of a new array.

        Returns
        -------
        ndarray
            ``(O,)`` or ``(N, O)``.

        Raises
        ------
        ValueError
            If a shape is wrong.
        TypeError
            If a dtype is wrong.
        RuntimeError
            While another thread is stepping this stream, or was when this process was forked.
        """
        with self._claim:
            return self._run(x_t, self._functions, out)

    def _run(self, x: Any, functions: Sequence[Any], out: Floats | None) -> Floats:
        """Go through all steps."""
        done = 0
        try:
            values = self._plan.as_input(x)
            if isinstance(self._steps[0], Stateless):
                values = self._steps[0].checked(values)
            for done, function in enumerate(functions):  # noqa: B007
                values = function(values)
        except (ValueError, TypeError) as error:
            raise checks.named(error, self._plan.names[self._stages[done].places[0]]) from error
        return values if out is None else _put(values, out)

    @property
    def state(self) -> Any:
        """Copies of the states: that of the recurrent layer, or of several a dict by their names. May be assigned."""
        with self._claim:
            return self._plan.packed({place: packed_state(states) for place, states in self._states().items()})

    @state.setter
    def state(self, state: Any) -> None:
        if state is None:
            checks.refuse(TypeError, "state", "the states of the recurrent layers", state, ": reset() sets zeros")
        given = self._plan.states_of(state, "state")
        start = {place: self._start(place, given[place]) for place in self._plan.recurrent}
        with self._claim.overwrite():
            self._set(start)

    def _start(self, place: int, state: Any) -> Any:
        weights = self._weights[place]
        if state is not None:
            return core_state(weights, self.batch_size, state, self._plan.state_name(place, "state"))
        return _core.Stream(weights, self.batch_size).state()  # zeros

    def _states(self) -> dict[int, Any]:
        """Return the states of the core by the places of their layers."""
        found: dict[int, Any] = {}
        for stage, step in self._stacks():
            states = step.state()
            for place in stage.places:
                count = len(self._weights[place])
                found[place], states = states[:count], states[count:]
        return found

    def _set(self, states: dict[int, Any]) -> None:
        for stage, step in self._stacks():
            step.set_state([state for place in stage.places for state in states[place]])

    def _stacks(self) -> list[tuple[Any, Any]]:
        pairs = zip(self._stages, self._steps, strict=True)
        return [(stage, step) for stage, step in pairs if stage.recurrent]

    def reset(self) -> None:
        """Set the states to zero."""
        with self._claim.overwrite():
            for _, step in self._stacks():
                step.reset()

    def copy(self) -> ChainStream:
        """Make a second stream that goes on from this one's state."""
        twin = ChainStream(self._plan, self._layers, self.batch_size)
        with self._claim:
            twin._set(self._states())
        return twin

    @classmethod
    def step_together(cls, streams: Sequence[ChainStream], x: Any, out: Floats | None) -> Floats:
        """Take one step of many streams of this kind; see `fastlstm.step_many`."""
        first = streams[0]
        for stream in streams:
            if stream._plan is not first._plan or not _same_arrays(stream._layers, first._layers):
                checks.complain(ValueError, "streams", "be of one chain, with the same weights", "others")
            if stream.batch_size != 1:
                checks.complain(ValueError, "streams", "have a batch size of 1", stream.batch_size)
        if np.shape(x)[:1] != (len(streams),):
            checks.refuse_shape("x", f"({len(streams)}, ...)", np.shape(x))
        claimed: list[ChainStream] = []
        try:
            for stream in streams:
                stream._claim.__enter__()
                claimed.append(stream)
            return first._run(x, [first._function_of(step, streams) for step in first._steps], out)
        finally:
            for stream in claimed:
                stream._claim.__exit__()


def _check(plan: Plan, layers: Sequence[Layer]) -> None:
    """Raise unless every layer can take one step."""
    if not plan.recurrent:
        checks.complain(ValueError, "a chain to stream", "have a recurrent layer", "none")
    for name, layer in zip(plan.names, layers, strict=True):
        if isinstance(layer, OverTime | FinalHidden):
            must = "act on single steps for a chain to stream"
            checks.complain(ValueError, name, must, f"a {type(layer).__name__}, which takes one step of all")
        try:
            layer.check_step()
        except ValueError as error:
            raise checks.named(error, name) from error


def _same_arrays(some: Sequence[Layer], others: Sequence[Layer]) -> bool:
    return all(one._parameters is other._parameters for one, other in zip(some, others, strict=True))


def _put(y: Floats, out: Floats) -> Floats:
    """Return `out`, with `y` in it."""
    if not isinstance(out, np.ndarray) or out.dtype != y.dtype:
        got = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        checks.complain(TypeError, "out", f"be a NumPy array of {y.dtype}", got)
    if out.shape != y.shape:
        checks.refuse_shape("out", y.shape, out.shape)
    if not out.flags.writeable:
        checks.complain(ValueError, "out", "be writeable", "a read-only array")
    out[...] = y
    return out
