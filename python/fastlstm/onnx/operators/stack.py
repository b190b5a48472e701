"""Recurrent nodes on top of each other as one function, which is one call of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastlstm import _core, checks

from ..values import Array
from .recurrent import Run, checked_lengths, joined_state


class Form(NamedTuple):
    """How a stack takes and gives sequences."""

    turned: bool = False
    """Whether it takes ``(N, T, I)`` in place of ``(T, N, I)``."""
    joined: bool = False
    """Whether it gives ``(T, N, D*H)``, in place of ``(T, D, N, H)``."""
    turned_back: bool = False
    """Whether it gives ``(N, T, D*H)`` in place of that."""


class Stack:
    """The function of nodes whose weights are known. A whole call may take microseconds, and each line counts.

    It takes x, the lengths of the rows or None and, if there are any, the initial states h and c of each node.

    Parameters
    ----------
    runs : sequence of Run
        What the nodes do, the lowest first.
    form : Form
        How it takes and gives sequences.
    wants_y : bool
        Whether to give the sequences of the last node; else None is in their place.
    ends : sequence of tuple
        Last states to give behind: the number of the node, and 0 for h or 1 for c.
    """

    def __init__(self, runs: Sequence[Run], form: Form, wants_y: bool, ends: Sequence[tuple[int, int]]) -> None:
        self._weights = [weights for run in runs for weights in run.packed or ()]
        first, self._count = self._weights[0], runs[0].count
        self._input_size, self._dtype, self._size = first.input_size, first.dtype, self._weights[-1].hidden_size
        self._labels = [run.options.label.rpartition(": ")[2] for run in runs]
        self._turned, self._joined, self._turned_back = form
        self._wants_y, self._ends = wants_y, [(number * self._count, state) for number, state in ends]

    def __call__(self, x: Array, lengths: Any = None, *starts: Any) -> tuple[Any, ...]:
        """Return the sequences and last states."""
        if x.ndim != 3 or x.shape[2] != self._input_size or x.dtype != self._dtype:
            self._refuse(x)
        if self._turned:
            x = x.transpose(1, 0, 2)
        T, N, _ = x.shape
        valid = None if lengths is None else checked_lengths(lengths, T, N)
        y, parts = self._outputs(T, N)
        states = self._states(starts, N) if starts else None
        final: list[Any] = _core.forward_stack(self._weights, x, states, parts, valid)
        if self._count == 1 and valid is None:
            return (y, *[final[place][state][None] for place, state in self._ends])
        return (y, *[self._last(final[place : place + self._count], state, valid) for place, state in self._ends])

    def _refuse(self, x: Array) -> None:
        if x.ndim != 3 or x.shape[2] != self._input_size:
            checks.refuse_shape("X", f"({'N, T' if self._turned else 'T, N'}, {self._input_size})", x.shape)
        checks.refuse_dtype("X", f"{self._dtype}, that of the weights", x.dtype)

    def _outputs(self, T: int, N: int) -> tuple[Any, list[Any]]:
        """Make what is given and the part of each direction, in memory as it is given or joined."""
        if not self._wants_y:
            return None, [None] * self._count
        D, H = self._count, self._size
        given = _core.empty((N, T, D * H) if self._turned_back else (T, N, D * H), self._dtype)
        y = given.transpose(1, 0, 2) if self._turned_back else given
        parts = [y] if D == 1 else [y[..., :H], y[..., H:]]
        return given if self._joined else given.reshape(T, N, D, H).transpose(0, 2, 1, 3), parts

    def _states(self, starts: Sequence[Any], N: int) -> list[tuple[Any, Any]]:
        """Return the initial states of each node and direction."""
        found: list[tuple[Any, Any]] = []
        for number, label in enumerate(self._labels):
            owner = f"{label} " if number else ""  # the step has the label of the first
            h, c = (self._start(starts[2 * number + k], number, N, f"{owner}initial_{'hc'[k]}") for k in range(2))
            found += zip(h, c, strict=True)
        return found

    def _start(self, state: Any, number: int, N: int, name: str) -> Sequence[Any]:
        if state is None:
            return [None] * self._count
        wanted = self._count, N, self._weights[number * self._count].hidden_size
        if state.shape != wanted:
            checks.refuse_shape(name, wanted, state.shape)
        return list(state)

    def _last(self, final: Sequence[Any], state: int, valid: Any) -> Array:
        return joined_state([part[state] for part in final], valid)
