"""Values and slopes of the losses beside those of real Keras, where it is installed."""

import inspect

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.keras import losses

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

# Keras rounds constants such as 1e-7 to float32, and sums in another order.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

RNG = np.random.default_rng(0)
SHAPE = (5, 3, 4)
P = RNG.uniform(0.05, 1.0, SHAPE)
P /= P.sum(-1, keepdims=True)
NUMBERS = RNG.integers(0, 4, SHAPE[:-1])
ONE_HOT = np.eye(4)[NUMBERS]
BITS = RNG.integers(0, 2, SHAPE).astype(float)
REAL = RNG.normal(size=SHAPE)
COUNTS = RNG.poisson(2.0, SHAPE).astype(float)
WEIGHTS = RNG.uniform(0, 1, SHAPE[0])
STEP_WEIGHTS = RNG.uniform(0, 1, SHAPE[:2])

CASES = {
    "CategoricalCrossentropy": ({}, ONE_HOT, P),
    "SparseCategoricalCrossentropy": ({}, NUMBERS, P),
    "BinaryCrossentropy": ({"label_smoothing": 0.2}, BITS, P),
    "MeanSquaredError": ({}, BITS, REAL),
    "MeanAbsoluteError": ({}, BITS, REAL),
    "Huber": ({"delta": 0.7}, BITS, REAL),
    "LogCosh": ({}, BITS, REAL),
    "MeanAbsolutePercentageError": ({}, REAL, P),
    "MeanSquaredLogarithmicError": ({}, COUNTS, REAL),
    "CosineSimilarity": ({}, BITS, REAL),
    "CosineSimilarity along the steps": ({"axis": 1}, BITS, REAL),
    "Poisson": ({}, COUNTS, P),
    "KLDivergence": ({}, np.roll(P, 1, 0), P),
    "KLDivergence of hard labels": ({}, ONE_HOT, P * 1.5),
    "Hinge": ({}, BITS, REAL),
    "Hinge of signs": ({}, 2 * BITS - 1, REAL),
    "SquaredHinge": ({}, BITS, REAL),
    "CategoricalHinge": ({}, ONE_HOT, REAL),
    "BinaryFocalCrossentropy": ({}, BITS, P),
    "BinaryFocalCrossentropy balanced": (
        {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5, "label_smoothing": 0.1},
        *(BITS, P),
    ),
    "BinaryFocalCrossentropy of logits": ({"from_logits": True}, BITS, REAL),
    "CategoricalFocalCrossentropy": ({}, ONE_HOT, P * 1.3),
    "CategoricalFocalCrossentropy by class": ({"alpha": [0.1, 0.2, 0.3, 0.4], "label_smoothing": 0.1}, ONE_HOT, P),
    "CategoricalFocalCrossentropy of logits": ({"from_logits": True, "gamma": 1.0}, ONE_HOT, REAL),
    "CategoricalGeneralizedCrossEntropy": ({"q": 0.7}, NUMBERS, P),
    "Dice": ({}, BITS, P),
    "Dice by row": ({"axis": (1, 2)}, BITS, P),
    "Tversky": ({"alpha": 0.3, "beta": 0.7}, BITS, P),
    "Tversky by row": ({"alpha": 0.3, "beta": 0.7, "axis": (1, 2)}, BITS, P),
    "CTC": ({}, [[1, 2, 0], [3, 0, 0], [1, 1, 0], [0, 0, 0], [2, 3, 1]], REAL),
}


def both(name, **more):
    options, y, p = CASES[name]
    kind = name.split()[0]
    options = options | more
    return getattr(losses, kind)(**options), getattr(theirs.losses, kind)(**options), np.asarray(y), p


def slope_of(loss, y, p, weights=None):
    y = y.astype(np.int32) if y.dtype.kind == "i" else tf.constant(y)
    x = tf.Variable(p)
    with tf.GradientTape() as tape:
        value = loss(y, x, sample_weight=weights)
    return float(value), np.asarray(tape.gradient(value, x))


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes(name):
    ours, other, y, p = both(name, dtype="float64")
    value, slope = slope_of(other, y, p)
    assert ours(y, p) == pytest.approx(value, rel=1e-5)
    labels = ours.compared(ours.prepare(y, p.shape, p.dtype), lambda: None)
    entries, pullback = ours.with_pullback(labels, p)
    np.testing.assert_allclose(pullback(None, ours.scale(entries, None)), slope, **CLOSE)


@pytest.mark.parametrize("weights", [WEIGHTS, STEP_WEIGHTS], ids=["rows", "steps"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("name", [name for name in CASES if "row" not in name and "along" not in name])
def test_sample_weights(name, reduction, weights):
    if name in ("CTC", "Dice", "Tversky") and weights.ndim > 1:
        pytest.skip("one value a row or a batch")
    ours, other, y, p = both(name, dtype="float64", reduction=reduction)
    of_steps = name in ("CTC", "Dice", "Tversky") or weights.ndim > 1
    theirs_weights = weights if of_steps else weights[:, None]  # as `fit` hands them on
    labels = y.astype(np.int32) if y.dtype.kind == "i" else y
    wanted = np.asarray(other(labels, p, sample_weight=theirs_weights))
    np.testing.assert_allclose(ours(y, p, sample_weight=weights), wanted, **CLOSE)


@pytest.mark.parametrize("function", losses.functions.FUNCTIONS, ids=lambda function: function.__name__)
def test_functions(function):
    kinds = {losses.lookup.get(function).__class__.__name__: function.__name__}
    (name,) = (case for case in CASES if case in kinds)
    options, y, p = CASES[name]
    other = getattr(theirs.losses, function.__name__)
    y = np.asarray(y)
    given = y.astype(np.int32) if y.dtype.kind == "i" else y
    if function.__name__ == "sparse_categorical_crossentropy":
        given = tf.constant(given)
    np.testing.assert_allclose(function(y, p, **options), np.asarray(other(given, tf.constant(p), **options)), **CLOSE)


@pytest.mark.parametrize(
    "name",
    [
        *("mse", "MAE", "mape", "MSLE", "kld", "cosine_similarity", "log_cosh", "poisson", "hinge", "squared_hinge"),
        *("categorical_hinge", "KLDivergence", "dice", "tversky", "ctc", "huber", "binary_focal_crossentropy"),
    ],
)
def test_names(name):
    found = theirs.losses.get(name)
    place = found.__name__ if hasattr(found, "__name__") else type(found).__name__
    assert type(losses.get(name)) is type(losses.get(place))


@pytest.mark.parametrize(
    "name", [n for n in losses.__all__ if isinstance(getattr(losses, n), type) and n != "FunctionLoss"]
)
def test_constructors_take_the_same_arguments_in_the_same_order(name):
    own, wanted = (list(inspect.signature(getattr(k.losses, name)).parameters) for k in (keras, theirs))
    assert own == wanted
