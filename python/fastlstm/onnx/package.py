"""The package onnx, which reads and writes the protocol buffers of the format."""

from __future__ import annotations

from typing import Any

from fastlstm import checks


def required(purpose: str) -> Any:
    """Return the package, or say what it is needed for."""
    try:
        import onnx as found
    except ImportError as error:
        checks.refuse_without("onnx", purpose, "onnx", error)
    return found
