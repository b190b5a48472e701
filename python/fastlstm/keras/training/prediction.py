"""The outputs of a model, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..foundation.arrays import Array
from ..foundation.variable import seeing, values_now
from ..graph.network import Network
from .data import Source
from .setup import Watchers


def predicted(
    source: Source, network: Network, watchers: Watchers, as_given: Callable[[Sequence[Array]], Any]
) -> list[Array]:
    """Return the outputs for all batches, one array each; callbacks get those of a batch `as_given`."""
    hooks, bar = watchers
    begin, end = hooks.hook("on_predict_batch_begin"), hooks.hook("on_predict_batch_end")
    found: list[list[Array]] = []
    # Those of the start for all batches; what callbacks do goes by those of then.
    values = values_now(network.plan.weights)
    hooks.call("on_predict_begin", {})
    for step, (xs, _, _) in enumerate(source.epoch()):
        for method in begin:
            method(step, {})
        with seeing(values):
            found.append(own(network.infer(xs), xs))
        for method in end:
            method(step, {"outputs": as_given(found[-1])})
        if bar is not None and bar.due(step + 1):
            bar.draw(step + 1, {})
    hooks.call("on_predict_end", {})
    if bar is not None:
        bar.finish(len(found), {})
    if not found:  # there were no rows; the source is of arrays then
        return network.infer(source.batch[0])  # type: ignore[union-attr]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def own(outputs: Sequence[Array], xs: Sequence[Array]) -> list[Array]:
    """Return the outputs, copied where they are (a part of) what the user gave, or one of another."""
    return [
        y.copy() if any([np.may_share_memory(y, other) for other in (*xs, *outputs[:k])]) else y
        for k, y in enumerate(outputs)
    ]
