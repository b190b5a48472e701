"""Recurrent networks as estimators of scikit-learn."""

from fastlstm import checks

try:
    import sklearn as _sklearn  # noqa: F401 - to say what is missing
except ImportError as error:
    checks.refuse_without("scikit-learn", "fastlstm.sklearn", "sklearn", error)

from .classifier import LSTMClassifier
from .forecaster import LSTMForecaster
from .regressor import LSTMRegressor

__all__ = ["LSTMClassifier", "LSTMForecaster", "LSTMRegressor"]
