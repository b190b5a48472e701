"""What runs work with, by themselves or, where a distribution is in force, on several ranks; and how these begin."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...callbacks import CallbackList
from ...distribution import DataParallel
from ...foundation.distributed import current
from ..data import ArraySource, Batch
from ..meters import CompiledMetrics, Meters
from ..objective import Objective
from ..preparing import Preparation
from ..run_options import FitOptions
from ..sources import Makers
from ..streams import Source
from .batches import Cut, JointArrays, JointStream
from .callbacks import JointCallbacks
from .meters import JointMeters
from .noise import Noise
from .objective import JointObjective
from .parts import PartObjective


def joined() -> DataParallel | None:
    """Return the distribution in force if there is something to share out; None: this process trains by itself."""
    distribution: DataParallel | None = current()
    return None if distribution is None or distribution.parts == 1 else distribution


def makers(numbers_shared: bool = False) -> Makers:
    """Return what makes sources of batches; `numbers_shared`: and let all ranks draw the same from now on."""
    distribution = joined()
    if distribution is None:
        return Makers()
    if numbers_shared:
        distribution.share_numbers()
    cut = Cut(distribution)
    return Makers(partial(JointArrays, cut), partial(JointStream, cut))


def objective_for(prepared: Preparation, meters: Callable[[], Any], layers: Callable[[], list[Any]]) -> Any:
    """Return what a run makes small."""
    distribution, settings = joined(), (prepared.plan, prepared.losses, prepared.scales)
    if distribution is None:
        return Objective(*settings)
    return JointObjective(PartObjective(*settings), distribution, meters, Noise(layers()))


def meters_for(metrics: CompiledMetrics) -> Meters:
    """Return the meters of a run."""
    return metrics.take(Meters if joined() is None else JointMeters)


def callbacks_for(callbacks: Any, model: Any, **options: Any) -> CallbackList:
    """Return the callbacks of a run."""
    distribution = joined()
    kind = CallbackList if distribution is None else partial(JointCallbacks, distribution)
    return kind(callbacks, model, **options)


def share_of_one(model: Any, batch: Batch) -> Batch:
    """Return what this process has of the batch of a step that is taken by itself."""
    distribution = joined()
    if distribution is None:
        return batch
    _make_equal_once(distribution, model)
    return Cut(distribution).agreed(batch)  # type: ignore[return-value]


def begin_fit(model: Any, sources: tuple[Source, Source | None], options: FitOptions) -> None:
    """Raise unless all ranks were given data of the same size, and told the same; give them what rank 0 begins with."""
    distribution = joined()
    if distribution is not None:
        distribution.agree("epochs", [options.epochs.start, options.epochs.stop])
        for name, source in zip(("x", "validation_data"), sources, strict=True):
            distribution.agree(name, _described(source))
        _make_equal(distribution, model)


def begin_evaluation(model: Any, source: Source) -> None:
    """Raise unless all ranks were given data of the same size."""
    distribution = joined()
    if distribution is not None:
        distribution.agree("x", _described(source))
        _make_equal_once(distribution, model)


def _described(source: Source | None) -> Any:
    if source is None:
        return "none"
    numbers = {"steps": source.steps, "shuffle": source.shuffle}
    if not isinstance(source, ArraySource):
        return numbers
    return {"rows": source.rows, "batch_size": source.batch_size} | numbers


def _make_equal_once(distribution: DataParallel, model: Any) -> None:
    if model not in distribution.equal:
        distribution.share_numbers()
        _make_equal(distribution, model)


def _make_equal(distribution: DataParallel, model: Any) -> None:
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
