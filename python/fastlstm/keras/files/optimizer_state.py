"""The state of an optimizer as Keras' files have it: the number of steps, the rate, then the slots."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.arrays import Array
from ..optimizers import Nadam

STEPS_DTYPE, RATE_DTYPE = np.int64, np.float32


def state_of(optimizer: Any) -> list[Array]:
    """Return the arrays; a rate that a schedule gives is not among them."""
    steps, rate, *slots = optimizer.get_weights()
    own = [rate.astype(RATE_DTYPE)] if has_rate(optimizer) else []
    derived = len(optimizer.derived_state()) if optimizer.built else 0
    kept = [slot.astype(RATE_DTYPE) if k >= len(slots) - derived else slot for k, slot in enumerate(slots)]
    return [steps.astype(STEPS_DTYPE), *own, *kept]


def warn_of_anew(model: Any, owner: str, keeps: str) -> None:
    """Warn that the optimizer of a model begins anew, as its state is not in the file; `keeps`: what has it."""
    name = type(model.optimizer).__name__
    message = f"{owner} has no state of the optimizer: {name} begins anew; {keeps}"
    warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def warn_of_momentum(model: Any, owner: str) -> None:
    """Warn of a model of Keras 2 if its optimizer goes on otherwise there."""
    if isinstance(model.optimizer, Nadam):
        text = "Keras 2 lets the momentum of Nadam grow in another way, so that training goes on a little differently"
        message = f"{owner}: {text}; model.compile() with a new optimizer begins anew"
        warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def has_rate(optimizer: Any) -> bool:
    """Whether the rate is a number that the optimizer holds."""
    return isinstance(optimizer.get_config()["learning_rate"], float)


def with_rate(optimizer: Any, state: list[Array]) -> list[Array]:
    """Return a state as Keras 2 kept it, without the rate, placeholders and what the steps imply, as today's.

    Parameters
    ----------
    optimizer : str or Optimizer
        The optimizer, built: its rate is the one of its config.
    state : list of ndarray
        The number of steps and the slots in order; those of an optimizer that has none today are left out.
    """
    _, rate, *now = optimizer.get_weights()
    slots = state[1:] if now else []
    were_kept = optimizer.are_kept_in_keras_2()
    if len(slots) == sum(were_kept):
        given = iter(slots)
        slots = [next(given) if kept else value for value, kept in zip(now, were_kept, strict=True)]
    return [state[0], *([rate] if has_rate(optimizer) else []), *slots]


def set_state(optimizer: Any, state: list[Array], trained: list[Any], owner: str) -> None:
    """Let an optimizer go on from the arrays of a file.

    Parameters
    ----------
    optimizer : str or Optimizer
        The optimizer.
    state : list of ndarray
        The arrays, in order; of one that has not made a step yet the first two at most, of which Keras 2 has one.
    trained : list
        The weights that the model trains.
    owner : str
        The name of the file and of the place in it, for errors.
    """
    known, has_stepped = has_rate(optimizer), bool(np.any(state[0]))
    if len(state) > 1 + known or has_stepped:
        optimizer.build(trained)
    now = optimizer.get_weights()
    _, rate, *slots = now
    given = [state[0], *(state[1:] if known and len(state) > 1 else [rate, *state[1:]])]
    if len(given) == 2 and not has_stepped:
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
