"""The part of the Keras interface that fastlstm offers, under Keras' names.

Replace ``tensorflow.keras`` by ``fastlstm.keras`` in the import lines of a program.
"""

from . import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    old_spellings,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    utils,
)
from .foundation.symbolic import SymbolicTensor as KerasTensor
from .layers import Input, Layer
from .models import Model, Sequential

old_spellings.install()

__version__ = "3.15.1"
"""Of the Keras that this is like."""

__all__ = [
    "Input",
    "KerasTensor",
    "Layer",
    "Model",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "utils",
]
