"""Metrics: values worked by hand or the long way, what does not count, arrays of scores in the logs, and lookups."""

import numpy as np
import pytest
from measured import CASES, made

from fastlstm import keras
from fastlstm.keras import losses, metrics

LABELS = np.array([0, 0, 1, 1, 0, 1, 1])
OUTPUTS = np.array([0.1, 0.4, 0.35, 0.8, 0.7, 0.65, 0.9])


@pytest.mark.parametrize("name", [name for name in CASES if "along" not in name])
def test_what_has_no_weight_may_be_anything(name):
    mine, clean = made(keras, name), made(keras, name)
    for y, p in CASES[name][1]:
        weights = np.ones(len(y))
        weights[::3] = 0
        y_broken, p_broken = y.astype(p.dtype), p.copy()
        y_broken[::3], p_broken[::3] = np.nan, np.nan
        mine.update_state(y_broken, p_broken, weights)
        clean.update_state(y[weights > 0], p[weights > 0], np.ones(int(weights.sum())))
    np.testing.assert_allclose(mine.result(), clean.result(), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_a_reset_forgets_everything(name):
    once, again = made(keras, name), made(keras, name)
    for metric, batches in ((again, CASES[name][1]), (once, CASES[name][1][:1])):
        for y, p in batches:
            metric.update_state(y, p)
    again.reset_state()
    again.update_state(*CASES[name][1][0])
    np.testing.assert_array_equal(again.result(), once.result())


def test_the_area_under_roc_is_how_often_a_positive_label_has_the_larger_output():
    positive, negative = OUTPUTS[LABELS == 1], OUTPUTS[LABELS == 0]
    wanted = (positive[:, None] > negative).mean()
    assert metrics.AUC(num_thresholds=2001)(LABELS, OUTPUTS) == pytest.approx(wanted, abs=1e-12)
    assert metrics.AUC()(LABELS, OUTPUTS, sample_weight=(OUTPUTS != 0.7) * 2.0) == pytest.approx(7 / 8)


def test_counts_by_hand():
    for name, wanted in (("TruePositives", 3), ("FalsePositives", 1), ("TrueNegatives", 2), ("FalseNegatives", 1)):
        assert getattr(metrics, name)()(LABELS, OUTPUTS) == wanted
        np.testing.assert_array_equal(getattr(metrics, name)([0.95, 0.5])(LABELS, OUTPUTS)[1], wanted)
    assert metrics.Precision()(LABELS, OUTPUTS) == 3 / 4
    assert metrics.Recall(0.3)(LABELS, OUTPUTS) == 1
    assert metrics.Precision(top_k=1)([[1, 0], [1, 0]], [[0.2, 0.1], [0.3, 0.4]]) == 1 / 2
    assert metrics.Recall(class_id=1)([[1, 0], [1, 1]], [[0.2, 0.1], [0.3, 0.6]]) == 1
    assert metrics.SpecificityAtSensitivity(0.7)(LABELS, OUTPUTS) == pytest.approx(2 / 3)
    assert metrics.RecallAtPrecision(1.0)(LABELS, OUTPUTS) == 2 / 4
    assert metrics.Precision()([0], [0.1]) == metrics.AUC().result() == 0  # of nothing


def test_scores_by_hand():
    y, p = np.eye(3)[[0, 1, 1, 2]], np.eye(3)[[0, 1, 0, 2]] * 0.9
    np.testing.assert_allclose(metrics.F1Score()(y, p), [2 / 3, 2 / 3, 1], atol=1e-6)
    assert metrics.F1Score("micro")(y, p) == pytest.approx(3 / 4, abs=1e-6)
    assert metrics.F1Score("weighted")(y, p) == pytest.approx((2 / 3 + 2 * 2 / 3 + 1) / 4, abs=1e-6)
    assert metrics.FBetaScore("macro", 2.0)(y, p) == pytest.approx((5 / 6 + 5 / 9 + 1) / 3, abs=1e-6)
    assert metrics.R2Score()([[1.0], [2.0], [3.0], [9.0]], [[1.0], [2.0], [2.0], [0.0]], [1, 1, 1, 0]) == 0.5
    with pytest.warns(UserWarning, match="r2_score: 3 labels are too few for 2 regressors; not adjusted"):
        assert metrics.R2Score(num_regressors=2)([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]) == 0.5


def test_names_functions_and_directions():
    assert [metrics.AUC().name, metrics.AUC().name, metrics.F1Score().name] == ["auc", "auc_1", "f1_score"]
    for name, kind in (
        ("AUC", metrics.AUC),
        ("precision", metrics.Precision),
        ("mape", metrics.MeanAbsolutePercentageError),
    ):
        found = metrics.get(name)
        assert (type(found), found.name) == (kind, name)
    assert type(metrics.get(losses.mean_squared_error)) is metrics.MeanSquaredError
    cosine = metrics.get(losses.cosine_similarity)  # which is the loss, -1 for the same direction
    assert cosine([[1.0, 0.0]], [[2.0, 0.0]]) == -1
    assert metrics.get("cosine_similarity")([[1.0, 0.0]], [[2.0, 0.0]]) == 1
    named = metrics.get(metrics.top_k_categorical_accuracy)
    assert named.name == "top_k_categorical_accuracy"
    assert {metrics.get(n).direction for n in ("AUC", "recall", "f1_score", "r2_score", "cosine_similarity")} == {"up"}
    assert {metrics.get(n).direction for n in ("mape", "kl_divergence", "false_positives", "log_cosh_error")} == {
        "down"
    }


def test_labels_of_another_shape_are_refused():
    for name in ("AUC", "precision", "f1_score", "r2_score"):
        with pytest.raises(
            ValueError, match=r"y_true must have shape \(None, 3\), .* got \(2,\); metric .*to_categorical"
        ):
            metrics.get(name)([1, 2], np.ones((2, 3)))
    with pytest.raises(ValueError, match="sample_weight must have the first axes of"):
        metrics.AUC()(LABELS, OUTPUTS, sample_weight=[1.0, 2.0])
    with pytest.raises(ValueError, match="class_id must be below the number of classes"):
        metrics.Recall(class_id=3)([[0, 1]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="label_weights must be as many as"):
        metrics.AUC(label_weights=[1.0, 2.0, 3.0])([[0, 1]], [[0.5, 0.5]])


def test_a_training_is_told_before_its_first_step(data):
    x, y = data
    net = keras.Sequential(
        [keras.Input((5, 3)), keras.layers.SimpleRNN(2), keras.layers.Dense(4, activation="softmax")]
    )
    net.compile("sgd", "sparse_categorical_crossentropy", metrics=["AUC"])
    with pytest.raises(ValueError, match=r"y_true must have shape \(None, 4\)"):
        net.fit(x, y.argmax(1), verbose=0)


def test_an_array_of_scores_is_logged(data, capsys):
    x, y = data
    net = keras.Sequential(
        [keras.Input((5, 3)), keras.layers.SimpleRNN(2), keras.layers.Dense(4, activation="softmax")]
    )
    net.compile("sgd", "categorical_crossentropy", metrics=["f1_score", "AUC"])
    history = net.fit(x, y, epochs=2, verbose=2, batch_size=16).history
    assert [scores.shape for scores in history["f1_score"]] == [(4,), (4,)]
    assert f"f1_score: {history['f1_score'][1].mean():.4f}" in capsys.readouterr().out
    scores = net.evaluate(x, y, verbose=0, return_dict=True)
    p = net.predict(x, verbose=0)
    np.testing.assert_allclose(scores["f1_score"], metrics.F1Score()(y, p), rtol=1e-6)
    assert scores["AUC"] == pytest.approx(metrics.AUC()(y, p))
