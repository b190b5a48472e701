"""Sequential: fit, evaluate, predict, weights of samples and classes, validation, streams of batches."""

import os
import signal
from itertools import chain

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, callbacks, layers, losses, metrics, optimizers, utils

# One float32 step of a tiny model; sums of at most a few hundred terms of order one.
FLOAT32 = 2e-6


def classifier(**compile_arguments):
    net = Sequential([Input((5, 3)), layers.LSTM(6), layers.Dense(4, activation="softmax")])
    net.compile(**{"loss": "categorical_crossentropy", "optimizer": "sgd"} | compile_arguments)
    return net


def same_start(make, *others):
    models = [make(), *(other() for other in others)]
    for model in models[1:]:
        model.set_weights(models[0].get_weights())
    return models


def assert_same_weights(a, b, atol=0.0):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=atol)


def test_one_step_is_gradient_descent(data, central_differences):
    x, y = data[0][:6].astype(float), data[1][:6].astype(float)
    model = Sequential([Input((5, 3)), layers.LSTM(2, dtype="float64"), layers.Dense(4, "softmax", dtype="float64")])
    model.compile(loss="categorical_crossentropy", optimizer=optimizers.SGD(1.0))
    start = model.get_weights()

    def loss(kernel):
        model.layers[1].kernel.assign(kernel)
        p = model.predict(x, verbose=0)
        return float(-(y * np.log(p)).sum(1).mean())

    slope = central_differences(loss, start[3])
    model.set_weights(start)
    model.fit(x, y, verbose=0)
    np.testing.assert_allclose(start[3] - model.get_weights()[3], slope, atol=1e-7)


def test_fit_learns(data):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6, 2)).astype(np.float32)
    y = (x[:, :, 0].sum(1) > 0).astype(int)
    model = Sequential([layers.LSTM(12), layers.Dense(2, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizers.Adam(0.02), metrics=["accuracy"])
    history = model.fit(x, y, epochs=12, verbose=0, validation_split=0.2)
    # Chance is 0.5; the sum's sign is learned to well over 0.9 from any start.
    assert history.history["val_accuracy"][-1] > 0.85
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


def test_history(model, data):
    history = model.fit(*data, epochs=3, verbose=0, validation_data=data)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(len(values) == 3 and all(type(v) is float for v in values) for values in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 3}
    assert history.model is model
    assert model.history is history
    again = model.fit(*data, epochs=5, initial_epoch=3, verbose=0)
    assert again.epoch == [3, 4]
    assert again is not history


def test_epoch_loss_is_the_mean_over_rows(data):
    model = classifier(optimizer=optimizers.SGD(0.0), metrics=["accuracy"])
    history = model.fit(*data, batch_size=32, verbose=0)
    loss, accuracy = model.evaluate(*data, batch_size=9, verbose=0)
    assert history.history["loss"] == pytest.approx([loss], abs=FLOAT32)
    assert history.history["accuracy"] == pytest.approx([accuracy])
    p = model.predict(data[0], verbose=0)
    assert loss == pytest.approx(float(-np.log(p[data[1] == 1]).mean()), abs=FLOAT32)
    assert accuracy == np.mean(p.argmax(1) == data[1].argmax(1))


def test_shuffling_repeats_with_the_seed(data):
    results = []
    for seed in (1, 1, 2):
        utils.set_random_seed(seed)
        model = classifier()
        model.fit(*data, epochs=2, verbose=0)
        results.append(model.get_weights()[0])
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_shuffled_batches_take_every_row_once_an_epoch():
    seen = []
    x = np.arange(10, dtype=np.float32)[:, None]

    class Seen(losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            seen.append(y_true[:, 0].astype(int).tolist())
            return super().call(y_true, y_pred)

    model = Sequential([Input((1,)), layers.Dense(1)])
    model.compile(loss=Seen(), optimizer=optimizers.SGD(0.0))
    model.fit(x, x, batch_size=4, epochs=2, verbose=0)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = list(chain(*seen[:3])), list(chain(*seen[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    seen.clear()
    model.fit(x[::-1], x[::-1], batch_size=4, shuffle=False, verbose=0)
    assert list(chain(*seen)) == list(range(9, -1, -1))


def test_sample_weight_of_two_is_a_row_twice(data):
    x, y = data[0][:4], data[1][:4]
    one, two = same_start(classifier, classifier)
    # The weighted sum is divided by the four rows, that of the repeated ones by five.
    one.compile(loss="categorical_crossentropy", optimizer=optimizers.SGD(0.1))
    two.compile(loss="categorical_crossentropy", optimizer=optimizers.SGD(0.1 * 5 / 4))
    one.fit(x, y, sample_weight=[1, 1, 2, 1], verbose=0)
    two.fit(np.concatenate([x, x[2:3]]), np.concatenate([y, y[2:3]]), verbose=0)
    assert_same_weights(one, two, FLOAT32)


def test_class_weight_is_the_sample_weight_of_the_class(data):
    x, y = data
    numbers = y.argmax(1)
    weights = {0: 2.0, 2: 0.5}
    one, two = same_start(classifier, classifier)
    one.fit(x, y, class_weight=weights, shuffle=False, verbose=0)
    two.fit(x, y, sample_weight=[weights.get(n, 1.0) for n in numbers], shuffle=False, verbose=0)
    assert_same_weights(one, two)


def test_classes_do_not_weigh_in_validation(data):
    model = classifier(optimizer=optimizers.SGD(0.0))
    history = model.fit(*data, class_weight=dict.fromkeys(range(4), 3.0), validation_split=0.5, verbose=0)
    plain = model.evaluate(data[0][35:], data[1][35:], verbose=0)
    assert history.history["val_loss"] == pytest.approx([plain], abs=FLOAT32)


def test_step_weights(data):
    x = data[0]
    y = np.repeat(data[1][:, None], 5, axis=1)
    weights = np.zeros((70, 5), np.float32)
    weights[:, 2] = 1
    model = Sequential([Input((5, 3)), layers.LSTM(4, return_sequences=True), layers.Dense(4, activation="softmax")])
    model.compile(loss="categorical_crossentropy", optimizer="sgd", weighted_metrics=["accuracy"])
    loss, accuracy = model.evaluate(x, y, sample_weight=weights, verbose=0)
    p = model.predict(x, verbose=0)[:, 2]
    assert loss == pytest.approx(float(-np.log(p[data[1] == 1]).sum() / (70 * 5)), abs=FLOAT32)
    assert accuracy == pytest.approx(np.mean(p.argmax(1) == data[1].argmax(1)))
    assert model.metrics_names == ["loss", "accuracy"]


def test_metrics_are_plain_and_weighted(data):
    model = classifier(metrics=["accuracy", "mse"], weighted_metrics=["accuracy"])
    logs = model.evaluate(*data, sample_weight=np.r_[np.ones(35), np.zeros(35)], verbose=0, return_dict=True)
    p = model.predict(data[0], verbose=0)
    right = p.argmax(1) == data[1].argmax(1)
    assert list(logs) == ["accuracy", "loss", "mse", "weighted_accuracy"]
    assert logs["accuracy"] == pytest.approx(right.mean())
    assert logs["weighted_accuracy"] == pytest.approx(right[:35].mean())
    assert logs["mse"] == pytest.approx(float(((p - data[1]) ** 2).mean()), abs=FLOAT32)


def test_metric_functions_and_instances(data):
    def highest(y_true, y_pred):
        return y_pred.max(-1)

    model = classifier(metrics=[highest, metrics.TopKCategoricalAccuracy(k=4, name="top4")])
    logs = model.evaluate(*data, verbose=0, return_dict=True)
    assert logs["top4"] == 1.0
    assert logs["highest"] == pytest.approx(model.predict(data[0], verbose=0).max(1).mean(), abs=FLOAT32)


def test_loss_of_ones_own(data):
    class Cubic(losses.Loss):
        def call(self, y_true, y_pred):
            return (np.abs(y_pred - y_true) ** 3).mean(-1)

        def gradient(self, y_true, y_pred):
            difference = y_pred - y_true
            return 3 * difference * np.abs(difference) / difference.shape[-1]

    model = classifier(loss=Cubic(), optimizer=optimizers.Adam(0.05))
    history = model.fit(*data, epochs=10, verbose=0)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]


def test_validation_split_takes_the_last_rows(data):
    x, y = data
    one, two = same_start(classifier, classifier)
    first = one.fit(x, y, validation_split=0.3, shuffle=False, verbose=0)
    second = two.fit(x[:49], y[:49], validation_data=(x[49:], y[49:]), shuffle=False, verbose=0)
    assert first.history == second.history
    assert_same_weights(one, two)


def test_validation_frequency(model, data):
    history = model.fit(*data, epochs=5, validation_data=data, validation_freq=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    history = model.fit(*data, epochs=5, validation_data=data, validation_freq=[1, 5, 4], verbose=0)
    assert len(history.history["val_loss"]) == 3


def test_streams_of_batches(data):
    x, y = data
    one, two = same_start(classifier, classifier)

    def batches():
        while True:
            for i in range(0, 64, 16):
                yield x[i : i + 16], y[i : i + 16]

    history = one.fit(batches(), steps_per_epoch=4, epochs=3, validation_data=batches(), validation_steps=2, verbose=0)
    two.fit(x[:64], y[:64], batch_size=16, epochs=3, shuffle=False, verbose=0)
    assert_same_weights(one, two)
    assert len(history.history["val_loss"]) == 3
    np.testing.assert_array_equal(
        one.predict((x[i : i + 7] for i in range(0, 70, 7)), verbose=0), one.predict(x, batch_size=7, verbose=0)
    )


def test_a_stream_that_ends_stops_the_training_with_a_warning(model, data):
    x, y = data
    with pytest.warns(UserWarning, match="the data ended after 0 batches of this epoch"):
        history = model.fit(iter([(x, y)]), epochs=3, verbose=0)
    assert len(history.epoch) == 2


def test_steps_per_epoch_goes_on_through_arrays(data):
    seen = []
    model = classifier()
    seen_batches = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model.fit(*data, batch_size=20, steps_per_epoch=3, epochs=2, callbacks=[seen_batches], verbose=0)
    assert seen == [0, 1, 2, 0, 1, 2]


def test_on_batch_methods(data):
    one, two = same_start(lambda: classifier(metrics=["accuracy"]), classifier)
    x, y = data[0][:8], data[1][:8]
    before = one.test_on_batch(x, y)
    assert one.train_on_batch(x, y) == pytest.approx(before)
    two.fit(x, y, shuffle=False, verbose=0)
    assert_same_weights(one, two)
    assert one.test_on_batch(x, y, return_dict=True)["loss"] < before[0]
    np.testing.assert_array_equal(one.predict_on_batch(x), one.predict(x, verbose=0))


def test_predict_in_batches_is_predict_at_once_to_rounding(data):
    model = classifier()
    np.testing.assert_allclose(
        model.predict(data[0], batch_size=7, verbose=0), model.predict(data[0], batch_size=100, verbose=0), atol=FLOAT32
    )
    assert model.predict(data[0], batch_size=7, steps=2, verbose=0).shape == (14, 4)
    np.testing.assert_allclose(model(data[0]), model.predict(data[0], verbose=0), atol=FLOAT32)


def test_predict_of_no_rows():
    model = classifier()
    assert model.predict(np.zeros((0, 5, 3)), verbose=0).shape == (0, 4)
    sequences = Sequential([Input((5, 3)), layers.SimpleRNN(4, return_sequences=True)])
    assert sequences.predict(np.zeros((0, 5, 3)), verbose=0).shape == (0, 5, 4)


def test_outputs_are_the_callers_own():
    x = np.ones((2, 3), np.float32)
    model = Sequential([Input((3,)), layers.Dropout(0.5)])
    y = model.predict(x, verbose=0)
    y[:] = 5
    assert (x == 1).all()


STRANGE = {
    "fortran": np.asfortranarray,
    "reversed": lambda a: np.ascontiguousarray(a[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "big_endian": lambda a: a.astype(">f4"),
    "masked": lambda a: np.ma.masked_array(a),
    "list": lambda a: a.tolist(),
    "float64": lambda a: a.astype(np.float64),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(np.float32).reshape(a.shape),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_arrays_give_the_same_answers_and_stay_as_they_were(name, data):
    x, y = data
    strange = STRANGE[name](x)
    if isinstance(strange, np.ndarray):
        strange.flags.writeable = False
    one, two = same_start(classifier, classifier)
    np.testing.assert_array_equal(one.predict(strange, verbose=0), two.predict(x, verbose=0))
    utils.set_random_seed(3)
    one.fit(strange, y, verbose=0)
    utils.set_random_seed(3)
    two.fit(x, y, verbose=0)
    assert_same_weights(one, two)
    np.testing.assert_array_equal(np.asarray(strange), x)


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint64", "bool"])
def test_other_numbers_are_cast(dtype, data):
    x = (data[0] > 0).astype(dtype)
    model = classifier()
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x.astype(np.float32), verbose=0))


def test_labels_may_be_narrow_or_flat(data):
    numbers = data[1].argmax(1)
    net = lambda: classifier(loss="sparse_categorical_crossentropy", metrics=["accuracy"])  # noqa: E731
    one, two = same_start(net, net)
    first = one.fit(data[0], numbers.astype(np.int8), shuffle=False, verbose=0)
    second = two.fit(data[0], numbers[:, None].astype(np.float64), shuffle=False, verbose=0)
    assert first.history == second.history
    regression = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    regression.compile(loss="mse", optimizer="sgd")
    flat = regression.evaluate(data[0], numbers, verbose=0)
    assert flat == regression.evaluate(data[0], numbers[:, None], verbose=0)


def test_recompiling_starts_the_optimizer_afresh(data):
    model = classifier(optimizer="adam")
    model.fit(*data, verbose=0)
    assert model.optimizer.iterations == 3
    model.compile(loss="mse", optimizer="adam")
    assert model.optimizer.iterations == 0


def test_untrainable_layers_keep_their_weights(data):
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(4, "softmax")])
    model.layers[0].trainable = False
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    before = model.get_weights()
    model.fit(*data, verbose=0)
    after = model.get_weights()
    for i in range(3):
        np.testing.assert_array_equal(before[i], after[i])
    assert not np.array_equal(before[3], after[3])


def test_built_on_first_data(data):
    model = Sequential([layers.LSTM(4), layers.Dense(4, activation="softmax")])
    assert not model.built
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    model.fit(*data, verbose=0)
    assert model.input_shape == (None, 5, 3)
    other = Sequential([layers.LSTM(4)])
    other.build((None, None, 3))
    assert other.predict(np.zeros((2, 9, 3)), verbose=0).shape == (2, 4)


def test_nan_is_recorded_and_warned_of_once(model, data):
    x = data[0].copy()
    x[40] = np.nan
    with pytest.warns(RuntimeWarning, match="the loss is nan at epoch 1, batch 2") as caught:
        history = model.fit(x, data[1], epochs=2, shuffle=False, verbose=0)
    assert len(caught) == 1
    assert np.isnan(history.history["loss"]).all()


def test_nan_stays_in_its_row(data):
    x = data[0].copy()
    x[1, 2, 0] = np.nan
    y = classifier().predict(x, verbose=0)
    assert np.isnan(y[1]).all()
    assert np.isfinite(np.delete(y, 1, axis=0)).all()


def test_interrupt_leaves_the_last_whole_step(data):
    model = classifier(optimizer="adam")

    class Interrupted(optimizers.Adam):
        def update(self, *arguments):
            super().update(*arguments)
            if self.iterations == 2:
                os.kill(os.getpid(), signal.SIGINT)

    model.compile(loss="categorical_crossentropy", optimizer=Interrupted())
    whole = Sequential([Input((5, 3)), layers.LSTM(6), layers.Dense(4, activation="softmax")])
    whole.set_weights(model.get_weights())
    whole.compile(loss="categorical_crossentropy", optimizer="adam")
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data, batch_size=10, shuffle=False, verbose=0)
    assert model.optimizer.iterations == 3
    assert model.history.epoch == []  # not those of a training before
    whole.fit(data[0][:30], data[1][:30], batch_size=10, shuffle=False, verbose=0)
    assert_same_weights(model, whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    model.fit(*data, verbose=0)


def test_a_raising_callback_propagates_and_the_model_goes_on(model, data):
    def fail(batch, logs):
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        model.fit(*data, callbacks=[callbacks.LambdaCallback(on_train_batch_end=fail)], verbose=0)
    assert len(model.fit(*data, verbose=0).history["loss"]) == 1


ERRORS = {
    "features": (
        lambda m, x, y: m.fit(x[..., :2], y),
        ValueError,
        r"x must have shape \(None, 5, 3\), .*, got \(70, 5, 2\)",
    ),
    "rank": (lambda m, x, y: m.predict(x[0]), ValueError, r"x must have shape \(None, 5, 3\), .*, got \(5, 3\)"),
    "complex": (lambda m, x, y: m.fit(x + 1j, y), TypeError, r"x must be a float array of shape \(None, 5, 3\), got"),
    "text": (lambda m, x, y: m.fit(x.astype(str), y), TypeError, r"x must be .*, got dtype <U"),
    "object": (lambda m, x, y: m.fit(x.astype(object), y), TypeError, r"x must be .*, got dtype object"),
    "none": (lambda m, x, y: m.predict(None), TypeError, r"x must be a float array .*, got None"),
    "ragged": (lambda m, x, y: m.predict([[[1.0]], [[1.0], [2.0]]]), TypeError, r"x must be .* ragged list; pad"),
    "no_labels": (lambda m, x, y: m.fit(x), TypeError, "y must be labels, one a row of x, got None"),
    "label_shape": (
        lambda m, x, y: m.fit(x, y[:, :3]),
        ValueError,
        r"y must have shape \(None, 4\), .*, got \(70, 3\)",
    ),
    "label_numbers": (lambda m, x, y: m.fit(x, y.argmax(1)), ValueError, r"use 'sparse_categorical_crossentropy' or"),
    "rows": (
        lambda m, x, y: m.fit(x, y[:3]),
        ValueError,
        "x, y must have the same number of rows, got 70 in x, 3 in y",
    ),
    "weights_rows": (
        lambda m, x, y: m.fit(x, y, sample_weight=[1.0]),
        ValueError,
        "x, y, sample_weight must .* got .*, 1 in sample_weight",
    ),
    "weights_shape": (
        lambda m, x, y: m.fit(x, y, sample_weight=np.ones((70, 5))),
        ValueError,
        r"sample_weight must have shape \(None,\), got \(70, 5\)",
    ),
    "both_weights": (
        lambda m, x, y: m.fit(x, y, sample_weight=np.ones(70), class_weight={}),
        ValueError,
        "class_weight must come without sample_weight, got both",
    ),
    "class_weight": (
        lambda m, x, y: m.fit(x, y, class_weight=[1]),
        TypeError,
        "class_weight must be a dict from class numbers to weights, got",
    ),
    "empty": (lambda m, x, y: m.fit(x[:0], y[:0]), ValueError, r"x must have at least one row, got shape \(0, 5, 3\)"),
    "empty_evaluate": (lambda m, x, y: m.evaluate(x[:0], y[:0]), ValueError, "x must have at least one row, got"),
    "batch_0": (
        lambda m, x, y: m.fit(x, y, batch_size=0),
        ValueError,
        "batch_size must be a whole number of at least 1, got 0",
    ),
    "batch_-4": (lambda m, x, y: m.predict(x, batch_size=-4), ValueError, "batch_size must be .*got -4"),
    "batch_2.5": (lambda m, x, y: m.evaluate(x, y, batch_size=2.5), TypeError, "batch_size must be .*got 2.5"),
    "epochs": (lambda m, x, y: m.fit(x, y, epochs=1.5), TypeError, "epochs must be .*got 1.5"),
    "split_1": (lambda m, x, y: m.fit(x, y, validation_split=1.0), ValueError, "validation_split must be .*got 1.0"),
    "split_-": (lambda m, x, y: m.fit(x, y, validation_split=-0.1), ValueError, "validation_split must be .*got -0.1"),
    "split_small": (
        lambda m, x, y: m.fit(x[:2], y[:2], validation_split=0.6),
        ValueError,
        "validation_split must leave rows for training .*, which leaves 0 and 2",
    ),
    "validation": (
        lambda m, x, y: m.fit(x, y, validation_data=[x]),
        ValueError,
        r"validation_data: the data must be \(x, y\) .*, got \[an array of shape \(70, 5, 3\)",
    ),
    "verbose": (lambda m, x, y: m.fit(x, y, verbose=3), ValueError, "verbose must be .*got 3"),
    "callback": (
        lambda m, x, y: m.fit(x, y, callbacks=[print]),
        TypeError,
        "callbacks must be keras.callbacks.Callback instances, got <built-in",
    ),
    "loss_name": (
        lambda m, x, y: m.compile(loss="nope"),
        ValueError,
        "loss must be a known name or a Loss, got 'nope'; valid names",
    ),
    "metric_name": (
        lambda m, x, y: m.compile(loss="mse", metrics=["nope"]),
        ValueError,
        "metrics must be known names or Metrics, got 'nope'; valid names",
    ),
    "metric_labels": (
        lambda m, x, y: (
            m.compile(loss="sparse_categorical_crossentropy", metrics=["mae"]),
            m.fit(x, y.argmax(1)),
        ),
        ValueError,
        r"y must have shape \(None, 4\), .*, got \(70,\); loss 'mean_absolute_error'",
    ),
    "optimizer_name": (
        lambda m, x, y: m.compile("nope", loss="mse"),
        ValueError,
        "optimizer must be a known name or an Optimizer, got 'nope'",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name, model, data):
    call, error, message = ERRORS[name]
    before = model.get_weights()
    with pytest.raises(error, match=message):
        call(model, *data)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    model.fit(*data, verbose=0)


@pytest.mark.parametrize(("label", "text"), [(4, "4"), (-1, "-1"), (1.5, "1.5"), (np.nan, "nan")])
def test_labels_out_of_range_are_refused_before_the_first_step(label, text, data):
    model = classifier(loss="sparse_categorical_crossentropy")
    labels = data[1].argmax(1).astype(float)
    labels[3] = label
    with pytest.raises(ValueError, match=f"y must hold whole .*, as the output has 4 classes, got {text} at row 3"):
        model.fit(data[0], labels, batch_size=1)
    assert model.optimizer.iterations == 0


def test_not_ready(data):
    model = Sequential([layers.LSTM(4), layers.Dense(4)])
    with pytest.raises(ValueError, match=r"sequential must be compiled, got .*; call compile"):
        model.fit(*data)
    model.compile(optimizer="adam")
    with pytest.raises(ValueError, match="must be compiled with a loss, got none"):
        model.fit(*data)
    with pytest.raises(ValueError, match="must have weights, got none yet"):
        model.set_weights([])
    with pytest.raises(ValueError, match="input_shape must be known, got None"):
        model.build()
    with pytest.raises(ValueError, match="must have layers, got none"):
        Sequential().predict(data[0])
    with pytest.raises(TypeError, match=r"shape \(batch, time, features\), got None"):
        model.predict(None)


def test_to_categorical():
    np.testing.assert_array_equal(utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
    assert utils.to_categorical([[1], [0]], 4).shape == (2, 4)
    assert utils.to_categorical(np.zeros((2, 3))).shape == (2, 3, 1)
    with pytest.raises(ValueError, match="x must hold class numbers of at least 0, got -1 to 2"):
        utils.to_categorical([-1, 2])


def test_the_whole_package_under_the_name_of_tensorflow():
    import fastlstm as tf

    model = tf.keras.models.Sequential([tf.keras.Input((5, 3)), tf.keras.layers.LSTM(4)])
    assert model.output_shape == (None, 4)
