"""Fast LSTM, simple RNN and GRU layers for CPUs, on NumPy arrays, with training."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastlstm.runtime import (
    active_isa,
    available_isas,
    config,
    get_num_threads,
    set_isa,
    set_num_threads,
    show_config,
    warn_if_slow,
)

if TYPE_CHECKING:
    from fastlstm import data, datasets, keras, onnx, random, reference, tensorflow, torch
    from fastlstm.layers import (
        GRU,
        LSTM,
        RNN,
        BatchNorm1d,
        Chain,
        Dropout,
        Embedding,
        FinalHidden,
        GRUCell,
        LastStep,
        LastValidStep,
        LayerNorm,
        LeakyReLU,
        Linear,
        LogSoftmax,
        LSTMCell,
        MaxOverTime,
        MeanOverTime,
        ReLU,
        RNNCell,
        Sigmoid,
        Softmax,
        Tanh,
    )
    from fastlstm.loading import load
    from fastlstm.precisions import EmulatedPrecisionWarning
    from fastlstm.streaming import step_many
    from fastlstm.weights import read_weights, write_weights

__version__ = config()["fastlstm"]
warn_if_slow()

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "BatchNorm1d",
    "Chain",
    "Dropout",
    "Embedding",
    "EmulatedPrecisionWarning",
    "FinalHidden",
    "GRUCell",
    "LSTMCell",
    "LastStep",
    "LastValidStep",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxOverTime",
    "MeanOverTime",
    "RNNCell",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "active_isa",
    "available_isas",
    "config",
    "data",
    "datasets",
    "get_num_threads",
    "keras",
    "load",
    "onnx",
    "random",
    "read_weights",
    "reference",
    "set_isa",
    "set_num_threads",
    "show_config",
    "step_many",
    "tensorflow",
    "torch",
    "write_weights",
]

# Imported at first use, to keep `import fastlstm` quick.
_MODULES = ("data", "datasets", "keras", "layers", "onnx", "random", "reference", "tensorflow", "torch")
_NAMES = {
    **dict.fromkeys(
        (
            "BatchNorm1d",
            "Chain",
            "Dropout",
            "Embedding",
            "FinalHidden",
            "GRU",
            "GRUCell",
            "LSTM",
            "LSTMCell",
            "LastStep",
            "LastValidStep",
            "LayerNorm",
            "LeakyReLU",
            "Linear",
            "LogSoftmax",
            "MaxOverTime",
            "MeanOverTime",
            "RNN",
            "RNNCell",
            "ReLU",
            "Sigmoid",
            "Softmax",
            "Tanh",
        ),
        "layers",
    ),
    "EmulatedPrecisionWarning": "precisions",
    "load": "loading",
    "step_many": "streaming",
    **dict.fromkeys(("read_weights", "write_weights"), "weights"),
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"fastlstm.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"fastlstm.{_NAMES[name]}"), name)
    if name.startswith("_"):
        raise AttributeError(f"module 'fastlstm' has no attribute {name!r}")
    # A program that says `import fastlstm as tf` asks for what TensorFlow has.
    return importlib.import_module("fastlstm.tensorflow.finding").find("fastlstm", "", name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES, *_NAMES])
