"""The state of an optimizer as Keras' files have it: the number of steps, the rate, then the slots."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array

STEPS_DTYPE, RATE_DTYPE = np.int64, np.float32


def state_of(optimizer: Any) -> list[Array]:
    """Return the arrays; a rate that a schedule gives is not among them."""
    steps, rate, *slots = optimizer.get_weights()
    own = [rate.astype(RATE_DTYPE)] if has_rate(optimizer) else []
    derived = len(optimizer.derived_state()) if optimizer.built else 0
    kept = [slot.astype(RATE_DTYPE) if k >= len(slots) - derived else slot for k, slot in enumerate(slots)]
    return [steps.astype(STEPS_DTYPE), *own, *kept]


def has_rate(optimizer: Any) -> bool:
    """Whether the rate is a number that the optimizer holds."""
    return isinstance(optimizer.get_config()["learning_rate"], float)


def with_rate(optimizer: Any, state: list[Array]) -> list[Array]:
    """Return a state as Keras 2 kept it, without the rate and what follows from the number of steps, as today's.

    Parameters
    ----------
    optimizer
        The optimizer, built: its rate is the one of its config.
    state
        The number of steps and the slots in order; those of an optimizer that has none today are left out.
    """
    _, rate, *now = optimizer.get_weights()
    derived = [np.asarray(value) for value in optimizer.derived_state()]
    slots = state[1:] if now else []
    missing = derived if len(slots) + len(derived) == len(now) else []
    return [state[0], *([rate] if has_rate(optimizer) else []), *slots, *missing]


def set_state(optimizer: Any, state: list[Array], trained: list[Any], owner: str) -> None:
    """Let an optimizer go on from the arrays of a file.

    Parameters
    ----------
    optimizer
        The optimizer.
    state
        The arrays, in order; of one that has not made a step yet the first two at most.
    trained
        The weights that the model trains.
    owner
        The name of the file and of the place in it, for errors.
    """
    known = has_rate(optimizer)
    if len(state) > 1 + known or (state and int(state[0])):
        optimizer.build(trained)
    now = optimizer.get_weights()
    _, rate, *slots = now
    given = [*state[:1], *(state[1:] if known else [rate, *state[1:]])]
    if len(given) == 2 and slots:
        given += slots
    if len(given) != len(now):
        must = f"have {len(now) - (not known)} arrays, as the optimizer that the model is compiled with has"
        checks.complain(ValueError, owner, must, len(state), "; compile=False leaves its state out")
    if given[1].shape == () and np.float32(given[1]) == np.float32(rate):
        given[1] = rate  # of which the file has fewer digits than the config
    try:
        optimizer.set_weights(given)
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error
