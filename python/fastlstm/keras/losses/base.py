"""What all losses share: labels made ready, weights, and the mean or sum of a batch."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_array
from ..foundation.boxes import is_box
from ..foundation.configs import Configurable
from ..foundation.lookup import checked_name, of_this_package, snake_case
from ..foundation.tracing import differentiated, gradient_of, with_backward
from .entries import as_outputs, counted, expand, fits, scaled, weighted

Slope: TypeAlias = Callable[[Array | None, float], Array]
"""Gives the slope of a loss from the weights of its entries, None for none, and what their sum is multiplied with."""

Counted: TypeAlias = Callable[[], Array | None]
"""Gives True for what counts in the first axes of the labels, None if all do; asked only if that matters."""

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Loss(Configurable):
    """Base class. A loss of your own defines `call`, written with `ops`, and `gradient` if it shall be fast.

    Parameters
    ----------
    name : str, optional
        By default the class name in snake case.
    reduction : str, optional
        ``"sum_over_batch_size"`` (the mean over all entries), ``"mean"`` (the same), ``"sum"``,
        ``"mean_with_sample_weight"`` (the weighted mean) or ``"none"``, which cannot be trained with.
    dtype : dtype or DTypePolicy, optional
        Accepted and ignored: the output's dtype decides.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If `reduction` has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses, ops
    >>> class Relative(losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean(ops.abs(y_pred - y_true) / y_true, axis=-1)
    ...
    >>> float(Relative()([[2.0, 4.0]], [[1.0, 4.0]]))
    0.25
    """

    fused_activation: str | None = None
    """The activation whose input `fused` takes."""

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = checked_name(name, type(self).__name__) or snake_case(type(self).__name__)
        self.reduction = checks.one_of("reduction", reduction, REDUCTIONS)
        if dtype is not None:
            checks.any_dtype("dtype", dtype)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every entry: the shape of `y_pred` without its last axis."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative of the sum of ``call(y_true, y_pred)`` with respect to `y_pred`."""
        return gradient_of(lambda out: self.call(y_true, out), y_pred)

    def with_pullback(self, y_true: Array, y_pred: Array) -> tuple[Array, Slope]:
        """Return what `call` gives, and a pullback.

        ``pullback(weights, scale)`` is the derivative of ``scale * sum(weights * call(y_true, y_pred))`` with respect
        to `y_pred`. An entry may depend on other rows if autograd finds it; a `gradient` is taken to be row by row.
        """
        if type(self).gradient is Loss.gradient:
            entries, back, _ = differentiated(lambda given: self.call(y_true, given[0]), [y_pred])
            return entries, lambda weights, scale: counted(back(_of_entries(weights, scale, entries))[0][0], weights)
        return self.call(y_true, y_pred), partial(scaled, self.gradient(y_true, y_pred))

    def with_mask(self, y_true: Array, y_pred: Array, mask: Array) -> tuple[Array, Slope, Array | None]:
        """Return what `with_pullback` gives without what `mask` leaves out, and which of the entries count; None: all.

        By default an entry is that of a place of the mask. A loss whose entries depend on several of them has its own.
        """
        return *self.with_pullback(y_true, y_pred), mask

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """From the input of `fused_activation`: the loss of every entry, the activation's output, and the gradient."""
        raise NotImplementedError

    def prepare(self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
        """Check labels for outputs of `output_shape` once and for all, and bring them to the form `call` takes.

        A `call` of a user's own may compare labels of any shape.
        """
        labels = as_array(y, "y", dtype)
        rank, size = len(output_shape), output_shape[-1]
        if labels.ndim == rank - 1 and size == 1:
            labels = labels[..., None]
        if self._is_users:
            return labels
        if labels.ndim != rank or not fits(labels.shape[1:], output_shape[1:]):
            wanted = f"{(None, *output_shape[1:])}, that of the model's output"
            cure = f"; loss {self.name!r} compares them entry by entry{self._cure(labels, output_shape)}"
            checks.refuse_shape("y", wanted, labels.shape, cure)
        return labels

    def prepare_counted(
        self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any], counted: Counted
    ) -> Array:
        """`prepare`, for labels some of which do not count: these may be anything."""
        return self.prepare(y, output_shape, dtype)

    def compared(self, labels: Array, counted: Counted) -> Array:
        """Return prepared labels of a batch as `call` takes them; metrics are given them as they are."""
        return labels

    @property
    def takes_any_labels(self) -> bool:
        """Whether labels may have any values, so that they are looked at in parts as well as all together."""
        return type(self).prepare is Loss.prepare and type(self).prepare_counted is Loss.prepare_counted

    @property
    def _is_users(self) -> bool:
        return not of_this_package(type(self).call) or hasattr(self, "function")

    def _cure(self, labels: Array, output_shape: tuple[int | None, ...]) -> str:
        return ""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compute the loss of a batch: a number, or one for every entry if the reduction is ``"none"``."""
        if is_box(y_true):
            name, cure = f"loss {self.name!r}: y_true", "; y_pred comes second"
            checks.complain(TypeError, name, "not depend on what is trained", "an output of the model", cure)
        y_pred = y_pred if is_box(y_pred) else as_outputs(y_pred)
        weights = None if sample_weight is None else as_array(sample_weight, "sample_weight", y_pred.dtype)
        counted = lambda: None if weights is None else weights != 0  # noqa: E731
        labels = self.compared(self.prepare_counted(y_true, y_pred.shape, y_pred.dtype, counted), counted)
        losses = self._traced(labels, y_pred)
        alone = weights is not None and losses.ndim == 0
        if alone:  # one number for all rows
            losses = losses * weights
        elif weights is not None and weights.shape != losses.shape[: weights.ndim]:
            checks.complain(ValueError, "sample_weight", f"have the first axes of {losses.shape}", weights.shape)
        scale = self.scale(losses, weights)
        if weights is not None and not alone:
            losses = losses * expand(weights, losses.ndim) if is_box(losses) else weighted(losses, weights)
        return losses if scale is None else losses.sum() * scale

    def _traced(self, y_true: Array, y_pred: Any) -> Any:
        """Return what `call` gives, in a function of one's own with the derivative that `gradient` gives."""
        if not is_box(y_pred) or type(self).gradient is Loss.gradient:
            found = self.call(y_true, y_pred)
            return found if is_box(found) else np.asarray(found)
        return with_backward(
            lambda out: self.call(y_true, out), lambda dy, out, y: weighted(self.gradient(y_true, out), dy), y_pred
        )

    def scale(self, losses: Array, weights: Array | None) -> float | None:
        """Describe what the sum of the weighted losses is multiplied with; None: they stay as they are."""
        if self.reduction in (None, "none"):
            return None
        if self.reduction == "sum":
            return 1.0
        total = float(losses.size)
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            total = float(weights.sum())
        return 1.0 / total if total else 0.0

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction}


def _of_entries(weights: Array | None, scale: float, entries: Array) -> Array:
    """Return weights of the first axes of entries, times a scale, as such of every entry."""
    factors = np.asarray(scale, entries.dtype) if weights is None else expand(weights, entries.ndim) * scale
    return np.broadcast_to(factors, entries.shape)
