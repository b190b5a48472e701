"""Recurrent nodes of a graph, and the moves that exporters put between them, as single steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .facts import Facts
from .operators.axes import Reshaping, Squeezing, Transposition
from .operators.recurrent import Run
from .operators.stack import Form, Stack
from .plan import Step

_X, _LENGTHS, _H, _C = 0, 4, 5, 6
"""Inputs of recurrent nodes."""

_TURN = [1, 0, 2]
_BESIDE = [0, 2, 1, 3]
_DIRECTIONS = ((1,), (-3,))
"""Axes of the outputs of a recurrent node that are those of the directions."""


class _Tail(NamedTuple):
    """What becomes of the outputs of a node."""

    place: int
    """Where they are in the end, or 0."""
    form: Form
    taken: Sequence[int]
    """Numbers of the steps in between."""


def stacked(steps: Sequence[Step], wanted: Sequence[int], facts: Facts) -> list[Step]:
    """Return steps of which those of recurrent nodes are what the core takes in one call."""
    return _Stacking(steps, wanted, facts).steps() if any(map(_run_of, steps)) else [*steps]


class _Stacking:
    """The steps of a graph, and who takes what they give."""

    def __init__(self, steps: Sequence[Step], wanted: Sequence[int], facts: Facts) -> None:
        self._steps, self._wanted, self._facts = steps, {*wanted}, facts
        self._makers = {place: number for number, step in enumerate(steps) for place in step.targets if place}
        self._found: dict[int, Step | None] = {}  # what replaces steps, None: nothing does
        self._users: dict[int, list[int]] = {}
        for number, step in enumerate(steps):
            for place in step.sources:
                self._users.setdefault(place, []).append(number)

    def steps(self) -> list[Step]:
        """Return the steps, each stack at the place of its last node."""
        for number, step in enumerate(self._steps):
            if number not in self._found and _run_of(step) is not None:
                self._found.update(self._stack(number))
        kept = [self._found.get(number, step) for number, step in enumerate(self._steps)]
        return [step for step in kept if step is not None]

    def _stack(self, number: int) -> dict[int, Step | None]:
        """Return what replaces the steps of a stack that begins at a node."""
        nodes, taken, tail = [number], set[int](), self._tail(number)
        while (above := self._above(nodes, tail)) is not None:
            nodes.append(above[0])
            taken |= {*above[1]}
            tail = self._tail(above[0])
        tail = self._turned_back(tail)
        source, front = self._front(number)
        step = self._step(nodes, source, tail, turned=front is not None)
        dropped = {*taken, *tail.taken, *nodes, *([] if front is None else [front])}
        return {**dict.fromkeys(dropped), nodes[-1]: step}

    # -- what lies around ----------------------------------------------------------------------------------------------

    def _only_user(self, place: int) -> int | None:
        """Return the number of the step that takes what is at a place, if it is the only one."""
        users = self._users.get(place, ())
        return users[0] if len(users) == 1 and place not in self._wanted and place else None

    def _tail(self, number: int) -> _Tail:
        """Follow the outputs of a node to where the directions lie side by side."""
        y = self._steps[number].targets[0]
        shape, first = self._facts.shape(y), self._only_user(y)
        if first is None or shape is None:
            return _Tail(y, Form(), ())
        taken, function = [first], self._steps[first].function
        if isinstance(function, Transposition) and function.perm == _BESIDE:
            second = self._only_user(self._steps[first].targets[0])
            if second is None:
                return _Tail(y, Form(), ())
            taken, function = [first, second], self._steps[second].function
        (T, D, N, H), end = shape, self._steps[taken[-1]].targets[0]
        moves = isinstance(function, Reshaping) or (isinstance(function, Squeezing) and function.axes in _DIRECTIONS)
        joined = isinstance(D, int) and isinstance(H, int) and self._facts.shape(end) == (T, N, D * H)
        if not (moves and joined and (len(taken) == 2 or D == 1)):
            return _Tail(y, Form(), ())
        return _Tail(end, Form(joined=True), taken)

    def _turned_twice(self, tail: _Tail) -> _Tail:
        """Take steps in that put the rows of what is joined first, and then steps again."""
        first = self._only_user(tail.place) if tail.form.joined else None
        if first is None or not _turns(self._steps[first]):
            return tail
        second = self._only_user(self._steps[first].targets[0])
        if second is None or not _turns(self._steps[second]):
            return tail
        return _Tail(self._steps[second].targets[0], tail.form, [*tail.taken, first, second])

    def _turned_back(self, tail: _Tail) -> _Tail:
        """Take the step in that puts the rows of what is joined first, if there is one."""
        user = self._only_user(tail.place) if tail.form.joined else None
        if user is None or not _turns(self._steps[user]):
            return tail
        form = tail.form._replace(turned_back=True)
        return _Tail(self._steps[user].targets[0], form, [*tail.taken, user])

    def _front(self, number: int) -> tuple[int, int | None]:
        """Return the place of what a stack takes, and the number of the step that puts steps first, if it has one."""
        x = self._steps[number].sources[_X]
        maker = self._makers.get(x)
        if maker is None or maker in self._found or self._only_user(x) is None or not _turns(self._steps[maker]):
            return x, None
        return self._steps[maker].sources[0], maker

    def _above(self, nodes: Sequence[int], tail: _Tail) -> tuple[int, Sequence[int]] | None:
        """Return the node on top of others, if the core takes them in one call, and the steps in between."""
        for way in (tail, self._turned_twice(tail)):
            user = self._only_user(way.place) if way.form.joined else None
            if user is not None and self._steps[user].sources[_X] == way.place and self._fits(nodes, user):
                return user, way.taken
        return None

    def _fits(self, nodes: Sequence[int], user: int) -> bool:
        below, above = _run_of(self._steps[nodes[-1]]), _run_of(self._steps[user])
        if below is None or above is None or below.packed is None or above.packed is None:
            return False
        sizes = above.packed[0].input_size == below.count * below.packed[0].hidden_size
        alike = above.count == below.count and above.packed[0].dtype == below.packed[0].dtype
        rows = _source(self._steps[user], _LENGTHS) == _source(self._steps[nodes[0]], _LENGTHS)
        return sizes and alike and rows and self._comes_after(nodes[-1], user)

    def _comes_after(self, below: int, above: int) -> bool:
        """Whether nothing takes the states that a node ends with before the one above has run."""
        users = (user for place in self._steps[below].targets[1:] if place for user in self._users.get(place, ()))
        return all(user > above for user in users)

    # -- the step ------------------------------------------------------------------------------------------------------

    def _step(self, nodes: Sequence[int], x: int, tail: _Tail, turned: bool) -> Step:
        steps = [self._steps[number] for number in nodes]
        states = [_source(step, port) for step in steps for port in (_H, _C)]
        places = [(k, state, place) for k, step in enumerate(steps) for state, place in enumerate(step.targets[1:])]
        ends = [(k, state) for k, state, place in places if self._is_taken(place)]
        runs = [run for run in map(_run_of, steps) if run is not None]
        wants_y = self._is_taken(tail.place)
        function = Stack(runs, tail.form._replace(turned=turned), wants_y, ends)
        sources = (x, _source(steps[0], _LENGTHS), *(states if any(states) else ()))
        targets = (tail.place if wants_y else 0, *(steps[k].targets[1 + state] for k, state in ends))
        return Step(function, sources, targets, (), steps[0].label, steps[0].op)

    def _is_taken(self, place: int) -> bool:
        return place != 0 and (place in self._wanted or place in self._users)


def _run_of(step: Step) -> Run | None:
    """Return what a step does if it can be of a stack."""
    run = step.function
    if not isinstance(run, Run) or run.packed is None or run.batch_first or run.direction == "reverse":
        return None
    return run


def _turns(step: Step) -> bool:
    return isinstance(step.function, Transposition) and step.function.perm == _TURN


def _source(step: Step, port: int) -> int:
    """Return the place of an input, 0 if it is left out."""
    return step.sources[port] if port < len(step.sources) else 0
