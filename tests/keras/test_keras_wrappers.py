"""Estimators of scikit-learn around a function that builds a model, as Keras 2 had them."""

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.keras import Input, Sequential, layers
from fastlstm.keras.wrappers.scikit_learn import KerasClassifier, KerasRegressor

STEPS, ROWS = 5, 12


def classifier_net(units=4, loss="sparse_categorical_crossentropy", outputs=3, accuracy=True):
    keras.utils.set_random_seed(1)
    last = layers.Dense(outputs, activation="sigmoid" if outputs == 1 else "softmax")
    model = Sequential([Input((STEPS, 2)), layers.LSTM(units), last])
    model.compile("adam", loss, metrics=["accuracy"] if accuracy else [])
    return model


def regressor_net(units=4):
    keras.utils.set_random_seed(1)
    model = Sequential([Input((STEPS, 2)), layers.LSTM(units), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((ROWS, STEPS, 2))


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", "categorical_crossentropy", keras.losses.CategoricalCrossentropy()]
)
def test_a_classifier_is_the_model_with_labels_of_any_kind(x, loss):
    labels = np.array(["b", "a", "c"])[np.arange(ROWS) % 3]
    numbers = np.array([1, 0, 2])[np.arange(ROWS) % 3]
    classifier = KerasClassifier(classifier_net, units=5, loss=loss, epochs=3, batch_size=4, shuffle=False, verbose=0)
    history = classifier.fit(x, labels)
    model = classifier_net(units=5)
    wanted = model.fit(x, numbers, epochs=3, batch_size=4, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], wanted.history["loss"], rtol=1e-6)
    assert (classifier.classes_.tolist(), classifier.n_classes_) == (["a", "b", "c"], 3)
    shares = model.predict(x, verbose=0)
    np.testing.assert_allclose(classifier.predict_proba(x), shares, rtol=1e-5)
    np.testing.assert_array_equal(classifier.predict(x), np.array(["a", "b", "c"])[shares.argmax(axis=1)])
    assert classifier.score(x, labels) == pytest.approx(np.mean(shares.argmax(axis=1) == numbers))


def test_one_output_is_the_share_of_the_second_class(x):
    labels = np.arange(ROWS) % 2 == 1
    classifier = KerasClassifier(classifier_net, loss="binary_crossentropy", outputs=1, epochs=1, verbose=0)
    classifier.fit(x, labels)
    shares = classifier.predict_proba(x)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(shares[:, 1:], classifier.model.predict(x, verbose=0))
    np.testing.assert_array_equal(classifier.predict(x), shares[:, 1] > 0.5)


def test_one_hot_labels(x):
    classifier = KerasClassifier(classifier_net, loss="categorical_crossentropy", epochs=1, verbose=0)
    classifier.fit(x, np.eye(3)[np.arange(ROWS) % 3])
    assert classifier.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"y must have shape \(N,\), \(N, 1\) or \(N, classes\), got \(12, 2, 2\)"):
        classifier.fit(x, np.zeros((ROWS, 2, 2)))


def test_a_regressor(x):
    y = x[:, -1, 0]
    regressor = KerasRegressor(regressor_net, epochs=2, shuffle=False, verbose=0)
    regressor.fit(x, y)
    model = regressor_net()
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(regressor.predict(x), model.predict(x, verbose=0)[:, 0], rtol=1e-5)
    assert regressor.score(x, y) == pytest.approx(-model.evaluate(x, y, verbose=0), rel=1e-5)


def test_arguments_are_those_of_the_function_and_of_the_model():
    regressor = KerasRegressor(regressor_net, units=3)
    assert regressor.get_params() == {"units": 3, "build_fn": regressor_net}
    assert regressor.set_params(units=5, epochs=2) is regressor
    assert regressor.get_params(deep=False) == {"units": 5, "epochs": 2, "build_fn": regressor_net}
    for wrong in (lambda: KerasRegressor(regressor_net, unit=3), lambda: regressor.set_params(unit=3)):
        with pytest.raises(ValueError, match=r"KerasRegressor: argument must be 'batch_size', .* got 'unit'"):
            wrong()
    with pytest.raises(TypeError, match="KerasClassifier: build_fn must be a function that gives a model, got None"):
        KerasClassifier()


def test_old_arguments_are_translated(x):
    with pytest.warns(DeprecationWarning, match="nb_epoch"):
        history = KerasRegressor(regressor_net, nb_epoch=2, verbose=0).fit(x, x[:, 0, 0])
    assert len(history.history["loss"]) == 2


def test_a_subclass_builds_itself(x):
    class Own(KerasRegressor):
        def __call__(self, units=2):
            return regressor_net(units)

    own = Own(units=3, verbose=0)
    own.fit(x, x[:, 0, 0])
    assert own.model.layers[0].units == 3


def test_a_score_needs_the_metric(x):
    classifier = KerasClassifier(classifier_net, accuracy=False, verbose=0)
    classifier.fit(x, np.arange(ROWS) % 3)
    with pytest.raises(ValueError, match=r"the model must be compiled with metrics=\['accuracy'\], got metrics"):
        classifier.score(x, np.arange(ROWS) % 3)


def test_scikit_learn_takes_them(x):
    selection = pytest.importorskip("sklearn.model_selection")
    base = pytest.importorskip("sklearn.base")
    classifier = KerasClassifier(classifier_net, epochs=1, verbose=0)
    assert base.is_classifier(classifier)
    assert base.is_regressor(KerasRegressor(regressor_net))
    assert base.clone(classifier).get_params() == classifier.get_params()
    scores = selection.cross_val_score(classifier, x, np.arange(ROWS) % 3, cv=selection.StratifiedKFold(2))
    assert scores.shape == (2,)
    search = selection.GridSearchCV(classifier, {"units": [2, 3], "epochs": [1]}, cv=2, refit=False)
    assert search.fit(x, np.arange(ROWS) % 3).best_params_["units"] in (2, 3)
