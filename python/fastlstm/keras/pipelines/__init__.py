"""Data sets as pipelines: elements that are made when they are asked for, one step after the other."""

from .cardinality import INFINITE, UNKNOWN
from .dataset import AUTOTUNE, Dataset
from .specs import DatasetSpec, TensorShape, TensorSpec

__all__ = ["AUTOTUNE", "INFINITE", "UNKNOWN", "Dataset", "DatasetSpec", "TensorShape", "TensorSpec"]
