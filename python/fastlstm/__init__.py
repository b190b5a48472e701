"""Fast LSTM, simple RNN and GRU layers for CPUs, on NumPy arrays, with training."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastlstm.runtime import (
    active_isa,
    available_isas,
    config,
    get_num_threads,
    set_isa,
    set_num_threads,
    show_config,
)

if TYPE_CHECKING:
    from fastlstm import datasets, keras, reference

__version__ = config()["fastlstm"]

__all__ = [
    "active_isa",
    "available_isas",
    "config",
    "datasets",
    "get_num_threads",
    "keras",
    "reference",
    "set_isa",
    "set_num_threads",
    "show_config",
]

_LAZY = ("datasets", "keras", "reference")  # imported at first use, to keep `import fastlstm` quick


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"fastlstm.{name}")
    raise AttributeError(f"module 'fastlstm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
