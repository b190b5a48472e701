"""Event files, which TensorBoard reads."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import numpy as np

from fastlstm import checks

from .arrays import Array

_PACKAGES = (
    ("tensorboard.summary.writer.event_file_writer", "tensorboard.compat.proto.event_pb2"),
    ("tensorboardX.event_file_writer", "tensorboardX.proto.event_pb2"),
)
"""Modules with the writer and the messages of the packages that write such files; the first that is there is taken."""

_FLOAT, _DOUBLE, _TEXT = 1, 2, 7
"""Numbers of the types of tensors in the files."""

BUCKETS = 30
"""Of a histogram, as TensorFlow makes them."""


class EventFile:
    """A new file of events in a folder, in the form of TensorFlow 2: every value is a tensor of a plugin.

    Parameters
    ----------
    folder : str
        Where it is; made if need be.
    purpose : str
        What needs it, for the error where no package is there that writes it.
    """

    def __init__(self, folder: str, purpose: str) -> None:
        writer, self._messages = _package(purpose)
        self._writer = writer.EventFileWriter(folder)

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write a number; of an array the mean."""
        self._add(tag, step, {"dtype": _FLOAT, "tensor_shape": {}, "float_val": [float(np.mean(value))]}, "scalars")

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Write how many values lie in which of equal buckets between the smallest and the largest."""
        rows = buckets(values)
        shape = {"dim": [{"size": size} for size in rows.shape]}
        tensor = {"dtype": _DOUBLE, "tensor_shape": shape, "double_val": rows.ravel().tolist()}
        self._add(tag, step, tensor, "histograms")

    def graph(self, tag: str, config: str) -> None:
        """Write a model as Keras' JSON, which is drawn as its conceptual graph."""
        tensor = {"dtype": _TEXT, "tensor_shape": {}, "string_val": [config.encode()]}
        self._add(tag, 0, tensor, "graph_keras_model", b"1")

    def _add(self, tag: str, step: int, tensor: dict[str, Any], plugin: str, content: bytes = b"") -> None:
        metadata = {"plugin_data": {"plugin_name": plugin, "content": content}}
        value = {"tag": tag, "tensor": tensor, "metadata": metadata}
        self._writer.add_event(self._messages.Event(wall_time=time.time(), step=step, summary={"value": [value]}))

    def flush(self) -> None:
        """Let what is written so far be in the file."""
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()


def buckets(values: Array) -> Array:
    """Left and right edges and counts of values that are numbers (30, 3); of equal values, all are in the last one."""
    found = values[np.isfinite(values)].astype(np.float64)
    low, high = (found.min(), found.max()) if found.size else (0.0, 0.0)
    edges, counts = np.linspace(low, high, BUCKETS + 1), np.zeros(BUCKETS)
    if high > low:
        counts[:] = np.histogram(found, edges)[0]
    else:
        counts[-1] = found.size
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def _package(purpose: str) -> tuple[Any, Any]:
    """Return the modules of the first package that is there."""
    errors = []
    for writer, messages in _PACKAGES:
        try:
            return import_module(writer), import_module(messages)
        except ImportError as error:
            errors.append(error)
    checks.refuse_without("tensorboard or tensorboardX", purpose, "tensorboard", errors[0])
