"""Models and layers as files of ONNX."""

from .entry import export

__all__ = ["export"]
