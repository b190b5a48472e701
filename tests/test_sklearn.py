"""Estimators of scikit-learn: its own checks, its tools around them, and what they take."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("sklearn")

from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastlstm.sklearn import LSTMClassifier, LSTMForecaster, LSTMRegressor

ROWS, STEPS, FEATURES = 24, 5, 2
_source = np.random.default_rng(0)
X = _source.normal(size=(ROWS, STEPS, FEATURES))
SUMS = X.sum(axis=(1, 2))
LABELS = np.array(["a", "b", "c"])[np.digitize(SUMS, [-1.5, 1.5])]
TABLE = X.reshape(ROWS, -1)
RAGGED = [row[: 2 + number % 4] for number, row in enumerate(X)]
QUICK = {"units": 3, "epochs": 2, "random_state": 0}
LEARNING = {
    "classifier": {"units": 4, "epochs": 12, "learning_rate": 0.1},
    "regressor": {"units": 8, "epochs": 60, "learning_rate": 0.03},
}
"""With which they learn the data of scikit-learn's checks in little time."""
ESTIMATORS = {"classifier": (LSTMClassifier, LABELS), "regressor": (LSTMRegressor, SUMS)}
both = pytest.mark.parametrize("kind", ESTIMATORS)


def made(kind, **options):
    estimator, y = ESTIMATORS[kind]
    return estimator(**{**QUICK, **options}), y


def bits(estimator, x=X):
    """Return all that an estimator has learned."""
    found = [weight.tobytes() for weight in estimator.model_.get_weights()]
    return [*found, estimator.predict(x).tolist(), estimator.history_["loss"]]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those that the checks provoke
@both
def test_the_checks_of_scikit_learn(kind):
    """All of them; that weights are as repeated rows to 1e-7 needs float64 and all rows in a batch."""
    estimator, _ = made(kind, **LEARNING[kind], random_state=None, dtype="float64", batch_size=60)
    done = check_estimator(estimator, on_skip=None)
    assert len(done) >= 55
    assert sum(one["status"] == "passed" for one in done) >= len(done) - 3  # without pandas


@both
def test_tables_and_arrays_are_the_same_sequences(kind):
    estimator, y = made(kind)
    wanted = bits(clone(estimator).fit(X, y))
    of_table = clone(estimator).set_params(features_per_step=FEATURES).fit(TABLE, y)
    assert bits(of_table, TABLE) == wanted
    assert (of_table.n_features_in_, estimator.fit(list(X), y).n_features_in_) == (10, 2)
    assert bits(estimator) == wanted


@both
def test_rows_of_any_lengths(kind):
    """Each is read to its end and no further, with the bits that it has alone."""
    estimator, y = made(kind)
    estimator.fit(RAGGED, y)
    found = estimator.predict(RAGGED)
    np.testing.assert_array_equal(found, [estimator.predict(row[None])[0] for row in RAGGED])
    changed = [np.concatenate([row, 0 * row[:1]]) for row in RAGGED]
    weights = [w.tobytes() for w in clone(estimator).fit(changed, y).model_.get_weights()]
    assert weights != bits(estimator, RAGGED)[: len(weights)], "a step of zeros is a step"
    single = [row[:, 0] for row in RAGGED]
    objects = np.empty(ROWS, object)
    objects[:] = single
    found = estimator.fit(single, y).predict(single)
    np.testing.assert_array_equal(estimator.predict(objects), found)
    np.testing.assert_array_equal(estimator.predict(objects[::4]), found[::4], "rows that happen to be equally long")


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_networks(cell):
    more = {"layers": 2, "bidirectional": True, "dropout": 0.2, "recurrent_dropout": 0.1, "loss": "mae"}
    regressor = LSTMRegressor(**QUICK, cell=cell, optimizer="rmsprop", learning_rate=0.01, **more).fit(X, SUMS)
    kinds = [type(layer).__name__ for layer in regressor.model_.layers]
    assert kinds == ["Masking", "Bidirectional", "Bidirectional", "Dense"]
    assert type(regressor.model_.layers[1].forward_layer).__name__.lower() in (cell, "simplernn")
    assert float(regressor.model_.optimizer.learning_rate) == pytest.approx(0.01)
    assert bits(clone(regressor).fit(X, SUMS)) == bits(regressor)


def test_a_classifier_learns_and_gives_probabilities():
    classifier = LSTMClassifier(8, epochs=40, learning_rate=0.03, random_state=0).fit(X, LABELS)
    assert classifier.score(X, LABELS) > 0.9
    shares = classifier.predict_proba(X)
    assert classifier.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)  # in float64, of what is float32
    np.testing.assert_array_equal(classifier.predict(X), classifier.classes_[shares.argmax(axis=1)])


@both
def test_a_stream_answers_after_every_step(kind):
    estimator, y = made(kind)
    estimator.fit(X, y)
    stream = estimator.stream(ROWS)
    for t in range(STEPS):
        found = stream.step(X[:, t].astype("float32"))
        np.testing.assert_array_equal(found, estimator.model_.predict(X[:, : t + 1], verbose=0))


def test_rows_of_several_numbers():
    y = X[:, -1]
    regressor = LSTMRegressor(8, epochs=80, learning_rate=0.03, random_state=0).fit(X, y)
    assert regressor.predict(X).shape == y.shape
    assert regressor.score(X, y) > 0.8


@both
def test_weights_of_rows(kind):
    """As many rows as a weight says, to rounding; weights of 0 take rows out, whatever their labels are."""
    estimator, y = made(kind, dtype="float64", batch_size=100)
    weights = np.arange(ROWS) % 3
    found = clone(estimator).fit(X, y, weights).model_.predict(X, verbose=0)
    repeated = clone(estimator).fit(X.repeat(weights, axis=0), y.repeat(weights)).model_.predict(X, verbose=0)
    np.testing.assert_allclose(found, repeated, rtol=1e-9)  # sums in another order, and two steps of Adam
    with pytest.raises(ValueError, match=r"[Ww]eight.*zero"):
        estimator.fit(X, y, np.zeros(ROWS))


@both
def test_early_stopping(kind):
    estimator, y = made(kind, epochs=50, early_stopping=True, n_iter_no_change=2, tol=0.5, validation_fraction=0.25)
    estimator.fit(X, y, np.linspace(1, 2, ROWS))
    assert len(estimator.history_["val_loss"]) == estimator.n_iter_ < 10
    assert bits(clone(estimator).fit(X, y, np.linspace(1, 2, ROWS))) == bits(estimator)


@both
def test_parts_of_the_rows(kind):
    """Training goes on with each; a copy goes on as the estimator does, with the same order of rows."""
    estimator, y = made(kind, dropout=0.3, batch_size=3)
    first = {"classes": np.unique(y)} if kind == "classifier" else {}
    estimator.partial_fit(X[:8], y[:8], **first).partial_fit(X[8:16], y[8:16])
    copies = [copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator))]
    wanted = bits(estimator.partial_fit(X[16:], y[16:]))
    assert [bits(one.partial_fit(X[16:], y[16:])) for one in copies] == 2 * [wanted]
    assert (estimator.n_iter_, len(wanted[-1])) == (3, 3)


@both
def test_fits_in_parallel_threads(kind):
    def fitted(seed):
        estimator, y = made(kind, dropout=0.3, random_state=seed)
        return bits(estimator.fit(X, y))

    alone = [fitted(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fitted, range(4))) == alone
    assert alone[0] != alone[1]


def test_where_random_numbers_come_from():
    np.random.seed(3)  # noqa: NPY002 - which scikit-learn takes where there is no random_state
    found = [bits(LSTMRegressor(3, epochs=1).fit(X, SUMS)) for _ in range(2)]
    np.random.seed(3)  # noqa: NPY002
    assert bits(LSTMRegressor(3, epochs=1).fit(X, SUMS)) == found[0] != found[1]
    given = LSTMRegressor(3, epochs=1, random_state=np.random.RandomState(5))
    assert bits(given.fit(X, SUMS)) != bits(given.fit(X, SUMS))


def test_pipelines_and_cross_validation():
    pipeline = make_pipeline(StandardScaler(), LSTMClassifier(**QUICK, features_per_step=2))
    scores = cross_val_score(pipeline, TABLE, LABELS, cv=2)
    np.testing.assert_array_equal(scores, cross_val_score(pipeline, TABLE, LABELS, cv=2))
    pipeline.fit(TABLE, LABELS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pipeline)).predict(TABLE), pipeline.predict(TABLE))


GRID = {"units": [2, 3], "dropout": [0.0, 0.4]}


def searched(backend):
    search = GridSearchCV(LSTMRegressor(**QUICK), GRID, cv=2, n_jobs=2)
    with parallel_config(backend):
        search.fit(X, SUMS)
    return search.cv_results_["mean_test_score"].tolist(), search.best_params_


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_search_finds_the_same_on_every_backend():
    wanted = searched("sequential")
    assert searched("threading") == wanted
    assert searched("loky") == wanted


def test_names_of_columns():
    pandas = pytest.importorskip("pandas")
    columns = [f"{step}{feature}" for step in range(STEPS) for feature in "xy"]
    table = pandas.DataFrame(TABLE, columns=columns)
    regressor = LSTMRegressor(**QUICK, features_per_step=2).fit(table, SUMS)
    assert regressor.feature_names_in_.tolist() == columns
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(table.rename(columns={"0x": "other"}))


ERRORS = {
    r"X must have steps of 3 columns, as features_per_step says, got 10": lambda: LSTMRegressor(
        features_per_step=3
    ).fit(TABLE, SUMS),
    r"X\[1\] must have shape \(T,\) or \(T, features\), got": lambda: LSTMRegressor().fit([X[0], X[:2]], SUMS[:2]),
    "X must have rows with the same number of features, got": lambda: LSTMRegressor().fit(
        [X[0], X[1, :2, :1]], SUMS[:2]
    ),
    r"X must have shape \(N, T, 2\), got": lambda: LSTMRegressor(**QUICK).fit(X, SUMS).predict(X[..., :1]),
    "y must have two classes or more, got 1 class": lambda: LSTMClassifier().fit(X, ROWS * ["a"]),
    "y must be given": lambda: LSTMClassifier().fit(X, None),
    r"y must have labels among \['a', 'b'\], got \['c'\]": lambda: LSTMClassifier(**QUICK).partial_fit(
        X, LABELS, ["a", "b"]
    ),
    r"classes must be given at the first call of partial_fit\(\)": lambda: LSTMClassifier().partial_fit(X, LABELS),
    r"early_stopping must be False in partial_fit\(\)": lambda: LSTMRegressor(early_stopping=True).partial_fit(X, SUMS),
    r"y must have shape \(N, 2\), got": lambda: LSTMRegressor(**QUICK).fit(X, X[:, 0]).partial_fit(X, SUMS),
    "cell must be 'lstm', 'gru' or 'rnn', got 'cnn'": lambda: LSTMRegressor(cell="cnn").fit(X, SUMS),
    "layers must be a whole number from 1": lambda: LSTMRegressor(layers=0).fit(X, SUMS),
    "epochs must be a whole number from 1": lambda: LSTMRegressor(epochs=0).fit(X, SUMS),
    "learning_rate must be": lambda: LSTMRegressor(learning_rate=0).fit(X, SUMS),
    "Input X.* contains NaN": lambda: LSTMRegressor().fit([X[0], np.full((2, 2), np.nan)], SUMS[:2]),
    "X must have series of at least 5 steps, got 4": lambda: LSTMForecaster(window=4).fit(SERIES[:4]),
    r"X must have shape \(T, 1\), got": lambda: LSTMForecaster(REGRESSOR, window=4).fit(SERIES).predict(X[0]),
    "window must be a whole number": lambda: LSTMForecaster(window=0).fit(SERIES),
    "steps must be a whole number": lambda: LSTMForecaster(REGRESSOR, window=4).fit(SERIES).predict(steps=0),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors(message):
    with pytest.raises(ValueError, match=message):
        ERRORS[message]()


def test_the_example_with_optuna(capsys):
    pytest.importorskip("optuna").logging.set_verbosity(40)
    from choose_with_optuna import main

    assert main(["--trials", "2", "--epochs", "1"]) > 1 / 9
    assert "in cross-validation" in capsys.readouterr().out


# --- Forecasts --------------------------------------------------------------------------------------------------------

SERIES = 50 + 10 * np.sin(np.arange(120) / 3)
REGRESSOR = LSTMRegressor(8, epochs=15, learning_rate=0.03, random_state=0)


def test_a_forecast_goes_on_as_the_series_does():
    forecaster = LSTMForecaster(REGRESSOR, window=12, horizon=3).fit(SERIES[:100])
    np.testing.assert_allclose(forecaster.predict(), SERIES[100:103], atol=3)  # of 20 from top to bottom
    np.testing.assert_allclose(forecaster.predict(SERIES[:110], steps=7), SERIES[110:117], atol=5)
    np.testing.assert_array_equal(forecaster.predict(steps=3), forecaster.predict(SERIES[88:100]))
    assert forecaster.score(SERIES) > 0.9


def test_forecasts_of_several_series_with_channels():
    pair = np.stack([SERIES, 3 * SERIES[::-1]], axis=1)
    forecaster = LSTMForecaster(REGRESSOR, window=6, horizon=2).fit([pair[:60], pair[60:100]])
    found = forecaster.predict([pair[:50], pair[:40]], steps=5)
    assert [one.shape for one in found] == [(5, 2), (5, 2)]
    np.testing.assert_array_equal(found[0], forecaster.predict(pair[:50], steps=5))
    assert forecaster.n_features_in_ == 2


def test_arguments_of_a_forecaster_are_searched_for():
    search = GridSearchCV(
        LSTMForecaster(LSTMRegressor(**QUICK), window=4), {"regressor__units": [2, 3]}, cv=TimeSeriesSplit(2)
    )
    search.fit(SERIES)
    assert search.best_params_["regressor__units"] in (2, 3)
    unscaled = LSTMForecaster(LSTMRegressor(**QUICK), window=4, scale=False).fit(SERIES)
    assert abs(unscaled.predict()[0] - 50) > 20, "such a network gives small numbers"
