"""Recurrent networks as classifiers and regressors of aeon."""

from fastlstm import checks

try:
    import aeon as _aeon  # noqa: F401 - to say what is missing
except ImportError as error:
    checks.refuse_without("aeon", "fastlstm.aeon", "aeon", error)

from .collections import LSTMClassifier, LSTMRegressor

__all__ = ["LSTMClassifier", "LSTMRegressor"]
