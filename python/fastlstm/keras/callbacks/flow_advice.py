"""What is to be said of how large gradients are on their way back through time, and what to do."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..foundation.arrays import Array
from ..initializers import Orthogonal
from ..layers.recurrent.cell import RecurrentCell


class Verdict(NamedTuple):
    """What is said of a layer."""

    kind: str
    """``"vanish"`` or ``"explode"``."""
    text: str


def verdict(cell: RecurrentCell, optimizer: Any, norms: Array, vanishing: float, exploding: float) -> Verdict | None:
    """Return what is to be said of the norms at the steps that a cell read, in its order; None: nothing.

    Parameters
    ----------
    cell : RecurrentCell
        The cell.
    optimizer : str or Optimizer
        Of the training.
    norms : ndarray
        Of dL/dh.
    vanishing, exploding : float
        See `GradientFlow`.
    """
    steps = len(norms)
    if not np.isfinite(norms).all():
        text = f"are no numbers any more at {np.sum(~np.isfinite(norms))} of {steps} steps"
        return Verdict("explode", f"{text}: {_against_explosion(cell, optimizer)}")
    largest = norms.max(initial=0)
    if steps and norms[-1] > 0 and largest > exploding * norms[-1]:
        text = f"grow {largest / norms[-1]:.0e} times on the way back from step {steps - 1} to step {norms.argmax()}"
        return Verdict("explode", f"{text}: {_against_explosion(cell, optimizer)}")
    if steps and norms[0] < vanishing * largest:
        reach = steps - 1 - int(np.argmax(norms >= vanishing * largest))
        text = f"reach {reach} of {steps - 1} steps back, and are below {vanishing:g} of their largest before"
        return Verdict("vanish", f"{text}: {_against_vanishing(cell)}")
    return None


def _against_explosion(cell: RecurrentCell, optimizer: Any) -> str:
    cures = []
    if not any(getattr(optimizer, name, None) for name in ("clipnorm", "global_clipnorm", "clipvalue")):
        cures.append("clipnorm=1.0 in the optimizer bounds what a step does")
    if cell.gates == 1 and _activation(cell) not in ("tanh", "sigmoid"):
        cures.append(f"activation='tanh' in place of {_activation(cell)!r} bounds the states")
    cures += _orthogonal(cell)
    cures.append("fit(tbptt=k) cuts the way back, or use smaller weights or a lower learning rate")
    return "; ".join(cures)


def _against_vanishing(cell: RecurrentCell) -> str:
    cures = []
    if cell.gates == 1:
        cures.append("the gates of an LSTM or GRU let gradients pass")
    cures += _orthogonal(cell)
    if not getattr(cell, "unit_forget_bias", True):
        cures.append("unit_forget_bias=True starts with forget gates that are open")
    elif cell.gates > 1:
        gate = "forget" if len(cell.state_names) == 2 else "update"
        cures.append(f"a larger bias of the {gate} gate to start with lets them pass, or it learns to, in later epochs")
    cures.append("where what is so far back does not matter, fit(tbptt=k) saves time")
    return "; ".join(cures)


def _orthogonal(cell: RecurrentCell) -> list[str]:
    if isinstance(cell.recurrent_initializer, Orthogonal):
        return []
    return ["recurrent_initializer='orthogonal' starts with a matrix that neither stretches nor shrinks"]


def _activation(cell: RecurrentCell) -> str:
    return str(getattr(cell, "activation").name)  # noqa: B009 - which cells of one gate have
