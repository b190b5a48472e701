"""The beginning of a run on several ranks: what must be the same on all of them, and what is made so."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...distribution import DataParallel
from ...foundation.distributed import current
from ..data import ArraySource, Batch
from ..run_options import FitOptions
from ..sources import Makers
from ..streams import Source
from .batches import Cut, JointArrays, JointStream


def joined() -> DataParallel | None:
    """Return the distribution in force if there is something to share out; None: this process trains by itself."""
    distribution: DataParallel | None = current()
    return None if distribution is None or distribution.parts == 1 else distribution


def makers_for(distribution: DataParallel | None) -> Makers:
    """Return what makes sources of batches."""
    if distribution is None:
        return Makers()
    cut = Cut(distribution)
    return Makers(partial(JointArrays, cut), partial(JointStream, cut))


def make_equal(distribution: DataParallel, model: Any) -> None:
    """Give all ranks the weights, the state of the optimizer and those of the layers that rank 0 has."""
    distribution.agree("the weights of the model", [variable.shape for variable in model.weights])
    optimizer, layers = model.optimizer, model.all_layers()
    own = None
    if distribution.rank == 0:
        slots = optimizer.get_weights() if optimizer.built else None
        own = model.get_weights(), slots, [layer.get_state() for layer in layers]
    weights, slots, states = distribution.from_first(own)
    distribution.equal.add(model)
    if distribution.rank == 0:
        return
    model.set_weights(weights)
    if slots is not None:
        optimizer.build(model.trainable_weights)
        optimizer.set_weights(slots)
    for layer, state in zip(layers, states, strict=True):
        layer.set_state(state)


def share_of_one(distribution: DataParallel, model: Any, batch: Batch) -> Batch:
    """Return the parts of this rank of a batch that a step is taken on by itself; make ranks equal at the first."""
    if model not in distribution.equal:
        distribution.share_numbers()
        make_equal(distribution, model)
    return Cut(distribution).agreed(batch)  # type: ignore[return-value]


def agree_on_run(distribution: DataParallel, sources: tuple[Source, Source | None], options: FitOptions) -> None:
    """Raise unless all ranks have data of the same size, and were told the same."""
    distribution.agree("epochs", [options.epochs.start, options.epochs.stop])
    for name, source in zip(("x", "validation_data"), sources, strict=True):
        distribution.agree(name, _described(source))


def _described(source: Source | None) -> Any:
    if source is None:
        return "none"
    if not isinstance(source, ArraySource):
        return {"steps": source.steps, "shuffle": source.shuffle}
    return {"rows": source.rows, "batch_size": source.batch_size, "steps": source.steps, "shuffle": source.shuffle}
