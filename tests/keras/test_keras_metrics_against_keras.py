"""Metrics over several batches beside those of real Keras, where it is installed."""

import numpy as np
import pytest
from measured import CASES, made, numbers, one_hot

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

CLOSE = {"rtol": 2e-5, "atol": 2e-6}  # Keras sums in float32
# Weights of rows say nothing about the first, and Keras counts rows of weight 0 among the labels of the second.
WITHOUT_WEIGHTS = {"ConcordanceCorrelation along the rows", "R2Score by variance, adjusted"}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_over_batches(name, weighted):
    if weighted and name in WITHOUT_WEIGHTS:
        pytest.skip("not comparable")
    mine, other = made(ours, name), made(theirs, name)
    assert mine.name == other.name.rsplit("_", 1)[0] or mine.name == other.name
    for _ in range(2):
        for y, p in CASES[name][1]:
            weights = np.random.default_rng(len(y)).integers(0, 3, len(y)).astype("f") if weighted else None
            steps = weighted and p.ndim > 2
            mine.update_state(y, p, weights)
            other.update_state(y, p, np.repeat(weights[:, None], p.shape[1], 1) if steps else weights)
            np.testing.assert_allclose(mine.result(), np.asarray(other.result()), **CLOSE)
        mine.reset_state()
        other.reset_state()


def test_mean_and_sum():
    for name in ("Mean", "Sum"):
        mine, other = getattr(ours.metrics, name)(), getattr(theirs.metrics, name)()
        for values, weights in (([1.0, 2.0, 4.0], None), ([[1.0, 2.0], [3.0, 5.0]], [0.5, 2.0]), (3.0, None)):
            mine.update_state(values, weights)
            other.update_state(values, weights)
            assert mine.result() == pytest.approx(float(other.result()))


@pytest.mark.parametrize("name", [*ours.metrics.__all__])
def test_functions(name):
    if not name.islower() or name in ("accuracy_for", "get", "serialize", "deserialize"):
        pytest.skip("no metric")
    function, other = getattr(ours.metrics, name), getattr(theirs.metrics, name)
    y, p = (numbers() if name.startswith("sparse") else one_hot())[0]
    if name == "sparse_categorical_crossentropy":
        y = theirs.ops.convert_to_tensor(y)
    np.testing.assert_allclose(function(np.asarray(y), p), np.asarray(other(y, p)), **CLOSE)


@pytest.mark.parametrize(
    "names", [["AUC", "precision", "Recall"], ["f1_score", "mse", "cosine_similarity", "r2_score"]]
)
def test_logs_of_a_training(names):
    """Names and values, with a mask, several batches and an array of scores."""
    x = np.random.default_rng(0).normal(size=(70, 5, 3)).astype("f")
    y = np.eye(2, dtype="f")[np.random.default_rng(1).integers(0, 2, 70)]
    found = []
    for keras in (ours, theirs):
        layers = keras.layers
        model = keras.Sequential([keras.Input((5, 3)), layers.SimpleRNN(3), layers.Dense(2, activation="softmax")])
        rng = np.random.default_rng(2)
        model.set_weights([rng.normal(size=w.shape).astype("f") for w in model.get_weights()])
        model.compile("adam", "categorical_crossentropy", metrics=names, weighted_metrics=[keras.metrics.AUC(name="a")])
        found.append(model.fit(x, y, epochs=2, shuffle=False, verbose=0, sample_weight=np.linspace(0, 1, 70)).history)
    assert list(found[0]) == list(found[1])
    for name, values in found[1].items():
        np.testing.assert_allclose(np.asarray(found[0][name]), np.asarray(values), atol=1e-4, err_msg=name)


def test_masked_steps_do_not_count():
    x = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("f")
    x[:, 3:] = 0
    y = np.random.default_rng(1).integers(0, 2, (6, 5, 1)).astype("f")
    logs = []
    for keras in (ours, theirs):
        layers = keras.layers
        model = keras.Sequential(
            [
                *(keras.Input((5, 3)), layers.Masking(), layers.SimpleRNN(3, return_sequences=True)),
                layers.TimeDistributed(layers.Dense(1, activation="sigmoid")),
            ]
        )
        rng = np.random.default_rng(2)
        model.set_weights([rng.normal(size=w.shape).astype("f") for w in model.get_weights()])
        kinds = keras.metrics
        model.compile("adam", "bce", metrics=[kinds.MeanSquaredError(), kinds.BinaryAccuracy(), kinds.Poisson()])
        logs.append(model.evaluate(x, y, verbose=0, return_dict=True))
    for name, value in logs[1].items():
        assert logs[0][name] == pytest.approx(value, abs=1e-5), name
