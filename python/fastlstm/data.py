"""Data sets as pipelines of elements, under the names of ``tf.data``."""

from types import SimpleNamespace
from typing import NoReturn

from fastlstm import absent
from fastlstm.keras.pipelines import AUTOTUNE, INFINITE, UNKNOWN, Dataset, DatasetSpec

INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = INFINITE, UNKNOWN

experimental = SimpleNamespace(
    AUTOTUNE=AUTOTUNE,
    INFINITE_CARDINALITY=INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY=UNKNOWN_CARDINALITY,
    cardinality=Dataset.cardinality,
)
"""Where some names were once."""

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "DatasetSpec",
    "experimental",
]


def __getattr__(name: str) -> NoReturn:
    raise absent.missing(f"module {__name__!r}", name, f"tf.data.{name}")
