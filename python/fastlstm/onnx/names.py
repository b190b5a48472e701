"""Names in a model: that they are text."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastlstm import checks

_TEXT = {str}


def check_texts(texts: Collection[Any], owner: str) -> None:
    """Refuse bytes among texts."""
    if not {*map(type, texts)} <= _TEXT:
        for text in texts:
            check_text(text, owner)


def check_text(text: Any, owner: str) -> None:
    """Refuse bytes that are no UTF-8, which the package onnx hands on as bytes."""
    if not isinstance(text, str):
        checks.refuse(ValueError, f"{owner}: names", "text in UTF-8", text)
