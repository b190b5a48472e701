"""Whether gradients of a model can go through time as `fit` is told."""

from __future__ import annotations

from collections.abc import Callable

from fastlstm import checks
from fastlstm.through_time import WHOLE, ThroughTime

from ..graph.plan import Plan
from ..layers.recurrent.finding import recurrent_layers
from ..layers.recurrent.rnn import RNN


def way_of(plan: Callable[[], Plan], by: ThroughTime) -> ThroughTime:
    """Return how gradients go through time in each layer of a plan, where all are to go `by` that, or raise."""
    if by is WHOLE:
        return by
    layers = [layer for step in plan().steps for layer in recurrent_layers(step.layer)]
    if not layers:
        name, value = next((name, value) for name, value in by._asdict().items() if value is not None)
        checks.refuse(ValueError, name, "left out for a model without recurrent layers", value)
    for layer in layers:
        _check(layer, by)
    return by.share(sum(layer.tapes for layer in layers))


def _check(layer: RNN, by: ThroughTime) -> None:
    if by.tbptt is not None and layer.go_backwards:
        cure = ": it reads the last step first, and has no state of the steps before; leave tbptt out"
        must = "be False for gradients that are cut by tbptt"
        checks.complain(ValueError, f"{layer.name}: go_backwards", must, True, cure)
    name = "checkpoint_every" if by.memory_limit is None else "memory_limit"
    if getattr(by, name) is not None and not layer.tapes:
        got = f"{getattr(by, name)} for the {type(layer.cell).__name__} of {layer.name}"
        cure = ": its steps are taken in Python, not by the compiled core"
        checks.complain(ValueError, name, "be left out", got, cure)
