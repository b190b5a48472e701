"""The outputs of a model, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.variable import seeing, values_now
from ..graph.network import Network
from .setup import Watchers
from .streams import Source


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
    with closing(source.epoch()) as batches:
        for step, (xs, _, _) in enumerate(batches):
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
    return [_joined(parts) for parts in zip(*found, strict=True)]


def _joined(parts: Sequence[Array]) -> Array:
    for number, part in enumerate(parts):
        if part.shape[1:] != parts[0].shape[1:]:
            must = f"have the shape {(None, *parts[0].shape[1:])} of the first one"
            cure = "; pad batches to one length, or call predict_on_batch() for each"
            checks.complain(ValueError, f"predict: the output of batch {number + 1}", must, f"{part.shape}{cure}")
    return np.concatenate(parts)


def own(outputs: Sequence[Array], xs: Sequence[Array]) -> list[Array]:
    """Return the outputs, copied where they are (a part of) what the user gave, or one of another."""
    return [
        y.copy() if any([np.may_share_memory(y, other) for other in (*xs, *outputs[:k])]) else y
        for k, y in enumerate(outputs)
    ]
