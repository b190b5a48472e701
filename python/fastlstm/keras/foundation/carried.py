"""The states of random generators: of the process, and of those that an object has as attributes."""

from __future__ import annotations

import random as python_random
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from .random import Sources, all_sources

State: TypeAlias = dict[str, Any]
"""Values by name: numbers, texts, None, arrays, and lists, tuples and dicts of these."""


def state_of_numbers() -> State:
    """Return the states of the generators in force, of those around a training, and of NumPy's and Python's own."""
    numpys = np.random.get_state(legacy=False)  # noqa: NPY002 - the one that users draw from
    ours = {name: state_of_sources(sources) for name, sources in all_sources().items()}
    return ours | {"numpy": numpys, "python": python_random.getstate()}


def restore_numbers(state: State) -> None:
    """Let the generators of all these go on from what `state_of_numbers` gave."""
    for name, sources in all_sources().items():
        _set_sources(sources, state[name])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    python_random.setstate(state["python"])


def state_of_sources(sources: Sources) -> State:
    """Return the states of the generators by their purposes."""
    return {purpose: state_of_generator(source) for purpose, source in sources.generators.items()}


def _set_sources(sources: Sources, state: State) -> None:
    check_keys("random numbers", state, sources.generators)
    for purpose, source in sources.generators.items():
        set_generator(source, state[purpose], f"the generator of {purpose}")


def states_of_generators(owner: Any) -> State:
    """Return the states of the random generators among the attributes of an object, by the names of these."""
    return {name: state_of_generator(source) for name, source in generators_of(owner).items()}


def set_states_of_generators(owner: Any, state: State, name: str) -> None:
    """Let these generators go on from what `states_of_generators` gave; `name` is that of the object, for errors."""
    sources = generators_of(owner)
    check_keys(name, state, sources)
    for attribute, source in sources.items():
        set_generator(source, state[attribute], f"{name}: state of {attribute}")


def check_keys(name: str, state: State, wanted: Any) -> None:
    """ValueError unless a state has the `wanted` entries and no others."""
    if not isinstance(state, dict) or {*state} != {*wanted}:
        got = sorted(map(str, state)) if isinstance(state, dict) else checks.shown(state)
        checks.complain(ValueError, f"{name}: state", f"have the entries {sorted(wanted)}", got)


def generators_of(owner: Any) -> dict[str, Any]:
    """Return the random generators among the attributes of an object, by the names of these."""
    found = {name: _source(value) for name, value in vars(owner).items()}
    return {name: source for name, source in found.items() if source is not None}


def _source(value: Any) -> Any:
    """Return what draws; None: `value` does not."""
    own = getattr(value, "generator", None) if type(value).__name__ == "SeedGenerator" else value
    return own if isinstance(own, np.random.Generator | np.random.RandomState | python_random.Random) else None


def state_of_generator(source: Any) -> Any:
    """Return the state of a generator of NumPy or Python."""
    if isinstance(source, python_random.Random):
        return source.getstate()
    if isinstance(source, np.random.RandomState):
        return source.get_state(legacy=False)
    return source.bit_generator.state


def set_generator(source: Any, state: Any, name: str) -> None:
    """Let a generator go on from its state of before; `name` is what errors call that."""
    try:
        if isinstance(source, python_random.Random):
            source.setstate(state)
        elif isinstance(source, np.random.RandomState):
            source.set_state(state)
        else:
            source.bit_generator.state = state
    except (ValueError, TypeError, KeyError) as error:
        checks.complain(ValueError, name, f"be that of a {type(source).__name__}", checks.shown(state), cause=error)
