"""The state of optimizers as Keras 2 and 3 wrote it into HDF5."""

from __future__ import annotations

import warnings
from typing import Any

from ..foundation.arrays import Array, user_stacklevel
from .optimizer_state import has_rate, set_state


def set_legacy_state(model: Any, names: list[str], state: list[Array], owner: str) -> None:
    """Let the optimizer of a model go on from arrays; if it keeps other ones, warn that it begins anew.

    Parameters
    ----------
    model
        The model, compiled.
    names, state
        The arrays and their names: those of Keras 3, or those of Keras 2, where each kind of slot comes after the
        other and the rate is not among them.
    owner
        The name of the file and of the place in it.
    """
    optimizer, trained = model.optimizer, model.trainable_variables
    optimizer.build(trained)
    given = state if _are_of_keras_3(names) else _interleaved(optimizer, state)
    try:
        set_state(optimizer, given, trained, owner)
    except (ValueError, TypeError) as error:
        message = f"the optimizer begins anew: {error}"
        warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def _are_of_keras_3(names: list[str]) -> bool:
    """Whether names are those of Keras 3, or of the optimizers that Keras 2.11 had instead of its older ones."""
    return names[0].split(":")[0].endswith("iteration")


def _interleaved(optimizer: Any, state: list[Array]) -> list[Array]:
    """Return the slots variable by variable, and the rate before them."""
    _, rate, *slots = optimizer.get_weights()
    kinds, count = len(optimizer.slots), len(slots)
    by_kind = state[1 : 1 + count]  # behind these are slots of one number that stand for none
    if kinds == 0 or len(by_kind) < count:
        return state
    variables = count // kinds
    ordered = [by_kind[kind * variables + k] for k in range(variables) for kind in range(kinds)]
    return [state[0], *([rate] if has_rate(optimizer) else []), *ordered]
