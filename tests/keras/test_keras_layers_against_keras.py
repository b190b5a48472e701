"""Layers, masks, penalties and constraints side by side with real Keras, where it is installed."""

import copy
import inspect

import numpy as np
import pytest

from fastlstm import keras as ours
from fastlstm.keras.foundation.random import generator
from fastlstm.keras.layers.regularization.dropout import dropout_mask

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

FLOAT32 = 5e-6  # float32 sums of a few dozen terms of order one, through a few steps
CURVE = 1e-4  # the loss after three epochs of float32 training by two implementations

N, T, I = 20, 6, 3
RNG = np.random.default_rng(0)
MASK = RNG.random((N, T)) < 0.6
MASK[0] = False
MASK[1] = True
X = RNG.normal(size=(N, T, I)).astype(np.float32)
PADDED = np.where(MASK[..., None], X, np.float32(0))
INDICES = np.where(MASK, RNG.integers(1, 9, (N, T)), 0)
CLASSES = RNG.integers(0, 4, N)
STEPS = RNG.integers(0, 4, (N, T))
TARGETS = RNG.normal(size=(N, T, 2)).astype(np.float32)
STEP_WEIGHTS = RNG.random((N, T)).astype(np.float32)

RECURRENT = {
    "lstm": lambda k, **options: k.LSTM(5, **options),
    "rnn": lambda k, **options: k.SimpleRNN(5, **options),
    "gru": lambda k, **options: k.GRU(5, **options),
    "gru_before": lambda k, **options: k.GRU(5, reset_after=False, **options),
    "gru_no_bias": lambda k, **options: k.GRU(5, use_bias=False, **options),
}
OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"zero_output_for_mask": True},
    {"return_sequences": True, "go_backwards": True},
    {"go_backwards": True},
    {"return_state": True},
]


def run(make, weights, x, **arguments):
    layer, other = make(ours.layers), make(theirs.layers)
    layer.build((None, *x.shape[1:]))
    other.build((None, *x.shape[1:]))
    values = [weights(w.shape) for w in layer.get_weights()]
    layer.set_weights(values)
    other.set_weights(values)
    got, wanted = layer(x, **arguments), other(x, **arguments)
    many = isinstance(wanted, list | tuple)
    return (list(got), [np.asarray(w) for w in wanted]) if many else ([got], [np.asarray(wanted)])


def normal(shape):
    return np.random.default_rng(shape[0]).normal(size=shape).astype(np.float32) * 0.5


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_layers(kind, options, masked):
    got, wanted = run(lambda k: RECURRENT[kind](k, **options), normal, X, mask=MASK if masked else None)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}], ids=str)
@pytest.mark.parametrize("kind", RECURRENT)
def test_bidirectional(kind, options, mode, masked):
    mask = MASK if masked else None
    got, wanted = run(lambda k: k.Bidirectional(RECURRENT[kind](k, **options), mode), normal, X, mask=mask)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


def test_time_distributed_hands_masks_inward():
    x = RNG.normal(size=(N, T, 5, I)).astype(np.float32)
    mask = RNG.random((N, T, 5)) < 0.5
    for options in ({}, {"return_sequences": True}):
        got, wanted = run(lambda k, options=options: k.TimeDistributed(k.LSTM(4, **options)), normal, x, mask=mask)
        np.testing.assert_allclose(got[0], wanted[0], atol=FLOAT32)


@pytest.mark.parametrize("mode", ["concat", "sum", None])
def test_a_backward_layer_of_its_own(mode):
    def make(k):
        back = k.GRU(5, reset_after=False, return_sequences=True, go_backwards=True)
        return k.Bidirectional(k.LSTM(5, return_sequences=True), mode, backward_layer=back)

    got, wanted = run(make, normal, X, mask=MASK)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"])
def test_constraints(name):
    w = normal((7, 5)) * 3
    for options in [{}] if name == "NonNeg" else [{}, {"axis": 1}, {"axis": [0, 1]}]:
        if name == "MinMaxNorm":
            options = options | {"min_value": 2.0, "max_value": 4.0, "rate": 0.3}
        got, wanted = (getattr(k.constraints, name)(**options) for k in (ours, theirs))
        np.testing.assert_allclose(got(w), np.asarray(wanted(w)), atol=FLOAT32)
        assert got.get_config() == wanted.get_config()
    snake = {"MaxNorm": "max_norm", "MinMaxNorm": "min_max_norm", "NonNeg": "non_neg", "UnitNorm": "unit_norm"}[name]
    assert type(theirs.constraints.get(snake)).__name__ == type(ours.constraints.get(snake)).__name__ == name


def test_initial_states_under_a_mask():
    states = [normal((N, 5)), normal((N, 5)) + 1]
    options = {"return_sequences": True, "return_state": True}
    got, wanted = run(lambda k: k.LSTM(5, **options), normal, X, mask=MASK, initial_state=states)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


MODELS = {
    "masked": (PADDED, CLASSES, lambda k, r: [k.Masking(), k.LSTM(5), k.Dense(4, "softmax")]),
    "masked_steps": (
        PADDED,
        STEPS,
        lambda k, r: [k.Masking(), k.LSTM(5, return_sequences=True), k.Dense(4, "softmax")],
    ),
    "masked_stack": (
        PADDED,
        TARGETS,
        lambda k, r: [
            k.Masking(),
            k.Bidirectional(k.SimpleRNN(5, return_sequences=True), merge_mode="ave"),
            k.LSTM(5, return_sequences=True, go_backwards=True),
            k.TimeDistributed(k.Dense(2)),
        ],
    ),
    "gru": (
        PADDED,
        CLASSES,
        lambda k, r: [
            k.Masking(),
            k.GRU(5, return_sequences=True, bias_regularizer=r.L2(0.1)),
            k.Bidirectional(k.GRU(4, reset_after=False)),
            k.Dense(4, "softmax"),
        ],
    ),
    "embedding": (
        INDICES,
        CLASSES,
        lambda k, r: [k.Embedding(9, 4, mask_zero=True), k.Bidirectional(k.LSTM(5)), k.Dense(4, "softmax")],
    ),
    "embedding_steps": (INDICES, STEPS, lambda k, r: [k.Embedding(9, 4), k.LSTM(4, return_sequences=True), k.Dense(4)]),
    "regularized": (
        X,
        CLASSES,
        lambda k, r: [
            k.LSTM(5, kernel_regularizer="l2", recurrent_regularizer=r.L1(0.02), bias_regularizer=r.L1L2(0.01, 0.02)),
            k.Dense(4, "softmax", kernel_regularizer=r.L2(0.1), bias_regularizer="L1L2"),
        ],
    ),
    "penalized_outputs": (
        PADDED,
        CLASSES,
        lambda k, r: [
            k.Masking(),
            k.Bidirectional(k.LSTM(4, return_sequences=True, activity_regularizer=r.L2(0.02)), merge_mode="sum"),
            k.GRU(5, activity_regularizer="l1"),
            k.Dense(4, "softmax", activity_regularizer=r.L1L2(0.01, 0.02)),
        ],
    ),
    "embedding_penalized": (
        INDICES,
        CLASSES,
        lambda k, r: [k.Embedding(9, 4, activity_regularizer="l2"), k.RNN(k.GRUCell(4), activity_regularizer="l2")],
    ),
    "frozen_penalty": (
        X,
        CLASSES,
        lambda k, r: [k.LSTM(5, kernel_regularizer="l2", trainable=False), k.Dense(4, "softmax")],
    ),
    "cells": (
        PADDED,
        STEPS,
        lambda k, r: [
            k.Masking(),
            k.RNN([k.LSTMCell(5, kernel_regularizer="l2"), k.GRUCell(4)], return_sequences=True),
            k.Bidirectional(k.RNN(k.SimpleRNNCell(3), return_sequences=True)),
            k.Dense(4, "softmax"),
        ],
    ),
    "constrained": (
        X,
        CLASSES,
        lambda k, r: [
            k.LSTM(5, kernel_constraint="max_norm", recurrent_constraint="unit_norm", bias_constraint="non_neg"),
            k.Dense(4, "softmax", kernel_constraint="min_max_norm"),
        ],
    ),
}


def train(keras, name, optimizer, weights):
    x, y, make = MODELS[name]
    layers = make(keras.layers, keras.regularizers)
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), *layers])
    model.set_weights([normal(w.shape) for w in model.get_weights()])
    loss = "mse" if y.dtype.kind == "f" else "sparse_categorical_crossentropy"
    if name == "embedding_steps":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = "mae" if loss == "mse" else "accuracy"
    model.compile(optimizer, loss, metrics=[metric], weighted_metrics=[metric])
    options = {"sample_weight": weights, "validation_data": (x, y), "batch_size": 8}
    history = model.fit(x, y, epochs=3, shuffle=False, verbose=0, **options)
    values = model.evaluate(x, y, verbose=0, batch_size=N, return_dict=True)
    return history.history, values, model.predict(x, verbose=0)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("name", MODELS)
def test_training(name, optimizer):
    if name.startswith("embedding") and optimizer == "adam" and theirs.backend.backend() == "tensorflow":
        pytest.skip("with TensorFlow's sparse gradients Adam squares each occurrence of an index by itself")
    weights = STEP_WEIGHTS if MODELS[name][1].ndim > 1 else None
    history, values, outputs = train(ours, name, optimizer, weights)
    wanted, wanted_values, wanted_outputs = train(theirs, name, optimizer, weights)
    assert list(history) == list(wanted)
    for key, curve in wanted.items():
        np.testing.assert_allclose(history[key], curve, atol=CURVE, err_msg=key)
    assert values == pytest.approx(wanted_values, abs=CURVE)
    np.testing.assert_allclose(outputs, wanted_outputs, atol=CURVE)


def test_names_and_paths():
    paths = []
    for keras in (ours, theirs):
        k = keras.layers
        keras.utils.clear_session()
        inner = [k.Embedding(9, 4), k.Bidirectional(k.LSTM(5, return_sequences=True)), k.GRU(3)]
        model = keras.Sequential([keras.Input((T,)), *inner])
        paths.append([v.path for v in model.weights])
    assert paths[0] == paths[1]


def test_summary():
    texts = []
    for keras in (ours, theirs):
        k = keras.layers
        inner = [k.Embedding(9, 4, name="e"), k.Bidirectional(k.LSTM(5, return_sequences=True), name="b")]
        model = keras.Sequential([keras.Input((T,)), *inner, k.TimeDistributed(k.Dense(2), name="t")], name="m")
        model.summary(line_length=80, print_fn=lambda text: texts.append(str(text)))
    assert texts[0].split() == texts[1].split()


CELLS = {
    "lstm": lambda k: k.LSTMCell(5),
    "gru": lambda k: k.GRUCell(5, reset_after=False),
    "rnn": lambda k: k.SimpleRNNCell(5, activation="relu"),
    "stack": lambda k: [k.LSTMCell(5), k.GRUCell(4), k.SimpleRNNCell(3)],
    "stack_of_one": lambda k: [k.GRUCell(5)],
    "nested": lambda k: [k.StackedRNNCells([k.LSTMCell(5), k.GRUCell(4)]), k.LSTMCell(2)],
}


def leaves(tree):
    return [leaf for entry in tree for leaf in leaves(entry)] if isinstance(tree, list | tuple) else [np.asarray(tree)]


def lists(tree):
    return [lists(entry) for entry in tree] if isinstance(tree, list | tuple) else np.shape(tree)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", [{}, *OPTIONS[2:5]], ids=str)
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_cells(name, wrapped, options, masked):
    if name == "stack_of_one" and masked:
        pytest.skip("Keras fails: the states of one stacked GRUCell change their form at a step")
    if wrapped:
        options = options | {"go_backwards": False}
    found, values = [], None
    for k in (ours.layers, theirs.layers):
        layer = k.RNN(CELLS[name](k), return_state=True, **options)
        sizes = layer.state_size
        layer = k.Bidirectional(layer) if wrapped else layer
        layer.build((None, T, I))
        values = values or [normal(w.shape) for w in layer.get_weights()]
        layer.set_weights(values)
        result = layer(X, mask=MASK if masked else None)
        found.append((list(result), sizes))
    (got, sizes), (wanted, wanted_sizes) = found
    assert sizes == wanted_sizes
    assert lists(got) == lists(wanted)
    for a, b in zip(leaves(got), leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_single_steps(name):
    outputs = []
    for k in (ours.layers, theirs.layers):
        cell = CELLS[name](k)
        cell.build((None, I))
        cell.set_weights([normal(w.shape) for w in cell.get_weights()])
        states = cell.get_initial_state(N)
        for t in range(T):
            y, states = cell(X[:, t], states)
        outputs.append([np.asarray(y), *leaves(states)])
    for a, b in zip(*outputs, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


def test_constructors_take_the_same_arguments():
    for name in ("LSTM", "GRU", "SimpleRNN", "LSTMCell", "GRUCell", "SimpleRNNCell", "RNN", "StackedRNNCells"):
        taken, wanted = (inspect.signature(getattr(k.layers, name)).parameters for k in (ours, theirs))
        for argument in wanted.keys() - {"kwargs"}:
            assert taken[argument].default == wanted[argument].default, (name, argument)


@pytest.mark.parametrize(
    "name",
    [
        *("linear", "relu", "relu6", "leaky_relu", "tanh", "sigmoid", "softmax", "hard_sigmoid", "elu", "selu"),
        *("softplus", "softsign", "silu", "swish", "exponential", None),
    ],
)
def test_activations(name):
    x = np.linspace(-5, 5, 41, dtype=np.float32).reshape(1, -1)
    wanted = np.asarray(theirs.activations.get(name)(x))
    np.testing.assert_allclose(ours.activations.get(name)(x), wanted, rtol=FLOAT32, atol=1e-7)


CELL_ACTIVATIONS = (
    *("linear", "relu", "leaky_relu", "tanh", "sigmoid", "hard_sigmoid", "elu", "selu", "softplus", "softsign"),
    *("silu", "swish", "exponential", None),
    *("celu", "gelu", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "log_softmax", "mish", "relu6"),
    *("soft_shrink", "softmax", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink"),
)


@pytest.mark.parametrize("name", CELL_ACTIVATIONS)
@pytest.mark.parametrize("kind", RECURRENT)
def test_activations_of_cells(kind, name):
    options = {"activation": name}
    if kind != "rnn":
        options["recurrent_activation"] = "sigmoid" if name == "exponential" else "hard_sigmoid"
    got, wanted = run(lambda k: RECURRENT[kind](k, **options), lambda shape: normal(shape) * 0.2, X)
    np.testing.assert_allclose(got[0], wanted[0], rtol=FLOAT32, atol=FLOAT32)


@pytest.mark.parametrize("kind", ["lstm", "rnn", "gru", "gru_before"])
def test_recurrent_dropout(kind):
    """Given the same masks; Keras keeps those of a batch in its cell."""
    layer, other = (RECURRENT[kind](k.layers, recurrent_dropout=0.4) for k in (ours, theirs))
    for each in (layer, other):
        each.build((None, T, I))
        each.set_weights([normal(w.shape) for w in each.get_weights()])
    source = copy.deepcopy(generator("noise"))
    masks = dropout_mask(source, (layer.cell.gates, N, 5), 0.4, layer.dtype)
    if kind.startswith("gru"):
        masks = masks[[1, 0, 2]]  # Keras: z, r, n; here: r, z, n
    other.cell._recurrent_dropout_mask = masks[0] if kind == "rnn" else list(masks)
    wanted = np.asarray(other(X, training=True))
    np.testing.assert_allclose(layer(X, training=True), wanted, atol=FLOAT32)
