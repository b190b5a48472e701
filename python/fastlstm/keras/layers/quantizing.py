"""Quantizing the layers inside a layer or a model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.trees import leaves
from ..foundation.variable import CHANGE
from . import quantizers


def quantize_parts(owner: Any, mode: Any, config: Any, type_check: Any, activations: Any, filters: Any = None) -> None:
    """Quantize all layers inside `owner` that can be: all of them or, if one is refused, none.

    Layers with weights that stay as they are get a warning each.
    """
    quantizers.told(owner.name, mode, config, activations)
    able: list[Any] = []
    left: list[str] = []
    for part in _parts(owner):
        if _is_meant(part, filters):
            try:
                part.check_quantized(mode, config, type_check, activations)
                able.append(part)
            except NotImplementedError as error:
                left += [str(error)] if part.weights else []
    with CHANGE:
        for part in able:
            part.quantize(mode, config, type_check, activations=activations)
    if not able and not left:
        left = [f"{owner.name}: there is no layer that can be quantized, or none that filters choose"]
    for text in left:
        warnings.warn(f"{text}; it stays {owner.dtype}", UserWarning, stacklevel=user_stacklevel())


def _parts(owner: Any) -> Iterator[Any]:
    """Return the layers inside that can be quantized, or have no layers inside themselves; each once."""
    met, waiting = set[int](), _inside(owner)
    while waiting:
        part = waiting.pop(0)
        if id(part) in met:
            continue
        met.add(id(part))
        inner = [] if part.may_be_quantized else _inside(part)
        waiting = inner + waiting
        if not inner:
            yield part


def _inside(owner: Any) -> list[Any]:
    return [leaf for _, part in owner.named_parts() for leaf in leaves(part) if hasattr(leaf, "named_parts")]


def check_filters(filters: Any) -> None:
    """TypeError unless `filters` are what ``quantize()`` of a model takes."""
    texts = filters if isinstance(filters, list | tuple) else [filters]
    if filters is not None and not callable(filters) and not all(map(_is_pattern, texts)):
        checks.refuse(ValueError, "filters", "a regular expression, a list of these, or a function of a layer", filters)


def _is_pattern(text: Any) -> bool:
    try:
        re.compile(checks.text("filters", text))
    except (TypeError, re.error):
        return False
    return True


def _is_meant(part: Any, filters: Any) -> bool:
    if filters is None:
        return True
    if callable(filters):
        return bool(filters(part))
    texts = filters if isinstance(filters, list | tuple) else [filters]
    return any(re.search(text, part.name) for text in texts)
