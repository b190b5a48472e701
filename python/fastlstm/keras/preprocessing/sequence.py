"""Sequences out of series."""

import json
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.random import generator
from ..utils.py_dataset import PyDataset
from ..utils.sequences import pad_sequences

__all__ = ["TimeseriesGenerator", "pad_sequences"]


class TimeseriesGenerator(PyDataset):
    """Batches of windows over a series, each with the target of the step after it.

    Parameters
    ----------
    data : array_like or iterable
        Steps, shape ``(steps, ...)``.
    targets : array_like
        One for each step.
    length : int
        Steps that a window reaches back.
    sampling_rate : int
        Steps from one that a window has to the next.
    stride : int
        Steps from a window to the next one.
    start_index, end_index : int
        The first step that is used, and the last one that is predicted; by default the last that there is.
    shuffle : bool
        Whether windows are drawn at random, as `utils.set_random_seed` says; one may come twice.
    reverse : bool
        Whether the last step of a window comes first.
    batch_size : int
        Windows of a batch; the last batch may have fewer.
    **kwargs : keyword arguments
        Those of `PyDataset`.

    Raises
    ------
    ValueError
        If `data` and `targets` are not equally long, or no window fits.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras.preprocessing.sequence import TimeseriesGenerator
    >>> windows = TimeseriesGenerator(np.arange(10.0), np.arange(10.0), length=3, batch_size=2)
    >>> x, y = windows[0]
    >>> x.tolist(), y.tolist()
    ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [3.0, 4.0])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            checks.complain(ValueError, "targets", f"have an entry for each of the {len(data)} steps", len(targets))
        self.data, self.targets = data, targets
        self.length = checks.whole_number("length", length, at_least=1)
        self.sampling_rate = checks.whole_number("sampling_rate", sampling_rate, at_least=1)
        self.stride = checks.whole_number("stride", stride, at_least=1)
        self.start_index = checks.whole_number("start_index", start_index, at_least=0) + self.length
        last = len(data) - 1
        self.end_index = last if end_index is None else checks.whole_number("end_index", end_index, at_most=last)
        self.shuffle = checks.truth("shuffle", shuffle)
        self.reverse = checks.truth("reverse", reverse)
        self.batch_size = checks.whole_number("batch_size", batch_size, at_least=1)
        if self.start_index > self.end_index:
            cause = f": no step has {self.length} before it"
            checks.complain(ValueError, "start_index + length", f"be at most {self.end_index}", self.start_index, cause)

    def __len__(self) -> int:
        steps = self.batch_size * self.stride
        return (self.end_index - self.start_index + steps) // steps

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        rows = self._rows(index)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        return windows[:, ::-1] if self.reverse else windows, np.array([self.targets[row] for row in rows])

    def _rows(self, index: int) -> Array:
        """Return the steps after the windows of a batch."""
        if self.shuffle:
            return generator("order").integers(self.start_index, self.end_index, self.batch_size, endpoint=True)
        first = self.start_index + self.batch_size * self.stride * index
        return np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)

    def get_config(self) -> dict[str, Any]:
        """Return what it was made with, data and targets as text; `start_index` is that of the first target."""
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        series = {"data": json.dumps(_listed(self.data)), "targets": json.dumps(_listed(self.targets))}
        return series | {name: getattr(self, name) for name in names}

    def to_json(self, **kwargs: Any) -> str:
        """Return `get_config` as text; `kwargs` are those of ``json.dumps``."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _listed(series: Any) -> Any:
    return series.tolist() if hasattr(series, "tolist") else series
