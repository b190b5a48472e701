"""From what users pass as inputs, labels and weights to arrays that need no more checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import metrics
from ..foundation.arrays import Array, Shape
from ..graph.network import Network
from ..graph.plan import Plan
from ..losses import BinaryCrossentropy, Loss, expand
from ..metrics import Metric
from .compiling import Compiled, check_names, is_accuracy
from .data import Batch, check_rows
from .meters import CompiledMetrics
from .run_options import ClassWeights
from .weighting import check_weights, weights_from_classes


class Preparation:
    """What turns data into batches for one model.

    Parameters
    ----------
    plan
        The steps of the model.
    outputs
        Names of its outputs.
    compiled
        Its settings; None where there are none, to predict.
    """

    def __init__(self, plan: Plan, outputs: Sequence[str], compiled: Compiled) -> None:
        self.plan, self.outputs, self.compiled = plan, list(outputs), compiled
        self.losses = compiled.losses_for(self.outputs)
        self.dtypes = [tensor.dtype for tensor in plan.outputs]

    def __call__(self, xs: tuple[Array, ...], y: Any, weights: Any, class_weight: ClassWeights | None = None) -> Batch:
        """Return inputs, labels and weights, of which those of classes are a part."""
        shapes = self.plan.output_shapes([x.shape for x in xs])
        given = self._weights(weights, shapes)
        labels = tuple(self._labels(y, xs, shapes, given))
        names = _numbered("x", xs) | _numbered("y", labels) | _numbered("sample_weight", given)
        if check_rows(**names) == 0:
            raise ValueError(f"x: got no rows (shape {xs[0].shape}), wanted at least one")
        if class_weight is not None:
            return self.class_weighted((xs, labels, given), class_weight)
        return xs, labels, given

    def _weights(self, weights: Any, shapes: list[Shape]) -> tuple[Array | None, ...]:
        """Return the weights of each output; one array counts for all of them."""
        several = isinstance(weights, dict) or _is_list_of_arrays(weights)
        parts = self._parts("sample_weight", weights) if several else [weights] * len(shapes)
        checked = (check_weights(part, dtype, s) for part, dtype, s in zip(parts, self.dtypes, shapes, strict=True))
        return tuple(checked)

    def _labels(
        self, y: Any, xs: tuple[Array, ...], shapes: list[Shape], weights: Sequence[Array | None]
    ) -> list[Array | None]:
        if y is None:
            raise TypeError("y: got None, wanted labels, one a row of x")
        masks = _Masks(self.plan, xs)
        found: list[Array | None] = []
        for k, part in enumerate(self._parts("y", y)):
            loss = self.losses[k]
            if part is None and loss is not None:
                raise ValueError(f"y: got no labels for the output {self.outputs[k]!r}, which has a loss")
            counted = partial(_counted, masks, k, weights[k])
            found.append(self._of_output(part, loss, shapes[k], self.dtypes[k], counted))
        return found

    def _of_output(
        self, labels: Any, loss: Loss | None, shape: Shape, dtype: np.dtype[Any], counted: Callable[[], Array | None]
    ) -> Array | None:
        if loss is not None:
            return loss.prepare_counted(labels, (None, *shape[1:]), dtype, counted)
        return None if labels is None else np.asarray(labels)

    def _parts(self, argument: str, data: Any) -> list[Any]:
        """Return one entry for each output."""
        names = self.outputs
        if isinstance(data, dict):
            check_names(argument, data, names)
            return [data.get(name) for name in names]
        if len(names) == 1:
            return [data[0] if _is_list_of_arrays(data) and len(data) == 1 else data]
        if not isinstance(data, list | tuple):
            got = f"an array of shape {data.shape}" if hasattr(data, "shape") else type(data).__name__
            raise ValueError(
                f"{argument} must be a list or dict of one array for each of the outputs {names}, got {got}"
            )
        if len(data) != len(names):
            raise ValueError(f"{argument} must have one array for each of the outputs {names}, got {len(data)}")
        return list(data)

    def class_weighted(self, batch: Batch, class_weight: ClassWeights) -> Batch:
        """Return the batch with the weights that follow from its labels."""
        xs, (labels, *more), (weights, *_) = batch
        if more:
            raise ValueError(f"class_weight must go with one output, got the outputs {self.outputs}; use sample_weight")
        if weights is not None:
            raise ValueError("class_weight and sample_weight are both given, wanted one of them")
        assert labels is not None
        shape = self.plan.outputs[0].shape
        classes = 2 if shape[-1] == 1 and isinstance(self.losses[0], BinaryCrossentropy) else shape[-1]
        by_class = weights_from_classes(labels, len(shape), None if classes == 1 else classes, class_weight)
        return xs, (labels,), (by_class.astype(self.dtypes[0]),)

    def metrics(self, batch: Batch) -> CompiledMetrics:
        """Return the metrics for labels such as those of a batch."""
        chosen = []
        for tree in self.compiled.metrics_for(self.outputs):
            chosen.append([self._metrics_of(k, names, batch[1][k]) for k, names in enumerate(tree)])
        counted = [loss is not None for loss in self.losses]
        return CompiledMetrics(self.outputs, chosen[0], chosen[1], counted)

    def _metrics_of(self, number: int, names: list[Any], labels: Array | None) -> list[Metric]:
        if not names:
            return []
        if labels is None:
            raise ValueError(f"y: got no labels for the output {self.outputs[number]!r}, which has metrics")
        shape = self.plan.outputs[number].shape
        last = labels.shape[-1] if labels.ndim else None
        found = [_metric_for(name, labels.ndim, shape, last) for name in names]
        for metric in found:
            metric.check(labels, (None, None, shape[2]) if len(shape) == 3 else shape)
        return found


class _Masks:
    """Masks of the outputs for given inputs, found when they are first asked for."""

    def __init__(self, plan: Plan, xs: tuple[Array, ...]) -> None:
        self._plan, self._xs = plan, xs
        self._found: list[Array | None] | None = None
        self._asked = False

    def of(self, number: int) -> Array | None:
        if not self._asked:
            self._found, self._asked = Network(self._plan).output_masks(self._xs), True
        return None if self._found is None else self._found[number]


def _counted(masks: _Masks, number: int, weights: Array | None) -> Array | None:
    """Which labels count, by rows or by rows and steps; None if all do."""
    mask = masks.of(number)
    if weights is None or mask is None or len(weights) != len(mask):
        return mask if weights is None else weights != 0
    result: Array = mask & expand(weights != 0, mask.ndim)
    return result


def _metric_for(name: Any, y_ndim: int, shape: Shape, y_last: int | None) -> Metric:
    if is_accuracy(name):
        return metrics.accuracy_for(y_ndim, shape, y_last)(name=name)
    return metrics.get(name)


def _is_list_of_arrays(data: Any) -> bool:
    """Whether this is a list with an entry an output, rather than one array written as a list."""
    entries = data if isinstance(data, list | tuple) else ()
    return any(getattr(entry, "shape", ()) != () for entry in entries) and all(
        entry is None or hasattr(entry, "shape") for entry in entries
    )


def _numbered(name: str, arrays: Sequence[Any]) -> dict[str, Any]:
    return {name: arrays[0]} if len(arrays) == 1 else {f"{name}[{k}]": array for k, array in enumerate(arrays)}
