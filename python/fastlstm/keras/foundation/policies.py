"""What Keras calls the dtype policy of a layer: its dtype, and the precision of what is quantized."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastlstm import checks, precisions

_QUANTIZED = "QuantizedDTypePolicy"
_MODES = ("int8",)
"""Whose names such a policy may have."""
_NAME = re.compile(f"({'|'.join(_MODES)})_from_(.+)")


def taken_apart(dtype: Any, name: str) -> tuple[Any, str]:
    """Return the dtype and the precision of what a layer is told as `dtype`: ``"int8_from_float32"``, or described."""
    found = _NAME.fullmatch(dtype) if isinstance(dtype, str) else None
    if found is not None:
        return found[2], precisions.chosen(found[1])
    if not isinstance(dtype, Mapping) or dtype.get("class_name") != _QUANTIZED:
        return dtype, precisions.FULL
    config = checks.settings(f"{name}: config", dtype.get("config"))
    if config.get("mode") not in _MODES:
        wanted = f"one with the mode {' or '.join(map(repr, _MODES))}"
        checks.refuse(NotImplementedError, name, wanted, dtype)
    return config.get("source_name"), precisions.chosen(config["mode"])


def described(dtype: Any, precision: str = precisions.FULL) -> dict[str, Any]:
    """Return a dtype and a precision as Keras describes the policy of a layer."""
    if precision in precisions.NAMES:
        of_mode = {"mode": precisions.mode_of(precision), "source_name": dtype.name}
        return _object("keras.dtype_policies", _QUANTIZED, of_mode)
    return _object("keras", "DTypePolicy", {"name": dtype.name})


def _object(module: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}
