"""Where the random numbers of the Keras surface come from: a generator for each purpose, so that none moves another.

Who draws asks for what is in force: the generators of a block, else those of the thread, if it was given a seed, else
those of the process. A model is a block while it trains.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from fastlstm.forks import DRAWS, held_at_forks, safe_at_forks
from fastlstm.scopes import Scoped

Purpose: TypeAlias = Literal["weights", "noise", "order", "draws", "models"]
"""Seeds of initializers; dropout and noise of layers; orders of rows, and of data sets; what users draw by
``keras.random``; and seeds of the generators of models."""


class Sources:
    """A generator for each purpose, all from one seed.

    Parameters
    ----------
    seed : int or SeedGenerator, optional
        Whatever NumPy makes a ``SeedSequence`` of.

    Examples
    --------
    >>> one, other = Sources(3), Sources(3)
    >>> masks = one.generators["noise"].random(100)
    >>> bool((one.generators["order"].permutation(9) == other.generators["order"].permutation(9)).all())
    True
    """

    def __init__(self, seed: Any) -> None:
        purposes: tuple[Purpose, ...] = get_args(Purpose)
        seeds = np.random.SeedSequence(seed).spawn(len(purposes))
        self.generators: dict[Purpose, np.random.Generator] = {
            purpose: safe_at_forks(np.random.default_rng(own)) for purpose, own in zip(purposes, seeds, strict=True)
        }

    def draw_seed(self, purpose: Purpose) -> int:
        """Return a seed for something that was given none."""
        return int(self.generators[purpose].integers(2**31))

    def __getstate__(self) -> list[Any]:
        return [source.bit_generator.state for source in self.generators.values()]

    def __setstate__(self, states: list[Any]) -> None:
        self.__init__(0)  # type: ignore[misc]
        for source, state in zip(self.generators.values(), states, strict=True):
            source.bit_generator.state = state


class LateSources(Sources):
    """Generators that are made when they are first asked for, as it takes longer to make all than to draw from one.

    Parameters
    ----------
    seeds : int, optional
        Whole numbers that they follow from.
    """

    def __init__(self, *seeds: int) -> None:
        self.generators = _Late(seeds)


class _Late(dict[Purpose, np.random.Generator]):
    def __init__(self, seeds: tuple[int, ...]) -> None:
        self._seeds = seeds

    def __missing__(self, purpose: Purpose) -> np.random.Generator:
        number = get_args(Purpose).index(purpose)
        self[purpose] = found = safe_at_forks(np.random.default_rng([*self._seeds, number]))
        return found


class _Block:
    """What is in force in a block, and what was around it."""

    def __init__(self, own: Sources, around: Sources) -> None:
        self.sources, self.around = own, around


class _Process:
    sources: Sources | None = None


class _Thread(threading.local):
    sources: Sources | None = None


_process, _thread = _Process(), _Thread()
_block: Scoped[_Block | None] = Scoped("sources", None)
_FIRST = threading.Lock()
held_at_forks(_FIRST, DRAWS)


def sources() -> Sources:
    """Return what is in force."""
    block = _block.get()
    if block is not None:
        return block.sources
    return _thread.sources or _process.sources or _first()


def all_sources() -> dict[str, Sources]:
    """Return what is in force, and in a block what was around it: all that its end leaves behind."""
    block = _block.get()
    return {"own": sources()} if block is None else {"own": block.sources, "around": block.around}


def generator(purpose: Purpose) -> np.random.Generator:
    """Return the generator in force; NumPy locks it, so threads may share it."""
    return sources().generators[purpose]


def draw_seed(purpose: Purpose) -> int:
    """Return a seed for an object that was given none."""
    return sources().draw_seed(purpose)


def _first() -> Sources:
    """Return the generators of a process that has not been seeded: they begin with the state of NumPy's own one.

    So a program that seeds NumPy alone repeats. What NumPy draws is the same as without this.
    """
    with _FIRST:
        if _process.sources is None:
            state: Any = np.random.get_state()  # noqa: NPY002 - the one that programs seed
            _process.sources = Sources(state[1])
        return _process.sources


def seed_sources(seed: int) -> None:
    """Let everything that is drawn from now on follow from `seed`.

    In the main thread that is so in all threads that have not been given a seed; in another one it is so in that one.
    A block that it is called in goes on with these generators, too.
    """
    made, block = Sources(seed), _block.get()
    if block is not None:
        block.sources = made
    if threading.current_thread() is threading.main_thread():
        _process.sources, _thread.sources = made, None
    else:
        _thread.sources = made


def drawing_from(own: Sources) -> AbstractContextManager[Any]:
    """For this thread and the time of a block, what is drawn comes from these generators.

    Examples
    --------
    >>> before = sources()
    >>> with drawing_from(Sources(3)):
    ...     sources() is before
    False
    >>> sources() is before
    True
    """
    return _block.being(_Block(own, sources()))


class OwnSources:
    """The generators of a model, which its trainings draw from, one after the other.

    They follow from those that were in force when the model was made, or when it is trained after another seed was
    given. So models train side by side as they do one after the other. A copy goes on as the model does.
    """

    def __init__(self) -> None:
        self._follow(sources())

    def _follow(self, around: Sources) -> None:
        self._around, self.sources = around, Sources(around.draw_seed("models"))

    def drawing(self) -> AbstractContextManager[Any]:
        """For the time of a block, what is drawn comes from them."""
        around = sources()
        if around is not self._around and around is not self.sources:
            self._follow(around)
        return drawing_from(self.sources)

    def __getstate__(self) -> tuple[Sources, Sources | None]:
        return self.sources, None if self._around is sources() else self._around

    def __setstate__(self, state: tuple[Sources, Sources | None]) -> None:
        own, around = state
        self._around, self.sources = around or sources(), own
