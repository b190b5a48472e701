"""TensorFlow's names for what this package has: data sets, functions of arrays and of texts, dtypes.

``import tensorflow as tf`` becomes ``import fastlstm.tensorflow as tf``. The names stand in one table, `table.NAMES`,
and are found when they are first asked for. Tensors are arrays that have `numpy()`. The argument `name` of every
function names a node of a graph; there is none, and it has no effect.
"""

from __future__ import annotations

from typing import Any

from .finding import find, names_in

__version__ = "2.21.0"
"""Of the TensorFlow that this is like."""

__all__ = names_in("")  # they are found by __getattr__


def __getattr__(name: str) -> Any:
    return find(__name__, "", name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
