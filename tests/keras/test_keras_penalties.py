"""Regularizers and constraints."""

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, constraints, layers, optimizers, regularizers

W = np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize(
    ("regularizer", "wanted"),
    [
        (regularizers.L1(0.3), 0.3 * np.abs(W).sum()),
        (regularizers.L2(0.2), 0.2 * (W**2).sum()),
        (regularizers.L1L2(0.3, 0.2), 0.3 * np.abs(W).sum() + 0.2 * (W**2).sum()),
        (regularizers.get("l1"), 0.01 * np.abs(W).sum()),
        (regularizers.get("L2"), 0.01 * (W**2).sum()),
        (regularizers.l1_l2(l2=0.5), 0.5 * (W**2).sum()),
        (regularizers.get({"class_name": "L2", "config": {"l2": 0.5}}), 0.5 * (W**2).sum()),
    ],
)
def test_penalties_and_their_gradients(regularizer, wanted, central_differences):
    assert regularizer(W) == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_allclose(regularizer.gradient(W), central_differences(regularizer, W), atol=1e-8)
    assert regularizers.get(regularizer) is regularizer


def test_constraints():
    lengths = np.linalg.norm(W, axis=0)
    limit = float(np.median(lengths))
    # A vector of length one is divided by 1e-7 more than its length.
    short = np.linalg.norm(constraints.MaxNorm(limit)(W), axis=0)
    np.testing.assert_allclose(short, np.minimum(lengths, limit), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(constraints.UnitNorm(axis=1)(W), axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(constraints.UnitNorm(axis=[0, 1])(W)), 1, rtol=1e-6)
    lower, upper = np.sort(lengths)[0] * 1.1, np.sort(lengths)[-1] * 0.9
    for rate in (1.0, 0.25):
        bounded = np.linalg.norm(constraints.MinMaxNorm(lower, upper, rate)(W), axis=0)
        wanted = lengths + rate * (np.clip(lengths, lower, upper) - lengths)
        np.testing.assert_allclose(bounded, wanted, rtol=1e-6)
    rows = constraints.min_max_norm(2.0, 3.0, axis=1)(W)
    assert np.linalg.norm(rows, axis=1).min() > 2 - 1e-6
    assert constraints.get("min_max_norm").get_config() == {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}
    np.testing.assert_array_equal(constraints.get("non_neg")(W), np.maximum(W, 0))
    assert constraints.get("MaxNorm").get_config() == {"max_value": 2, "axis": 0}


def penalized(**options):
    inner = layers.LSTM(3, kernel_regularizer="l2", bias_regularizer=regularizers.L1(0.1), dtype="float64")
    last = layers.Dense(2, kernel_regularizer=regularizers.L1L2(0.02, 0.03), dtype="float64")
    model = Sequential([Input((4, 2)), layers.Bidirectional(inner), last])
    model.compile("sgd", "mse", **options)
    return model


X = np.random.default_rng(1).normal(size=(6, 4, 2))
Y = np.random.default_rng(2).normal(size=(6, 2))


def test_penalties_are_part_of_the_loss_and_of_its_gradient(central_differences):
    model = penalized(loss_weights=0.5)
    assert len(model.losses) == 5
    value = model.evaluate(X, Y, verbose=0)
    squares = ((model.predict(X, verbose=0) - Y) ** 2).mean()
    assert value == pytest.approx(0.5 * squares + sum(model.losses), rel=1e-12)
    network = model._objective()
    outcome, gradients = network.gradients([X], [Y], [None])
    assert outcome.loss == pytest.approx(value, rel=1e-12)
    for variable, gradient in zip(model.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return network.evaluate([X], [Y], [None]).loss

        # abs has no derivative at the zeros of a fresh bias; both sides give 0 there.
        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=1e-7, err_msg=variable.path)
        variable.assign(start)


PENALIZED = {
    "lstm": lambda r: [layers.LSTM(3, activity_regularizer=r, dtype="float64")],
    "first": lambda r: [
        layers.Activation("tanh", activity_regularizer=r, dtype="float64"),
        layers.GRU(2, dtype="float64"),
    ],
    "last": lambda r: [
        layers.LSTM(3, dtype="float64"),
        layers.Dense(2, "softmax", activity_regularizer=r, dtype="float64"),
    ],
    "both": lambda r: [
        layers.Bidirectional(
            layers.GRU(2, return_sequences=True, activity_regularizer=r, dtype="float64"),
            "mul",
            activity_regularizer="l2",
        ),
        layers.TimeDistributed(layers.Dense(3, dtype="float64"), activity_regularizer=r),
        layers.Flatten(dtype="float64"),
    ],
    "cells": lambda r: [layers.RNN([layers.GRUCell(3, dtype="float64")], activity_regularizer=r)],
}


@pytest.mark.parametrize("name", PENALIZED)
def test_penalties_on_outputs_are_part_of_the_loss_and_of_its_gradient(name, central_differences):
    models = []
    for regularizer in (regularizers.L1L2(0.1, 0.3), None):
        model = Sequential([Input((4, 2)), *PENALIZED[name](regularizer)])
        if name != "last":
            model.add(layers.Dense(2, "softmax", dtype="float64"))
        model.compile("sgd", "categorical_crossentropy")
        models.append(model)
    model, plain = models
    plain.set_weights(model.get_weights())
    np.testing.assert_array_equal(plain.predict(X, verbose=0), model.predict(X, verbose=0))
    labels = np.eye(2)[[0, 1, 1, 0, 1, 0]]
    assert model.evaluate(X, labels, verbose=0) > plain.evaluate(X, labels, verbose=0) + 1e-3
    network = model._objective()
    outcome, gradients = network.gradients([X], [labels], [None])
    assert outcome.loss == pytest.approx(network.evaluate([X], [labels], [None]).loss, rel=1e-12)
    for variable, gradient in zip(model.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return network.evaluate([X], [labels], [None]).loss

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=1e-7, err_msg=variable.path)
        variable.assign(start)


def test_a_penalty_on_outputs_is_divided_by_the_rows():
    layer = layers.LSTM(3, activity_regularizer=regularizers.L2(0.5), dtype="float64")
    y = layer(X)
    assert layer.penalized_forward(X)[1] == layer.penalized_vjp(X)[2]
    assert layer.penalized_forward(X)[1] == pytest.approx(0.5 * (y**2).sum() / len(X), rel=1e-14)
    assert layers.LSTM.from_config(layer.get_config()).activity_regularizer.l2 == 0.5


def test_a_penalty_inside_time_distributed_does_not_count():
    with pytest.warns(UserWarning, match="activity_regularizer of dense does not count; give it to TimeDistributed"):
        layer = layers.TimeDistributed(layers.Dense(2, activity_regularizer="l2"))
    assert not layer.penalizes_output


def test_weights_that_are_not_trained_have_no_penalty():
    model = penalized()
    model.layers[0].trainable = False
    assert len(model.losses) == 1


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_constraints_hold_after_every_step(optimizer):
    last = layers.Dense(2, kernel_constraint=constraints.MaxNorm(0.1), bias_constraint="non_neg")
    model = Sequential([Input((4, 2)), layers.SimpleRNN(3, recurrent_constraint="unit_norm"), last])
    model.compile(optimizer, "mse")
    before = model.layers[0].kernel.numpy()
    for _ in range(3):
        model.train_on_batch(X, Y)
        _, recurrent, _, kernel, bias = model.get_weights()
        np.testing.assert_allclose(np.linalg.norm(recurrent, axis=0), 1, rtol=1e-5)
        assert np.linalg.norm(kernel, axis=0).max() < 0.1 + 1e-6
        assert bias.min() >= 0
    assert not np.array_equal(model.layers[0].kernel.numpy(), before)


def test_a_constraint_changes_nothing_else_in_a_training():
    """The weights are replaced, so the optimizer goes on from the constrained ones."""
    found = []
    for constraint in (None, constraints.MaxNorm(1e6)):
        model = Sequential([Input((4, 2)), layers.Dense(3, kernel_initializer="ones", kernel_constraint=constraint)])
        model.compile(optimizers.Adam(0.1), "mse")
        model.fit(X, X.repeat(2, -1)[..., :3], epochs=3, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: regularizers.L2(-1), ValueError, "l2 must be a number of at least 0, got -1"),
        (lambda: regularizers.L1("a"), TypeError, "l1 must be a number of at least 0, got 'a'"),
        (
            lambda: regularizers.get("l3"),
            ValueError,
            "regularizer must be a known name or a Regularizer, got 'l3'; valid names: l1, l1l2, l2",
        ),
        (
            lambda: regularizers.get(3),
            TypeError,
            "regularizer must be a known name or a Regularizer, got 3",
        ),
        (
            lambda: regularizers.get({"class_name": "Popen", "config": {}}),
            ValueError,
            "regularizer must be a known name or a Regularizer, got 'Popen'",
        ),
        (
            lambda: constraints.get("big"),
            ValueError,
            "constraint must be a known name or a Constraint, got 'big'; valid names: max_norm",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
