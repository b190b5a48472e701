"""Estimators of aeon: its own checks, and what they hand on."""

import numpy as np
import pytest

pytest.importorskip("aeon")

from aeon.testing.estimator_checking import check_estimator

from fastlstm import sklearn
from fastlstm.aeon import LSTMClassifier, LSTMRegressor

pytestmark = pytest.mark.filterwarnings("ignore")  # of aeon's own
X = np.random.default_rng(0).normal(size=(20, 2, 5))
LABELS, SUMS = np.where(X[:, 0, -1] > 0, "up", "down"), X.sum(axis=(1, 2))
QUICK = {"units": 3, "epochs": 2, "random_state": 0}


@pytest.mark.parametrize("estimator", [LSTMClassifier, LSTMRegressor])
def test_the_checks_of_aeon(estimator):
    found = check_estimator(estimator, raise_exceptions=True)
    assert len(found) >= 26
    assert {*found.values()} == {"PASSED"}


def test_they_are_those_of_scikit_learn():
    classifier, regressor = LSTMClassifier(**QUICK).fit(X, LABELS), LSTMRegressor(**QUICK).fit(X, SUMS)
    rows = X.swapaxes(1, 2)
    wanted = sklearn.LSTMClassifier(**QUICK).fit(rows, LABELS)
    np.testing.assert_array_equal(classifier.predict_proba(X), wanted.predict_proba(rows))
    np.testing.assert_array_equal(regressor.predict(X), sklearn.LSTMRegressor(**QUICK).fit(rows, SUMS).predict(rows))


def test_series_of_any_lengths():
    ragged = [case[:, : 2 + number % 4] for number, case in enumerate(X)]
    regressor = LSTMRegressor(**QUICK).fit(ragged, SUMS)
    alone = [regressor.estimator_.predict(case.T[None])[0] for case in ragged]
    np.testing.assert_array_equal(regressor.predict(ragged), alone)
