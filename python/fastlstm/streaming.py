"""Streams: a recurrent layer stepped one time step at a time, keeping its state between calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias

import numpy as np

from fastlstm import _core, checks
from fastlstm.forks import generation
from fastlstm.typing import Floats

__all__ = ["Stream", "step_many"]

CoreState: TypeAlias = tuple[Floats, Floats | None]
"""h and c of a layer; c is None where there is none."""


class StreamBase:
    """What the streams of layers and of models share: how they are copied and, not being pickled, saved."""

    __slots__ = ()

    def copy(self) -> Any:
        """Make a second stream that goes on from this one's state."""
        raise NotImplementedError

    @classmethod
    def step_together(cls, streams: Sequence[Any], x: Floats, out: Floats | None) -> Floats:
        """Take one step of many streams of this kind; see `step_many`."""
        raise NotImplementedError

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.copy()  # weights never change, so both may use them

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a stream cannot be pickled: save its state, an ordinary value, and set it on a new stream")


class Claim:
    """One thread at a time: a second one gets RuntimeError.

    In a child the claim of a thread that stayed in the parent leaves states that may be half of a step; `overwrite`
    takes the stream all the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = generation()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            if self._generation == generation():
                raise RuntimeError("this stream is stepping in another thread; give every thread its own stream")
            raise RuntimeError(
                "this stream was stepping when the process was forked, and its state is lost here; "
                "reset it or set its state"
            )
        self._generation = generation()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def overwrite(self) -> Claim:
        """Make a claim for setting the whole state."""
        if self._generation != generation():
            self._lock, self._generation = threading.Lock(), generation()
        return self


@contextmanager
def all_claimed(claims: Sequence[Claim]) -> Iterator[None]:
    """Hold several claims for the time of a block, or none if one is held."""
    held: list[Claim] = []
    try:
        for claim in claims:
            claim.__enter__()
            held.append(claim)
        yield
    finally:
        for claim in held:
            claim.__exit__()


def packed_state(states: Sequence[CoreState]) -> Any:
    """Return the states (N, .) of layers as ``(h, c)`` or ``h``, each with an axis of layers before."""
    h, c = zip(*states, strict=True)
    return np.stack(h) if c[0] is None else (np.stack(h), np.stack(c))


def core_state(weights: Sequence[_core.Weights], batch_size: int, state: Any, name: str) -> list[CoreState]:
    """Return a state as what `packed_state` makes it of, checked; `name` is for errors."""
    first = weights[0]
    has_cell = first.cell == "lstm"
    if has_cell and not (isinstance(state, (tuple, list)) and len(state) == 2):
        checks.complain(TypeError, name, "be a pair of arrays (h, c)", type(state).__name__)
    arrays = [checks.array(name, part) for part in (state if has_cell else (state,))]
    for array, size in zip(arrays, (first.state_size, first.hidden_size), strict=False):  # of h and of c
        shape = (len(weights), batch_size, size)
        if array.shape != shape:
            checks.complain(ValueError, name, f"hold arrays of shape {shape}", array.shape)
        if array.dtype.newbyteorder("=") != first.dtype:
            checks.refuse_dtype(name, first.dtype, array.dtype)
    return list(zip(*arrays, strict=True)) if has_cell else [(h, None) for h in arrays[0]]


class Stream(StreamBase):
    """A layer, one time step at a time.

    Made by ``layer.stream(batch_size)``. A stream owns its state; any number of them share one set of weights, as it
    was when they were made. Steps have the same bits as the whole sequence. Streams may step in many threads at once,
    each stream in one thread at a time.

    Attributes
    ----------
    step : callable
        ``step(x_t, out=None) -> h``: take one step. `x_t` is ``(I,)`` for a batch of one, giving ``(H,)``, or
        ``(N, I)``, giving ``(N, H)``. With `out` nothing is allocated, unless it shares memory with `x_t`, which is
        then copied first. Raises ValueError for a wrong shape, TypeError for a wrong dtype, RuntimeError while another
        thread is stepping this stream, or was when this process was forked.
    batch_size : int
        ``N``, sequences side by side.

    Notes
    -----
    Beside the weights a stream of ``L`` LSTM layers holds ``7 L N H`` numbers (GRU ``6 L N H``, RNN ``3 L N H``), H
    rounded up to the width of a vector, and about a kilobyte each.

    Examples
    --------
    >>> import io, numpy as np, fastlstm as fl
    >>> layer = fl.LSTM(3, 5, seed=0)
    >>> x = np.ones((7, 3), "float32")
    >>> stream = layer.stream()
    >>> h = [stream.step(x_t) for x_t in x]
    >>> bool(np.array_equal(h, layer(x)[0]))
    True

    A state is saved like any tuple of arrays:

    >>> file = io.BytesIO()
    >>> np.savez(file, *stream.state)
    >>> _ = file.seek(0)
    >>> later = layer.stream()
    >>> later.state = tuple(np.load(file).values())
    >>> bool(np.array_equal(later.step(x[0]), stream.step(x[0])))
    True
    """

    __slots__ = ("_core", "_weights", "batch_size", "step")

    def __init__(self, weights: Sequence[_core.Weights], batch_size: int) -> None:
        self._weights = weights
        self.batch_size = checks.whole_number("batch_size", batch_size, at_least=1)
        numbers = sum(3 * layer.hidden_size for layer in weights)  # of the least that a step needs
        with checks.memory("batch_size", batch_size, numbers * self.batch_size * weights[0].dtype.itemsize):
            self._core = _core.Stream(weights, self.batch_size)
        self.step = self._core.step

    @property
    def state(self) -> Any:
        """Copies of the state: ``(h, c)`` or ``h``, each ``(L, N, H)`` for L layers. May be assigned.

        With a projection h is ``(L, N, P)``.
        """
        return packed_state(self._core.state())

    @state.setter
    def state(self, state: Any) -> None:
        self._core.set_state(core_state(self._weights, self.batch_size, state, "state"))

    def reset(self) -> None:
        """Set the state to zero."""
        self._core.reset()

    def copy(self) -> Stream:
        """Make a second stream that goes on from this one's state."""
        twin = Stream(self._weights, self.batch_size)
        twin.state = self.state
        return twin

    @classmethod
    def step_together(cls, streams: Sequence[Stream], x: Floats, out: Floats | None) -> Floats:
        """Take one step of many streams of layers; see `step_many`."""
        return _core.step_many([stream._core for stream in streams], x, out)


def step_many(streams: Sequence[StreamBase], x: Floats, out: Floats | None = None) -> Floats:
    """Take one step of many streams at once, as one batch.

    Parameters
    ----------
    streams : sequence of Stream
        ``M`` different streams of one layer, each with a batch size of 1 and a state of its own; or of one model of
        `fastlstm.keras`.
    x : ndarray
        ``(M, I)``, the input of every stream.
    out : ndarray, optional
        ``(M, H)``, written in place of a new array.

    Returns
    -------
    ndarray
        ``(M, H)``, with the bits that a step of every stream alone would give.

    Raises
    ------
    ValueError
        If a shape is wrong, a stream is named twice, or the streams are not of one layer, with the same weights.
    TypeError
        If a dtype is wrong, or something is not a stream.
    RuntimeError
        While another thread is stepping one of them.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> layer = fl.LSTM(3, 5, seed=0)
    >>> streams = [layer.stream() for _ in range(100)]
    >>> fl.step_many(streams, np.ones((100, 3), "float32")).shape
    (100, 5)
    """
    streams = checks.items("streams", streams, "a list of streams")
    if not streams:
        checks.refuse(ValueError, "streams", "a list of at least one stream", streams)
    kind: type[StreamBase] = type(streams[0])
    for stream in streams:
        if not isinstance(stream, StreamBase):
            checks.complain(TypeError, "streams", "hold streams", type(stream).__name__)
        if type(stream) is not kind:
            got = f"a {kind.__name__} and a {type(stream).__name__}"
            checks.complain(ValueError, "streams", "come from one layer or model", got)
    if len({id(stream) for stream in streams}) != len(streams):
        checks.complain(ValueError, "streams", "be different streams", "one twice")
    return kind.step_together(streams, x, out)
