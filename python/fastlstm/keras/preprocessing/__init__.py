"""Preparing data, as older programs import it."""

from ..utils.text_files import text_dataset_from_directory
from ..utils.timeseries import timeseries_dataset_from_array
from . import sequence, text

__all__ = ["sequence", "text", "text_dataset_from_directory", "timeseries_dataset_from_array"]
