"""How the steps of a plan are taken: what of every call is known before there are arrays.

A small model takes microseconds, and a good part of them goes into finding such things out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from operator import is_
from typing import Any, NamedTuple

from ..foundation.variable import Variable
from ..layers.call import Call
from .plan import Plan, Step


class Back(NamedTuple):
    """How a step is taken back."""

    plain: bool
    """Whether it takes one array and gives one, and nothing else gives a gradient of its weights."""
    out: int
    """Place of the array it gives."""
    into: int
    """Place of the array it takes, -1 if the gradient of that is not wanted."""
    numbers: slice | list[int]
    """Which of all gradients it gives; a slice if nothing else gives any of them."""
    step: Step


class Way(NamedTuple):
    """A step, and how it is taken."""

    layer: Any
    plain: bool
    first: int
    """Place of the first array that it takes."""
    out: int
    """Place of the first array that it gives."""
    call: Call
    """What the layer is told if its input has no mask."""
    back: Back | None
    """None: the layer gives no pullback."""
    done: tuple[int, ...]
    step: Step


def ways(
    steps: Iterable[Step],
    training: bool,
    bare: Collection[int],
    live: Sequence[bool] | None = None,
    numbers: dict[int, slice | list[int]] | None = None,
    by_rows: bool = False,
) -> list[Way]:
    """Return how steps are taken.

    Parameters
    ----------
    steps : iterable of Step
        In order.
    training : bool
        Whether dropout drops.
    bare : collection of int
        Places of the arrays that are wanted without the activation of the layer that makes them.
    live : sequence of bool, optional
        Whether the gradient of each array is wanted; None: of no array.
    numbers : dict or list of int], optional
        By the id of each layer, which of all gradients it gives.
    by_rows : bool
        Whether gradients of large tables may come as those of their rows.
    """
    found = []
    for step in steps:
        first, out = step.inputs[0], step.outputs[0]
        drops = training if step.training is None else step.training
        need_dx = live is not None and any(live[place] for place in step.inputs)
        call = Call(drops, None, need_dx, out in bare, step.arguments, by_rows)
        back = None
        if call.logits or (live is not None and live[out]):
            given: slice | list[int] = numbers[id(step.layer)] if numbers else []
            alone = step.plain and isinstance(given, slice)
            back = Back(alone, out, first if need_dx else -1, given, step)
        found.append(Way(step.layer, step.plain, first, out, call, back, step.done, step))
    return found


class Trained:
    """The weights that training changes now, and what of a plan depends on which these are.

    Parameters
    ----------
    steps : sequence of Step
        Of the plan.
    size : int
        Number of arrays of a run.
    differentiated : list of Variable
        The weights that the layers give gradients of.
    flags : list of bool
        Which of them training changes.
    """

    def __init__(self, steps: Sequence[Step], size: int, differentiated: list[Variable], flags: list[bool]) -> None:
        self.differentiated, self.flags, self._steps = differentiated, flags, steps
        self.variables = self.of_trained(differentiated)
        """Those that training changes."""
        self._numbers = _numbers_by_layer(steps, differentiated)
        given = [_places(numbers) for numbers in self._numbers.values()]
        self.complete = len({k for numbers in given for k in numbers}) == len(differentiated)
        """Whether the layers give the gradients of all of them, if all are asked."""
        self._live = [False] * size
        for step in steps:
            if step.layer.differentiated or any(self._live[place] for place in step.inputs):
                for place in step.outputs:
                    self._live[place] = True
        self._ways: dict[Any, list[Way]] = {}

    def of_trained(self, values: list[Any]) -> list[Any]:
        """Return of the `values`, one for each weight that has a gradient, those of weights that are trained."""
        return values if all(self.flags) else list(compress(values, self.flags))

    def live(self, need: bool) -> list[bool]:
        """Whether the gradient of each array is wanted, where those of the inputs are or are not."""
        return [True] * len(self._live) if need else self._live

    def ways(self, training: bool, bare: frozenset[int], need: bool, by_rows: bool) -> list[Way]:
        """Return how the steps are taken with a gradient."""
        key = training, bare, need, by_rows
        known = self._ways.get(key)
        if known is None:
            known = self._ways[key] = ways(self._steps, training, bare, self.live(need), self._numbers, by_rows)
        return known


def trained_of(plan: Plan) -> Trained:
    """Return what training changes now, found anew only if it is not what it was the last time."""
    found = plan.differentiated
    flags = [variable.trainable for variable in found]
    known: Trained | None = plan.known.get("trained")
    if known is None or known.flags != flags or not all(map(is_, known.differentiated, found)):
        known = plan.known["trained"] = Trained(plan.steps, plan.size, found, flags)
    return known


def _numbers_by_layer(steps: Sequence[Step], variables: list[Variable]) -> dict[int, slice | list[int]]:
    order = {id(variable): k for k, variable in enumerate(variables)}
    layers = {id(step.layer): step.layer for step in steps}
    numbers = {key: [order[id(variable)] for variable in layer.differentiated] for key, layer in layers.items()}
    calls = Counter(id(step.layer) for step in steps)
    users = Counter(k for found in numbers.values() for k in found)
    return {
        key: _as_slice(found) if calls[key] == 1 and all(users[k] == 1 for k in found) else found
        for key, found in numbers.items()
    }


def _places(numbers: slice | list[int]) -> Sequence[int]:
    return range(numbers.start, numbers.stop) if isinstance(numbers, slice) else numbers


def _as_slice(numbers: list[int]) -> slice | list[int]:
    """Return numbers as a slice if they follow each other."""
    start = numbers[0] if numbers else 0
    in_turn = numbers == list(range(start, start + len(numbers)))
    return slice(start, start + len(numbers)) if in_turn else numbers
