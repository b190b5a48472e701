"""The state of optimizers as Keras 2 and 3 wrote it into HDF5."""

from __future__ import annotations

import warnings
from typing import Any

from fastlstm.frames import user_stacklevel

from ..foundation.arrays import Array
from .optimizer_state import set_state, with_rate

_SLOTS = {
    *("m", "v", "vhat", "rms", "momentum", "mg"),
    *("accumulator", "accum_grad", "accum_var", "linear"),
}
"""What the names of slots end with that TensorFlow gave."""


def set_legacy_state(model: Any, names: list[str], state: list[Array], owner: str) -> None:
    """Let the optimizer of a model go on from arrays; if it keeps other ones, warn that it begins anew.

    Parameters
    ----------
    model : Model
        The model, compiled.
    names, state : list of str; list of ndarray
        The arrays and their names: those of Keras 3, or those of Keras 2, where the rate is not among them and, before
        2.11, each kind of slot comes after the other.
    owner : str
        The name of the file and of the place in it.
    """
    optimizer, trained = model.optimizer, model.trainable_variables
    optimizer.build(trained)
    try:
        set_state(optimizer, _todays(optimizer, names, state, len(trained)), trained, owner)
    except (ValueError, TypeError) as error:
        message = f"the optimizer begins anew: {error}"
        warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def _todays(optimizer: Any, names: list[str], state: list[Array], variables: int) -> list[Array]:
    if any(_last(name) == "learning_rate" for name in names):
        return state
    if _last(names[0]) == "iteration":  # as Keras has it since 2.11
        return with_rate(optimizer, state)
    by_kind = _by_kind(names[1:], state[1:], variables)[: len(optimizer.slots)]
    return with_rate(optimizer, [state[0], *optimizer.in_order(zip(*by_kind, strict=True))])


def _last(name: str) -> str:
    """Return the last part of the name of a variable of TensorFlow."""
    return name.rpartition("/")[2].partition(":")[0]


def _by_kind(names: list[str], slots: list[Array], variables: int) -> list[list[Array]]:
    """Return the slots of each kind, which their names end with; else those of a kind lie together."""
    named = dict[str, list[Array]]()
    for name, slot in zip(names, slots, strict=True):
        named.setdefault(_last(name), []).append(slot)
    if named.keys() & _SLOTS:
        return [found for name, found in named.items() if name in _SLOTS]
    return [slots[k : k + variables] for k in range(0, len(slots), variables)]
