"""Parts of a batch that one rank computes: each goes on until it needs a sum over all parts, and then the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ...foundation.training_step import Total

T = TypeVar("T")

Work: TypeAlias = Callable[[Total], T]
"""What is done for a part, with what gives sums over all of them."""


class _Over(Exception):  # noqa: N818
    """Ends a part that waits for a sum which there will not be."""


class Turns(Generic[T]):
    """Works of parts, one at a time and in order.

    One that asks for a sum waits until all have asked, so the next one goes on, in a thread of its own. Where none asks
    they are done one after the other without threads. Sums are made in the thread that begins: MPI may allow no other.

    Parameters
    ----------
    works : dict
        By the number of the part.
    added : callable
        Gives the sum over the parts of all ranks, for those of these parts by their numbers.
    aside : callable
        Gives a block in which a part waits.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> import numpy as np
    >>> works = {k: lambda total, k=k: total(np.array([10.0**k])).tolist() for k in range(3)}
    >>> Turns(works, lambda asked: sum(asked.values()), nullcontext).taken()
    {0: [111.0], 1: [111.0], 2: [111.0]}
    """

    def __init__(
        self,
        works: dict[int, Work[T]],
        added: Callable[[dict[int, Array]], Array],
        aside: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._works, self._added, self._aside, self._order = works, added, aside, [*works]
        self._context = copy_context()
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._gates: dict[int, threading.Semaphore] = {}
        """Whose turn it is, once a part has asked for a sum."""
        self._threads: list[threading.Thread] = []
        self._asked: dict[int, Array] = {}
        self._total = np.empty(0)
        self._found: dict[int, T] = {}
        self._errors: list[BaseException] = []

    def taken(self) -> dict[int, T]:
        """Return what the works give; the first error of one is raised."""
        for number in self._order:
            if number not in self._begun and not self._errors:
                self._go(number)
        if self._gates:
            self._gates[self._order[0]].acquire()
            for thread in self._threads:
                thread.join()
        if self._errors:
            raise self._errors[0]
        return {number: self._found[number] for number in self._order}

    def _go(self, number: int) -> None:
        """Do the work of a part."""
        self._begun.add(number)
        try:
            self._found[number] = self._works[number](partial(self._sum, number))
        except BaseException as error:  # it is raised in the thread that waits for all
            self._errors.append(error)
        self._ended.add(number)
        if self._gates:
            self._pass_on(number)

    def _sum(self, number: int, own: Array) -> Array:
        """Return the sum over all parts, of which a part has its `own`."""
        self._check_that_all_ask()
        self._asked[number] = own
        if len(self._order) > 1:
            self._gates = self._gates or {other: threading.Semaphore(0) for other in self._order}
            with self._aside():
                self._pass_on(number)
                self._gates[number].acquire()
        if self._errors:
            raise _Over
        if number == self._order[0]:
            self._check_that_all_ask()
            self._total, self._asked = self._added(self._asked), {}
        return self._total

    def _check_that_all_ask(self) -> None:
        if self._ended:
            must = "ask for the same sums for all parts of a batch"
            checks.complain(ValueError, "layers", must, "one that asks for more of some")

    def _pass_on(self, number: int) -> None:
        """Let the next part go on; after an error one that was begun, and in the end the thread that waits for all."""
        at = self._order.index(number) + 1
        left = [other for other in self._order[at:] + self._order[:at] if other not in self._ended]
        following = next((other for other in left if other in self._begun or not self._errors), self._order[0])
        if following in self._begun:
            self._gates[following].release()
            return
        context = self._context.copy()
        self._threads.append(threading.Thread(target=context.run, args=(self._go_beside, following), daemon=True))
        self._threads[-1].start()

    def _go_beside(self, number: int) -> None:
        with np.errstate(all="ignore"):  # which is the thread's own before NumPy 2
            self._go(number)
