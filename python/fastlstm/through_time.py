"""Gradients through time: the whole way back, or cut after some steps, from tapes or by computing once more.

The two functions stand before those of the core with the same names.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks
from fastlstm.typing import Floats

States: TypeAlias = tuple[Floats, Floats | None]


class ThroughTime(NamedTuple):
    """How gradients go through time."""

    tbptt: int | None = None
    """Steps of a piece: gradients of states do not go from a piece to the one before. None: they go all the way."""
    checkpoint_every: int | None = None
    """Steps from a state that is kept to the next one, from which the steps between them are computed once more."""
    memory_limit: int | None = None
    """Bytes that what is kept may take; if need be, states are kept as above."""

    def share(self, tapes: int) -> ThroughTime:
        """Return what holds for each of so many tapes that are there at once."""
        if self.memory_limit is None:
            return self
        return self._replace(memory_limit=max(1, self.memory_limit // max(1, tapes)))

    def starts(self, steps: int) -> range:
        """Return the first steps of the pieces."""
        return range(0, max(steps, 1), self.tbptt or max(steps, 1))


class Flow(NamedTuple):
    """Euclidean norms of the gradients of the states after every step, in every row; 0 at steps that are not valid."""

    h: NDArray[np.float64]
    """Those of dL/dh_t, ``(T, N)``."""
    c: NDArray[np.float64] | None
    """Those of dL/dc_t, None for a cell without c."""

    @classmethod
    def of(cls, steps: int, rows: int, has_c: bool) -> Flow:
        """Return one to be filled."""
        return cls(np.empty((steps, rows)), np.empty((steps, rows)) if has_c else None)

    def part(self, steps: slice) -> Flow:
        """Return a view of some steps."""
        return Flow(self.h[steps], _of(steps, self.c))


WHOLE = ThroughTime()
"""All the way, from whole tapes."""


def checked(tbptt: Any, checkpoint_every: Any, memory_limit: Any) -> ThroughTime:
    """Check the arguments of those names, which are None where they are left out."""
    if tbptt is None and checkpoint_every is None and memory_limit is None:
        return WHOLE
    given = {"tbptt": tbptt, "checkpoint_every": checkpoint_every, "memory_limit": memory_limit}
    found = ThroughTime(*[None if value is None else _count(name, value) for name, value in given.items()])
    if found.checkpoint_every is not None and found.memory_limit is not None:
        cure = "; the limit says how often states are kept"
        checks.complain(ValueError, "checkpoint_every", "be left out where memory_limit is given", "both", cure)
    return found


def _count(name: str, value: Any) -> int:
    """`value` as a positive int that the core can hold; what is larger comes to the same."""
    return min(checks.whole_number(name, value, at_least=1), 2**62)


class Pieces:
    """The tapes of a sequence whose gradients are cut between them.

    Parameters
    ----------
    tapes : list of tuple
        Those of all pieces, each with its steps.
    """

    def __init__(self, tapes: list[tuple[slice, _core.Tape]]) -> None:
        self.tapes = tapes

    def backward(
        self,
        dy: Floats | None,
        dh_n: Floats | None,
        dc_n: Floats | None,
        dx: Floats | None,
        gradients: dict[str, Any],
        flow: Flow | None,
    ) -> States:
        """Go back through every piece; the last states are those of the last piece, the first those of the first."""
        total, part = gradients, {name: np.empty_like(value) for name, value in gradients.items()}
        dstates: tuple[Floats | None, Floats | None] = dh_n, dc_n
        found: States | None = None
        for number, (steps, tape) in enumerate(reversed(self.tapes)):
            own = total if number == 0 else part
            norms = None if flow is None else flow.part(steps)
            found = backward(tape, _of(steps, dy), *dstates, _of(steps, dx), own, norms)
            dstates = None, None
            if number:
                for name, value in total.items():
                    value += part[name]
        assert found is not None
        return found


Tape: TypeAlias = _core.Tape | Pieces
"""What a forward pass keeps for the way back."""


def forward_training(
    by: ThroughTime,
    weights: _core.Weights,
    x: Floats,
    h_0: Floats | None = None,
    c_0: Floats | None = None,
    y: Floats | None = None,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
    mask: NDArray[np.bool_] | None = None,
    recurrent_masks: Floats | None = None,
) -> tuple[Floats, Floats | None, Tape]:
    """As that of the core, with what `backward` needs to go back as it is wanted."""
    if by is WHOLE:
        return _core.forward_training(weights, x, h_0, c_0, y, lengths, reverse, mask, recurrent_masks)
    starts = by.starts(len(x))
    bounds = by.checkpoint_every or 0, by.share(len(starts)).memory_limit or 0
    tapes = []
    for start in starts:
        steps = slice(start, start + starts.step)
        left = None if lengths is None else np.clip(lengths - start, 0, len(x[steps]))
        arguments = (_of(steps, y), left, reverse, _of(steps, mask), recurrent_masks, *bounds)
        h_0, c_0, tape = _core.forward_training(weights, x[steps], h_0, c_0, *arguments)
        tapes.append((steps, tape))
    assert h_0 is not None
    return h_0, c_0, tapes[0][1] if len(tapes) == 1 else Pieces(tapes)


def backward(
    tape: Tape,
    dy: Floats | None,
    dh_n: Floats | None,
    dc_n: Floats | None,
    dx: Floats | None,
    gradients: dict[str, Any],
    flow: Flow | None = None,
) -> States:
    """As that of the core, whose names the `gradients` of weights have; a `flow` is filled."""
    if isinstance(tape, Pieces):
        return tape.backward(dy, dh_n, dc_n, dx, gradients, flow)
    norms = {} if flow is None else {"dh_norms": flow.h, "dc_norms": flow.c}
    return _core.backward(tape, dy, dh_n, dc_n, dx, **gradients, **norms)


def _of(steps: slice, array: Any) -> Any:
    return None if array is None else array[steps]
