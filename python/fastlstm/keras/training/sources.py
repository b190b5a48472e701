"""Where the batches of a run come from: which arrays or iterables it was given, checked before the first step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from fastlstm import checks

from ..graph.plan import Plan
from .data import ArraySource, Batch, split_rows
from .run_options import ClassWeights, FitOptions, batch_rows, refuse_beside_batches, steps_of
from .streams import Source, StreamSource, is_stream

Prepare = Callable[..., Batch]
"""Takes x, y, sample weights and, if there are any, class weights as users give them."""

ClassWeighted = Callable[[Batch, ClassWeights], Batch]


class Makers(NamedTuple):
    """What makes sources."""

    arrays: Callable[..., ArraySource] = ArraySource
    stream: Callable[..., StreamSource] = StreamSource


def training_sources(
    prepare: Prepare,
    class_weighted: ClassWeighted,
    x: Any,
    y: Any,
    weights: Any,
    options: FitOptions,
    make: Makers,
) -> tuple[Source, Source | None]:
    """Give what to train on, and what is held back for validation."""
    if is_stream(x):
        check = partial(prepare, class_weight=options.class_weight)
        return make.stream(x, check, options.steps, options.shuffle), None
    batch, rest = prepare(x, y, weights, late=True), None
    if options.split:
        batch, held_back = split_rows(options.split, batch)
        rest = make.arrays(held_back, options.validation_rows, limit=options.validation_steps)
    if options.class_weight is not None:  # classes weigh in training only
        batch = class_weighted(batch, options.class_weight)
    return make.arrays(batch, options.rows, options.shuffle, options.steps), rest


def validation_source(prepare: Prepare, data: Any, options: FitOptions, make: Makers) -> Source:
    """Give what to evaluate after an epoch."""
    try:
        return _checked_validation(prepare, data, options, make)
    except (TypeError, ValueError) as error:
        raise checks.named(error, "validation_data") from error


def _checked_validation(prepare: Prepare, data: Any, options: FitOptions, make: Makers) -> Source:
    if is_stream(data):
        source = make.stream(data, prepare, options.validation_steps)
        source.look_ahead()
        return source
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        checks.refuse(ValueError, "the data", "(x, y) or (x, y, sample_weight)", data)
    x, y, weights = (*data, None)[:3]
    return make.arrays(prepare(x, y, weights, late=True), options.validation_rows, limit=options.validation_steps)


def test_source(prepare: Prepare, x: Any, y: Any, weights: Any, batch_size: Any, steps: Any, make: Makers) -> Source:
    """Give what `evaluate` goes through."""
    rows, limit = batch_rows("batch_size", batch_size), steps_of("steps", steps)
    if is_stream(x):
        refuse_beside_batches(batch_size, y=y, sample_weight=weights)
        return make.stream(x, prepare, limit)
    return make.arrays(prepare(x, y, weights, late=True), rows, limit=limit)


def check_stateful(plan: Callable[[], Plan], *sources: Source | None) -> None:
    """Refuse, before the first step, batches that cannot all start from the states of the one before."""
    arrays = [source for source in sources if isinstance(source, ArraySource) and source.limit is None]
    sizes = sorted({size for source in arrays for size in source.batch_sizes()})
    if len(sizes) < 2:
        return
    stateful = [layer.name for layer in plan().working_layers if getattr(layer, "stateful", False)]
    if stateful:
        must = f"give batches with the same number of rows, as {stateful[0]} is stateful"
        cure = "; choose another batch_size or leave rows out"
        checks.complain(ValueError, "the data", must, " and ".join(map(str, sizes)), cure)
