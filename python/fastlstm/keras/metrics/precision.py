"""Which part of what is taken for positive is right, and which part of what is positive is found."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..foundation.configs import plain
from .thresholds import ThresholdMetric, checked_thresholds, single


class _OfPositives(ThresholdMetric):
    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        default = 0.5 if top_k is None else float(np.finfo(np.float32).min)
        super().__init__(checked_thresholds(thresholds, default), name, dtype, top_k, class_id)
        self.thresholds = plain(thresholds)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("thresholds", "top_k", "class_id")}
        return super().get_config() | own


class Precision(_OfPositives):
    """Part of the positive outputs whose labels are positive; 0 if there are none.

    Parameters
    ----------
    thresholds : sequence of float, optional
        A number from 0 to 1, or a list of such, each of which gets a value; None: 0.5, or with `top_k` none at all.
    top_k : int, optional
        If given, an output also has to be among the `top_k` largest of the last axis to be positive.
    class_id : int, optional
        If given, the only entry of the last axis that counts.
    name, dtype : str; dtype or DTypePolicy
        See `Metric`; the default names are numbered.

    Raises
    ------
    ValueError
        If `top_k` or `class_id` is out of range, `thresholds` has another form, or labels and outputs do not
        fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.Precision()([1, 0, 1, 1], [0.9, 0.8, 0.2, 0.7])
    0.6666666666666666
    """

    def result(self) -> Any:
        """Return the part so far, or an array of one for every threshold."""
        return single(self.counts.precision)


class Recall(_OfPositives):
    """Part of the positive labels whose outputs are positive; 0 if there are none.

    Parameters
    ----------
    thresholds, top_k, class_id, name, dtype : sequence of float; int; str; dtype or DTypePolicy
        See `Precision`.

    Raises
    ------
    ValueError
        If `top_k` or `class_id` is out of range, `thresholds` has another form, or labels and outputs do not
        fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.Recall()([1, 0, 1, 1], [0.9, 0.8, 0.2, 0.7])
    0.6666666666666666
    """

    def result(self) -> Any:
        """Return the part so far, or an array of one for every threshold."""
        return single(self.counts.recall)
