"""Finding a metric by its name, and writing one down."""

from collections.abc import Mapping
from typing import Any

from fastlstm import checks

from .. import losses
from ..foundation.configs import Kind
from ..foundation.lookup import names_of, snake_case
from ..foundation.published import find_function, is_function, publish_functions
from ..foundation.registration import custom_object_scope, get_registered_object
from .accuracies import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .auc import AUC
from .base import Metric
from .confusion import FalseNegatives, FalsePositives, TrueNegatives, TruePositives
from .correlations import ConcordanceCorrelation, PearsonCorrelation
from .f_scores import F1Score, FBetaScore
from .from_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .functions import FUNCTIONS
from .means import Mean, MeanMetricWrapper, Sum
from .operating_points import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from .precision import Precision, Recall
from .r2_score import R2Score

_KNOWN = names_of(
    *(Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy),
    *(TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy),
    *(MeanSquaredError, RootMeanSquaredError, MeanAbsoluteError, LogCoshError, CosineSimilarity),
    *(MeanAbsolutePercentageError, MeanSquaredLogarithmicError, KLDivergence, Poisson),
    *(Hinge, SquaredHinge, CategoricalHinge),
    *(CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy),
    *(AUC, Precision, Recall, TruePositives, FalsePositives, TrueNegatives, FalseNegatives),
    *(SensitivityAtSpecificity, SpecificityAtSensitivity, PrecisionAtRecall, RecallAtPrecision),
    *(FBetaScore, F1Score, R2Score, PearsonCorrelation, ConcordanceCorrelation),
    *(Mean, Sum, MeanMetricWrapper),
    mse=MeanSquaredError,
    mae=MeanAbsoluteError,
    mape=MeanAbsolutePercentageError,
    msle=MeanSquaredLogarithmicError,
    bce=BinaryCrossentropy,
)
_KIND = Kind(Metric, _KNOWN, "keras.metrics", "metrics")
publish_functions({function.__name__: function for function in FUNCTIONS})


def accuracy_for(y_ndim: int, output_shape: tuple[int | None, ...], y_last: int | None) -> type[Metric]:
    """Which accuracy ``"accuracy"`` means for labels of `y_ndim` axes, the last of size `y_last`."""
    if output_shape[-1] == 1:
        return BinaryAccuracy
    if y_ndim < len(output_shape) or y_last == 1:
        return SparseCategoricalAccuracy
    return CategoricalAccuracy


def get(identifier: Any, argument: str = "metrics") -> Metric:
    """Return the metric that a name, class, instance or function ``f(y_true, y_pred)`` stands for."""
    if is_function(identifier):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier not in _KNOWN:
        identifier = get_registered_object(identifier) or identifier
    if isinstance(identifier, str) and identifier not in _KNOWN:
        names = ", ".join(sorted({snake_case(cls.__name__) for cls in _KNOWN.values()}))
        checks.refuse(ValueError, argument, "known names or Metrics", identifier, f"; valid names: {names}")
    if callable(identifier) and not isinstance(identifier, Metric | type):
        return _of_function(identifier)
    metric = _KIND.get(identifier, argument)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def _of_function(function: Any) -> Metric:
    """Return the mean of a function; for a loss, the metric of that loss, which knows what does not count."""
    known = {cls.loss: cls for cls in _KNOWN.values() if hasattr(cls, "loss") and cls is not CosineSimilarity}
    kind = known.get(type(losses.get(function)))
    return MeanMetricWrapper(function) if kind is None else kind(name=function.__name__)


def serialize(metric: Metric) -> dict[str, Any]:
    """Return the description of a metric, which JSON can hold: module, class name and config."""
    return _KIND.serialize(metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """Make a metric from its description; classes of your own are found in `custom_objects`, by name."""
    with custom_object_scope(custom_objects):
        return get(find_function(config.get("config"), "metrics")) if is_function(config) else _KIND.deserialize(config)
