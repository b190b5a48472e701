"""Runs of one model inside one another or at once: each has loss and metrics of its own."""

import copy
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, callbacks, initializers, layers, metrics, utils

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5, 3)).astype("float32"), RNG.normal(size=(40, 1)).astype("float32")


class Seen(metrics.Metric):
    """A metric of a user's own, which gathers labels in a list that is emptied in place."""

    def __init__(self):
        super().__init__("seen")
        self.labels = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.labels += y_true[:, 0].tolist()

    def result(self):
        return float(np.sum(self.labels))

    def reset_state(self):
        self.labels.clear()


def make(*own):
    utils.set_random_seed(1)
    net = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    net.compile("sgd", "mse", metrics=["mae", Seen(), *own], weighted_metrics=["mse"])
    return net


def history(*hooks, **options):
    net = make()
    arguments = {"batch_size": 10, "epochs": 2, "shuffle": False, "verbose": 0, "validation_data": (X[:7], Y[:7])}
    return net.fit(X, Y, callbacks=list(hooks), **arguments | options).history


OTHER = X + 5, Y + 100
RUNS = {
    "evaluate": lambda net: net.evaluate(*OTHER, batch_size=7, verbose=0),
    "test_on_batch": lambda net: net.test_on_batch(*OTHER),
    "train_on_batch": lambda net: copy.deepcopy(net).train_on_batch(*OTHER),
    "predict": lambda net: net.predict(OTHER[0], batch_size=7, verbose=0),
    "reset_metrics": lambda net: net.reset_metrics(),
    "a thread": lambda net: in_thread(lambda: net.evaluate(*OTHER, verbose=0)),
    "a copy": lambda net: pickle.loads(pickle.dumps(net)).evaluate(*OTHER, verbose=0),
}


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_test_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("name", RUNS)
def test_a_run_in_a_callback_leaves_the_history_as_it_is(name, hook):
    inside = []

    class Inner(callbacks.Callback):
        def run(self, *_):
            if not inside:  # the inner runs have no callbacks, but the validations call this one too
                inside.append(True)
                RUNS[name](self.model)
                inside.clear()

    setattr(Inner, hook, Inner.run)
    assert history(Inner()) == history()


def test_the_inner_run_gives_its_own_numbers():
    found = []

    class Inner(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            twin = copy.deepcopy(self.model)
            found.append((self.model.evaluate(X, Y, verbose=0), twin.evaluate(X, Y, verbose=0)))

    history(Inner())
    assert len(found) == 8
    assert all(inner == alone for inner, alone in found)


def test_evaluations_at_once_give_the_numbers_of_one():
    net = make()
    wanted = net.evaluate(X, Y, batch_size=3, verbose=0)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: net.evaluate(X, Y, batch_size=3, verbose=0), range(32)))
    assert found == [wanted] * 32


class Slow(initializers.Initializer):
    """Takes its time, so that other threads come while a layer is being built."""

    def __call__(self, shape, dtype=None):
        time.sleep(0.05)
        return np.ones(shape, dtype)


def test_first_data_from_several_threads_build_the_model_once():
    net = Sequential([layers.LSTM(4, kernel_initializer=Slow()), layers.Dense(1, kernel_initializer=Slow())])
    net.compile("sgd", "mse", metrics=["mae"])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: net.evaluate(X, Y, verbose=0), range(4)))
    assert [w.shape for w in net.get_weights()] == [(3, 16), (4, 16), (16,), (4, 1), (1,)]
    assert [w.path.count(net.name) for w in net.weights] == [1] * 5
    assert found == [found[0]] * 4


def test_first_calls_of_a_layer_from_several_threads_build_it_once():
    layer = layers.Dense(2, kernel_initializer=Slow())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: layer(X), range(4)))
    assert len(layer.get_weights()) == 2


def test_metrics_hold_what_the_last_run_found():
    own = Seen()
    net = make(own)
    net.evaluate(X[:5], Y[:5], verbose=0)
    np.testing.assert_array_equal(own.labels, Y[:5, 0])
    net.fit(X, Y, shuffle=False, verbose=0)
    np.testing.assert_array_equal(own.labels, Y[:, 0])
    loss, compiled = net.metrics
    assert own in compiled.metrics
    assert (loss.name, compiled.name) == ("loss", "compile_metrics")
    assert loss.result() == pytest.approx(net.history.history["loss"][-1], rel=1e-12)
    net.reset_metrics()
    assert own.labels == []


def test_one_metric_in_two_models_and_places():
    own = metrics.MeanAbsoluteError()
    one, two = make(own), make(own)
    two.compile("sgd", "mse", metrics=[own], weighted_metrics=[own])
    weights = np.arange(40.0)

    class Inner(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            two.evaluate(X, -Y, verbose=0)

    _, mae, *_, again, _ = one.evaluate(X, Y, batch_size=7, verbose=0, callbacks=[Inner()])
    assert again == mae
    errors = abs(two.predict(X, verbose=0) - Y)[:, 0]
    _, plain, weighted = two.evaluate(X, Y, sample_weight=weights, verbose=0)
    # Means of 40 float32 numbers of order one.
    assert (plain, weighted) == pytest.approx((errors.mean(), (errors * weights).sum() / weights.sum()), rel=1e-5)


def test_a_metric_that_knows_its_model_is_not_a_copy_of_it():
    class Weights(metrics.Metric):
        model = None

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total = float(self.model.get_weights()[-1][0])
            self.count = 1

    own = Weights()
    net = make(own)
    own.model = net
    net.compile("sgd", "mse", metrics=[own])
    net.layers[-1].bias.assign([0.5])
    assert net.evaluate(X, Y, verbose=0)[1] == 0.5


def test_callbacks_of_predict_see_the_weights_they_set():
    """The batches go by the weights of the start, but what a callback asks goes by those of then."""
    net = make()
    wanted, seen = net.predict(X, batch_size=10, verbose=0), []

    class Change(callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            net.set_weights([w + 1 for w in net.get_weights()])
            seen.append(net.predict_on_batch(X[:2])[0, 0])

    np.testing.assert_array_equal(net.predict(X, batch_size=10, verbose=0, callbacks=[Change()]), wanted)
    assert len(set(seen)) == 4


def test_a_metric_may_keep_what_it_is_given():
    """Labels and weights of a batch are not overwritten by the next one."""

    class Kept(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            kept.append((y_true, y_pred, sample_weight))

    kept, weights = [], np.arange(40.0)
    net = make()
    net.compile("sgd", "mse", weighted_metrics=[Kept()])
    net.fit(X, weights[:, None], sample_weight=weights, batch_size=16, verbose=0)
    labels, outputs, given = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    np.testing.assert_array_equal(labels[:, 0], given)
    np.testing.assert_array_equal(np.sort(given), weights)
    assert len(np.unique(outputs)) == 40


@pytest.mark.parametrize(
    ("plain", "weighted", "name"), [(["loss"], [], "loss"), ([], ["loss"], "loss"), (["m", "m", "m_1"], [], "m_1")]
)
def test_a_metric_that_would_hide_another_number_is_refused(plain, weighted, name):
    net = make()
    named = [[metrics.MeanAbsoluteError(name=n) for n in names] for names in (plain, weighted)]
    net.compile("sgd", "mse", metrics=named[0], weighted_metrics=named[1])
    with pytest.raises(
        ValueError, match=f"metrics must have new names, got '{name}', which stands for something else already"
    ):
        net.evaluate(X, Y, verbose=0)


def epochs_of(net, *hooks):
    return len(net.fit(X, Y, epochs=3, batch_size=20, verbose=0, callbacks=list(hooks)).epoch)


def stop(epoch):
    hook = callbacks.Callback()
    hook.on_epoch_end = lambda at, logs: setattr(hook.model, "stop_training", at == epoch)
    return hook


def test_a_fit_that_stops_inside_another_stops_alone():
    net, inner = make(), []
    hook = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: inner.append(epochs_of(net, stop(1))))
    assert epochs_of(net, hook) == 3
    assert inner == [2, 2, 2]


def test_a_fit_that_starts_inside_another_does_not_keep_it_going():
    net = make()
    hook = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs_of(net))
    assert epochs_of(net, stop(0), hook) == 1
    assert net.stop_training
    assert epochs_of(net) == 3
    assert not net.stop_training


def test_a_fit_in_another_thread_is_stopped_from_here():
    net, started = make(), threading.Event()
    hook = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: started.set())
    options = {"epochs": 10**6, "verbose": 0, "callbacks": [hook]}
    thread = threading.Thread(target=lambda: net.fit(X, Y, **options), daemon=True)
    thread.start()
    assert started.wait(20)
    assert copy.deepcopy(net).stop_training is False
    net.stop_training = True
    thread.join(20)
    assert not thread.is_alive()
