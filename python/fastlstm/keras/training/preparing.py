"""From what users pass as labels and weights to arrays that need no more checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastlstm import checks

from .. import metrics
from ..foundation.arrays import Array, Shape, any_numbers
from ..foundation.late import Late, is_large, later, whole
from ..foundation.settings import floatx
from ..graph.network import Network
from ..graph.plan import Plan
from ..losses import BinaryCrossentropy, expand
from ..metrics import Metric
from .compiling import Compiled, is_accuracy
from .data import Batch, Parts, check_rows
from .meters import CompiledMetrics
from .outputs import arrays_of, weights_of
from .run_options import ClassWeights
from .weighting import check_weights, weights_from_classes

_LABELS = "labels, one a row of x"


class Preparation:
    """What turns data into batches for one model, compiled in one way.

    Parameters
    ----------
    plan : Plan
        The steps of the model.
    outputs : sequence of str
        Names of its outputs.
    compiled : Compiled
        Its settings.
    """

    def __init__(self, plan: Plan, outputs: Sequence[str], compiled: Compiled) -> None:
        self.plan, self.outputs, self.compiled = plan, list(outputs), compiled
        self.losses, self.scales = compiled.losses_for(self.outputs), compiled.scales_for(self.outputs)
        self._plain, self._weighted = compiled.metrics_for(self.outputs)
        self._dtypes = [t.dtype if t.dtype.kind == "f" else np.dtype(floatx()) for t in plan.outputs]

    def __call__(
        self,
        xs: tuple[Array, ...],
        y: Any,
        weights: Any,
        class_weight: ClassWeights | None = None,
        late: bool = False,
    ) -> Batch:
        """Return inputs, labels and weights, those of classes among them; `late`: large ones are cast by the batch."""
        shapes = self.plan.output_shapes([x.shape for x in xs])
        given = (None,) * len(shapes) if weights is None else self._weights(weights, shapes)
        batch = xs, self._labels(y, xs, shapes, given, late), given
        self._check_rows(batch)
        return batch if class_weight is None else self.class_weighted(batch, class_weight)

    def _weights(self, weights: Any, shapes: list[Shape]) -> Parts:
        parts = weights_of(weights, self.outputs)
        if len(parts) > 1 and all([part is weights for part in parts]):  # they need not fit where nothing is weighted
            weighed = [loss is not None or bool(more) for loss, more in zip(self.losses, self._weighted, strict=True)]
            parts = [part if wanted else None for part, wanted in zip(parts, weighed, strict=True)]
        return tuple([self._about(k, check_weights, part, self._dtypes[k], shapes[k]) for k, part in enumerate(parts)])

    def _labels(self, y: Any, xs: tuple[Array, ...], shapes: list[Shape], weights: Parts, late: bool) -> Parts:
        if y is None:
            checks.refuse(TypeError, "y", _LABELS, None)
        masks = _Masks(self.plan, xs)
        found = []
        for k, part in enumerate(arrays_of("y", y, self.outputs)):
            counted = partial(_counted, masks, k, weights[k])
            found.append(self._about(k, self._labels_of, k, part, (None, *shapes[k][1:]), counted, late))
        return tuple(found)

    def _labels_of(
        self, k: int, labels: Any, shape: Shape, counted: Callable[[], Array | None], late: bool
    ) -> Array | None:
        """Return the labels of one output."""
        loss = self.losses[k]
        if labels is None:
            if loss is not None or self._plain[k] or self._weighted[k]:
                what = "metrics" if loss is None else "a loss"
                must = f"have labels for the output {self.outputs[k]!r}, which has {what}"
                checks.complain(ValueError, "y", must, None)
            return None
        if loss is not None:
            if late and is_large(labels) and loss.takes_any_labels:
                found = later(labels, loss.prepare(labels[:1], shape, self._dtypes[k]))
                if isinstance(found, Late):
                    return found if labels.ndim == len(shape) else Late(labels[..., None], found.dtype)  # type: ignore
            return loss.prepare_counted(labels, shape, self._dtypes[k], counted)
        numbers = any_numbers(labels, "y")
        if numbers.ndim == 0:
            checks.complain(ValueError, "y", f"be {_LABELS}", f"the number {numbers}")
        return numbers

    def _about(self, k: int, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function about one output; if there are several, an error names it."""
        try:
            return function(*args)
        except (TypeError, ValueError) as error:
            if len(self.outputs) == 1:
                raise
            raise checks.named(error, f"output {self.outputs[k]!r}") from error

    def _check_rows(self, batch: Batch) -> None:
        xs, labels, weights = batch
        rows = len(xs[0])
        if any([part is not None and len(part) != rows for part in (*labels, *weights)]):
            check_rows(x=xs[0], **self._by_output("y", labels), **self._by_output("sample_weight", weights))
        if rows == 0:
            checks.complain(ValueError, "x", "have at least one row", f"shape {xs[0].shape}")

    def _by_output(self, argument: str, parts: Parts) -> dict[str, Array | None]:
        if len(parts) == 1:
            return {argument: parts[0]}
        return {f"{argument} of {name!r}": part for name, part in zip(self.outputs, parts, strict=True)}

    def class_weighted(self, batch: Batch, class_weight: ClassWeights) -> Batch:
        """Return the batch with the weights that follow from its labels."""
        xs, (labels, *more), (weights, *_) = batch
        if more:
            got, cure = f"the outputs {self.outputs}", "; use sample_weight"
            checks.complain(ValueError, "class_weight", "go with one output", got, cure)
        if weights is not None:
            checks.complain(ValueError, "class_weight", "come without sample_weight", "both", "; multiply them")
        assert labels is not None
        shape = self.plan.outputs[0].shape
        classes = 2 if shape[-1] == 1 and isinstance(self.losses[0], BinaryCrossentropy) else shape[-1]
        by_class = weights_from_classes(whole(labels), len(shape), None if classes == 1 else classes, class_weight)
        return xs, (labels,), (by_class.astype(self._dtypes[0]),)

    def metrics(self, labels: Parts, outputs_have_names: bool) -> CompiledMetrics:
        """Return the metrics for labels such as these.

        Parameters
        ----------
        labels : Parts
            Of each output.
        outputs_have_names : bool
            Whether losses and metrics are logged with the names of the outputs, where there are several.
        """
        plain, weighted = (
            [self._about(k, self._metrics_of, k, names, labels[k]) for k, names in enumerate(by_output)]
            for by_output in (self._plain, self._weighted)
        )
        called = self.outputs if outputs_have_names else self.compiled.loss_names_for(self.outputs)
        prefixes = [f"{name}_" if outputs_have_names and len(self.outputs) > 1 else "" for name in self.outputs]
        losses = [None if loss is None else name for name, loss in zip(called, self.losses, strict=True)]
        return CompiledMetrics(plain, weighted, prefixes, losses)

    def _metrics_of(self, k: int, names: list[Any], labels: Array) -> list[Metric]:
        if not names:
            return []
        shape, last = self.plan.outputs[k].shape, labels.shape[-1]
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
            xs = tuple([whole(part) for part in self._xs])
            self._found, self._asked = Network(self._plan).output_masks(xs), True
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
