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
    network = model._network()
    outcome, gradients = network.gradients(X, Y, None)
    assert outcome.loss == pytest.approx(value, rel=1e-12)
    for variable, gradient in zip(model.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return network.evaluate(X, Y, None).loss

        # abs has no derivative at the zeros of a fresh bias; both sides give 0 there.
        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=1e-7, err_msg=variable.path)
        variable.assign(start)


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
        (lambda: regularizers.L2(-1), ValueError, "l2: got -1, wanted a number of at least 0"),
        (lambda: regularizers.L1("a"), ValueError, "l1: got 'a'"),
        (lambda: regularizers.get("l3"), ValueError, "regularizer: 'l3' is not known; valid names: l1, l1_l2, l2"),
        (lambda: regularizers.get(np.sum), TypeError, "regularizer: got .* wanted a name or a Regularizer"),
        (lambda: regularizers.get({"class_name": "Popen", "config": {}}), ValueError, "regularizer: 'Popen' is not"),
        (lambda: constraints.get("big"), ValueError, "constraint: 'big' is not known; valid names: max_norm"),
        (lambda: layers.Dense(2, activity_regularizer="l2"), NotImplementedError, "activity_regularizer is not"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
