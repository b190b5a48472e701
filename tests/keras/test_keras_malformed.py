"""Arguments that cannot be meant, of everything public on the Keras surface but training.

The constructors and their arguments are found by looking at them, so a new one is covered when it is there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from malformed import VALUES, WHOLE, by_annotation, complaint, complaints

import fastlstm as fl
from fastlstm.keras import (
    Input,
    Model,
    Sequential,
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    saving,
    utils,
)
from fastlstm.keras.layers.recurrent.options import LayerOptions, defaults

pytestmark = pytest.mark.usefixtures("little_memory")

MODULES = (activations, layers, optimizers, callbacks, losses, metrics, initializers, regularizers, constraints)
X = np.ones((2, 5, 3))


def public_classes(module: ModuleType) -> Iterator[type]:
    for name, found in vars(module).items():
        own = found.__module__.startswith(module.__name__) if inspect.isclass(found) else False
        if own and not name.startswith("_"):
            yield found


CLASSES = {
    f"{cls.__module__.split('.')[2]}.{cls.__name__}": cls for module in MODULES for cls in public_classes(module)
}

# What a constructor cannot do without.
NEEDED: dict[str, Callable[[], Any]] = {
    "activation": lambda: "tanh",
    "axes": lambda: 1,
    "backward": lambda: lambda dy, x, y: dy,
    "cell": lambda: layers.LSTMCell(3),
    "cells": lambda: [layers.LSTMCell(3)],
    "decay_rate": lambda: 0.5,
    "decay_steps": lambda: 3,
    "dims": lambda: (2, 1),
    "equation": lambda: "ab,bc->ac",
    "filename": lambda: "log.csv",
    "filters": lambda: 4,
    "forward": lambda: lambda x: x,
    "fn": lambda: len,
    "function": lambda: lambda x: x,
    "initial_learning_rate": lambda: 0.1,
    "input_dim": lambda: 3,
    "kernel_size": lambda: 2,
    "key_dim": lambda: 3,
    "layer": lambda: layers.LSTM(3),
    "boundaries": lambda: [10],
    "first_decay_steps": lambda: 3,
    "learning_rate": lambda: 0.1,
    "values": lambda: [0.1, 0.01],
    "n": lambda: 3,
    "filepath": lambda: "m.keras",
    "backup_dir": lambda: "kept",
    "name": lambda: "a",
    "num_bins": lambda: 3,
    "num_heads": lambda: 2,
    "num_tokens": lambda: 4,
    "output_dim": lambda: 3,
    "output_shape": lambda: 3,
    "pool_size": lambda: 2,
    "precision": lambda: 0.5,
    "rate": lambda: 0.5,
    "recall": lambda: 0.5,
    "scale": lambda: 0.5,
    "sensitivity": lambda: 0.5,
    "specificity": lambda: 0.5,
    "schedule": lambda: lambda epoch, rate: rate,
    "stddev": lambda: 0.5,
    "target_shape": lambda: (3, 5),
    "units": lambda: 3,
}

# One of two arguments of which one must be given, and the one in place of it.
GIVEN: dict[str, dict[str, Any]] = {"layers.InputLayer": {"shape": (5, 3)}, "layers.Discretization": {"num_bins": 3}}
ALTERNATIVES = {"layers.InputLayer": "batch_shape", "layers.Discretization": "bin_boundaries"}

POSITIVE = {"2.5", "2**31", "2**62", "2**70"}
FINITE = {"-1", "0", *POSITIVE}
DTYPES = {"None", "class"}  # Python's int is one for NumPy
# Arguments that take less or more than their annotation tells; `by_annotation` knows the others.
ALLOWED: dict[str, set[str]] = {
    **{name: set() for name in ("units", "output_dim", "mode", "distribution", "reduction", "merge_mode")},
    **{name: {"0"} for name in ("rate", "dropout", "recurrent_dropout", "momentum", "rho", "beta_1", "beta_2")},
    **{name: {"0"} for name in ("factor", "implementation", "label_smoothing", "min_value", "time_major")},
    **{name: {"0", *POSITIVE} for name in ("epsilon", "l1", "l2", "stddev", "learning_rate", "initial_learning_rate")},
    **{
        name: {"0", *POSITIVE}
        for name in ("alpha", "beta", "gamma", "decay_rate", "maxval", "min_lr", "m_mul", "power")
    },
    **{name: {"0", *POSITIVE} for name in ("end_learning_rate", "epsilon_1", "epsilon_2", "initial_accumulator_value")},
    **{name: {"0", *POSITIVE} for name in ("l1_regularization_strength", "l2_regularization_strength")},
    **{name: POSITIVE for name in ("decay_steps", "first_decay_steps", "delta", "scale", "clip_threshold")},
    "ema_momentum": {"0"},
    **{name: {"None", "inf", *POSITIVE} for name in ("clipnorm", "clipvalue", "global_clipnorm")},
    **{name: {"None"} for name in ("batch_input_shape", "dtype", "input_dim")},
    "batch_shape": set(),
    "attention_axes": {"None", "-1", "negative size", *WHOLE},
    "axes": {"-1", "negative size", *WHOLE},
    "axis": {"-1", "negative size", *WHOLE},
    "beta_2_decay": {"-1", "0"},
    "boundaries": set(),
    "baseline": {"None", "inf", *FINITE},
    "callbacks": {"None", "[]"},
    "cropping": {"0"},
    "dims": {"[]"},
    "filename": {"text"},
    "backup_dir": {"text"},
    "input_axes": {"None", "[]", "negative size"},
    "input_shape": {"None", "[]", "0"},
    "k": WHOLE - {"0"},
    "l2_shrinkage_regularization_strength": {"0", *POSITIVE},
    "learning_rate_power": {"-1", "0"},
    "mask_value": {"inf", "nan", "nan of NumPy", *FINITE},
    "max_value": {"inf", "0", *POSITIVE},
    "minval": {"-1", "0"},
    "model": set(VALUES),
    "noise_shape": {"None", "[]"},
    "negative_slope": {"0", *POSITIVE},
    "output_axes": {"None", "[]", "negative size"},
    "padding": set(),
    "q": set(),
    "shared_axes": {"None", "[]", *WHOLE} - {"0"},
    "strides": {"None"},
    "target_shape": {"[]", "negative size"},
    "t_mul": POSITIVE,
    "use_cudnn": {"True", "0"},
    "value": {"True", "2**62", "array", "[]", "negative size", *FINITE},
    "verbose": {"0", "True"},
    "average": {"None"},
    "class_aggregation": {"None"},
    "class_id": {"None", *WHOLE},
    "num_regressors": WHOLE,
    "num_thresholds": set(),
    "recall": {"0"},
    "precision": {"0"},
    "sensitivity": {"0"},
    "specificity": {"0"},
    "threshold": {"None", *FINITE},
    "thresholds": {"None", "0", "array"},
    "top_k": {"None", *WHOLE} - {"0"},
    "values": set(),
    "warmup_target": {"None", "0", *POSITIVE},
    "weight_decay": {"None", "0", *POSITIVE},
    **{name: WHOLE - {"0"} | {"None"} for name in ("ema_overwrite_frequency", "gradient_accumulation_steps")},
}
# Where one class or module has another rule than the others.
ALLOWED_OF: dict[tuple[str, str], set[str]] = {
    ("AUC", "curve"): set(),
    ("AUC", "label_weights"): {"None", "negative size"},
    ("AUC", "num_labels"): {"None"},
    ("AUC", "num_thresholds"): set(),
    ("AUC", "summation_method"): set(),
    ("AUC", "thresholds"): {"None", "[]"},
    ("ActivationFunction", "backward"): {"class"},
    ("ActivationFunction", "forward"): {"class"},
    ("ActivationFunction", "in_place"): {"None", "class"},
    ("ActivationFunction", "family"): {"None", "class"},
    ("ActivationFunction", "function"): {"None", "class"},
    ("Bidirectional", "merge_mode"): {"None"},
    ("Bidirectional", "weights"): {"None", "[]", "ragged list", "tuple", "negative size"},
    ("CategoricalFocalCrossentropy", "alpha"): {"0", *POSITIVE, "array"},
    ("CosineSimilarity", "axis"): {"-1", *WHOLE},
    ("Discretization", "bin_boundaries"): {"None", "[]", "array", "negative size"},
    ("Hashing", "dtype"): DTYPES,
    ("Normalization", "axis"): {"None", "[]", "tuple", "negative size", "-1", *WHOLE},
    ("Hashing", "mask_value"): {"None", "text", "-1", *WHOLE},
    ("IntegerLookup", "mask_token"): {"None", "-1", *WHOLE},
    ("IntegerLookup", "oov_token"): {"None", "-1", *WHOLE},
    ("IntegerLookup", "vocabulary"): {"None", "negative size"},
    ("StringLookup", "mask_token"): {"None", "text", "bytes"},
    ("StringLookup", "oov_token"): {"None", "text", "bytes"},
    ("TextVectorization", "split"): {"None", "class"},
    ("TextVectorization", "standardize"): {"None", "class"},
    ("Dice", "axis"): {"None", "-1", "negative size", *WHOLE},
    ("ELU", "alpha"): FINITE,
    ("EinsumDense", "output_shape"): {"None", "0", "[]"},
    ("Embedding", "input_dim"): set(),
    ("BackupAndRestore", "save_freq"): {"False", *WHOLE},
    ("ModelCheckpoint", "initial_value_threshold"): {"None", "-1", "0", "inf", *POSITIVE},
    ("Embedding", "input_length"): {"None", *WHOLE},
    ("optimizers", "epsilon"): {"None", "0", *POSITIVE},
    ("FunctionLoss", "function"): {"class"},
    ("FBetaScore", "beta"): POSITIVE,
    ("MeanMetricWrapper", "fn"): {"class"},
    ("FunctionInitializer", "function"): {"class"},
    ("FunctionRegularizer", "function"): {"class"},
    ("FunctionConstraint", "function"): {"class"},
    ("InputLayer", "batch_size"): {"None", *WHOLE} - {"0"},
    ("InputLayer", "dtype"): DTYPES,
    ("InputLayer", "shape"): {"[]", "0"},
    ("InputSpec", "axes"): {"None", "{}"},
    ("InputSpec", "dtype"): DTYPES,
    ("InputSpec", "shape"): {"None", "[]"},
    ("Lambda", "arguments"): {"None", "{}"},
    ("Lambda", "function"): {"class"},
    ("Lambda", "mask"): {"None", "class", "array", "array of objects"},
    ("Lambda", "output_shape"): {"None", "class", "[]", "tuple", "ragged list", "negative size"},
    ("BatchNormalization", "axis"): {"-1", *WHOLE},
    ("BatchNormalization", "momentum"): {"0"},
    ("BatchNormalization", "renorm_clipping"): {"None"},
    ("BatchNormalization", "renorm_momentum"): {"0"},
    ("BatchNormalization", "scale"): {"True", "0"},
    ("GradientFlow", "exploding"): {"inf", *POSITIVE},
    ("GroupNormalization", "groups"): {"-1", *WHOLE} - {"0"},
    ("GroupNormalization", "scale"): {"True", "0"},
    ("LayerNormalization", "scale"): {"True", "0"},
    ("Lion", "beta_1"): set(),
    ("ReLU", "max_value"): {"None", "0", *POSITIVE},
    ("ReLU", "threshold"): {"0", *POSITIVE},
    ("Tversky", "axis"): {"None", "-1", "negative size", *WHOLE},
    ("Rescaling", "offset"): {"array", "negative size", *FINITE},
    ("Rescaling", "scale"): {"array", "negative size", *FINITE},
    ("ZeroPadding1D", "padding"): {"0"},
    ("losses", "dtype"): DTYPES,
    ("losses", "reduction"): {"None"},
    ("metrics", "dtype"): DTYPES,
}


def parameters_of(cls: type) -> dict[str, inspect.Parameter]:
    """Arguments of a constructor, with those that it hands on as ``**kwargs``."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__[:-1]:
        if "__init__" not in vars(base) or base.__name__ == "Wrapper":  # whose own argument is not for users
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        rest = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in defaults(LayerOptions)]
        found = {p.name: p for p in [*(rest if base is layers.Layer else []), *named]} | found
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def allowed(kind: str, name: str, parameter: inspect.Parameter) -> set[str]:
    """`VALUES` that an argument of a class may take."""
    module, _, cls = kind.partition(".")
    for owner in (cls, module):
        if (owner, name) in ALLOWED_OF:
            return ALLOWED_OF[owner, name]
    known = by_annotation(parameter.annotation) if parameter.annotation is not parameter.empty else {"None"}
    return ALLOWED.get(name, known)


@pytest.mark.parametrize("kind", CLASSES)
def test_constructors(kind: str) -> None:
    cls, wrong = CLASSES[kind], []
    for name, parameter in parameters_of(cls).items():
        required = [p.name for p in inspect.signature(cls).parameters.values() if p.default is p.empty]
        given = {p: NEEDED[p]() for p in required if p in NEEDED}
        if name != ALTERNATIVES.get(kind):
            given |= GIVEN.get(kind, {})
        wrong += complaints(
            lambda value, given=given, name=name: cls(**given | {name: value}), name, allowed(kind, name, parameter)
        )
    assert not wrong


def test_arguments_not_in_a_signature() -> None:
    assert not complaints(lambda value: optimizers.SGD(loss_scale_factor=value), "loss_scale_factor", {"None"})
    assert not complaints(lambda value: callbacks.LambdaCallback(on_epoch_end=value), "on_epoch_end", {"None", "class"})
    assert not complaints(lambda value: layers.Dense(3, batch_shape=value), "batch_shape", {"None"})


def model() -> Sequential:
    return Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(2)])


def set_attribute(holder: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(holder, name, value)


NO_ARRAYS = {
    "text",
    "bytes",
    "None",
    "ragged list",
    "{}",
    "object",
    "class",
    "array of objects",
    "complex",
    "tuple",
} | {
    "2**70",
    "10**400",
}
BUILT, OPTIMIZER, CONFIG = model(), optimizers.SGD(), Model(ROW := Input((3,)), ROW).get_config()
LAYERS: dict[str, Callable[[], layers.Layer]] = {
    "LSTM": lambda: layers.LSTM(4),
    "GRU": lambda: layers.GRU(4),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(4)),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(4)),
    "Conv1D": lambda: layers.Conv1D(4, 2),
    "Conv1DTranspose": lambda: layers.Conv1DTranspose(4, 2),
    "Dense": lambda: layers.Dense(4),
    "Flatten": layers.Flatten,
    "Dropout": lambda: layers.Dropout(0.5),
    "Masking": layers.Masking,
    "BatchNormalization": layers.BatchNormalization,
    "LayerNormalization": layers.LayerNormalization,
    "MaxPooling1D": layers.MaxPooling1D,
    "GlobalAveragePooling1D": layers.GlobalAveragePooling1D,
    "PReLU": layers.PReLU,
    "ReLU": layers.ReLU,
    "Reshape": lambda: layers.Reshape((-1,)),
    "Softmax": layers.Softmax,
}
ONE_MASK = ("TimeDistributed", "Bidirectional", "BatchNormalization", "Softmax")
"""Layers whose masks have a certain number of axes, or whatever the layer inside takes."""


@pytest.mark.parametrize("kind", LAYERS)
def test_methods_of_layers(kind: str) -> None:
    make = LAYERS[kind]
    built = make()
    arrays = {"array", "[]", "negative size"} if built.min_ndim == 1 and not built.ndim else set()
    needs = [p for p in inspect.signature(type(built)).parameters.values() if p.default is p.empty and p.kind < 2]
    masks = {"None", *(set() if built.mask_ndim or kind in ONE_MASK else {"negative size"})}
    built(X)
    wrong = [
        *complaints(lambda v: make().build(v), "input_shape", set()),
        *complaints(lambda v: make().compute_output_shape(v), "input_shape", set()),
        *complaints(type(built).from_config, "config", set() if needs else {"{}"}),
        *complaints(lambda v: make()(v), "x", arrays),
        *complaints(lambda v: built(X, mask=v), "mask", masks | ({"array"} if kind == "Softmax" else set())),
        *complaints(lambda v: built(X, training=v), "training", {"None", "True", "0"}),
        *complaints(built.set_weights, "weights|kernel|gamma", {"[]"} if not built.weights else set()),
        *complaints(set_attribute(built, "trainable"), "trainable", {"True", "0"}),
    ]
    assert not [text for text in wrong if not re.search(r"missing \d required", text)]


CALLS: dict[str, tuple[Callable[[Any], Any], str, set[str]]] = {
    "initial_state": (lambda v: layers.LSTM(4)(X, initial_state=v), "initial_state", {"None"}),
    "initial_state of both": (lambda v: LAYERS["Bidirectional"]()(X, initial_state=v), "initial_state", {"None"}),
    "inputs of a cell": (lambda v: layers.GRUCell(4)(v, [np.zeros((2, 4))]), "inputs", set()),
    "states of a cell": (lambda v: layers.GRUCell(4)(X[:, 0], v), "states", set()),
    "get_initial_state": (lambda v: layers.GRUCell(4).get_initial_state(v), "batch_size", {"0"}),
    "a described layer": (lambda v: layers.TimeDistributed.from_config({"layer": v}), "layer", set()),
    "its class": (lambda v: layers.TimeDistributed.from_config({"layer": {"class_name": v}}), "class_name", set()),
    "its settings": (
        lambda v: layers.TimeDistributed.from_config({"layer": {"class_name": "Flatten", "config": v}}),
        "config",
        {"{}"},
    ),
    "Sequential": (Sequential, "layer", {"None", "[]"}),
    "Sequential, name": (lambda v: Sequential(name=v), "name", {"None", "text"}),
    "Sequential, trainable": (lambda v: Sequential(trainable=v), "trainable", {"True", "0"}),
    "add": (lambda v: model().add(v), "layer", set()),
    "build": (lambda v: Sequential([layers.LSTM(4)]).build(v), "input.shape", set()),
    "compute_output_shape": (BUILT.compute_output_shape, "input_shape", set()),
    "set_weights": (BUILT.set_weights, "weights", set()),
    "mask of Masking": (layers.Masking().compute_mask, "x", set()),
    "mask of Embedding": (
        layers.Embedding(4, 3, mask_zero=True).compute_mask,
        "x",
        {"True", "inf", "nan", "nan of NumPy", "array", "[]", "negative size", *FINITE} - {"2**70"},
    ),
    "trainable": (set_attribute(BUILT, "trainable"), "trainable", {"True", "0"}),
    "x": (BUILT, "x", set()),
    "mask": (lambda v: BUILT(X, mask=v), "mask", {"None"}),
    "training": (lambda v: BUILT(X, training=v), "training", {"None", "True", "0"}),
    "get_layer": (BUILT.get_layer, "name", set()),
    "get_layer, index": (lambda v: BUILT.get_layer(index=v), "index", {"0", "-1"}),
    "stream": (BUILT.stream, "batch_size", set()),
    "step": (lambda v: BUILT.stream().step(v), "x_t", {"array"}),
    "step, out": (lambda v: BUILT.stream().step(X[0, 0], v), "out", {"None"}),
    "state of a stream": (lambda v: setattr(BUILT.stream(), "state", v), "state", set()),
    "step_many": (lambda v: fl.step_many([BUILT.stream(), BUILT.stream()], v), "x", set()),
    "summary": (lambda v: BUILT.summary(v, print_fn=lambda text: None), "line_length", {"None"}),
    "summary, positions": (lambda v: BUILT.summary(positions=v, print_fn=len), "positions", {"None"}),
    "summary, expand_nested": (lambda v: BUILT.summary(print_fn=len, expand_nested=v), "expand_nested", {"True", "0"}),
    "summary, show_trainable": (lambda v: BUILT.summary(None, None, len, False, v), "show_trainable", {"True", "0"}),
    "summary, layer_range": (lambda v: BUILT.summary(print_fn=len, layer_range=v), "layer_range", {"None"}),
    "a config": (Model.from_config, "config", set()),
    "a config of a chain": (Sequential.from_config, "config|layer", {"[]"}),
    "custom_objects": (lambda v: Model.from_config(CONFIG, v), "custom_objects", {"None", "{}"}),
    "JSON": (models.model_from_json, "json_string", set()),
    "a model to clone": (models.clone_model, "model", set()),
    "input_tensors": (lambda v: models.clone_model(BUILT, v), "input_tensors", {"None"}),
    "recursive": (lambda v: models.clone_model(BUILT, recursive=v), "recursive", {"True", "0"}),
    "a build config": (
        lambda v: layers.LSTM(4).build_from_config({"input_shape": v}),
        "build_config|input_shape",
        {"None"},
    ),
    "a compile config": (BUILT.compile_from_config, "compile_config", {"{}"}),
    "a scope": (lambda v: saving.custom_object_scope(v).__enter__(), "custom_objects", {"None", "{}"}),
    "a package": (lambda v: saving.register_keras_serializable(v), "package", {"text"}),
    "a description": (losses.deserialize, "loss", set()),
    "a model to draw": (utils.model_to_dot, "model", set()),
    "dpi": (lambda v: utils.model_to_dot(BUILT, dpi=v), "dpi", {*POSITIVE}),
    "rankdir": (lambda v: utils.model_to_dot(BUILT, rankdir=v), "rankdir", set()),
    "compile, optimizer": (lambda v: model().compile(v), "optimizer", set()),
    "compile, loss": (lambda v: model().compile(loss=v), "loss", {"None"}),
    "compile, metrics": (lambda v: model().compile(metrics=v), "metrics", {"None", "[]", "{}"}),
    "compile, run_eagerly": (lambda v: model().compile(run_eagerly=v), "run_eagerly", {"True", "0"}),
    "compile, steps_per_execution": (
        lambda v: model().compile(steps_per_execution=v),
        "steps_per_execution",
        WHOLE - {"0"},
    ),
    "compile, jit_compile": (lambda v: model().compile(jit_compile=v), "jit_compile", {"None", "True", "0"}),
    "to_categorical": (utils.to_categorical, "x", {"0", "True", "array", "[]"}),
    "to_categorical, num_classes": (lambda v: utils.to_categorical([0], v), "num_classes", {"None"}),
    "set_random_seed": (utils.set_random_seed, "seed", {"0", "2**31"}),
    "a shape to draw": (initializers.Zeros(), "shape", {"[]"}),
    "a dtype to draw": (lambda v: initializers.Zeros()((2,), v), "dtype", {"None"}),
    "add_weight": (lambda v: layers.Layer().add_weight(v, "zeros"), "shape", {"[]", "None"}),
    "add_weight, initializer": (lambda v: layers.Layer().add_weight((2,), v), "initializer", {"None"}),
    "learning_rate": (set_attribute(OPTIMIZER, "learning_rate"), "learning_rate", {"0", *POSITIVE}),
    "activation of an array": (activations.relu, "x", {*VALUES} - NO_ARRAYS),
    **{
        f"{module.__name__.rpartition('.')[2]}.get": (module.get, module.__name__.rpartition(".")[2][:6], {"None"})
        for module in (activations, constraints, initializers, regularizers)
    },
    **{
        f"config of {module.__name__.rpartition('.')[2]}": (
            lambda v, module=module: module.get({"class_name": v, "config": {}}),
            module.__name__.rpartition(".")[2][:4],
            set(),
        )
        for module in (constraints, initializers, losses, metrics, optimizers, regularizers)
    },
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case: str) -> None:
    call, name, allowed = CALLS[case]
    assert not complaints(call, name, allowed)


def test_an_activation_is_named_by_its_argument() -> None:
    for name in ("activation", "recurrent_activation"):
        assert complaint(lambda v, name=name: layers.LSTM(3, **{name: v}), f"lstm_cell: {name}", "0", set()) is None
    with pytest.raises(TypeError, match="lstm_cell: kernel_initializer must be a known name or an Initializer, got 3"):
        layers.LSTM(3, kernel_initializer=3)


@pytest.mark.parametrize("units", [2**31 - 1, 2**24])
def test_sizes_no_machine_has(units: int) -> None:
    for layer in (layers.LSTM(units), layers.GRU(units), layers.SimpleRNN(2**22), layers.Dense(units)):
        with pytest.raises(MemoryError, match=r"kernel: shape must be smaller, got \(.*that needs \d+ bytes"):
            layer.build((None, 2**22, 2**22)[: 2 + (layer.ndim or 2) // 3])


def test_layers_that_do_not_fit_a_model() -> None:
    layer = layers.LSTM(4)
    with pytest.raises(TypeError, match=r"layers must be a list of layers; put \[ \] around it, got <LSTM"):
        Sequential(layer)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"layer must be a new one, got <LSTM .* a second time"):
        Sequential([layer, layer])
    with pytest.raises(TypeError, match=r"layer must be a keras.layers.Layer instance, got <class"):
        Sequential([layers.LSTM])
    with pytest.raises(ValueError, match="get_layer must be given either name or index, got name=None, index=None"):
        BUILT.get_layer()
    with pytest.raises(ValueError, match="input_length must come with input_dim, got 7 alone"):
        layers.LSTM(4, input_length=7)
    with pytest.raises(ValueError, match="shape of its input must be given once, got input_shape and input_dim"):
        layers.LSTM(4, input_shape=(5, 2), input_dim=2)


def test_a_build_that_fails_leaves_the_model_as_it_was() -> None:
    net = Sequential([layers.LSTM(4)])
    with pytest.raises(ValueError, match="input_shape must have 3 axes"):
        net.build((None, 3))
    net.build((None, 5, 3))
    assert net.output_shape == (None, 4)


def test_what_does_not_fit_each_other() -> None:
    with pytest.raises(ValueError, match=r"value must be a number or fit a weight of shape \(2, 3\), got \(2,\)"):
        initializers.Constant([1, 2])((2, 3))
    with pytest.raises(ValueError, match=r"minval must be at most maxval 1.0, got 2.0"):
        initializers.RandomUniform(2, 1)
    with pytest.raises(ValueError, match=r"min_value must be at most max_value 1.0, got 2.0"):
        constraints.MinMaxNorm(2, 1)
    with pytest.raises(ValueError, match="noise_shape must be 3 sizes, each None, 1 or that of x"):
        layers.Dropout(0.5, noise_shape=(2, 5))(X, training=True)
    with pytest.raises(ValueError, match=r"the initializer must give an array of shape \(2,\), got \(3,\)"):
        layers.Layer().add_weight((2,), lambda shape, dtype: np.zeros(3))
    with pytest.raises(ValueError, match=r"x must hold whole numbers, the classes, got 1.5"):
        utils.to_categorical([0, 1.5])
    assert layers.Layer().add_weight((2,), initializers.Ones).numpy().tolist() == [1, 1]


def test_a_mask_of_a_list_is_that_of_its_numbers() -> None:
    assert layers.Embedding(4, 3, mask_zero=True).compute_mask([[1, 0]]).tolist() == [[True, False]]  # type: ignore[arg-type, union-attr]
    assert layers.Masking().compute_mask([[[1, 0], [0, 0]]]).tolist() == [[True, False]]  # type: ignore[arg-type]


NUMBERS = {"True", "nan", "nan of NumPy", "inf", "-1", "0", "2.5", "2**31", "2**62"}
PAIR = [np.ones((2, 3)), np.ones((2, 3))]


def trained() -> tuple[optimizers.Optimizer, Sequential]:
    net, optimizer = model(), optimizers.SGD(momentum=0.9)
    optimizer.build(net.trainable_variables)
    return optimizer, net


def test_methods_of_optimizers() -> None:
    optimizer, net = trained()
    state, gradients = optimizer.get_weights(), [np.zeros(v.shape) for v in net.weights]
    assert not [
        *complaints(optimizer.set_weights, "weights", set()),
        *complaints(lambda v: optimizer.set_weights([v, *state[1:]]), "weights", WHOLE - {"10**400", "2**70"}),
        *complaints(
            lambda v: optimizer.set_weights([state[0], v, *state[2:]]), "weights", {"0", *POSITIVE} - {"2**70"}
        ),
        *complaints(optimizer.apply, "gradients", set()),
        *complaints(lambda v: optimizer.apply([v, *gradients[1:]]), "gradients", set()),
        *complaints(optimizer.apply_gradients, "gradients_and_variables", set()),
        *complaints(lambda v: optimizers.SGD().build(v), "variables", {"[]"}),
        *complaints(optimizer.exclude_from_weight_decay, "var_list", {"None", "[]"}),
        *complaints(lambda v: optimizer.exclude_from_weight_decay(var_names=v), "var_names", {"None", "[]"}),
        *complaints(optimizers.CosineDecay(0.1, 9), "step", {"0", *POSITIVE}),
        *complaints(optimizers.ExponentialDecay(0.1, 9, 0.5), "step", {"0", *POSITIVE}),
    ]
    with pytest.raises(ValueError, match=r"gradients: that of .*/kernel must have shape \(3, 16\), got \(16, 3\)"):
        optimizer.apply([gradients[0].T, *gradients[1:]])


def test_losses_and_metrics_of_arrays() -> None:
    for loss in (losses.MeanSquaredError(), losses.CategoricalCrossentropy()):
        assert not [
            *complaints(lambda v, loss=loss: loss(v, PAIR[1]), "y", set()),
            *complaints(lambda v, loss=loss: loss(PAIR[0], v), "y", set()),
            *complaints(
                lambda v, loss=loss: loss(*PAIR, sample_weight=v), "sample_weight", {"None", "negative size", *NUMBERS}
            ),
        ]
    for metric in (metrics.CategoricalAccuracy(), metrics.MeanSquaredError()):
        assert not [
            *complaints(lambda v, metric=metric: metric(v, PAIR[1]), "y", {"negative size"}),
            *complaints(lambda v, metric=metric: metric(PAIR[0], v), "y", {"negative size"}),
        ]
    assert metrics.MeanSquaredError()([[0.5]], [[0]]) == 0.25  # the labels are not cut to whole numbers
