"""Preparing data, as older programs import it."""

from ..utils.timeseries import timeseries_dataset_from_array
from . import sequence, text

__all__ = ["sequence", "text", "timeseries_dataset_from_array"]
