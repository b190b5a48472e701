"""Graphs of ONNX: those that others exported run on the core, and what was made here is exported.

The format is read and written by the package onnx, the extra ``fastlstm[onnx]``.
"""

from .export import export
from .network import Network
from .reading import load
from .streaming import NetworkStream
from .values import ValueInfo

__all__ = ["Network", "NetworkStream", "ValueInfo", "export", "load"]
