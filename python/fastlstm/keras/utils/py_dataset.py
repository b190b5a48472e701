"""Batches that are made when they are asked for, by number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from fastlstm import checks


class PyDataset:
    """Base class of data that is made batch by batch.

    A subclass defines ``__getitem__(index)``, which gives ``(x, y)`` or ``(x, y, sample_weight)``, and ``__len__``, the
    number of batches; without that, or if it raises NotImplementedError or TypeError, they go on until ``__getitem__``
    raises IndexError. It may define ``on_epoch_begin()`` and ``on_epoch_end()``.

    Parameters
    ----------
    workers : int
        0: batches are made by the thread that trains, when it wants them. Else one thread makes each batch while the
        one before is trained on, in order and with the same numbers, see Notes of `fit`.
    use_multiprocessing, max_queue_size : bool; int
        How Keras makes batches in advance. They are kept, and change nothing: one batch is made ahead.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm import keras
    >>> class Halves(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...
    ...     def __getitem__(self, index):
    ...         x = np.full((4, 3), float(index))
    ...         return x, x[:, 0]
    ...
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(Halves(), epochs=2, verbose=0)
    >>> len(history.epoch)
    2
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = checks.whole_number("workers", workers, at_least=0)
        self.use_multiprocessing = checks.truth("use_multiprocessing", use_multiprocessing)
        self.max_queue_size = checks.whole_number("max_queue_size", max_queue_size, at_least=0)

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index), which gives a batch")

    @property
    def num_batches(self) -> int | None:
        """Number of batches; None if it is not known."""
        length = getattr(self, "__len__", None)
        try:
            return None if length is None else int(length())
        except (TypeError, NotImplementedError):
            return None

    def __iter__(self) -> Iterator[Any]:
        number = self.num_batches
        return self._until_the_end() if number is None else (self[k] for k in range(number))

    def _until_the_end(self) -> Iterator[Any]:
        for index in count():
            try:
                batch = self[index]
            except IndexError:
                return
            yield batch

    def on_epoch_begin(self) -> None:
        """Do what is to be done before an epoch."""

    def on_epoch_end(self) -> None:
        """Do what is to be done after an epoch."""
