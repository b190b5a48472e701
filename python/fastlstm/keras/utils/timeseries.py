"""Windows over a series, in batches."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.tensors import tensor
from ..pipelines import Dataset, TensorSpec
from ..pipelines.passes import Seeds
from .batches import batches_of_entries, number_of_batches, orders_of, size_of


class _Windows(NamedTuple):
    """Windows over a series.

    Parameters
    ----------
    data, targets : ndarray
        What steps are taken of; None for no targets.
    starts : ndarray
        First step of every window.
    offsets : ndarray
        Steps of a window, from its first.
    """

    data: Array
    targets: Array | None
    starts: Array
    offsets: Array

    def at(self, starts: Array) -> Any:
        """Return the windows that begin at these steps, and their targets."""
        windows = tensor(self.data[starts[..., None] + self.offsets])
        return windows if self.targets is None else (windows, tensor(np.asarray(self.targets[starts])))

    def spec(self, in_batches: bool) -> Any:
        """Return what is known of the elements."""
        rows = (None,) if in_batches else ()
        windows = TensorSpec((*rows, len(self.offsets), *self.data.shape[1:]), self.data.dtype)
        if self.targets is None:
            return windows
        return windows, TensorSpec((*rows, *self.targets.shape[1:]), self.targets.dtype)

    def dataset(self, batch_size: int | None, orders: Seeds | None) -> Dataset:
        """Return them in a data set."""
        return Dataset(
            lambda: batches_of_entries(self.starts, batch_size, orders, self.at),
            number_of_batches(self.starts, batch_size),
            lambda: self.spec(batch_size is not None),
        ).drawn_by(orders)


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """Cut a series into windows.

    Parameters
    ----------
    data : array_like or iterable
        Steps, shape ``(steps, ...)``.
    targets : array_like
        The target of the window that begins at step i at place i; None for none.
    sequence_length : int
        Steps of a window.
    sequence_stride : int
        Steps from the beginning of a window to that of the next.
    sampling_rate : int
        Steps from one that a window has to the next.
    batch_size : int, optional
        Windows of a batch; None: windows one by one.
    shuffle : bool
        Whether the windows come in an order of their own every time.
    seed : int, optional
        Of these orders; None: that of `set_random_seed`.
    start_index, end_index : int, optional
        Steps before the first and from the second on are not used.

    Returns
    -------
    Dataset
        Gives ``(windows, targets)``, or windows where there are no targets: what `fit` takes as `x`.

    Examples
    --------
    >>> import numpy as np
    >>> series = np.arange(6)
    >>> for x, y in timeseries_dataset_from_array(series[:-2], series[2:], sequence_length=2):
    ...     print(x.tolist(), y.tolist())
    [[0, 1], [1, 2], [2, 3]] [2, 3, 4]
    """
    steps = len(data)
    length = checks.whole_number("sequence_length", sequence_length, at_least=1)
    rate = checks.whole_number("sampling_rate", sampling_rate, at_least=1, at_most=max(steps - 1, 1))
    stride = checks.whole_number("sequence_stride", sequence_stride, at_least=1, at_most=max(steps - 1, 1))
    size = size_of(batch_size)
    first, end = _bounds(start_index, end_index, steps)
    windows = end - first - (length - 1) * rate
    if targets is not None:
        windows = min(windows, len(targets))
        targets = np.asarray(targets[first:end])
    starts = np.arange(0, windows, stride)
    if targets is not None and len(starts) and starts[-1] >= len(targets):
        cause = f"window {len(starts) - 1} begins at step {first + starts[-1]}"
        checks.complain(
            ValueError, "targets", f"have more than {first + starts[-1]} entries", first + len(targets), f": {cause}"
        )
    windows_of = _Windows(np.asarray(data[first:end]), targets, starts, np.arange(0, length * rate, rate))
    return windows_of.dataset(size, orders_of(shuffle, seed))


def _bounds(start_index: Any, end_index: Any, steps: int) -> tuple[int, int]:
    """Return the first step and the one after the last; 0 stands for none, as in Keras."""
    first = checks.whole_number("start_index", start_index or 0, at_least=0, at_most=max(steps - 1, 0))
    if not end_index:
        return first, steps
    return first, checks.whole_number("end_index", end_index, at_least=first + 1, at_most=steps - 1)
