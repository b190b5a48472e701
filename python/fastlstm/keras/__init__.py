"""The part of the Keras interface that fastlstm offers, under Keras' names.

Replace ``tensorflow.keras`` by ``fastlstm.keras`` in the import lines of a program.
"""

from fastlstm import absent

from . import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    distribution,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    old_spellings,
    ops,
    optimizers,
    pipelines,
    preprocessing,
    quantizers,
    random,
    regularizers,
    saving,
    utils,
    wrappers,
)
from .foundation.policies import DTypePolicy
from .foundation.symbolic import SymbolicTensor as KerasTensor
from .foundation.variable import Variable
from .initializers import Initializer
from .layers import Input, InputSpec, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .optimizers import Optimizer
from .regularizers import Regularizer

CLASSES: dict[str, type] = {
    "Callback": callbacks.Callback,
    "Layer": Layer,
    "Loss": Loss,
    "Metric": Metric,
    "Model": Model,
    "Optimizer": Optimizer,
    "Sequential": Sequential,
    "Variable": Variable,
    "tf.data.Dataset": pipelines.Dataset,
}
"""Classes that programs call methods of or make subclasses of."""

old_spellings.install()
absent.install(__name__, CLASSES)

__version__ = "3.15.1"
"""Of the Keras that this is like."""


def version() -> str:
    """Return the version of the Keras that this is like."""
    return __version__


__all__ = [
    "DTypePolicy",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "distribution",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "quantizers",
    "random",
    "regularizers",
    "saving",
    "utils",
    "version",
    "wrappers",
]
